"""Small linear classifiers over words and vectors, trained by ``eval/training/fit.py``.

A head is multinomial logistic regression: runs of words that occur or not, joined with a dense
vector. Its weights are plain arrays in one ``.npz`` file in the package, read without pickle.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.errors import StoreError

Floats = NDArray[np.float32]

HEADS_PATH = Path(__file__).parents[2] / "data" / "heads.npz"
#: What a missing, cut or foreign file makes numpy and its unpacking raise.
_BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Head:
    """One classifier.

    Attributes:
        classes: Its labels, in the order of the columns of its output.
        vocabulary: Row of ``gram_weights`` for each word feature that it knows.
        gram_weights: float32 ``(len(vocabulary), k)``.
        dense_weights: float32 ``(d, k)``.
        bias: float32 ``(k,)``.
    """

    classes: tuple[str, ...]
    vocabulary: Mapping[str, int]
    gram_weights: Floats
    dense_weights: Floats
    bias: Floats

    def logits(self, grams: Sequence[Sequence[str]], dense: Floats) -> Floats:
        """Scores before normalisation.

        Args:
            grams: For each item its word features; repeats count once.
            dense: float32 ``(n, d)``.

        Returns:
            float32 ``(n, k)``.
        """
        out = dense @ self.dense_weights + self.bias
        for row, features in enumerate(grams):
            known = sorted({self.vocabulary[g] for g in features if g in self.vocabulary})
            if known:
                out[row] += self.gram_weights[known].sum(axis=0)
        return out

    def probabilities(self, grams: Sequence[Sequence[str]], dense: Floats) -> Floats:
        """Probabilities of the classes, ``(n, k)``; see :meth:`logits`."""
        scores = self.logits(grams, dense)
        scores -= scores.max(axis=1, keepdims=True, initial=-1e30)
        exp = np.exp(scores)
        normal: Floats = (exp / np.maximum(exp.sum(axis=1, keepdims=True), 1e-30)).astype(
            np.float32
        )
        return normal


@dataclass(frozen=True)
class Heads:
    """All heads of the embedded engine, with what is known about their training.

    Attributes:
        heads: By name.
        about: Training data, settings and measurements, as ``fit.py`` wrote them.
        version: Ten hex digits of the file's hash.
    """

    heads: Mapping[str, Head]
    about: Mapping[str, Any]
    version: str

    def __getitem__(self, name: str) -> Head:
        """The head of that name.

        Raises:
            StoreError: If the file held none.
        """
        if name not in self.heads:
            raise StoreError(
                f"The embedded engine's weights {self.version} hold no head {name!r}; install "
                "Wordbond again, or make them with `make train`."
            )
        return self.heads[name]


def save_heads(path: Path, heads: Mapping[str, Head], about: Mapping[str, Any]) -> None:
    """Write heads to one file; the same heads give the same bytes' content."""
    arrays: dict[str, Any] = {"about": np.array(json.dumps(dict(about), sort_keys=True))}
    for name, head in heads.items():
        ordered = sorted(head.vocabulary, key=head.vocabulary.__getitem__)
        arrays[f"{name}.classes"] = np.array(head.classes)
        arrays[f"{name}.vocabulary"] = np.array("\n".join(ordered))
        arrays[f"{name}.grams"] = head.gram_weights.astype(np.float16)
        arrays[f"{name}.dense"] = head.dense_weights.astype(np.float32)
        arrays[f"{name}.bias"] = head.bias.astype(np.float32)
    np.savez_compressed(path, **arrays)


@lru_cache(maxsize=2)
def load_heads(path: Path = HEADS_PATH) -> Heads:
    """Read the packaged heads, once a process.

    Raises:
        StoreError: If the file is missing or broken.
    """
    try:
        data = path.read_bytes()
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            names = sorted({key.rsplit(".", 1)[0] for key in stored.files if key.endswith(".bias")})
            heads = {name: _read_head(stored, name) for name in names}
            about = json.loads(str(stored["about"]))
    except _BROKEN as error:
        raise StoreError(
            f"The embedded engine's weights {path} cannot be read ({error}); install Wordbond "
            "again, or make them with `make train`."
        ) from error
    return Heads(heads, about, hashlib.sha256(data).hexdigest()[:10])


def _read_head(stored: Mapping[str, Any], name: str) -> Head:
    listed = str(stored[f"{name}.vocabulary"])
    grams = listed.split("\n") if listed else []
    return Head(
        classes=tuple(str(c) for c in stored[f"{name}.classes"]),
        vocabulary={gram: row for row, gram in enumerate(grams)},
        gram_weights=stored[f"{name}.grams"].astype(np.float32),
        dense_weights=stored[f"{name}.dense"],
        bias=stored[f"{name}.bias"],
    )

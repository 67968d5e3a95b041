"""Text to vectors: the model packaged with Wordbond, or one behind an OpenAI-compatible address.

The packaged model is all-MiniLM-L6-v2, trained further to match what agents promise with the clause
that decides it (``eval/training/finetune.py``), as an int8 ONNX file (see NOTICE). Dynamic
quantisation takes its scale from the whole batch, so a vector depends a little on its batch:
whoever needs the same vector again embeds the same texts together (one call's segments, or one
clause alone).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from analyzer.config import Settings
from analyzer.errors import ConfigError, EngineUnavailable, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MODEL_DIR = Path(__file__).parent / "data" / "minilm"
_SHA256 = {
    "model.onnx": "58835923a150acf4e03991b1cec98bc108bdd370614521d694eaae2da7052a3e",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_MAX_TOKENS = 256
_BATCH = 16


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors.

    Attributes:
        name: Identifies the vectors; those of different names are never compared or stored
            together.
        dimension: Length of a vector.
    """

    name: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Args:
            texts: Any number, none blank.

        Returns:
            float32 array of shape ``(len(texts), dimension)``, rows of length 1, in order.
        """
        ...


class PackagedEmbedder:
    """The packaged MiniLM, int8 ONNX, on this machine; 384 dimensions, 256 tokens at most.

    Args:
        threads: Threads that one embedding uses; 0 leaves it to onnxruntime.
        directory: Where ``model.onnx`` and ``tokenizer.json`` lie.
        is_released: Whether they have to be the files that were released.

    Raises:
        StoreError: If a file is missing or is not the one that was released.

    Source:
        Reimers and Gurevych, Sentence-BERT, EMNLP 2019; Wang et al., MiniLM, NeurIPS 2020.
    """

    name = "wordbond-minilm-1"
    #: Embedders whose libraries are taken over: what they embedded is embedded anew.
    predecessors = ("all-MiniLM-L6-v2-int8",)
    dimension = 384

    def __init__(
        self, *, threads: int = 0, directory: Path = MODEL_DIR, is_released: bool = True
    ) -> None:
        # Imported here: it takes a third of a second that `wordbond --help` should not pay.
        import onnxruntime
        from tokenizers import Tokenizer

        for name, expected in _SHA256.items():
            path = directory / name
            if not path.is_file():
                raise StoreError(f"The packaged model lacks {path}; install Wordbond again.")
            if is_released and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
                raise StoreError(
                    f"{path} is not the file that was released (its SHA-256 differs); "
                    "install Wordbond again."
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(directory / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=_MAX_TOKENS)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see :class:`Embedder`. Batches are sorted by length for speed."""
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        encoded = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda i: (len(encoded[i].ids), i))
        for first in range(0, len(order), _BATCH):
            rows = order[first : first + _BATCH]
            width = max(len(encoded[i].ids) for i in rows)
            ids = np.zeros((len(rows), width), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(rows):
                tokens = encoded[i].ids
                ids[row, : len(tokens)] = tokens
                mask[row, : len(tokens)] = 1
            (vectors,) = self._session.run(
                ["sentence_embedding"],
                {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
            )
            out[rows] = vectors
        return out


class EndpointEmbedder:
    """Embeddings from an OpenAI-compatible address.

    Args:
        model: Name of the embedding model there.
        api_key: Key, or None for servers that want none.
        base_url: Address, or None for OpenAI's own.
        max_retries: How often a request that may succeed later is sent again.

    Raises:
        EngineUnavailable: If the address does not answer or answers nonsense, from :meth:`embed`.
        ConfigError: If it refuses the key or the model, from :meth:`embed`.
    """

    _REQUEST = 256

    def __init__(
        self, model: str, *, api_key: str | None, base_url: str | None, max_retries: int = 2
    ) -> None:
        import openai

        self._openai = openai
        self._client = openai.OpenAI(
            api_key=api_key or "none", base_url=base_url, timeout=60.0, max_retries=max_retries
        )
        self._model = model
        self.name = f"endpoint-{model}"
        self.dimension = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see :class:`Embedder`. ``dimension`` is known after the first."""
        rows: list[list[float]] = []
        for first in range(0, len(texts), self._REQUEST):
            rows += self._request(list(texts[first : first + self._REQUEST]))
        if not rows:
            return np.zeros((0, self.dimension), dtype=np.float32)
        try:
            vectors = np.array(rows, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise _bad_vectors("vectors that are not all numbers of one length") from error
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        if vectors.ndim != 2 or not (np.isfinite(lengths).all() and lengths.all()):  # noqa: PLR2004
            raise _bad_vectors("vectors without a direction")
        if self.dimension not in {0, vectors.shape[1]}:
            raise _bad_vectors(f"vectors of {vectors.shape[1]} numbers after {self.dimension}")
        self.dimension = vectors.shape[1]
        unit: Vectors = vectors / lengths
        return unit

    def _request(self, texts: list[str]) -> list[list[float]]:
        try:
            answer = self._client.embeddings.create(
                model=self._model, input=texts, encoding_format="float"
            )
            data = list(answer.data)
            if sorted(item.index for item in data) == list(range(len(texts))):
                data.sort(key=lambda item: item.index)
            rows = [item.embedding for item in data]
        except (
            self._openai.APIConnectionError,
            self._openai.InternalServerError,
            self._openai.RateLimitError,
        ) as error:
            raise EngineUnavailable(
                f"The embedding endpoint did not answer ({type(error).__name__}); check "
                "OPENAI_BASE_URL, try again later, or unset WORDBOND_EMBEDDING_MODEL to embed on "
                "this machine."
            ) from error
        except self._openai.APIStatusError as error:
            raise ConfigError(
                f"The embedding endpoint refused model {self._model!r} with status "
                f"{error.status_code}; check OPENAI_BASE_URL, OPENAI_API_KEY and "
                "WORDBOND_EMBEDDING_MODEL."
            ) from error
        except (self._openai.APIError, AttributeError, TypeError, ValueError) as error:
            # The client checks nothing of an answer's shape: a page in HTML comes back as a str.
            raise _bad_vectors("something else than embeddings") from error
        if len(rows) != len(texts):
            raise _bad_vectors(f"{len(rows)} vectors for {len(texts)} texts")
        return rows


def _bad_vectors(what: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The embedding endpoint returned {what}; check OPENAI_BASE_URL and "
        "WORDBOND_EMBEDDING_MODEL, or unset the latter to embed on this machine."
    )


@lru_cache(maxsize=4)
def _packaged(threads: int) -> PackagedEmbedder:
    return PackagedEmbedder(threads=threads)


def packaged_embedder(*, threads: int = 0) -> PackagedEmbedder:
    """The packaged model, loaded once a process."""
    return _packaged(threads)


def build_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings ask for: the packaged one unless another is named."""
    if settings.embedding_model is None:
        return packaged_embedder()
    key = settings.openai_api_key
    return EndpointEmbedder(
        settings.embedding_model,
        api_key=key.get_secret_value() if key else None,
        base_url=settings.openai_base_url,
    )

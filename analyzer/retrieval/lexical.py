"""BM25 over passages, by bm25s and the Snowball stemmer."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Words of a query that are looked up; a description of a whole case has hundreds.
_MOST_WORDS = 32
_WORD = re.compile(r"\b\w\w+\b")
_KEPT = threading.local()


class LexicalIndex:
    """BM25 scores of a fixed list of texts.

    Args:
        texts: Any number.

    Source:
        Lù, BM25S: Orders of magnitude faster lexical search via eager sparse scoring, 2024, with
        the library's defaults (Lucene's variant, k1 1.5, b 0.75), English stop words and the
        Snowball stemmer.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        self.size = len(texts)
        self._index: Any = None
        self._rarity: dict[str, float] = {}
        tokens = _tokenize(texts)
        if any(tokens):
            self._index = bm25s.BM25()
            self._index.index(tokens, show_progress=False)
            seen: Counter[str] = Counter()
            for words in tokens:
                seen.update(set(words))
            self._rarity = {word: float(np.log(1 + self.size / n)) for word, n in seen.items()}

    def scores(self, query: str) -> Floats:
        """Scores of every text for a query.

        Of a long query the 32 words count that are named most often and are rarest, each as often
        as it is named.

        Returns:
            float32 ``(size,)``, 0 or more, not normalised; zeros where no word is known.
        """
        if self._index is None:
            return np.zeros(self.size, dtype=np.float32)
        counts = Counter(word for word in _tokenize([query])[0] if word in self._rarity)
        best = sorted(counts, key=lambda word: (-counts[word] * self._rarity[word], word))
        words = [word for word in best[:_MOST_WORDS] for _ in range(counts[word])]
        if not words:
            return np.zeros(self.size, dtype=np.float32)
        scores: Floats = np.asarray(self._index.get_scores(words), dtype=np.float32)
        return scores

    def save(self, folder: Path) -> None:
        """Write the index to a folder that is not there yet.

        Raises:
            OSError: If it cannot be written.
        """
        folder.mkdir()
        about = {"size": self.size, "rarity": self._rarity}
        (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        if self._index is not None:
            self._index.save(str(folder / "index"), show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Read an index that :meth:`save` wrote; its arrays stay on disk until they are used.

        Raises:
            OSError: If a file is not there.
            ValueError: If one is damaged.
        """
        import bm25s

        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        index = cls(())
        index.size, index._rarity = int(about["size"]), dict(about["rarity"])
        if (folder / "index").is_dir():
            index._index = bm25s.BM25.load(str(folder / "index"), mmap=True)
        return index

    def shares(self, query: str) -> Floats:
        """Scores for a query as shares of the best one; zeros where there is none."""
        scores = self.scores(query)
        best = float(scores.max(initial=0.0))
        return scores / np.float32(best) if best > 0 else scores


def _tokenize(texts: Sequence[str]) -> list[list[str]]:
    """Words as bm25s takes them by default: two letters or more, no stop words, stemmed.

    Not by its own function, whose progress bars swallow an interrupt when they are cleared away.
    """
    from bm25s.stopwords import STOPWORDS_EN

    stop = frozenset(STOPWORDS_EN)
    stemmer = _stemmer()
    return [
        list(stemmer.stemWords([w for w in _WORD.findall(text.lower()) if w not in stop]))
        for text in texts
    ]


def _stemmer() -> Any:
    """One for each thread, since it keeps a state of its own."""
    import Stemmer

    if not hasattr(_KEPT, "stemmer"):
        _KEPT.stemmer = Stemmer.Stemmer("english")
    return _KEPT.stemmer

"""Which clauses the model gets to see: all of a small library, else those that could bear."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.engines.llm.fencing import render_policies
from analyzer.language.roles import find_caps, reserved_roles
from analyzer.language.tokens import content_words
from analyzer.policy_book import PolicyView

Floats = NDArray[np.float32]

#: Characters of clauses up to which a library goes along whole, and to which a selection is filled.
WHOLE_CHARACTERS = 12_000
SELECTED_CHARACTERS = 9_000
#: Clauses that one commitment may bring, and those on authority among them.
_DEPTH = 12
_AUTHORITY_DEPTH = 2
_RETRIEVED = 10
_LEXICAL_WEIGHT = 0.3
_K1, _B = 1.2, 0.75
_KEPT_VIEWS = 64
_KEPT_VECTORS = 4096


@dataclass(frozen=True)
class Selection:
    """What was found for the commitments of a call.

    Attributes:
        clauses: The union that the model sees, in document order.
        is_whole: Whether it is the whole library.
        ranked: For each commitment up to ten ``(clause id, score)``, best first.
    """

    clauses: tuple[Clause, ...]
    is_whole: bool
    ranked: tuple[tuple[tuple[str, float], ...], ...]


class ClauseSearch:
    """Searches one view: likeness of vectors plus a share of BM25.

    Args:
        view: Clauses in force; at least one.

    Source:
        Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, for the lexical part.
    """

    def __init__(self, view: PolicyView) -> None:
        self.view = view
        self.sizes = [len(c.text) + len(c.title) + 20 for c in view.clauses]
        postings: dict[str, list[tuple[int, int]]] = {}
        lengths = np.zeros(len(view.clauses), dtype=np.float32)
        for row, clause in enumerate(view.clauses):
            words = Counter(content_words(clause.embedded_text))
            lengths[row] = sum(words.values())
            for word, count in words.items():
                postings.setdefault(word, []).append((row, count))
        norm = _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()), 1e-9))
        self._postings: dict[str, tuple[NDArray[np.int64], Floats]] = {}
        for word, pairs in postings.items():
            rows = np.array([r for r, _ in pairs], dtype=np.int64)
            counts = np.array([c for _, c in pairs], dtype=np.float32)
            idf = math.log(1 + len(view.clauses) / len(pairs))
            share: Floats = (counts * (_K1 + 1) / (counts + norm[rows])).astype(np.float32)
            self._postings[word] = (rows, np.float32(idf) * share)
        self._ceiling = {
            word: math.log(1 + len(view.clauses) / len(pairs)) * (_K1 + 1)
            for word, pairs in postings.items()
        }

    @property
    def is_small(self) -> bool:
        """Whether the whole library may go along."""
        return sum(self.sizes) <= WHOLE_CHARACTERS

    @cached_property
    def whole_text(self) -> str:
        """The whole library as it is shown; the same for every call that it goes along with."""
        return render_policies(self.view.clauses)

    @cached_property
    def _authority(self) -> NDArray[np.bool_]:
        """Which clauses say who may grant what."""
        return np.array(
            [bool(find_caps(c.text) or reserved_roles(c.text)) for c in self.view.clauses]
        )

    def lexical(self, text: str) -> Floats:
        """BM25 of a text against each clause, as a share of the best it could reach; ``(n,)``."""
        out = np.zeros(len(self.view.clauses), dtype=np.float32)
        ceiling = 0.0
        for word in dict.fromkeys(content_words(text)):
            found = self._postings.get(word)
            if found is not None:
                out[found[0]] += found[1]
                ceiling += self._ceiling[word]
        return out / np.float32(ceiling or 1.0)

    def score(self, queries: Sequence[str], vectors: Floats) -> Floats:
        """Scores of every clause for every query.

        Args:
            queries: Texts.
            vectors: Their unit vectors, ``(len(queries), d)``, of the view's embedder.

        Returns:
            float32 ``(len(queries), n)``.
        """
        dense = vectors @ self.view.vectors.T
        lexical = np.stack([self.lexical(query) for query in queries])
        scores: Floats = (dense + _LEXICAL_WEIGHT * lexical).astype(np.float32)
        return scores

    def select(self, scores: Floats) -> Selection:
        """Choose what the model sees.

        Args:
            scores: From :meth:`score`, a row a commitment.
        """
        clauses = self.view.clauses
        order = np.argsort(-scores, axis=1, kind="stable")
        ranked = tuple(
            tuple((clauses[i].id, round(float(row[i]), 4)) for i in best[:_RETRIEVED])
            for row, best in zip(scores, order, strict=True)
        )
        if self.is_small:
            return Selection(clauses, is_whole=True, ranked=ranked)
        chosen: dict[int, None] = {}
        size = 0
        for row in self._wanted(scores, order):
            if row not in chosen and (size + self.sizes[row] <= SELECTED_CHARACTERS or not chosen):
                chosen[row] = None
                size += self.sizes[row]
        return Selection(tuple(clauses[i] for i in sorted(chosen)), is_whole=False, ranked=ranked)

    def _wanted(self, scores: Floats, order: NDArray[np.int64]) -> list[int]:
        """Rows by turns: each commitment's best, its authority clauses, its next best."""
        wanted = [int(best[0]) for best in order]
        bearing = np.flatnonzero(self._authority)
        if len(bearing):
            for row in scores:
                best = bearing[np.argsort(-row[bearing], kind="stable")][:_AUTHORITY_DEPTH]
                wanted += [int(i) for i in best]
        for depth in range(1, min(_DEPTH, order.shape[1])):
            wanted += [int(best[depth]) for best in order]
        return wanted


class Searches:
    """Keeps the searches of the views that calls were judged by.

    Args:
        embedders: By name; a view whose vectors are of none of them is embedded again by the first.
    """

    def __init__(self, embedders: Sequence[Embedder]) -> None:
        self._embedders = {embedder.name: embedder for embedder in embedders}
        self._first = embedders[0]
        self._vectors: OrderedDict[tuple[str, str], Floats] = OrderedDict()
        self._by_object: OrderedDict[int, tuple[PolicyView, ClauseSearch]] = OrderedDict()
        self._by_version: OrderedDict[str, ClauseSearch] = OrderedDict()

    def get(self, view: PolicyView) -> ClauseSearch:
        """The search of a view, made once for each edition of the library."""
        kept = self._by_object.get(id(view))
        if kept is not None:
            return kept[1]
        key = f"{view.company}/{view.version}"
        search = self._by_version.get(key)
        if search is None:
            search = self._by_version[key] = ClauseSearch(self._comparable(view))
        self._by_object[id(view)] = (view, search)
        for known in (self._by_object, self._by_version):
            while len(known) > _KEPT_VIEWS:
                known.popitem(last=False)
        return search

    async def embed(self, search: ClauseSearch, queries: Sequence[str]) -> Floats:
        """Vectors of queries, of the embedder that a search's clauses are of.

        Each query is embedded by itself, as the packaged encoder's vectors depend on what shares
        their batch, and the latest are kept.

        Returns:
            float32 ``(len(queries), d)``, unit rows.
        """
        embedder = self._embedders[search.view.embedder_name]
        missing = [q for q in dict.fromkeys(queries) if (embedder.name, q) not in self._vectors]
        if missing:
            made = await asyncio.to_thread(lambda: [embedder.embed([q])[0] for q in missing])
            self._vectors.update(
                {(embedder.name, q): v for q, v in zip(missing, made, strict=True)}
            )
        rows = np.stack([self._vectors[embedder.name, q] for q in queries]).astype(np.float32)
        while len(self._vectors) > _KEPT_VECTORS:
            self._vectors.popitem(last=False)
        return rows

    def _comparable(self, view: PolicyView) -> PolicyView:
        if view.embedder_name in self._embedders:
            return view
        vectors = np.concatenate([self._first.embed([c.embedded_text]) for c in view.clauses])
        return replace(view, vectors=vectors, embedder_name=self._first.name)

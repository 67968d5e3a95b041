"""Which clauses the model gets to see: all of a small library, else those that could bear."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analyzer.authority import say_grant
from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.engines.llm.fencing import render_policies
from analyzer.language.roles import reserved_roles
from analyzer.policy_book import WEAK_LIKENESS, PolicyView, embed_clause, join_vectors
from analyzer.retrieval.ranking import LEXICAL_WEIGHT

Floats = NDArray[np.float32]

#: Characters of clauses up to which a library goes along whole, and to which a selection is filled.
WHOLE_CHARACTERS = 12_000
SELECTED_CHARACTERS = 9_000
#: Clauses that one commitment may bring, and those on authority among them.
_DEPTH = 12
_AUTHORITY_DEPTH = 2
_RETRIEVED = 10
#: Clauses that the best one refers to, or whose definitions it uses, that go along with it.
_RELATED = 4
_KEPT_VIEWS = 64
_KEPT_VECTORS = 4096


@dataclass(frozen=True)
class Selection:
    """What was found for the commitments of a call.

    Attributes:
        clauses: The union that the model sees, in document order.
        is_whole: Whether it is the whole library.
        ranked: For each commitment up to ten ``(clause id, score)``, best first.
        weak: For each commitment whether no clause of the library comes near it.
    """

    clauses: tuple[Clause, ...]
    is_whole: bool
    ranked: tuple[tuple[tuple[str, float], ...], ...]
    weak: tuple[bool, ...] = ()


class ClauseSearch:
    """Searches one view: likeness of vectors plus a share of BM25, by the best passage.

    Args:
        view: Clauses in force; at least one.
    """

    def __init__(self, view: PolicyView) -> None:
        self.view = view
        self.sizes = [len(c.text) + len(c.title) + 20 for c in view.clauses]
        self._rows = {id(clause): row for row, clause in enumerate(view.clauses)}
        owner = view.passages.owner
        self._firsts = np.flatnonzero(np.diff(owner, prepend=-1))

    @property
    def is_small(self) -> bool:
        """Whether the whole library may go along."""
        return sum(self.sizes) <= WHOLE_CHARACTERS

    @cached_property
    def whole_text(self) -> str:
        """The whole library as it is shown; the same for every call that it goes along with."""
        return self.render(self.view.clauses)

    def render(self, clauses: Sequence[Clause]) -> str:
        """Clauses as they are shown, with what has to be read beside them.

        That is the clauses of earlier editions that one of them keeps for older agreements, and
        what people have said that one grants.
        """
        documents = {clause.document for clause in clauses}
        readings = {
            clause_id: "; ".join(
                f"{grant.role}: {grant.action}: {say_grant(grant)}" for grant in found.grants
            )
            or "nothing to anybody"
            for clause_id, found in self.view.corrections.items()
        }
        earlier = [clause for clause in self.view.earlier if clause.document in documents]
        return render_policies(clauses, earlier=earlier, readings=readings)

    @cached_property
    def _authority(self) -> NDArray[np.bool_]:
        """Which clauses say who may grant what."""
        return np.array(
            [bool(self.view.find_grants(c) or reserved_roles(c.text)) for c in self.view.clauses]
        )

    def score(self, queries: Sequence[str], vectors: Floats) -> tuple[Floats, Floats]:
        """Scores of every clause for every query.

        Args:
            queries: Texts.
            vectors: Their unit vectors, ``(len(queries), d)``, of the view's embedder.

        Returns:
            Joined scores and cosines, each float32 ``(len(queries), n)``.
        """
        dense = vectors @ self.view.passages.vectors.T
        lexical = np.stack([self.view.lexical.shares(query) for query in queries])
        joined = (dense + LEXICAL_WEIGHT * lexical).astype(np.float32)
        return (
            np.maximum.reduceat(joined, self._firsts, axis=1),
            np.maximum.reduceat(dense, self._firsts, axis=1),
        )

    def select(self, scores: Floats, cosines: Floats) -> Selection:
        """Choose what the model sees.

        Args:
            scores: Joined scores from :meth:`score`, a row a commitment.
            cosines: Cosines from there.
        """
        clauses = self.view.clauses
        weak = tuple(bool(row.max() < WEAK_LIKENESS) for row in cosines)
        order = np.argsort(-scores, axis=1, kind="stable")
        ranked = tuple(
            tuple((clauses[i].id, round(float(row[i]), 4)) for i in best[:_RETRIEVED])
            for row, best in zip(scores, order, strict=True)
        )
        if self.is_small:
            return Selection(clauses, is_whole=True, ranked=ranked, weak=weak)
        chosen: dict[int, None] = {}
        size = 0
        for row in self._wanted(scores, order):
            if row not in chosen and (size + self.sizes[row] <= SELECTED_CHARACTERS or not chosen):
                chosen[row] = None
                size += self.sizes[row]
        shown = tuple(clauses[i] for i in sorted(chosen))
        return Selection(shown, is_whole=False, ranked=ranked, weak=weak)

    def _wanted(self, scores: Floats, order: NDArray[np.int64]) -> list[int]:
        """Rows by turns: each commitment's best with what it refers to, authority, the next."""
        wanted = [int(best[0]) for best in order]
        for row in dict.fromkeys(wanted):
            related = self.view.find_related(self.view.clauses[row])
            wanted += [self._rows[id(c)] for c in related[:_RELATED] if id(c) in self._rows]
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
        blocks = [embed_clause(clause, self._first) for clause in view.clauses]
        vectors, parts = join_vectors(blocks, dimension=self._first.dimension)
        return replace(view, vectors=vectors, parts=parts, embedder_name=self._first.name)

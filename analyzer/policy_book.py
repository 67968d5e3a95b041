"""Clauses and their vectors in memory: what is in force for a company on a day, searched exactly.

Chroma is where clauses are kept (:mod:`analyzer.policy_library`); its metadata filter costs a pass
over all rows, so the clauses in force are held here as one matrix.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import close_superseded
from analyzer.embedders import Embedder

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class PolicyView:
    """The clauses of one company in force on one day.

    Attributes:
        company: The company's key.
        clauses: Clauses, in document order.
        vectors: float32 ``(len(clauses), d)``, unit rows, in the same order.
        embedder_name: Which embedder the vectors come from.
    """

    company: str
    clauses: tuple[Clause, ...]
    vectors: Vectors
    embedder_name: str = ""

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that change with any clause of the view."""
        joined = "\x1f".join(sorted(clause.version for clause in self.clauses))
        return hashlib.sha256(joined.encode()).hexdigest()[:12]

    def find_clause(self, clause_id: str) -> Clause | None:
        """The clause with this id, or None if none such was in force."""
        return self._by_id.get(clause_id)

    @cached_property
    def _by_id(self) -> dict[str, Clause]:
        # Of two clauses with one id the first counts.
        return {clause.id: clause for clause in reversed(self.clauses)}

    def search(self, queries: Vectors, k: int) -> list[list[tuple[Clause, float]]]:
        """The clauses nearest to each query.

        Args:
            queries: float32 ``(n, d)``, unit rows.
            k: How many to return at most.

        Returns:
            For each query ``(clause, cosine)`` pairs, best first; ties by document order.
        """
        if not self.clauses:
            return [[] for _ in range(len(queries))]
        scores = queries @ self.vectors.T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [
            [(self.clauses[j], float(row[j])) for j in order]
            for row, order in zip(scores, best, strict=True)
        ]


@dataclass
class PolicyBook:
    """All clauses of all companies, with their vectors.

    Attributes:
        embedder_name: Which embedder the vectors come from.
        clauses: Every version of every clause.
        vectors: float32 ``(len(clauses), d)``.
    """

    embedder_name: str
    clauses: tuple[Clause, ...]
    vectors: Vectors
    _views: dict[tuple[str, dt.date], PolicyView] = field(default_factory=dict, repr=False)

    @classmethod
    def from_documents(cls, documents: Iterable[PolicyDocument], embedder: Embedder) -> PolicyBook:
        """Embed the clauses of documents, each by itself, so that neighbours leave no trace."""
        clauses = close_superseded([c for d in documents for c in d.clauses])
        rows = [embedder.embed([c.embedded_text])[0] for c in clauses]
        width = embedder.dimension
        vectors = np.stack(rows) if rows else np.zeros((0, width), dtype=np.float32)
        return cls(embedder.name, tuple(clauses), vectors.astype(np.float32))

    @property
    def companies(self) -> dict[str, str]:
        """Company keys and, for each, the name it is shown by."""
        out: dict[str, str] = {}
        for clause in self.clauses:
            if out.get(clause.company) in {None, clause.company}:
                out[clause.company] = clause.company_name or clause.company
        return out

    def find_company(self, name: str | None) -> str | None:
        """The key that a call's ``company`` means: key or shown name, or the only one there is."""
        companies = self.companies
        if name:
            wanted = name.strip().casefold()
            for key, shown in companies.items():
                if wanted in {key.casefold(), shown.casefold()}:
                    return key
        return next(iter(companies)) if len(companies) == 1 else None

    def nearest_company(self, name: str) -> str | None:
        """The key that looks most like ``name``, for an error message; None if none does."""
        known = {k.casefold(): k for k in self.companies}
        known |= {shown.casefold(): key for key, shown in self.companies.items()}
        close = difflib.get_close_matches(name.casefold(), list(known), n=1, cutoff=0.6)
        return known[close[0]] if close else None

    def view(self, company: str, on: dt.date) -> PolicyView:
        """The clauses of a company (by key) in force on a day; kept, so that it is cheap again."""
        key = (company, on)
        if key not in self._views:
            rows = [
                i
                for i, clause in enumerate(self.clauses)
                if clause.company == company and clause.is_in_force(on)
            ]
            # The same clauses give the same view wherever they were read from.
            rows.sort(key=lambda i: _place(self.clauses[i]))
            if len(self._views) > 512:  # noqa: PLR2004 - a year and a half of days for one company
                self._views.clear()
            self._views[key] = PolicyView(
                company,
                tuple(self.clauses[i] for i in rows),
                self.vectors[rows],
                self.embedder_name,
            )
        return self._views[key]


def _place(clause: Clause) -> tuple[str, str, int]:
    begins = clause.effective_from.isoformat() if clause.effective_from else ""
    return clause.document, begins, clause.line or 0

"""Clauses and their vectors in memory: what is in force for a company on a day, searched exactly.

Chroma is where clauses are kept (:mod:`analyzer.policy_library`); its metadata filter costs a pass
over all rows, so the clauses in force are held here as one matrix.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from analyzer.authority import AuthorityCorrection, AuthorityRow, latest_corrections
from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import close_superseded
from analyzer.embedders import Embedder
from analyzer.language.authority import Grant, find_grants
from analyzer.language.references import find_definitions, find_mentions, find_transitions
from analyzer.retrieval import Found, LexicalIndex, Passages, rank_clauses, split_passages

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

_KEPT_VIEWS = 64
_KEPT_DAYS = 512
_NUMBER = re.compile(r"^(?:§\s*)?(\d+(?:\.\d+)*(?:\((?:[a-z]{1,4}|\d{1,2})\))*)")
#: Below this cosine the nearest clause is about something else: of promises that a clause decides
#: 2 % have it no nearer, of promises that none addresses half do (``eval/bench/retrieval.py``).
WEAK_LIKENESS = 0.25


def texts_of(clause: Clause) -> tuple[str, ...]:
    """What is embedded of a clause: the whole, then its passages where it is a long one."""
    head = ". ".join(part for part in (*clause.heading_path, clause.title) if part)
    parts = split_passages(clause.text, head=head)
    return (clause.embedded_text,) if len(parts) == 1 else (clause.embedded_text, *parts)


def join_vectors(blocks: Sequence[Vectors], *, dimension: int) -> tuple[Vectors, Passages]:
    """Vectors of clauses from what :func:`texts_of` gave of each, embedded.

    Args:
        blocks: For each clause ``(n_texts, d)``.
        dimension: ``d``, for a library without clauses.

    Returns:
        The clauses' own vectors ``(n, d)``, and their passages; the same matrix where no clause
        is long.
    """
    if not blocks:
        none = np.zeros((0, dimension), dtype=np.float32)
        return none, Passages(none, np.zeros(0, dtype=np.int64))
    own = np.stack([block[0] for block in blocks]).astype(np.float32)
    if all(len(block) == 1 for block in blocks):
        return own, Passages(own, np.arange(len(own), dtype=np.int64))
    parts = [block if len(block) == 1 else block[1:] for block in blocks]
    owner = np.repeat(np.arange(len(parts), dtype=np.int64), [len(part) for part in parts])
    return own, Passages(np.concatenate(parts).astype(np.float32), owner)


def earlier_id(clause: Clause) -> str:
    """How a clause of an earlier edition is named beside those in force: ``RET-4@2025-04-01``."""
    return f"{clause.id}@{clause.effective_from or 'first'}"


@dataclass(frozen=True)
class PolicyView:
    """The clauses of one company in force on one day.

    Attributes:
        company: The company's key.
        clauses: Clauses, in document order.
        vectors: float32 ``(len(clauses), d)``, unit rows, in the same order.
        embedder_name: Which embedder the vectors come from.
        earlier: Clauses of earlier editions that a clause in force refers to ("bookings made
            before 1 February keep their terms"); context, named by :func:`earlier_id`.
        parts: The clauses' passages, or None where each clause is one.
        corrections: What people have said that clauses grant, by id.
    """

    company: str
    clauses: tuple[Clause, ...]
    vectors: Vectors
    embedder_name: str = ""
    earlier: tuple[Clause, ...] = ()
    parts: Passages | None = None
    corrections: Mapping[str, AuthorityCorrection] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that change with any clause, or with what one is said to grant."""
        parts = sorted(clause.version for clause in self.clauses)
        parts += sorted(f"{key}={c.at.isoformat()}" for key, c in self.corrections.items())
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]

    def find_grants(self, clause: Clause) -> tuple[Grant, ...]:
        """Who may grant what by a clause: as a person has said it, else as it reads."""
        corrected = self.corrections.get(clause.id)
        if corrected is not None and corrected.applies_to(clause):
            return corrected.grants
        return read_grants(clause.text)

    def authority_matrix(self) -> tuple[AuthorityRow, ...]:
        """Every grant of every clause, in the order of the clauses."""
        return tuple(
            AuthorityRow(clause, grant, clause.id in self.corrections)
            for clause in self.clauses
            for grant in self.find_grants(clause)
        )

    def find_clause(self, clause_id: str) -> Clause | None:
        """The clause with this id, or None if none such was in force.

        An id such as ``RET-4@2025-04-01`` is looked for among :attr:`earlier`.
        """
        return self._by_id.get(clause_id)

    @cached_property
    def _by_id(self) -> dict[str, Clause]:
        # Of two clauses with one id the first counts.
        known = {earlier_id(clause): clause for clause in self.earlier}
        return known | {clause.id: clause for clause in reversed(self.clauses)}

    @cached_property
    def passages(self) -> Passages:
        """The passages of the clauses; the clauses themselves where none is long."""
        if self.parts is not None:
            return self.parts
        return Passages(self.vectors, np.arange(len(self.clauses), dtype=np.int64))

    @cached_property
    def lexical(self) -> LexicalIndex:
        """The words of the passages."""
        return LexicalIndex(passage_texts(self.clauses))

    def rank(self, text: str, windows: Vectors, *, k: int) -> Found:
        """Search by meaning and words; see :func:`analyzer.retrieval.rank_clauses`.

        Args:
            text: The query.
            windows: Vectors of its windows (:func:`analyzer.retrieval.split_query`).
            k: How many to return at most.
        """
        return rank_clauses(windows, self.passages, self.lexical.shares(text), k=k)

    def find_references(self, clause: Clause) -> tuple[Clause, ...]:
        """The clauses that a clause refers to, by id or by number within its document, in order.

        Where ``4.2(b)`` is no clause of its own, it is the clause 4.2 in which it stands.
        """
        out: dict[str, Clause] = {}
        for mention in find_mentions(clause.text):
            target = (
                self._by_id.get(mention.target)
                if mention.is_id
                else self._find_numbered(clause.document, mention.target)
            )
            if target is not None and target.id != clause.id:
                out.setdefault(target.id, target)
        return tuple(out.values())

    def _find_numbered(self, document: str, number: str) -> Clause | None:
        while (found := self._by_number.get((document, number))) is None and number.endswith(")"):
            number = number[: number.rfind("(")]
        return found

    def find_defining(self, text: str) -> tuple[Clause, ...]:
        """The clauses that define a term that a text uses, by clause, none twice."""
        if self._terms is None:
            return ()
        pattern, owners = self._terms
        found = {m.group(1).casefold() for m in pattern.finditer(text)}
        rows = sorted({owners[term] for term in found})
        return tuple(self.clauses[row] for row in rows)

    def find_related(self, clause: Clause) -> tuple[Clause, ...]:
        """What has to be read with a clause: its references, then the definitions it uses."""
        related = (*self.find_references(clause), *self.find_defining(clause.text))
        return tuple({c.id: c for c in related if c.id != clause.id}.values())

    @cached_property
    def _by_number(self) -> dict[tuple[str, str], Clause]:
        out: dict[tuple[str, str], Clause] = {}
        for clause in self.clauses:
            number = _NUMBER.match(clause.title)
            if number:
                out.setdefault((clause.document, number.group(1)), clause)
        return out

    @cached_property
    def _terms(self) -> tuple[re.Pattern[str], dict[str, int]] | None:
        owners: dict[str, int] = {}
        for row, clause in enumerate(self.clauses):
            for definition in find_definitions(clause.text):
                owners.setdefault(definition.term.casefold(), row)
        if not owners:
            return None
        longest_first = sorted(owners, key=lambda term: (-len(term), term))
        words = "|".join(re.escape(term) for term in longest_first)
        return re.compile(rf"(?<!\w)({words})(?:s|es)?(?!\w)", re.IGNORECASE), owners

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


@lru_cache(maxsize=8192)
def read_grants(text: str) -> tuple[Grant, ...]:
    """:func:`analyzer.language.authority.find_grants`, kept."""
    return find_grants(text)


def passage_texts(clauses: Iterable[Clause]) -> list[str]:
    """The texts whose vectors are a view's passages, in their order."""
    return [text for clause in clauses for text in (texts_of(clause)[1:] or texts_of(clause))]


@dataclass
class PolicyBook:
    """All clauses of all companies, with their vectors.

    Attributes:
        embedder_name: Which embedder the vectors come from.
        clauses: Every version of every clause.
        vectors: float32 ``(len(clauses), d)``.
        parts: The clauses' passages, or None where each clause is one.
        corrections: What people have said that clauses grant.
    """

    embedder_name: str
    clauses: tuple[Clause, ...]
    vectors: Vectors
    parts: Passages | None = None
    corrections: Sequence[AuthorityCorrection] = ()
    _views: dict[tuple[str, dt.date, str | None], PolicyView] = field(
        default_factory=dict, repr=False
    )
    _by_rows: dict[bytes, PolicyView] = field(default_factory=dict, repr=False)

    @classmethod
    def from_documents(cls, documents: Iterable[PolicyDocument], embedder: Embedder) -> PolicyBook:
        """Embed the clauses of documents, each by itself, so that neighbours leave no trace."""
        clauses = close_superseded([c for d in documents for c in d.clauses])
        blocks = [embed_clause(clause, embedder) for clause in clauses]
        vectors, parts = join_vectors(blocks, dimension=embedder.dimension)
        return cls(embedder.name, tuple(clauses), vectors, parts)

    @cached_property
    def passages(self) -> Passages:
        """The passages of all clauses."""
        if self.parts is not None:
            return self.parts
        return Passages(self.vectors, np.arange(len(self.clauses), dtype=np.int64))

    @cached_property
    def lexical(self) -> LexicalIndex:
        """The words of all passages."""
        return LexicalIndex(passage_texts(self.clauses))

    def select(
        self,
        *,
        company: str | None = None,
        on: dt.date | None = None,
        line_of_business: str | None = None,
    ) -> NDArray[np.bool_]:
        """Which clauses are a company's, in force on a day, and for a line of business.

        Args:
            company: Key of the company; None for all.
            on: The day; None for every edition.
            line_of_business: Clauses of this line, and those for all lines; None for every line.

        Returns:
            bool ``(len(clauses),)``.
        """
        columns = self._columns
        chosen = np.ones(len(self.clauses), dtype=np.bool_)
        if company is not None:
            chosen &= columns.company == columns.codes.get(company, -1)
        if on is not None:
            day = on.toordinal()
            chosen &= (columns.begins <= day) & (day <= columns.ends)
        if line_of_business is not None:
            wanted = columns.lines.get(line_of_business.strip().casefold(), -2)
            chosen &= (columns.line == -1) | (columns.line == wanted)
        return chosen

    @cached_property
    def _columns(self) -> _Columns:
        return _Columns.of(self.clauses)

    @cached_property
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

    def view(self, company: str, on: dt.date, *, line_of_business: str | None = None) -> PolicyView:
        """The clauses of a company (by key) in force on a day; kept, so that it is cheap again."""
        key = (company, on, line_of_business)
        if key not in self._views:
            rows = np.flatnonzero(
                self.select(company=company, on=on, line_of_business=line_of_business)
            )
            # The same clauses give the same view wherever they were read from.
            rows = np.array(sorted(rows, key=lambda i: _place(self.clauses[i])), dtype=np.int64)
            if len(self._views) > _KEPT_DAYS:
                self._views.clear()
            # Days on which the same clauses were in force share one view and its matrix.
            shared = company.encode() + rows.tobytes()
            if shared not in self._by_rows:
                while len(self._by_rows) >= _KEPT_VIEWS:
                    self._by_rows.pop(next(iter(self._by_rows)))
                self._by_rows[shared] = self._make_view(company, rows)
            self._views[key] = self._by_rows[shared]
        return self._views[key]

    def _make_view(self, company: str, rows: Rows) -> PolicyView:
        clauses = tuple(self.clauses[i] for i in rows)
        parts = None
        if self.parts is not None and len(self.parts.owner) != len(self.clauses):
            place = np.full(len(self.clauses), -1, dtype=np.int64)
            place[rows] = np.arange(len(rows))
            mine = np.flatnonzero(place[self.parts.owner] >= 0)
            mine = mine[np.argsort(place[self.parts.owner[mine]], kind="stable")]
            parts = Passages(self.parts.vectors[mine], place[self.parts.owner[mine]])
        return PolicyView(
            company,
            clauses,
            self.vectors[rows],
            self.embedder_name,
            self._find_earlier(clauses),
            parts,
            self._corrections_of(clauses),
        )

    def _corrections_of(self, clauses: Sequence[Clause]) -> dict[str, AuthorityCorrection]:
        if not self.corrections:
            return {}
        latest = latest_corrections(self.corrections)
        found = ((c.id, latest.get((c.company, c.id, c.wording))) for c in clauses)
        return {clause_id: correction for clause_id, correction in found if correction}

    def _find_earlier(self, standing: Sequence[Clause]) -> tuple[Clause, ...]:
        """Clauses of earlier editions that clauses in force keep for what was agreed before."""
        kept: dict[str, Clause] = {}
        words = {(c.document, c.id): c.wording for c in standing}
        for clause in standing:
            for transition in find_transitions(f"{clause.title}. {clause.text}"):
                day = transition.before - dt.timedelta(days=1)
                for earlier in self._editions[clause.company, clause.document]:
                    is_other = words.get((earlier.document, earlier.id)) != earlier.wording
                    if earlier.is_in_force(day) and is_other and earlier.id != clause.id:
                        kept.setdefault(earlier_id(earlier), earlier)
        return tuple(kept.values())

    @cached_property
    def _editions(self) -> dict[tuple[str, str], list[Clause]]:
        out: dict[tuple[str, str], list[Clause]] = defaultdict(list)
        for clause in self.clauses:
            out[clause.company, clause.document].append(clause)
        return out


@dataclass(frozen=True)
class _Columns:
    """What clauses are selected by, as arrays ``(n,)``.

    Days are ordinals, open ends the least and the greatest; ``line`` is -1 where a clause is for
    all lines of business.
    """

    codes: dict[str, int]
    company: Rows
    begins: Rows
    ends: Rows
    lines: dict[str, int]
    line: Rows

    @classmethod
    def of(cls, clauses: Sequence[Clause]) -> _Columns:
        codes: dict[str, int] = {}
        lines: dict[str, int] = {}
        company, begins, ends, line = (np.zeros(len(clauses), dtype=np.int64) for _ in range(4))
        for row, clause in enumerate(clauses):
            company[row] = codes.setdefault(clause.company, len(codes))
            begins[row] = clause.effective_from.toordinal() if clause.effective_from else 0
            ends[row] = (clause.effective_to or dt.date.max).toordinal()
            wanted = clause.line_of_business
            line[row] = lines.setdefault(wanted.strip().casefold(), len(lines)) if wanted else -1
        return cls(codes, company, begins, ends, lines, line)


def embed_clause(clause: Clause, embedder: Embedder) -> Vectors:
    """Vectors of what :func:`texts_of` gives, each embedded by itself, ``(n, d)``."""
    return np.concatenate([embedder.embed([text]) for text in texts_of(clause)])


def _place(clause: Clause) -> tuple[str, str, int, int]:
    begins = clause.effective_from.isoformat() if clause.effective_from else ""
    return clause.document, begins, clause.page or 0, clause.line or 0

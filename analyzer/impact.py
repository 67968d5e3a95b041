"""What a change of the policies does to the calls that were judged before it.

Before a new version is adopted: which stored calls would get another verdict under it. After it was
adopted: which stored calls its changed clauses touch, so that only those are judged again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Analysis, Call, Clause, Commitment, PolicyDocument, Verdict
from analyzer.editions import compare_editions
from analyzer.embedders import Embedder
from analyzer.engines import Engine
from analyzer.errors import AnalyzerError, ConfigError
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyBook, PolicyView, embed_clause, join_vectors
from analyzer.policy_library import Adoption
from analyzer.results.rows import CallRow

Touch = Literal["cites", "retrieved", "near"]
Floats = NDArray[np.float32]

#: So many of the clauses that were found for a promise count as bearing on it; and where no clause
#: decides it so far, so many of the nearest.
_NEAR = 3


class _Store(Protocol):
    """What is read from the results."""

    def list_calls(self, *, company: str | None = None, limit: int | None = 50) -> list[CallRow]:
        """Calls of a company."""
        ...

    def find_analysis(self, company: str | None, call_id: str) -> Analysis | None:
        """The current result of a call."""
        ...


@dataclass(frozen=True)
class VerdictChange:
    """One promise whose verdict is another under other policies.

    ``before`` and ``after`` are None where the mark is in one of the two results only.
    """

    turn: int
    quote: str
    before: Verdict | None
    after: Verdict | None
    clause_before: str | None
    clause_after: str | None
    why: str | None


@dataclass(frozen=True)
class CallImpact:
    """A call that a change touches.

    Attributes:
        call: The call.
        touched_by: Ids of the changed clauses that bear on it, in order.
        changes: Promises that get another verdict; empty where all stay.
        analysis: The call judged anew; None where it could not be.
        reason: Why it could not be judged, or None.
    """

    call: Call
    touched_by: tuple[str, ...]
    changes: tuple[VerdictChange, ...] = ()
    analysis: Analysis | None = field(default=None, repr=False)
    reason: str | None = None


@dataclass(frozen=True)
class ImpactReport:
    """What a change does to stored calls.

    Attributes:
        n_considered: Stored calls with a result, of the companies and days concerned.
        touched: Those that the changed clauses touch, judged anew.
    """

    n_considered: int
    touched: tuple[CallImpact, ...]

    @property
    def changed(self) -> tuple[CallImpact, ...]:
        """The touched calls in which a verdict is another."""
        return tuple(one for one in self.touched if one.changes)


@dataclass(frozen=True)
class _Candidate:
    """A stored result with the view that it is to be held against, and what changed in it."""

    analysis: Analysis
    company: str
    view: PolicyView
    changed: frozenset[str]


def preview_impact(
    store: _Store,
    book: PolicyBook,
    documents: Sequence[PolicyDocument],
    *,
    engine: Engine,
    embedder: Embedder,
    since: dt.date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImpactReport:
    """Find which stored calls would get another verdict under versions not adopted yet.

    The new versions are taken as if they had been in force on the day of each call.

    Args:
        store: Stored calls and results.
        book: The policies as they are.
        documents: The new versions.
        engine: Judges; the stored result counts as the verdict before only where it is this
            engine's, by the policies as they are; elsewhere the call is judged under both.
        embedder: Of the book's vectors.
        since: Only calls from this day on; None for all.
        progress: Called with how many touched calls are judged and how many there are.

    Raises:
        ConfigError: If no document is a version of one that the library has, or the engine's
            settings are wrong.
        StoreError: If results cannot be read.
    """
    would_be, changed = _would_be(book, documents, embedder)
    if not changed:
        raise ConfigError(
            "These documents say what the library says already, so nothing would change."
        )
    candidates = [
        _Candidate(analysis, key, would_be.view(key, day), changed[key])
        for key, day, row in _stored(store, book, set(changed), since)
        if (analysis := store.find_analysis(row.company, row.call_id)) is not None
    ]
    touched = list(_find_touched(candidates, embedder))
    out: list[CallImpact] = []
    for number, (candidate, by) in enumerate(touched, start=1):
        out.append(_judge_both(candidate, by, engine, book, would_be))
        if progress:
            progress(number, len(touched))
    return ImpactReport(len(candidates), tuple(out))


def rejudge_touched(
    store: _Store,
    book: PolicyBook,
    adoptions: Sequence[Adoption],
    *,
    engine: Engine,
    embedder: Embedder,
    save: Callable[[Analysis], object],
    progress: Callable[[int, int], None] | None = None,
) -> ImpactReport:
    """Judge again the stored calls that changes of the library touch, and save their results.

    A call is touched by a change that came after its result, of a document in force on its day,
    if one of its promises cites a changed clause, or a changed clause is among the nearest to one.

    Args:
        store: Stored calls and results.
        book: The policies as they are now.
        adoptions: The changes of the library, with when they were made.
        engine: Judges.
        embedder: Of the book's vectors.
        save: Saves a new result.
        progress: Called with how many touched calls are judged and how many there are.

    Raises:
        ConfigError: If the engine's settings are wrong.
        StoreError: If results cannot be read or saved; what was saved by then stays.
    """
    candidates: list[_Candidate] = []
    companies = {adoption.company for adoption in adoptions}
    for key, day, row in _stored(store, book, companies, None):
        view = book.view(key, day)
        changed = _changed_since(adoptions, key, day, row, view)
        # The record is read only where something changed: most nights that is for no call.
        analysis = store.find_analysis(row.company, row.call_id) if changed else None
        if analysis is not None:
            candidates.append(_Candidate(analysis, key, view, changed))
    touched = list(_find_touched(candidates, embedder))
    out: list[CallImpact] = []
    for number, (candidate, by) in enumerate(touched, start=1):
        anew, reason = _judge(candidate.analysis.call, engine, book)
        if anew is not None:
            save(anew)
        changes = compare_verdicts(candidate.analysis, anew) if anew else ()
        out.append(CallImpact(candidate.analysis.call, by, changes, anew, reason))
        if progress:
            progress(number, len(touched))
    return ImpactReport(len(candidates), tuple(out))


def compare_verdicts(before: Analysis, after: Analysis) -> tuple[VerdictChange, ...]:
    """The promises of a call whose verdict is not the same in two results.

    Promises are the same if they stand in one turn and one quote holds the other, or half its
    words.
    """
    left = list(after.commitments)
    out: list[VerdictChange] = []
    for mark in before.commitments:
        same = next((one for one in left if _is_same(mark, one)), None)
        if same is not None:
            left.remove(same)
        if mark.verdict != (same.verdict if same else None):
            out.append(_change(mark, same))
    out += [_change(None, mark) for mark in left if mark.verdict is not None]
    return tuple(sorted(out, key=lambda change: change.turn))


def _change(before: Commitment | None, after: Commitment | None) -> VerdictChange:
    mark = after or before
    if mark is None:
        raise ValueError("a change needs a mark")
    return VerdictChange(
        turn=mark.turn,
        quote=mark.quote,
        before=before.verdict if before else None,
        after=after.verdict if after else None,
        clause_before=next(iter(before.clauses), None) if before else None,
        clause_after=next(iter(after.clauses), None) if after else None,
        why=after.why if after else None,
    )


def _is_same(one: Commitment, other: Commitment) -> bool:
    if one.turn != other.turn:
        return False
    if one.quote in other.quote or other.quote in one.quote:
        return True
    mine, theirs = set(one.quote.lower().split()), set(other.quote.lower().split())
    return 2 * len(mine & theirs) >= min(len(mine), len(theirs))


def _would_be(
    book: PolicyBook, documents: Sequence[PolicyDocument], embedder: Embedder
) -> tuple[PolicyBook, dict[str, frozenset[str]]]:
    """The book with new versions in force on every day, and the ids that change by company."""
    changed: dict[str, set[str]] = {}
    replaced = set()
    new: list[Clause] = []
    for document in documents:
        standing = [
            c for c in book.clauses
            if (c.company, c.document) == (document.company, document.document)
        ]  # fmt: skip
        newest = max((c.effective_from or dt.date.min for c in standing), default=None)
        before = [c for c in standing if (c.effective_from or dt.date.min) == newest]
        ids = {
            clause.id
            for change in compare_editions(before, document.clauses)
            for clause in (change.before, change.after)
            if clause is not None
        }
        if not ids:
            continue
        changed.setdefault(document.company, set()).update(ids)
        replaced.add((document.company, document.document))
        always = {"effective_from": None, "effective_to": None}
        new += [clause.model_copy(update=always) for clause in document.clauses]
    rows = [i for i, c in enumerate(book.clauses) if (c.company, c.document) not in replaced]
    known = {c.embedded_text: book.vectors[i : i + 1] for i, c in enumerate(book.clauses)}
    blocks = [_block_of(book, i) for i in rows]
    blocks += [
        known[c.embedded_text] if c.embedded_text in known else embed_clause(c, embedder)
        for c in new
    ]
    vectors, parts = join_vectors(blocks, dimension=book.vectors.shape[1])
    clauses = (*(book.clauses[i] for i in rows), *new)
    would_be = PolicyBook(book.embedder_name, clauses, vectors, parts, book.corrections)
    return would_be, {company: frozenset(ids) for company, ids in changed.items()}


def _block_of(book: PolicyBook, row: int) -> Floats:
    passages = book.passages
    mine = passages.vectors[passages.owner == row]
    own = book.vectors[row : row + 1]
    return own if len(mine) == 1 else np.concatenate([own, mine])


def _stored(
    store: _Store, book: PolicyBook, companies: set[str], since: dt.date | None
) -> Iterator[tuple[str, dt.date, CallRow]]:
    """Calls that have a result, with the key of their company and their day, oldest first."""
    for row in reversed(store.list_calls(limit=None)):
        key = book.find_company(row.company)
        if row.result_id is None or row.date is None or key not in companies or key is None:
            continue
        if since is None or row.date >= since:
            yield key, row.date, row


def _changed_since(
    adoptions: Sequence[Adoption], company: str, day: dt.date, row: CallRow, view: PolicyView
) -> frozenset[str]:
    """Ids that changed in the policies of a call's day after its result was saved."""
    changed: set[str] = set()
    for adoption in adoptions:
        is_later = row.analyzed_at is None or adoption.at > row.analyzed_at
        began = adoption.effective_from is None or adoption.effective_from <= day
        if adoption.company == company and is_later and began:
            if "*" in adoption.changed:
                changed |= {c.id for c in view.clauses if c.document == adoption.document}
            else:
                changed |= set(adoption.changed)
    return frozenset(changed)


def _find_touched(
    candidates: Sequence[_Candidate], embedder: Embedder
) -> Iterator[tuple[_Candidate, tuple[str, ...]]]:
    """The candidates that changed clauses bear on, each with the ids of those clauses."""
    for candidate in candidates:
        marks = [m for m in candidate.analysis.commitments if m.strength != "hedged"]
        by: dict[str, None] = {}
        for mark in marks:
            cited = (*mark.clauses, *mark.policy_conflict, *mark.retrieved[:_NEAR])
            by.update(dict.fromkeys(c for c in cited if c in candidate.changed))
        if not by:
            for mark in marks:
                by.update(dict.fromkeys(_near(mark, candidate, embedder)))
        if by:
            yield candidate, tuple(by)


def _near(mark: Commitment, candidate: _Candidate, embedder: Embedder) -> list[str]:
    """The changed clauses that lie nearer to a promise than the clause that decides it."""
    view = candidate.view
    if candidate.changed.isdisjoint(c.id for c in view.clauses):
        return []
    turns = candidate.analysis.call.turns
    asked = next((t.text for t in reversed(turns[: mark.turn]) if t.role == "customer"), "")
    text = f"{asked} {mark.quote}".strip()
    found = view.rank(text, embedder.embed([text]), k=len(view.clauses))
    ranked = [view.clauses[i].id for i in found.rows]
    decisive = next((c for c in mark.clauses if c in ranked), None)
    nearer = ranked[: ranked.index(decisive) if decisive else _NEAR]
    return [clause_id for clause_id in nearer if clause_id in candidate.changed]


def _judge_both(
    candidate: _Candidate,
    by: tuple[str, ...],
    engine: Engine,
    book: PolicyBook,
    would_be: PolicyBook,
) -> CallImpact:
    stored, call = candidate.analysis, candidate.analysis.call
    before: Analysis | None = stored
    reason: str | None = None
    current = book.view(candidate.company, call.date) if call.date else None
    is_same_engine = (stored.engine, stored.model) == (engine.name, engine.model)
    if not is_same_engine or current is None or stored.policy_version != current.version:
        before, reason = _judge(call, engine, book)
    after, failed = _judge(call, engine, would_be)
    if before is None or after is None:
        return CallImpact(call, by, reason=reason or failed)
    return CallImpact(call, by, compare_verdicts(before, after), after)


def _judge(call: Call, engine: Engine, book: PolicyBook) -> tuple[Analysis | None, str | None]:
    try:
        return analyze_call(call, engine=engine, book=book), None
    except ConfigError:
        raise
    except AnalyzerError as error:
        return None, str(error)

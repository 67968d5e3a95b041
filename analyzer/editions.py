"""Editions of policy documents: when each ends, and which documents can stand side by side."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

from analyzer.domain import Clause, PolicyDocument
from analyzer.errors import PolicyError


def close_superseded(clauses: Sequence[Clause]) -> list[Clause]:
    """End each edition of a document on the day before its next edition begins.

    Two editions of one document are told apart by ``effective_from``; an edition whose own
    ``effective_to`` is open, or later than that day, ends there.
    """
    editions: dict[tuple[str, str], set[dt.date]] = {}
    for clause in clauses:
        if clause.effective_from:
            editions.setdefault((clause.company, clause.document), set()).add(clause.effective_from)
    out: list[Clause] = []
    for clause in clauses:
        begins = clause.effective_from or dt.date.min
        later = [day for day in editions.get((clause.company, clause.document), ()) if day > begins]
        if later:
            last = min(later) - dt.timedelta(days=1)
            if clause.effective_to is None or clause.effective_to > last:
                out.append(clause.model_copy(update={"effective_to": last}))
                continue
        out.append(clause)
    return out


def check_documents(
    documents: Sequence[PolicyDocument], *, kept: Sequence[Clause] = ()
) -> dict[int, PolicyError]:
    """Find the documents that cannot stand beside the others.

    Two clauses of one company that are in force on the same day may not share an id, since a
    verdict could not say which of them it means; two documents may not be the same edition, since
    one would replace the other.

    Args:
        documents: Documents to be used together; of two that clash, the later is at fault.
        kept: Clauses that stand already and are not replaced by any of ``documents``.

    Returns:
        For the index of each document at fault the reason, with its source and the line.
    """
    faults: dict[int, PolicyError] = {}
    editions: dict[tuple[str, str, dt.date | None], PolicyDocument] = {}
    for index, document in enumerate(documents):
        edition = (document.company, document.document, document.effective_from)
        first = editions.setdefault(edition, document)
        if first is not document:
            faults[index] = PolicyError(
                f"{document.document!r} from the same day stands in {first.source} already; give "
                "one of the two another `document` name or `effective_from` in its front matter",
                path=document.source, line=1,
            )  # fmt: skip
    closed = iter(close_superseded([*kept, *(c for d in documents for c in d.clauses)]))
    standing: dict[tuple[str, str], list[Clause]] = {}
    for clause in itertools.islice(closed, len(kept)):
        standing.setdefault((clause.company, clause.id), []).append(clause)
    for index, document in enumerate(documents):
        clauses = list(itertools.islice(closed, len(document.clauses)))
        clash = next(
            (
                (clause, other)
                for clause in clauses
                for other in standing.get((clause.company, clause.id), ())
                if other.document != clause.document and _overlap(clause, other)
            ),
            None,
        )
        if index not in faults and clash:
            faults[index] = _same_id(*clash)
        if index not in faults:
            for clause in clauses:
                standing.setdefault((clause.company, clause.id), []).append(clause)
    return faults


def _overlap(one: Clause, other: Clause) -> bool:
    begins = max(one.effective_from or dt.date.min, other.effective_from or dt.date.min)
    return one.is_in_force(begins) and other.is_in_force(begins)


def _same_id(clause: Clause, other: Clause) -> PolicyError:
    return PolicyError(
        f"clause {clause.id} also stands in {other.source or other.document} and is in force "
        "there on the same day; give one of the two another id, end the older document with "
        "effective_to, or take it out",
        path=clause.source, line=clause.line,
    )  # fmt: skip

"""Reviewers' decisions: which of them hold for a mark, and which marks wait for one.

A mark is known by call, turn, where its quote starts, and kind. A ruling (confirm or dismiss) holds
for every finding of that mark whose verdict is of the class that the reviewer saw; on a finding of
another class the mark is open again, with the earlier ruling beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from analyzer.results.rows import Decision, DecisionType, MarkKind, Status, VerdictClass
from analyzer.results.tables import StoredCall, StoredDecision, StoredFinding


class MarkKey(NamedTuple):
    """What a mark is known by; ``call_row`` is the id of the call's row."""

    call_row: int
    turn: int
    quote_start: int
    mark_kind: MarkKind


def waits_for_review() -> ColumnElement[bool]:
    """SQL: the finding needs a reviewer or was reopened, and no ruling on it holds."""
    has_ruling = exists().where(
        StoredDecision.call_row == StoredFinding.call_row,
        StoredDecision.turn == StoredFinding.turn,
        StoredDecision.quote_start == StoredFinding.quote_start,
        StoredDecision.mark_kind == StoredFinding.mark_kind,
        StoredDecision.decision != "note",
    )
    holds = has_ruling.where(StoredDecision.verdict_class == StoredFinding.verdict_class)
    return and_(~holds, or_(StoredFinding.needs_review, has_ruling))


def is_dismissed() -> ColumnElement[bool]:
    """SQL: the newest ruling that holds for the finding dismisses it."""
    later = aliased(StoredDecision)
    is_of_mark = [
        getattr(one, name) == getattr(StoredFinding, name)
        for one in (StoredDecision, later)
        for name in ("call_row", "turn", "quote_start", "mark_kind", "verdict_class")
    ]
    overruled = exists().where(
        *is_of_mark[5:], later.decision != "note", later.id > StoredDecision.id
    )
    return exists().where(*is_of_mark[:5], StoredDecision.decision == "dismiss", ~overruled)


def status_of(verdict: VerdictClass, decisions: Sequence[Decision]) -> Status:
    """Where a mark with a verdict of this class stands.

    Args:
        verdict: Class of the verdict that the finding now has.
        decisions: What was said of the mark, oldest first.
    """
    rulings = [d for d in decisions if d.decision != "note"]
    for ruling in reversed(rulings):
        if ruling.verdict_class == verdict:
            return "confirmed" if ruling.decision == "confirm" else "dismissed"
    return "reopened" if rulings else "open"


def select_decisions(session: Session, call_rows: Iterable[int]) -> dict[MarkKey, list[Decision]]:
    """All decisions on marks of these calls, by mark, oldest first."""
    out: dict[MarkKey, list[Decision]] = {}
    statement = _decisions().where(StoredDecision.call_row.in_(sorted(set(call_rows))))
    for row, company, call_id in session.execute(statement.order_by(StoredDecision.id)):
        key = MarkKey(row.call_row, row.turn, row.quote_start, row.mark_kind)
        out.setdefault(key, []).append(_decision(row, company, call_id))
    return out


def select_log(
    session: Session, *, call_row: int | None, reviewer: str | None, limit: int | None
) -> list[Decision]:
    """Decisions of one call or of all, by one reviewer or by all, newest first."""
    statement = _decisions().order_by(StoredDecision.id.desc()).limit(limit)
    if call_row is not None:
        statement = statement.where(StoredDecision.call_row == call_row)
    if reviewer is not None:
        statement = statement.where(StoredDecision.reviewer == reviewer)
    return [
        _decision(row, company, call_id) for row, company, call_id in session.execute(statement)
    ]


def put_decision(
    session: Session,
    finding: StoredFinding,
    call: StoredCall,
    *,
    decision: DecisionType,
    reviewer: str,
    reason: str | None,
    when: dt.datetime,
) -> Decision:
    """Add a decision on the mark that a finding is of."""
    row = StoredDecision(
        call_row=finding.call_row,
        turn=finding.turn,
        quote_start=finding.quote_start,
        mark_kind=finding.mark_kind,
        verdict_class=finding.verdict_class,
        decision=decision,
        reviewer=reviewer,
        reason=reason,
        decided_at=when,
        finding_row=finding.id,
    )
    session.add(row)
    session.flush()
    return _decision(row, call.company, call.call_id)


def _decisions() -> Select[StoredDecision, str, str]:
    return select(StoredDecision, StoredCall.company, StoredCall.call_id).join(
        StoredCall, StoredCall.id == StoredDecision.call_row
    )


def _decision(row: StoredDecision, company: str, call_id: str) -> Decision:
    return Decision(
        decision_id=row.id,
        company=company or None,
        call_id=call_id,
        turn=row.turn,
        quote_start=row.quote_start,
        mark_kind=row.mark_kind,
        verdict_class=row.verdict_class,
        decision=row.decision,
        reviewer=row.reviewer,
        reason=row.reason,
        decided_at=row.decided_at,
        finding_id=row.finding_row,
    )

"""Reads the tables for the app and the command line: pages of calls and findings, one record."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from analyzer.domain import Analysis, Call, Verdict, describe
from analyzer.errors import StoreError
from analyzer.results.reviews import MarkKey, select_decisions, status_of, waits_for_review
from analyzer.results.rows import (
    CallRow,
    Decision,
    FindingRow,
    FindingType,
    Order,
    ResultRow,
    SetAsideInput,
)
from analyzer.results.tables import (
    CallAgent,
    StoredCall,
    StoredFinding,
    StoredResult,
    StoredSetAside,
    StoredVersion,
)

_NEWEST = (StoredCall.date.desc().nulls_last(), StoredCall.id.desc())
_WORST = (
    StoredCall.score.asc().nulls_last(),
    StoredCall.n_conflicts.desc(),
    StoredCall.n_stonewalls.desc(),
    *_NEWEST,
)


@dataclass(frozen=True)
class CallFilter:
    """Which calls; a field that is None asks for nothing."""

    company: str | None = None
    agent: str | None = None
    has_conflict: bool | None = None
    has_stonewall: bool | None = None
    text: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL; a call that has not been analysed neither has a mark nor has none."""
        out: list[ColumnElement[bool]] = []
        if self.company is not None:
            out.append(StoredCall.company == self.company)
        if self.agent is not None:
            out.append(_has_agent(self.agent))
        for wanted, count in (
            (self.has_conflict, StoredCall.n_conflicts),
            (self.has_stonewall, StoredCall.n_stonewalls),
        ):
            if wanted is not None:
                out.append(count > 0 if wanted else count == 0)
                out.append(StoredCall.result_id.is_not(None))
        if self.text:
            out.append(
                exists().where(
                    StoredVersion.call_row == StoredCall.id,
                    StoredVersion.number == StoredCall.version,
                    StoredVersion.search_text.contains(self.text.casefold(), autoescape=True),
                )
            )
        return out


@dataclass(frozen=True)
class FindingFilter:
    """Which findings; a field that is None asks for nothing, but see ``result_id``.

    Attributes:
        result_id: Findings of this result; None for those of each call's current result.
    """

    company: str | None = None
    call_id: str | None = None
    result_id: int | None = None
    finding: FindingType | None = None
    verdict: Verdict | None = None
    clause: str | None = None
    agent: str | None = None
    waits: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL, over findings joined to their calls."""
        out: list[ColumnElement[bool]] = [
            StoredFinding.result_row == StoredCall.result_id
            if self.result_id is None
            else StoredFinding.result_row == self.result_id
        ]
        for wanted, column in (
            (self.company, StoredCall.company),
            (self.call_id, StoredCall.call_id),
            (self.finding, StoredFinding.finding),
            (self.verdict, StoredFinding.verdict),
            (self.clause, StoredFinding.clause),
        ):
            if wanted is not None:
                out.append(column == wanted)
        if self.agent is not None:
            out.append(_has_agent(self.agent))
        if self.waits is not None:
            out.append(waits_for_review() if self.waits else ~waits_for_review())
        return out


def _has_agent(agent: str) -> ColumnElement[bool]:
    speaks = exists().where(CallAgent.call_row == StoredCall.id, CallAgent.agent == agent)
    return or_(StoredCall.agent_id == agent, speaks)


def select_call(session: Session, company: str | None, call_id: str) -> StoredCall | None:
    """The row of a call, or None; a company of None is an empty one."""
    return session.scalar(
        select(StoredCall).where(
            StoredCall.company == (company or ""), StoredCall.call_id == call_id
        )
    )


def select_calls(
    session: Session, wanted: CallFilter, *, limit: int | None, offset: int, order: Order
) -> list[CallRow]:
    """A page of calls."""
    statement = (
        select(StoredCall)
        .where(*wanted.conditions())
        .order_by(*(_WORST if order == "worst" else _NEWEST))
        .limit(limit)
        .offset(offset)
    )
    return [call_row(stored) for stored in session.scalars(statement)]


def count_calls(session: Session, wanted: CallFilter) -> int:
    """How many calls there are of a kind."""
    statement = select(func.count()).select_from(StoredCall).where(*wanted.conditions())
    return session.scalar(statement) or 0


def call_row(stored: StoredCall) -> CallRow:
    """A call's row as lists show it."""
    return CallRow(
        company=stored.company or None,
        call_id=stored.call_id,
        date=stored.date,
        agents=tuple(stored.agents),
        agent_id=stored.agent_id,
        team=stored.team,
        customer_id=stored.customer_id,
        channel=stored.channel,
        version=stored.version,
        n_versions=stored.n_versions,
        saved_at=stored.saved_at,
        result_id=stored.result_id,
        is_outdated=stored.result_id is not None and stored.result_version != stored.version,
        engine=stored.engine,
        model=stored.model,
        analyzed_at=stored.analyzed_at,
        score=stored.score,
        n_commitments=stored.n_commitments,
        n_conflicts=stored.n_conflicts,
        n_stonewalls=stored.n_stonewalls,
        n_to_review=stored.n_to_review,
    )


def _findings(wanted: FindingFilter, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(StoredFinding)
        .join(StoredCall, StoredCall.id == StoredFinding.call_row)
        .where(and_(*wanted.conditions()))
    )


def select_findings(
    session: Session, wanted: FindingFilter, *, limit: int | None, offset: int
) -> list[FindingRow]:
    """A page of findings, newest call first, in the order of the call."""
    statement = (
        _findings(wanted, StoredFinding, StoredCall)
        .order_by(*_NEWEST, StoredFinding.turn, StoredFinding.quote_start, StoredFinding.id)
        .limit(limit)
        .offset(offset)
    )
    pairs = session.execute(statement).all()
    decisions = select_decisions(session, {finding.call_row for finding, _ in pairs})
    return [
        _finding_row(finding, call, tuple(decisions.get(_key(finding), ())))
        for finding, call in pairs
    ]


def count_findings(session: Session, wanted: FindingFilter) -> int:
    """How many findings there are of a kind."""
    return session.scalar(_findings(wanted, func.count())) or 0


def _key(finding: StoredFinding) -> MarkKey:
    return MarkKey(finding.call_row, finding.turn, finding.quote_start, finding.mark_kind)


def _finding_row(
    finding: StoredFinding, call: StoredCall, decisions: tuple[Decision, ...]
) -> FindingRow:
    return FindingRow(
        finding_id=finding.id,
        result_id=finding.result_row,
        company=call.company or None,
        call_id=call.call_id,
        date=call.date,
        agents=tuple(call.agents),
        finding=finding.finding,
        mark_id=finding.mark,
        turn=finding.turn,
        quote_start=finding.quote_start,
        first_turn=finding.first_turn,
        last_turn=finding.last_turn,
        mark_kind=finding.mark_kind,
        quote=finding.quote,
        strength=finding.strength,
        verdict=finding.verdict,
        verdict_class=finding.verdict_class,
        clause=finding.clause,
        resolution=finding.resolution,
        severity=finding.severity,
        tactics=tuple(finding.tactics),
        confidence=finding.confidence,
        needs_review=finding.needs_review,
        status=status_of(finding.verdict_class, decisions),
        decisions=decisions,
    )


def select_results(session: Session, stored: StoredCall) -> list[ResultRow]:
    """The results of a call, newest first."""
    statement = (
        select(
            StoredResult.id,
            StoredVersion.number,
            StoredResult.engine,
            StoredResult.model,
            StoredResult.prompt_version,
            StoredResult.policy_version,
            StoredResult.score,
            StoredResult.n_commitments,
            StoredResult.n_conflicts,
            StoredResult.n_stonewalls,
            StoredResult.saved_at,
        )
        .join(StoredVersion, StoredVersion.id == StoredResult.version_row)
        .where(StoredResult.call_row == stored.id)
        .order_by(StoredResult.id.desc())
    )
    return [
        ResultRow(
            result_id=row.id,
            version=row.number,
            is_current=row.id == stored.result_id,
            engine=row.engine,
            model=row.model,
            prompt_version=row.prompt_version,
            policy_version=row.policy_version,
            score=row.score,
            n_commitments=row.n_commitments,
            n_conflicts=row.n_conflicts,
            n_stonewalls=row.n_stonewalls,
            saved_at=row.saved_at,
        )
        for row in session.execute(statement)
    ]


def read_analysis(session: Session, stored: StoredCall, result_id: int) -> Analysis | None:
    """The whole record of a result of this call, or None if it has no such result.

    Raises:
        StoreError: If what is stored is not a record.
    """
    statement = (
        select(StoredResult.record, StoredVersion.content)
        .join(StoredVersion, StoredVersion.id == StoredResult.version_row)
        .where(StoredResult.id == result_id, StoredResult.call_row == stored.id)
    )
    try:
        found = session.execute(statement).one_or_none()
        if found is None:
            return None
        return Analysis.model_validate({**found.record, "call": found.content})
    except ValueError as error:
        raise StoreError(
            f"Result {result_id} of call {stored.call_id!r} cannot be read back ({_why(error)}); "
            "use the version of Wordbond that saved it, analyse the call again, or put back a "
            "backup."
        ) from error


def read_call(session: Session, stored: StoredCall, version: int) -> Call | None:
    """One version of a call, or None if it has no such version.

    Raises:
        StoreError: If what is stored is not a call.
    """
    statement = select(StoredVersion.content).where(
        StoredVersion.call_row == stored.id, StoredVersion.number == version
    )
    try:
        content = session.scalar(statement)
        return None if content is None else Call.model_validate(content)
    except ValueError as error:
        raise StoreError(
            f"Version {version} of call {stored.call_id!r} cannot be read back ({_why(error)}); "
            "use the version of Wordbond that saved it, import the call again, or put back a "
            "backup."
        ) from error


def _why(error: ValueError) -> str:
    return describe(error) if isinstance(error, ValidationError) else "its JSON is broken"


def select_set_aside(
    session: Session, *, limit: int | None, since: dt.datetime | None
) -> list[SetAsideInput]:
    """Inputs that could not be taken, the latest first."""
    statement = (
        select(StoredSetAside)
        .order_by(StoredSetAside.last_at.desc(), StoredSetAside.id.desc())
        .limit(limit)
    )
    if since is not None:
        statement = statement.where(StoredSetAside.last_at >= since)
    return [
        SetAsideInput(
            source=row.source,
            reason=row.reason,
            first_at=row.first_at,
            last_at=row.last_at,
            times=row.times,
        )
        for row in session.scalars(statement)
    ]

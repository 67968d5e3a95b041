"""What can be asked of a store; :class:`analyzer.results.store.ResultStore` adds saving."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL, Engine, func, select
from sqlalchemy.orm import Session

from analyzer.domain import Analysis, Call, Verdict
from analyzer.errors import StoreError
from analyzer.results import reading, reviews
from analyzer.results.faults import explained, render_database
from analyzer.results.rows import (
    CallRow,
    Decision,
    FindingRow,
    FindingType,
    Order,
    ResultRow,
    SetAsideInput,
    StoreStats,
)
from analyzer.results.tables import (
    Base,
    CallAgent,
    StoredCall,
    StoredDecision,
    StoredFinding,
    StoredResult,
    StoredSetAside,
    StoredVersion,
)

_Out = TypeVar("_Out")


def require_utc(moment: dt.datetime) -> dt.datetime:
    """An aware time in UTC.

    Raises:
        ValueError: If it has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone; pass an aware datetime")
    return moment.astimezone(dt.UTC)


class Queries:
    """The reading half of a store: every method is one transaction that changes nothing."""

    def __init__(self, url: URL, engine: Engine, revision: str) -> None:
        self._url = url
        self._engine = engine
        self._revision = revision

    # --- one call -------------------------------------------------------------------------------

    def find_call(
        self, company: str | None, call_id: str, *, version: int | None = None
    ) -> Call | None:
        """A call as it was read, or None if it is not stored.

        Args:
            company: The call's company, None or empty where it names none.
            call_id: The call's id.
            version: Which content, from 1; None for the current one.
        """

        def work(session: Session) -> Call | None:
            stored = reading.select_call(session, company, call_id)
            if stored is None:
                return None
            wanted = stored.version if version is None else version
            return reading.read_call(session, stored, wanted)

        return self._read(work)

    def find_call_row(self, company: str | None, call_id: str) -> CallRow | None:
        """A call as lists show it, or None if it is not stored."""

        def work(session: Session) -> CallRow | None:
            stored = reading.select_call(session, company, call_id)
            return None if stored is None else reading.call_row(stored)

        return self._read(work)

    def find_analysis(
        self, company: str | None, call_id: str, *, result_id: int | None = None
    ) -> Analysis | None:
        """An analysis exactly as it was saved, or None if there is none.

        Args:
            company: The call's company, None or empty where it names none.
            call_id: The call's id.
            result_id: Which result of the call; None for the current one.
        """

        def work(session: Session) -> Analysis | None:
            stored = reading.select_call(session, company, call_id)
            wanted = stored.result_id if stored and result_id is None else result_id
            if stored is None or wanted is None:
                return None
            return reading.read_analysis(session, stored, wanted)

        return self._read(work)

    def get_analysis(
        self, company: str | None, call_id: str, *, result_id: int | None = None
    ) -> Analysis:
        """As :meth:`find_analysis`, for a call that must have one.

        Raises:
            StoreError: If it has none; the message says whether the call or the result is missing.
        """
        found = self.find_analysis(company, call_id, result_id=result_id)
        if found is not None:
            return found
        name = f"Call {call_id!r}" + (f" of company {company!r}" if company else "")
        if self.find_call_row(company, call_id) is None:
            raise StoreError(f"{name} is not stored; check its id and company, or analyse it.")
        if result_id is None:
            raise StoreError(f"{name} is stored but has not been analysed; analyse it.")
        known = ", ".join(str(row.result_id) for row in self.list_results(company, call_id))
        raise StoreError(f"{name} has no result {result_id}; it has {known or 'none'}.")

    def list_results(self, company: str | None, call_id: str) -> list[ResultRow]:
        """The history of a call: all its results, newest first; empty if it is not stored."""

        def work(session: Session) -> list[ResultRow]:
            stored = reading.select_call(session, company, call_id)
            return [] if stored is None else reading.select_results(session, stored)

        return self._read(work)

    # --- lists ----------------------------------------------------------------------------------

    def list_calls(
        self,
        *,
        company: str | None = None,
        agent: str | None = None,
        has_conflict: bool | None = None,
        has_stonewall: bool | None = None,
        text: str | None = None,
        limit: int | None = 50,
        offset: int = 0,
        order: Order = "newest",
    ) -> list[CallRow]:
        """A page of calls.

        Args:
            company: Only calls of this company; ``""`` for calls that name none.
            agent: Only calls in which this agent speaks, by name or by ``agent_id``.
            has_conflict: Only analysed calls with, or without, a conflict.
            has_stonewall: Only analysed calls with, or without, a stonewall.
            text: Only calls in which these words stand, in a row and in any case: in what was
                said, or in the call's id, company, customer, agents or team.
            limit: How many at most; None for all.
            offset: How many to leave out first.
            order: ``newest`` by day of the call, undated calls last; ``worst`` by score, calls
                without one last.
        """
        wanted = reading.CallFilter(company, agent, has_conflict, has_stonewall, text)
        return self._read(
            lambda session: reading.select_calls(
                session, wanted, limit=limit, offset=offset, order=order
            )
        )

    def count_calls(
        self,
        *,
        company: str | None = None,
        agent: str | None = None,
        has_conflict: bool | None = None,
        has_stonewall: bool | None = None,
        text: str | None = None,
    ) -> int:
        """How many calls :meth:`list_calls` would list without a limit."""
        wanted = reading.CallFilter(company, agent, has_conflict, has_stonewall, text)
        return self._read(lambda session: reading.count_calls(session, wanted))

    def list_findings(
        self,
        *,
        company: str | None = None,
        call_id: str | None = None,
        result_id: int | None = None,
        finding: FindingType | None = None,
        verdict: Verdict | None = None,
        clause: str | None = None,
        agent: str | None = None,
        to_review: bool | None = None,
        limit: int | None = 50,
        offset: int = 0,
    ) -> list[FindingRow]:
        """A page of findings, those of the newest calls first, in the order of the call.

        Args:
            company: Only findings in calls of this company; ``""`` for calls that name none.
            call_id: Only findings in calls with this id.
            result_id: Findings of this result; None for those of each call's current result.
            finding: Only commitments, or only stonewalls.
            verdict: Only commitments with this verdict.
            clause: Only commitments for which this clause is decisive.
            agent: Only findings in calls in which this agent speaks, by name or by ``agent_id``.
            to_review: Only findings that wait for a reviewer, or only those that do not.
            limit: How many at most; None for all.
            offset: How many to leave out first.
        """
        wanted = reading.FindingFilter(
            company, call_id, result_id, finding, verdict, clause, agent, to_review
        )
        return self._read(
            lambda session: reading.select_findings(session, wanted, limit=limit, offset=offset)
        )

    def count_findings(
        self,
        *,
        company: str | None = None,
        call_id: str | None = None,
        result_id: int | None = None,
        finding: FindingType | None = None,
        verdict: Verdict | None = None,
        clause: str | None = None,
        agent: str | None = None,
        to_review: bool | None = None,
    ) -> int:
        """How many findings :meth:`list_findings` would list without a limit."""
        wanted = reading.FindingFilter(
            company, call_id, result_id, finding, verdict, clause, agent, to_review
        )
        return self._read(lambda session: reading.count_findings(session, wanted))

    def load_decisions(
        self,
        *,
        company: str | None = None,
        call_id: str | None = None,
        reviewer: str | None = None,
        limit: int | None = None,
    ) -> list[Decision]:
        """What reviewers said, newest first.

        Args:
            company: With ``call_id``, the call's company.
            call_id: Only decisions on this call; None for all calls.
            reviewer: Only decisions of this reviewer.
            limit: How many at most; None for all.
        """

        def work(session: Session) -> list[Decision]:
            row_id = None
            if call_id is not None:
                stored = reading.select_call(session, company, call_id)
                if stored is None:
                    return []
                row_id = stored.id
            return reviews.select_log(session, call_row=row_id, reviewer=reviewer, limit=limit)

        return self._read(work)

    def list_set_aside(
        self, limit: int | None = 50, *, since: dt.datetime | None = None
    ) -> list[SetAsideInput]:
        """Inputs that could not be taken, the latest first.

        Args:
            limit: How many at most; None for all.
            since: Only those set aside at this time or later; aware.

        Raises:
            ValueError: If ``since`` has no time zone.
        """
        moment = None if since is None else require_utc(since)
        return self._read(
            lambda session: reading.select_set_aside(session, limit=limit, since=moment)
        )

    def companies(self) -> list[str]:
        """The companies that calls name, in alphabetical order."""
        return self._read(
            lambda session: sorted(
                filter(None, session.scalars(select(StoredCall.company).distinct()))
            )
        )

    def agents(self) -> list[str]:
        """The agents who speak in calls, in alphabetical order."""
        return self._read(
            lambda session: sorted(session.scalars(select(CallAgent.agent).distinct()))
        )

    def stats(self) -> StoreStats:
        """What is in the store, and at which revision its schema is."""

        def count(session: Session, table: type[Base]) -> int:
            return session.scalar(select(func.count()).select_from(table)) or 0

        def work(session: Session) -> StoreStats:
            return StoreStats(
                database=render_database(self._url),
                revision=self._revision,
                n_calls=count(session, StoredCall),
                n_versions=count(session, StoredVersion),
                n_results=count(session, StoredResult),
                n_findings=count(session, StoredFinding),
                n_decisions=count(session, StoredDecision),
                n_set_aside=count(session, StoredSetAside),
            )

        return self._read(work)

    def _read(self, work: Callable[[Session], _Out]) -> _Out:
        with explained(self._url), Session(self._engine) as session:
            return work(session)

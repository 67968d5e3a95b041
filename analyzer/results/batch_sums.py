"""What a run of the batch found, summed up in the database for its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from analyzer.results.store import ResultStore
from analyzer.results.tables import StoredCall, StoredFinding, StoredTask

Group = Literal["agent", "team"]
_WORST_VERDICTS = {"contradicted": 3, "exceeds_authority": 2}


@dataclass(frozen=True, slots=True)
class GroupSum:
    """Calls and marks of one agent or team in a run."""

    name: str
    calls: int
    with_conflict: int
    with_stonewall: int
    conflicts: int
    stonewalls: int
    score_sum: int
    scored: int


@dataclass(frozen=True, slots=True)
class ClauseSum:
    """How often a clause was gone against in a run, and in how many calls."""

    company: str
    clause: str
    conflicts: int
    calls: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A conflict or stonewall as a report quotes it."""

    company: str
    call_id: str
    agent: str
    turn: int
    quote: str | None
    finding: str
    verdict: str | None
    clause: str | None
    severity: int | None
    confidence: float | None


def sum_groups(store: ResultStore, run_id: int, group: Group) -> list[GroupSum]:
    """The calls that a run finished, by agent or by team, most conflicts first."""
    name = func.coalesce(_agent(store) if group == "agent" else StoredCall.team, "")
    statement = (
        select(
            name.label("name"),
            func.count().label("calls"),
            func.sum(case((StoredCall.n_conflicts > 0, 1), else_=0)).label("with_conflict"),
            func.sum(case((StoredCall.n_stonewalls > 0, 1), else_=0)).label("with_stonewall"),
            func.sum(StoredCall.n_conflicts).label("conflicts"),
            func.sum(StoredCall.n_stonewalls).label("stonewalls"),
            func.coalesce(func.sum(StoredCall.score), 0).label("score_sum"),
            func.count(StoredCall.score).label("scored"),
        )
        .select_from(StoredTask)
        .join(StoredCall, StoredCall.id == StoredTask.call_row)
        .where(StoredTask.ended_by == run_id, StoredTask.state == "done")
        .group_by(name)
    )

    def work(session: Session) -> list[GroupSum]:
        rows = [GroupSum(*map(_plain, row)) for row in session.execute(statement)]
        return sorted(rows, key=lambda r: (-r.conflicts - r.stonewalls, -r.calls, r.name))

    return store.read(work)


def sum_clauses(store: ResultStore, run_id: int) -> list[ClauseSum]:
    """The clauses that promises of a run's calls go against, most often first."""
    statement = (
        select(
            StoredCall.company,
            StoredFinding.clause,
            func.count(),
            func.count(func.distinct(StoredFinding.call_row)),
        )
        .select_from(StoredTask)
        .join(StoredFinding, StoredFinding.result_row == StoredTask.result_row)
        .join(StoredCall, StoredCall.id == StoredTask.call_row)
        .where(
            StoredTask.ended_by == run_id,
            StoredTask.state == "done",
            StoredFinding.verdict_class == "conflict",
            StoredFinding.clause.is_not(None),
        )
        .group_by(StoredCall.company, StoredFinding.clause)
    )

    def work(session: Session) -> list[ClauseSum]:
        rows = [
            ClauseSum(company, clause or "", conflicts, calls)
            for company, clause, conflicts, calls in session.execute(statement)
        ]
        return sorted(rows, key=lambda r: (-r.conflicts, r.company, r.clause))

    return store.read(work)


def worst_moments(store: ResultStore, run_id: int, limit: int) -> list[Moment]:
    """The conflicts and stonewalls of a run that a person should see first."""
    weight = case(
        *((StoredFinding.verdict == verdict, rank) for verdict, rank in _WORST_VERDICTS.items()),
        else_=func.coalesce(StoredFinding.severity, 0),
    )
    statement = (
        select(
            StoredCall.company, StoredCall.call_id, func.coalesce(_agent(store), ""),
            StoredFinding.turn, StoredFinding.quote, StoredFinding.finding, StoredFinding.verdict,
            StoredFinding.clause, StoredFinding.severity, StoredFinding.confidence,
        )
        .select_from(StoredTask)
        .join(StoredFinding, StoredFinding.result_row == StoredTask.result_row)
        .join(StoredCall, StoredCall.id == StoredTask.call_row)
        .where(
            StoredTask.ended_by == run_id,
            StoredTask.state == "done",
            (StoredFinding.verdict_class == "conflict") | (StoredFinding.finding == "stonewall"),
        )
        .order_by(weight.desc(), StoredFinding.confidence.desc().nulls_last(), StoredFinding.id)
        .limit(limit)
    )  # fmt: skip
    return store.read(lambda session: [Moment(*row) for row in session.execute(statement)])


def _agent(store: ResultStore) -> ColumnElement[Any]:
    """The agent's id, or the first agent's name."""
    first = (
        StoredCall.agents.op("->>")(0)
        if store.is_postgresql
        else func.json_extract(StoredCall.agents, "$[0]")
    )
    return func.coalesce(func.nullif(StoredCall.agent_id, ""), first)


def _plain(value: Any) -> Any:
    """PostgreSQL sums whole numbers to Decimal."""
    return value if isinstance(value, str) or value is None else int(value)

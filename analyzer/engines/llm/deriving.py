"""From the model's list of conditions to a verdict: worked out in code, not taken at its word."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from analyzer.domain import CONFLICTS, Clause, Condition, Verdict
from analyzer.engines.llm.answers import Compare, JudgedCondition, Judgement, Status
from analyzer.language.dates import add_business_days
from analyzer.language.quantities import find_quantities

_NEAR = 0.006
#: No window of a policy is longer, and counting business days takes a step a day.
_LONGEST_DAYS = 4000


@dataclass(frozen=True)
class Derived:
    """What the code made of a judgement.

    Attributes:
        verdict: The verdict that follows from the conditions.
        conditions: They, with what was worked out in place of the model's word.
        disagreements: Where the model's word and the code's differ, one sentence each.
    """

    verdict: Verdict
    conditions: tuple[Condition, ...]
    disagreements: tuple[str, ...]


def derive(judgement: Judgement, clause: Clause | None, n_turns: int) -> Derived:
    """Derive the verdict of a commitment.

    A term that fails is ``contradicted``; an authority that the agent lacks is
    ``exceeds_authority``; a mandatory check that was skipped, or anything that the call leaves
    open, is ``conditions_unverified``; else ``supported``; with no clause
    ``not_addressed``. The upper one wins.

    Args:
        judgement: What the model answered.
        clause: The decisive clause; None where none governs.
        n_turns: How many turns the call has; a condition's turn beyond them is dropped.
    """
    told: list[str] = []
    if clause is None:
        if judgement.verdict != "not_addressed":
            told.append(f"the model says {judgement.verdict}, but names no clause in force")
        return Derived("not_addressed", (), tuple(told))
    conditions: list[Condition] = []
    states: list[tuple[str, Status]] = []
    for condition in judgement.conditions:
        status, worked_out = _status(condition, clause)
        if worked_out:
            told.append(worked_out)
        states.append((condition.kind, status))
        turn = condition.turn if condition.turn is not None else None
        conditions.append(
            Condition(
                text=condition.text.strip() or "a condition of the clause",
                met={"met": True, "not_met": False, "not_shown": None}[status],
                turn=turn if turn is not None and 0 <= turn < n_turns else None,
            )
        )
    verdict = _verdict(states)
    if not states and judgement.verdict != "not_addressed":
        # With nothing listed there is nothing to derive from: its word stands, for a person.
        verdict = judgement.verdict
        if verdict != "supported":
            told.append(f"the model says {verdict} without a condition that shows it")
    elif verdict != judgement.verdict:
        told.append(f"the model says {judgement.verdict}, its conditions make it {verdict}")
    return Derived(verdict, tuple(conditions), tuple(told))


def _verdict(states: list[tuple[str, Status]]) -> Verdict:
    if ("terms", "not_met") in states:
        return "contradicted"
    if ("authority", "not_met") in states:
        return "exceeds_authority"
    if any(status != "met" for _, status in states):
        return "conditions_unverified"
    return "supported"


def _status(condition: JudgedCondition, clause: Clause) -> tuple[Status, str | None]:
    """The status of a condition, worked out where its operands allow it, and any disagreement."""
    compare = condition.compare
    if compare is None or condition.status == "not_shown" or not _stands_in(compare, clause):
        return condition.status, None
    holds = _holds(compare)
    if holds is None:
        return condition.status, None
    computed: Status = "met" if holds else "not_met"
    if computed == condition.status:
        return computed, None
    actual = _actual(compare)
    return computed, (
        f"the model says {condition.status} of {condition.text!r}, but {actual:g} is "
        f"{'' if holds else 'not '}{compare.relation.replace('_', ' ')} {compare.limit:g}"
    )


def _holds(compare: Compare) -> bool | None:
    actual = _actual(compare)
    if actual is None:
        return None
    slack = abs(compare.limit) * _NEAR
    if compare.relation == "at_most":
        return actual <= compare.limit + slack
    if compare.relation == "at_least":
        return actual >= compare.limit - slack
    return abs(actual - compare.limit) <= slack


def _actual(compare: Compare) -> float | None:
    if compare.measure in {"days", "business_days"}:
        first, last = compare.day("from_date"), compare.day("to_date")
        if first and last:
            return float(_days_between(first, last, is_business=compare.measure != "days"))
    return compare.actual


def _days_between(first: dt.date, last: dt.date, *, is_business: bool) -> int:
    days = (last - first).days
    if not is_business or not 0 < days <= _LONGEST_DAYS:
        return days
    count = 0
    while add_business_days(first, count + 1) <= last:
        count += 1
    return count


def _stands_in(compare: Compare, clause: Clause) -> bool:
    """Whether the limit is one that the clause names; an invented one decides nothing."""
    for quantity in find_quantities(clause.text):
        if any(abs(v - compare.limit) <= abs(compare.limit) * _NEAR for v in quantity.readings):
            return True
    return False


def is_conflict(verdict: Verdict | None) -> bool:
    """Whether a verdict makes its commitment a conflict."""
    return verdict in CONFLICTS

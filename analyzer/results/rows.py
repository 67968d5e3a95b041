"""What the store hands out: frozen rows, apart from the tables they are read from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from analyzer.domain import CONFLICTS, Resolution, Severity, Strength, Tactic, Verdict

FindingType = Literal["commitment", "stonewall"]
MarkKind = Literal["promise", "assurance", "exception", "stonewall"]
VerdictClass = Literal["conflict", "unverified", "supported", "not_addressed", "none"]
DecisionType = Literal["confirm", "dismiss", "note"]
Status = Literal["open", "confirmed", "dismissed", "reopened"]
Order = Literal["newest", "worst"]

_CLASSES: dict[Verdict, VerdictClass] = {
    "conditions_unverified": "unverified",
    "supported": "supported",
    "not_addressed": "not_addressed",
}


def verdict_class(verdict: Verdict | None) -> VerdictClass:
    """The class of a verdict: a decision holds for a mark as long as this stays the same.

    Returns:
        ``conflict`` for ``contradicted`` and ``exceeds_authority``, ``none`` where there is no
        verdict (stonewalls, hedged marks, calls without policies or date).
    """
    if verdict is None:
        return "none"
    return "conflict" if verdict in CONFLICTS else _CLASSES[verdict]


@dataclass(frozen=True, slots=True)
class SavedCall:
    """Where a call was put.

    Attributes:
        version_id: Id of the version's row.
        version: Number of the version, 1 for the first content of this call.
        created: Whether this content was new.
    """

    version_id: int
    version: int
    created: bool


@dataclass(frozen=True, slots=True)
class SavedResult:
    """Where a result was put; ``created`` is False if the very same one was there already."""

    result_id: int
    created: bool


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as lists show it: its current version and its current result.

    Attributes:
        company: Key or name of the company, None where the call names none.
        call_id: The call's id; with ``company`` what the call is known by.
        date: Day of the call, where known.
        agents: The agents who speak, by name in the order they do; ``agent_id`` where none is
            named.
        agent_id: The agent's id, where the call carries one.
        team: The agent's team, where known.
        customer_id: The customer, where known.
        channel: Phone, chat and so on, where known.
        version: Number of the version that was saved last; 1 is the first.
        n_versions: How many contents this call has had.
        saved_at: When the call was first saved, UTC.
        result_id: The current result; None while the call has not been analysed.
        is_outdated: Whether the result is of an earlier version of the call.
        engine: What made the result.
        model: With which model.
        analyzed_at: When the result was saved, UTC.
        score: 0 to 100, 100 is a clean call; None where not scored.
        n_commitments: Commitments marked.
        n_conflicts: Of those, how many policy contradicts or are beyond the agent's authority, as
            the engine has it.
        n_stonewalls: Stonewalls marked.
        n_to_review: Marks that wait for a reviewer: they need review or were reopened, and no
            decision holds.
    """

    company: str | None
    call_id: str
    date: dt.date | None
    agents: tuple[str, ...]
    agent_id: str | None
    team: str | None
    customer_id: str | None
    channel: str | None
    version: int
    n_versions: int
    saved_at: dt.datetime
    result_id: int | None
    is_outdated: bool
    engine: str | None
    model: str | None
    analyzed_at: dt.datetime | None
    score: int | None
    n_commitments: int
    n_conflicts: int
    n_stonewalls: int
    n_to_review: int

    @property
    def n_marks(self) -> int:
        """Commitments and stonewalls together."""
        return self.n_commitments + self.n_stonewalls


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result in the history of a call.

    Attributes:
        result_id: What ``find_analysis`` takes.
        version: Number of the version of the call that was analysed.
        is_current: Whether lists show this one.
        engine: What made it.
        model: With which model.
        prompt_version: With which prompts; None where there are none.
        policy_version: Against which policies; None where no clause could be said to be in force.
        score: 0 to 100; None where not scored.
        n_commitments: Commitments marked.
        n_conflicts: Of those, how many are conflicts.
        n_stonewalls: Stonewalls marked.
        saved_at: When it was saved, UTC.
    """

    result_id: int
    version: int
    is_current: bool
    engine: str | None
    model: str | None
    prompt_version: str | None
    policy_version: str | None
    score: int | None
    n_commitments: int
    n_conflicts: int
    n_stonewalls: int
    saved_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer said of a mark; kept for good.

    Attributes:
        decision_id: Grows with time.
        company: The call's company, None where it names none.
        call_id: The call.
        turn: Turn of the mark's quote.
        quote_start: Character of that turn at which the quote starts.
        mark_kind: Kind of the mark.
        verdict_class: Class of the verdict that the reviewer saw.
        decision: Confirm and dismiss rule on the mark, a note does not.
        reviewer: Who.
        reason: Why, or the words of the note.
        decided_at: When, UTC.
        finding_id: The finding that the reviewer was looking at.
    """

    decision_id: int
    company: str | None
    call_id: str
    turn: int
    quote_start: int
    mark_kind: MarkKind
    verdict_class: VerdictClass
    decision: DecisionType
    reviewer: str
    reason: str | None
    decided_at: dt.datetime
    finding_id: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A commitment or a stonewall as lists show it, with what reviewers said of it.

    Attributes:
        finding_id: What ``save_decision`` takes.
        result_id: The result that it belongs to.
        company: The call's company, None where it names none.
        call_id: The call.
        date: Day of the call, where known.
        agents: The agents who speak in the call.
        finding: Commitment or stonewall.
        mark_id: The commitment's ``id``; ``s1``, ``s2`` … for stonewalls, in order.
        turn: Turn in which the quote stands.
        quote_start: Character of that turn at which it starts.
        first_turn: First turn of the span; ``turn`` for a commitment.
        last_turn: Last turn of the span, included.
        mark_kind: Kind of commitment, or ``stonewall``.
        quote: What was said; None for a stonewall that quotes nothing.
        strength: Of a commitment.
        verdict: Of a commitment, where one could be given.
        verdict_class: What decides whether an earlier decision still holds.
        clause: The decisive clause.
        resolution: What is proposed for a conflict.
        severity: Of a stonewall, 1 to 3.
        tactics: Of a stonewall.
        confidence: 0 to 1, where the engine gives it.
        needs_review: Whether the engine sends it to a person.
        status: What the newest ruling on this mark and verdict class says; ``reopened`` if there
            are rulings, but all on another verdict class.
        decisions: Everything said of this mark, oldest first, rulings on other verdicts included.
    """

    finding_id: int
    result_id: int
    company: str | None
    call_id: str
    date: dt.date | None
    agents: tuple[str, ...]
    finding: FindingType
    mark_id: str
    turn: int
    quote_start: int
    first_turn: int
    last_turn: int
    mark_kind: MarkKind
    quote: str | None
    strength: Strength | None
    verdict: Verdict | None
    verdict_class: VerdictClass
    clause: str | None
    resolution: Resolution | None
    severity: Severity | None
    tactics: tuple[Tactic, ...]
    confidence: float | None
    needs_review: bool
    status: Status
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class SetAsideInput:
    """An input that could not be taken.

    Attributes:
        source: The file, or the call within it.
        reason: Why, in one sentence with the mend.
        first_at: When it was first set aside for this reason, UTC.
        last_at: When last.
        times: How often.
    """

    source: str
    reason: str
    first_at: dt.datetime
    last_at: dt.datetime
    times: int


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What is in the store.

    Attributes:
        database: Where it is, without a password.
        revision: The revision of its schema.
        n_calls: Calls.
        n_versions: Contents of calls; more than ``n_calls`` where calls came again changed.
        n_results: Results, earlier ones included.
        n_findings: Findings of all results.
        n_decisions: Reviewers' decisions and notes.
        n_set_aside: Inputs set aside, each reason counted once.
    """

    database: str
    revision: str
    n_calls: int
    n_versions: int
    n_results: int
    n_findings: int
    n_decisions: int
    n_set_aside: int

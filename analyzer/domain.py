"""What Wordbond speaks of: calls, turns, commitments, stonewalls, links, clauses, analyses.

The definitions are those of the annotation guide (``docs/annotation-guide.md``). All classes are
frozen, validated on construction, and do no input or output. :class:`Analysis` is the record that
every command reads and writes; :meth:`Analysis.to_record` and :meth:`Analysis.from_record` turn it
into plain JSON types and back without loss.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Role = Literal["agent", "customer", "system"]
Kind = Literal["promise", "assurance", "exception"]
Strength = Literal["firm", "conditional", "hedged"]
Verdict = Literal[
    "contradicted", "exceeds_authority", "conditions_unverified", "supported", "not_addressed"
]
Tactic = Literal[
    "repeated_position",
    "flat_refusal",
    "blame_shifting",
    "non_answer",
    "runaround",
    "denied_escalation",
    "dismissal",
    "threat",
]
Severity = Literal[1, 2, 3]
Resolution = Literal["honour", "honour_with_disclosure", "escalate", "correct"]
Relation = Literal["repeats", "denies", "fulfils", "breaks", "discloses"]

#: Where two verdicts fit, the earlier one wins (annotation guide, section 3).
VERDICTS: tuple[Verdict, ...] = (
    "contradicted",
    "exceeds_authority",
    "conditions_unverified",
    "supported",
    "not_addressed",
)
#: The verdicts that make a commitment a conflict.
CONFLICTS: frozenset[Verdict] = frozenset({"contradicted", "exceeds_authority"})

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

Text = Annotated[str, Field(min_length=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _FromOutside(BaseModel):
    """A part of the record that other programs write: what they add beside our fields is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Span(_Frozen):
    """A slice of one turn: half-open, in characters of the turn's own text.

    ``call.turns[span.turn].text[span.start:span.end]`` is what was said.
    """

    turn: int = Field(ge=0)
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Turn(_FromOutside):
    """One turn of a call; ``start`` and ``end`` in seconds from the call's beginning."""

    turn: int = Field(ge=0)
    role: Role
    text: str
    name: str | None = None
    position: str | None = None
    start: float | None = Field(default=None, ge=0)
    end: float | None = Field(default=None, ge=0)

    @field_validator("text")
    @classmethod
    def _whole_characters(cls, value: str) -> str:
        # JSON can escape half a surrogate pair, which no database, file or screen can hold.
        return _HALF_CHARACTER.sub("\ufffd", value)


class Call(_FromOutside):
    """One call as it was read: who said what, and what is known about it.

    ``date`` is the day of the call where it took place. Turns are numbered from 0 in the order
    spoken; a record whose turns carry no number gets them in order.
    """

    call_id: Text
    company: str | None = None
    date: dt.date | None = None
    started_at: str | None = None
    timezone: str | None = None
    customer_id: str | None = None
    account_id: str | None = None
    phone: str | None = None
    agent_id: str | None = None
    team: str | None = None
    channel: str | None = None
    language: str | None = None
    turns: tuple[Turn, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        turns = data.get("turns")
        if isinstance(turns, list):
            numbered = []
            for index, turn in enumerate(turns):
                if isinstance(turn, dict) and "turn" not in turn:
                    turn = {"turn": index, **turn}  # noqa: PLW2901 - a copy with its number
                numbered.append(turn)
            data["turns"] = numbered
            if not data.get("call_id"):
                texts = [
                    str(t.get("text", "")) if isinstance(t, dict) else str(getattr(t, "text", ""))
                    for t in numbered
                ]
                data["call_id"] = call_id_of(texts)
        return data

    @field_validator("date", mode="before")
    @classmethod
    def _blank_date(cls, value: Any) -> Any:
        return value or None

    @field_validator("call_id", "customer_id", "account_id", "phone", "agent_id", mode="before")
    @classmethod
    def _number_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _turns_in_order(self) -> Self:
        for index, turn in enumerate(self.turns):
            if turn.turn != index:
                msg = f"turn {index} carries the number {turn.turn}; number turns from 0 in order"
                raise ValueError(msg)
        return self

    @property
    def content_hash(self) -> str:
        """Hash of everything in the call; the same key with another hash is a new version of it."""
        plain = self.model_dump(mode="json", exclude_none=True)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def call_id_of(texts: list[str]) -> str:
    """The id of a call that carries none: a hash of its turns' texts, so that it stays the same."""
    return "h-" + hashlib.sha256("\x1f".join(texts).encode(errors="surrogatepass")).hexdigest()[:16]


class Due(_Frozen):
    """When something was promised for: as said, and as a day where it can be worked out."""

    said: Text
    date: dt.date | None = None


class Amount(_Frozen):
    """A sum that was named; ``currency`` is an ISO 4217 code, or what was counted ("points")."""

    value: float
    currency: str | None = None


class Condition(_Frozen):
    """A condition of the governing clause, and whether the call shows it to be met.

    ``met`` is None where the call does not show it; ``turn`` is the turn that shows it.
    """

    text: Text
    met: bool | None = None
    turn: int | None = Field(default=None, ge=0)


class Commitment(_FromOutside):
    """An agent's words that give this customer reason to rely on something.

    The fields up to ``why`` are the annotation guide's; those after it say how the verdict came
    about. ``clauses`` names clause ids, the decisive one first, at most three; ``retrieved`` up to
    ten, best first. ``confidence`` is that of the verdict, or of the mark where there is none.
    """

    id: Text
    turn: int = Field(ge=0)
    quote: Text
    kind: Kind
    strength: Strength
    summary: str | None = None
    due: Due | None = None
    amount: Amount | None = None
    condition: str | None = None
    fulfilled_in_call: bool | None = None
    withdrawn_at: int | None = Field(default=None, ge=0)
    policy_conflict: tuple[str, ...] = ()
    verdict: Verdict | None = None
    clauses: tuple[str, ...] = ()
    resolution: Resolution | None = None
    why: str | None = None
    clause_versions: tuple[str, ...] = ()
    retrieved: tuple[str, ...] = ()
    clause_quote: str | None = None
    conditions: tuple[Condition, ...] = ()
    confidence: float | None = Field(default=None, ge=0, le=1)
    needs_review: bool = False

    @field_validator(
        "policy_conflict", "clauses", "clause_versions", "retrieved", "conditions", mode="before"
    )
    @classmethod
    def _null_is_none(cls, value: Any) -> Any:
        return () if value is None else value

    @property
    def is_conflict(self) -> bool:
        """Whether policy and promise disagree: contradicted, or beyond the agent's authority."""
        return self.verdict in CONFLICTS


class Stonewall(_FromOutside):
    """Turns ``start`` to ``end`` (both included) in which the customer was shut out."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    tactics: tuple[Tactic, ...] = Field(min_length=1)
    severity: Severity
    quote: str | None = None
    why: str | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    needs_review: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            msg = f"a stonewall ends at turn {self.end}, before it starts at turn {self.start}"
            raise ValueError(msg)
        return self


class Link(_FromOutside):
    """From a turn of this call to a commitment of an earlier call of the same customer."""

    turn: int = Field(ge=0)
    to_call: Text
    to_commitment: Text
    relation: Relation


class SetAside(_Frozen):
    """Something an engine returned that could not be grounded, and why it is not a mark."""

    what: Literal["commitment", "stonewall", "link"]
    reason: Text
    mark: dict[str, Any] = Field(default_factory=dict)


class Usage(_Frozen):
    """What an analysis cost: requests, tokens, and money where prices are known."""

    requests: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None


_WHERE_SAID = frozenset(("trace", "redacted", "read_by", "scorecard"))


class Analysis(_FromOutside):
    """A call with what was marked in it: the record of ``docs/interfaces.md``.

    ``trace`` holds a model's requests with its raw answers, ``redacted`` how much of each kind of
    personal data was masked in them, ``read_by`` which engine of the cascade's two read the call,
    ``scorecard`` by which one the call was scored.
    These four are in the record only where there is something to say.
    """

    call: Call
    commitments: tuple[Commitment, ...] = ()
    stonewalls: tuple[Stonewall, ...] = ()
    links: tuple[Link, ...] = ()
    score: int | None = Field(default=None, ge=0, le=100)
    scorecard: str | None = None
    engine: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    policy_version: str | None = None
    usage: Usage = Usage()
    set_aside: tuple[SetAside, ...] = ()
    notes: tuple[str, ...] = ()
    needs_review: bool = False
    trace: tuple[dict[str, Any], ...] | None = None
    redacted: dict[str, int] | None = None
    read_by: Literal["embedded", "llm"] | None = None

    @property
    def conflicts(self) -> tuple[Commitment, ...]:
        """The commitments that policy contradicts or that exceed the agent's authority."""
        return tuple(mark for mark in self.commitments if mark.is_conflict)

    def to_record(self) -> dict[str, Any]:
        """The flat record: the call's fields, its turns, then the marks; plain JSON types.

        Fields that a call or a turn does not carry are left out rather than written as null.
        """
        record = self.call.model_dump(mode="json", exclude_none=True)
        record["date"] = self.call.date.isoformat() if self.call.date else None
        own = self.model_dump(mode="json", exclude={"call"})
        record.update({k: v for k, v in own.items() if v is not None or k not in _WHERE_SAID})
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Analysis:
        """Read a record back.

        Args:
            record: One record, as :meth:`to_record` writes it or as the annotation guide has it.

        Raises:
            ValueError: If a field is missing or breaks its rule; the message names the field.
        """
        outer = {name: record[name] for name in cls.model_fields if name in record}
        outer.pop("call", None)
        inner = {k: v for k, v in record.items() if k not in cls.model_fields}
        try:
            return cls(call=Call.model_validate(inner), **outer)
        except ValidationError as error:
            raise ValueError(describe(error)) from error


class Clause(_Frozen):
    """One clause of a policy document, in one version.

    ``company`` is the company's key, ``line_of_business`` the part of it that the clause is for
    (None for all); ``text`` is what may be quoted; ``line`` and ``page`` the 1-based place in the
    source at which the clause begins, as far as its format has one. In force on a day if
    ``effective_from <= day <= effective_to``, an open end counting as no limit.
    """

    id: Text
    company: Text
    company_name: str | None = None
    line_of_business: str | None = None
    document: Text
    title: str = ""
    heading_path: tuple[str, ...] = ()
    text: Text
    effective_from: dt.date | None = None
    effective_to: dt.date | None = None
    source: str = ""
    line: int | None = None
    page: int | None = None

    @property
    def version(self) -> str:
        """Twelve hex digits that change with the clause's words or the days of its force."""
        parts = (
            self.id,
            *self.heading_path,
            self.title,
            self.text,
            str(self.effective_from),
            str(self.effective_to),
        )
        return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()[:12]

    @property
    def wording(self) -> str:
        """Twelve hex digits that change with the clause's headings or words alone."""
        parts = (*self.heading_path, self.title, self.text)
        return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()[:12]

    @property
    def embedded_text(self) -> str:
        """What is embedded: headings and text, so that a bare table row knows what it is about."""
        head = ". ".join(part for part in (*self.heading_path, self.title) if part)
        return f"{head}. {self.text}" if head else self.text

    def is_in_force(self, day: dt.date) -> bool:
        """Whether the clause was in force on ``day``."""
        started = self.effective_from is None or self.effective_from <= day
        return started and (self.effective_to is None or day <= self.effective_to)


class PolicyDocument(_Frozen):
    """A policy document as it was read: its front matter and its clauses, in order.

    ``notes`` say, a sentence each, what of the document could not be read or is in doubt.
    """

    company: Text
    company_name: str | None = None
    line_of_business: str | None = None
    document: Text
    effective_from: dt.date | None = None
    effective_to: dt.date | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = Field(min_length=1)


def describe(error: ValidationError) -> str:
    """A validation error of pydantic as one sentence that names the field."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the record"
    more = error.error_count() - 1
    message = first["msg"].removeprefix("Value error, ")
    return f"field {place}: {message}" + (f" (and {more} more)" if more else "")

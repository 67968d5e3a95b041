"""What the model is asked to answer with, and the strict JSON schemas made of it.

The schemas keep to the subset that providers enforce: every object closed, every property
required, no references. What comes back is read more leniently than it was asked for: a field that
may be null may be missing, and what nobody asked for is left aside.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from analyzer.domain import Kind, Resolution, Severity, Strength, Tactic, Verdict, describe
from analyzer.errors import BadAnswer

#: An answer longer than this in characters is no answer, however it reads.
LONGEST_ANSWER = 400_000
_MOST_ITEMS = 400

ConditionKind = Literal["terms", "authority", "check"]
Status = Literal["met", "not_met", "not_shown"]
Measure = Literal["amount", "days", "business_days", "count", "percent", "points"]
Bound = Literal["at_most", "at_least", "equal"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)
Words = Annotated[str, Field(max_length=4000)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MarkedCommitment(_Answer):
    """A commitment as the model marked it."""

    turn: int
    quote: Words
    kind: Kind
    strength: Strength
    summary: Words | None = None
    query: Words | None = None
    due_said: Words | None = None
    amount: float | None = None
    currency: Annotated[str, Field(max_length=40)] | None = None
    condition: Words | None = None
    fulfilled_in_call: bool | None = None
    withdrawn_at: int | None = None


class MarkedStonewall(_Answer):
    """A stonewall as the model marked it."""

    start: int
    end: int
    tactics: Annotated[tuple[Tactic, ...], Field(min_length=1, max_length=8)]
    severity: Severity
    quote: Words
    why: Words | None = None


class MarkAnswer(_Answer):
    """Answer of ``mark`` and ``repair``."""

    commitments: Annotated[tuple[MarkedCommitment, ...], Field(max_length=_MOST_ITEMS)]
    stonewalls: Annotated[tuple[MarkedStonewall, ...], Field(max_length=_MOST_ITEMS)]


class Compare(_Answer):
    """The operands of a condition that numbers or days decide.

    ``actual`` has to stand to ``limit`` as ``relation`` says; with both dates the days between
    them are the actual value.
    """

    measure: Measure
    actual: float | None = None
    limit: float
    relation: Bound
    from_date: Annotated[str, Field(max_length=40)] | None = None
    to_date: Annotated[str, Field(max_length=40)] | None = None

    def day(self, name: Literal["from_date", "to_date"]) -> dt.date | None:
        """One of the dates, None where it is none."""
        try:
            return dt.date.fromisoformat(getattr(self, name) or "")
        except ValueError:
            return None


class JudgedCondition(_Answer):
    """A requirement of the governing clause, as the model sees it."""

    text: Words
    kind: ConditionKind
    status: Status
    turn: int | None = None
    compare: Compare | None = None


class Judgement(_Answer):
    """The model's judgement of one commitment."""

    commitment: Annotated[str, Field(max_length=40)]
    clauses: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=20)]
    clause_quote: Words | None = None
    conditions: Annotated[tuple[JudgedCondition, ...], Field(max_length=60)]
    policy_conflict: Annotated[
        tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=20)
    ] = ()
    verdict: Verdict
    why: Words

    @field_validator("policy_conflict", mode="before")
    @classmethod
    def _null_is_none(cls, value: Any) -> Any:
        return () if value is None else value


class JudgeAnswer(_Answer):
    """Answer of ``judge``."""

    judgements: Annotated[tuple[Judgement, ...], Field(max_length=_MOST_ITEMS)]


class Guidance(_Answer):
    """What to do about one conflict."""

    commitment: Annotated[str, Field(max_length=40)]
    resolution: Resolution
    reason: Words
    customer_words: Words
    coach_words: Words


class GuideAnswer(_Answer):
    """Answer of ``guide``."""

    guidance: Annotated[tuple[Guidance, ...], Field(max_length=_MOST_ITEMS)]


@dataclass(frozen=True)
class AnswerSchema:
    """A strict JSON schema with its name.

    Attributes:
        name: As sent to the provider.
        schema: JSON schema in the strict subset.
        text: The schema as compact JSON, for endpoints that have to be told in words.
    """

    name: str
    schema: dict[str, Any]
    text: str


@lru_cache(maxsize=8)
def schema_of(answer: type[BaseModel]) -> AnswerSchema:
    """The strict schema of an answer's class."""
    whole = answer.model_json_schema()
    schema = _strict(whole, whole.get("$defs", {}))
    return AnswerSchema(answer.__name__, schema, json.dumps(schema, separators=(",", ":")))


def _strict(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    out: dict[str, Any] = {}
    for key in ("type", "enum", "const"):
        if key in node:
            out[key] = node[key]
    if "const" in out:
        out["enum"] = [out.pop("const")]
    if "anyOf" in node:
        out["anyOf"] = [_strict(part, definitions) for part in node["anyOf"]]
    if "items" in node:
        out["items"] = _strict(node["items"], definitions)
    if "properties" in node:
        out["properties"] = {k: _strict(v, definitions) for k, v in node["properties"].items()}
        out["required"] = list(node["properties"])
        out["additionalProperties"] = False
    return out


def read_answer(text: str, answer: type[AnswerT]) -> AnswerT:
    """Read an answer.

    Args:
        text: What the model wrote; a fence of backticks around the JSON is taken off.
        answer: Its class.

    Raises:
        BadAnswer: If it is not JSON or breaks the schema; the message names the place and none of
            the answer's words, ``raw`` keeps it.
    """
    if len(text) > LONGEST_ANSWER:
        raise BadAnswer(f"it is {len(text)} characters long", raw=text[:LONGEST_ANSWER])
    body = text.strip()
    if body.startswith("```"):
        body = body.partition("\n")[2].rpartition("```")[0]
    try:
        # Whole characters only: half a surrogate pair can be stored nowhere.
        return answer.model_validate_json(body.encode(errors="replace"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        what = "not JSON" if first["type"] == "json_invalid" else describe_place(error)
        raise BadAnswer(f"it is {what}", raw=text) from None


def describe_place(error: ValidationError) -> str:
    """Where an answer breaks its schema, without the answer's own words."""
    return "not of the form asked for: " + describe(error)[:300]

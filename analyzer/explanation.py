"""How a finding came about, in words: for the terminal and for the app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analyzer.domain import Analysis, Commitment

_MET = {True: "met", False: "not met", None: "not shown"}
_SHOWN_CLAUSES = 5


def explain_commitment(mark: Commitment) -> Iterator[tuple[str, str]]:
    """Rows that say what a verdict rests on.

    Yields:
        A label and words, in the order in which the engine went.
    """
    about: Mapping[str, Any] = (mark.model_extra or {}).get("explanation") or {}
    scored = about.get("retrieved") or [{"clause": clause} for clause in mark.retrieved]
    if scored:
        told = [
            f"{item['clause']} {item['score']:.2f}" if "score" in item else str(item["clause"])
            for item in scored[:_SHOWN_CLAUSES]
        ]
        yield "found", ", ".join(told)
    for condition in mark.conditions:
        where = f", turn {condition.turn}" if condition.turn is not None else ""
        yield "needs", f"{condition.text}: {_MET[condition.met]}{where}"
    model = about.get("model") or {}
    if model:
        yield "model", f"{model.get('verdict')}: {model.get('why')}"
        yield "code", f"{about.get('derived')}, from the conditions"
    for doubt in about.get("doubts") or ():
        yield "doubt", str(doubt)
    guidance: Mapping[str, Any] = (mark.model_extra or {}).get("guidance") or {}
    for name in ("customer", "coach"):
        if guidance.get(name):
            yield name, str(guidance[name])
    if mark.confidence is not None:
        yield "sure", f"{mark.confidence:.2f}"


@dataclass(frozen=True)
class Step:
    """One request of a call: the prompt with what it cost, and the model's own words."""

    head: str
    answer: str


def list_steps(analysis: Analysis) -> list[Step]:
    """The requests of a call, in order; empty where no model was asked."""
    steps = []
    for step in analysis.trace or ():
        cost = f"{step['tokens_in']} tokens in ({step['tokens_cached']} cached), "
        kept = ", from the response cache" if step["from_response_cache"] else ""
        head = f"{step['prompt']}: {cost}{step['tokens_out']} out, {step['seconds']} s{kept}"
        steps.append(Step(head, str(step["answer"] or step["refusal"] or step["finish_reason"])))
    return steps

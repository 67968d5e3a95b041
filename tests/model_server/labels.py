"""Answers from the labels of labelled calls: what a model that made no mistake would say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.engines.llm.speaking import asked_for, read_call, texts_of
from tests.model_server.answers import ChatRequest

_LISTED = re.compile(r"(c\d+): turn (\d+), [^\n]*?: (\"(?:[^\"\\\\]|\\\\.)*\")")
_STATUS = {
    "supported": ("terms", "met"), "contradicted": ("terms", "not_met"),
    "exceeds_authority": ("authority", "not_met"),
    "conditions_unverified": ("check", "not_shown"),
}  # fmt: skip


class LabelAnswers:
    """Answers the chain's prompts from the labels of the call that a prompt shows.

    Args:
        records: Labelled calls. They must be sent unmasked, as a call is known by its turns.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._by_turn: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
        for record in records:
            for turn in record["turns"]:
                key = (turn["turn"], _squeezed(turn["text"]))
                self._by_turn.setdefault(key, []).append(record)

    def __call__(self, request: ChatRequest) -> str:
        """The answer."""
        shown = {t.turn: _squeezed(t.text) for t in read_call(request).turns if t.text.strip()}
        record = self._find(shown)
        name = asked_for(request)
        if name == "MarkAnswer":
            return json.dumps(self._marks(record, shown))
        # A request to judge again stands behind the one that lists what is to be judged.
        text = next(t for t in reversed(texts_of(request)) if "<<<COMMITMENTS" in t)
        listed = [
            (m[1], int(m[2]), json.loads(m[3]))
            for m in _LISTED.finditer(text[text.rindex("<<<COMMITMENTS") :])
        ]
        marks = {c: _nearest(record, turn, quote) for c, turn, quote in listed}
        if name == "JudgeAnswer":
            policies = "\n".join(texts_of(request))
            judged = [self._judgement(c, mark, policies) for c, mark in marks.items()]
            return json.dumps({"judgements": judged})
        advice = [
            {"commitment": c, "resolution": mark.get("resolution") or "escalate",
             "reason": "So it is labelled.", "customer_words": "We are sorry.",
             "coach_words": "What happened?"}
            for c, mark in marks.items()
        ]  # fmt: skip
        return json.dumps({"guidance": advice})

    def _find(self, shown: Mapping[int, str]) -> Mapping[str, Any]:
        best: dict[int, int] = {}
        for key in shown.items():
            for record in self._by_turn.get(key, ()):
                best[id(record)] = best.get(id(record), 0) + 1
        found = max(best, key=lambda i: best[i])
        return next(r for rs in self._by_turn.values() for r in rs if id(r) == found)

    @staticmethod
    def _marks(record: Mapping[str, Any], shown: Mapping[int, str]) -> dict[str, Any]:
        commitments = [
            {"turn": c["turn"], "quote": _squeezed(c["quote"]), "kind": c["kind"],
             "strength": c["strength"], "summary": c.get("summary") or c["quote"],
             "query": c.get("summary") or c["quote"], "due_said": None, "amount": None,
             "currency": None, "condition": None, "fulfilled_in_call": None,
             "withdrawn_at": None}
            for c in record.get("commitments") or ()
            if c["turn"] in shown
        ]  # fmt: skip
        walls = []
        for w in record.get("stonewalls") or ():
            seen = [
                t["turn"] for t in record["turns"]
                if w["start"] <= t["turn"] <= w["end"] and t["role"] == "agent"
                and t["turn"] in shown
            ]  # fmt: skip
            if seen:
                quote = next((shown[t] for t in seen if w.get("quote") in shown[t]), None)
                walls.append(
                    {"start": seen[0], "end": seen[-1], "tactics": w["tactics"],
                     "severity": w["severity"], "quote": w["quote"] if quote else shown[seen[0]],
                     "why": None}
                )  # fmt: skip
        return {"commitments": commitments, "stonewalls": walls}

    @staticmethod
    def _judgement(commitment: str, mark: Mapping[str, Any], policies: str) -> dict[str, Any]:
        verdict = mark.get("verdict") or "not_addressed"
        out: dict[str, Any] = {
            "commitment": commitment, "clauses": [], "clause_quote": None, "conditions": [],
            "verdict": verdict, "policy_conflict": [], "why": "So it is labelled.",
        }  # fmt: skip
        for clause in mark.get("clauses") or ():
            body = re.search(rf"^## {re.escape(clause)}\b[^\n]*\n([^\n]+)", policies, re.MULTILINE)
            if body and verdict in _STATUS:
                kind, status = _STATUS[verdict]
                return out | {
                    "clauses": [clause], "clause_quote": body[1].strip()[:60].strip(),
                    "conditions": [
                        {"text": "as labelled", "kind": kind, "status": status,
                         "turn": mark["turn"], "compare": None}
                    ],
                }  # fmt: skip
        return out | {"verdict": "not_addressed"}


def _nearest(record: Mapping[str, Any], turn: int, quote: str) -> Mapping[str, Any]:
    there = [c for c in record["commitments"] if c["turn"] == turn]
    words = set(quote.split())
    return max(there, key=lambda c: len(words & set(_squeezed(c["quote"]).split())))


def _squeezed(text: str) -> str:
    return " ".join(text.split())

"""Answers by the embedded engine, which reads the call and the clauses that a prompt shows."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import numpy as np

from analyzer.domain import Clause, Commitment
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.engine import EmbeddedEngine
from analyzer.policy_book import PolicyBook
from tests.engines.llm.speaking import asked_for, read_call, texts_of
from tests.model_server.answers import ChatRequest

_CLAUSE = re.compile(r"^## (\S+)(?: ([^\n]*))?\n(.*?)(?=^#|\nPOLICY>>>)", re.MULTILINE | re.DOTALL)
_LISTED = re.compile(r"^(c\d+): turn (\d+), ", re.MULTILINE)
_KINDS = {"exceeds_authority": "authority", "conditions_unverified": "check"}
_STATUS = {"supported": "met", "conditions_unverified": "not_shown"}
_DAY = dt.date(2026, 3, 18)


class EmbeddedAnswers:
    """A model that is no better than the embedded engine; it knows nothing but the request."""

    def __init__(self) -> None:
        self._engine = EmbeddedEngine()

    def __call__(self, request: ChatRequest) -> str:
        """The answer."""
        name = asked_for(request)
        if name == "MarkAnswer":
            return json.dumps(self._marks(request))
        if name == "JudgeAnswer":
            return json.dumps({"judgements": self._judgements(request)})
        return json.dumps({"guidance": []})

    def _marks(self, request: ChatRequest) -> dict[str, Any]:
        found = self._engine.analyze(read_call(request), None)
        commitments = [
            {"turn": m.turn, "quote": m.quote, "kind": m.kind, "strength": m.strength,
             "summary": m.quote, "query": m.quote, "due_said": m.due.said if m.due else None,
             "amount": None, "currency": None, "condition": None, "fulfilled_in_call": None,
             "withdrawn_at": m.withdrawn_at}
            for m in found.commitments
        ]  # fmt: skip
        stonewalls = [
            {"start": w.start, "end": w.end, "tactics": list(w.tactics), "severity": w.severity,
             "quote": w.quote or "", "why": w.why}
            for w in found.stonewalls
        ]  # fmt: skip
        return {"commitments": commitments, "stonewalls": stonewalls}

    def _judgements(self, request: ChatRequest) -> list[dict[str, Any]]:
        shown = "\n".join(texts_of(request))
        clauses = [
            Clause(id=i, company="shown", document="Shown", title=title or "", text=text.strip())
            for i, title, text in _CLAUSE.findall(shown[shown.rindex("<<<POLICY\n") :])
        ]
        embedder = packaged_embedder()
        vectors = np.concatenate([embedder.embed([c.embedded_text]) for c in clauses])
        view = PolicyBook(embedder.name, tuple(clauses), vectors).view("shown", _DAY)
        call = read_call(request).model_copy(update={"date": _DAY})
        by_turn: dict[int, list[Commitment]] = {}
        for mark in self._engine.analyze(call, view).commitments:
            by_turn.setdefault(mark.turn, []).append(mark)
        listed = shown[shown.rindex("<<<COMMITMENTS\n") :]
        return [
            self._judgement(commitment, by_turn.get(int(turn), []))
            for commitment, turn in _LISTED.findall(listed)
        ]

    @staticmethod
    def _judgement(commitment: str, marks: list[Commitment]) -> dict[str, Any]:
        out: dict[str, Any] = {
            "commitment": commitment, "clauses": [], "clause_quote": None, "conditions": [],
            "verdict": "not_addressed", "policy_conflict": [], "why": "Read by the small engine.",
        }  # fmt: skip
        if not marks or not marks[0].clauses or marks[0].verdict in (None, "not_addressed"):
            return out
        mark = marks.pop(0)
        verdict = mark.verdict or "not_addressed"
        return out | {
            "clauses": list(mark.clauses[:1]), "clause_quote": mark.clause_quote,
            "verdict": verdict,
            "conditions": [
                {"text": "as the small engine reads it", "kind": _KINDS.get(verdict, "terms"),
                 "status": _STATUS.get(verdict, "not_met"), "turn": mark.turn, "compare": None}
            ],
        }  # fmt: skip

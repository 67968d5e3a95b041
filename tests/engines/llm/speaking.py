"""What a test's model says to the chain's prompts, by plain rules on what it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from analyzer.domain import Call
from tests.model_server.answers import ChatRequest
from tests.model_server.server import ModelServer, ReceivedRequest

_LINE = re.compile(r"\[(\d+)\] (agent|customer|system)(?: ([^(:]*?))?(?: \(([^)]*)\))?: (.*)")
_COMMITMENT = re.compile(r"(c\d+): turn (\d+), ")
_CONFLICT = re.compile(r"(c\d+): turn (\d+), (?:contradicted|exceeds_authority)")
_FIRST_FIELD = {
    "MarkAnswer": "commitments", "JudgeAnswer": "judgements", "GuideAnswer": "guidance",
}  # fmt: skip


def chats(server: ModelServer) -> list[ReceivedRequest]:
    """The chat requests that a server got, refused ones among them."""
    return [r for r in server.requests if r.path.endswith("/chat/completions")]


def texts_of(request: ChatRequest | ReceivedRequest) -> list[str]:
    """The messages' texts."""
    return [message.get("content") or "" for message in request.body["messages"]]


def asked_for(request: ChatRequest | ReceivedRequest) -> str:
    """Name of the answer's class, also where it is asked for in words."""
    wanted = request.body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return str(wanted["json_schema"]["name"])
    if request.body.get("tools"):
        return str(request.body["tools"][0]["function"]["name"])
    last = texts_of(request)[-1]
    return next(
        name for name, field in _FIRST_FIELD.items() if f'"properties":{{"{field}":' in last
    )


def last_part(request: ChatRequest | ReceivedRequest, opens: str, closes: str) -> str:
    """What stands between two marks of a fence in the last message that has them."""
    for text in reversed(texts_of(request)):
        if f"{opens}\n" in text:
            return text.rpartition(f"{opens}\n")[2].partition(f"\n{closes}")[0]
    return ""


def listed(request: ChatRequest) -> list[str]:
    """The commitments that are to be judged, a line each."""
    return last_part(request, "<<<COMMITMENTS", "COMMITMENTS>>>").split("\n")


def read_call(request: ChatRequest | ReceivedRequest) -> Call:
    """The call that a prompt shows; turns that it leaves out are blank."""
    found = {}
    for line in last_part(request, "<<<CALL", "CALL>>>").split("\n"):
        match = _LINE.fullmatch(line)
        if match:
            number, role, name, position, text = match.groups()
            found[int(number)] = {
                "role": role, "name": name or None, "text": text or " ",
                "position": None if position in {None, "position unknown"} else position,
            }  # fmt: skip
    blank = {"role": "system", "text": " "}
    turns = [found.get(n, blank) for n in range(max(found, default=0) + 1)]
    return Call.model_validate({"call_id": "shown", "language": "en", "turns": turns})


def first_clause(request: ChatRequest) -> tuple[str, str] | None:
    """Id and text of the first clause that a prompt shows."""
    shown = "\n".join(texts_of(request)).rpartition("<<<POLICY\n")[2].partition("\nPOLICY>>>")[0]
    parts = re.split(r"^## ", shown, flags=re.MULTILINE)[1:]
    if not parts:
        return None
    head, _, body = parts[0].partition("\n")
    return head.split(" ")[0], body.split("\n# ")[0].strip()


class Plain:
    """Marks each agent's turn with "I'll" in it as a promise, and judges by the first clause.

    Args:
        verdict: What every commitment is judged to be: supported or contradicted.
    """

    def __init__(self, verdict: str = "supported") -> None:
        self._verdict = verdict

    def __call__(self, request: ChatRequest) -> str:
        """The answer."""
        name = asked_for(request)
        if name == "MarkAnswer":
            return json.dumps(self._marks(request))
        if name == "JudgeAnswer":
            return json.dumps({"judgements": list(self._judgements(request))})
        return json.dumps({"guidance": list(self._guidance(request))})

    @staticmethod
    def _marks(request: ChatRequest) -> dict[str, Any]:
        nothing = {
            "due_said": None, "amount": None, "currency": None, "condition": None,
            "fulfilled_in_call": None, "withdrawn_at": None,
        }  # fmt: skip
        marks = [
            {"turn": t.turn, "quote": t.text[t.text.index("I'll") :], "kind": "promise",
             "strength": "firm", "summary": "A promise.", "query": "what is promised", **nothing}
            for t in read_call(request).turns
            if t.role == "agent" and "I'll" in t.text
        ]  # fmt: skip
        return {"commitments": marks, "stonewalls": []}

    def _judgements(self, request: ChatRequest) -> Iterator[dict[str, Any]]:
        clause = first_clause(request)
        status = "met" if self._verdict == "supported" else "not_met"
        for line in listed(request):
            match = _COMMITMENT.match(line)
            if match and clause:
                yield {
                    "commitment": match[1], "clauses": [clause[0]], "verdict": self._verdict,
                    "clause_quote": clause[1].split("\n")[0], "policy_conflict": [],
                    "conditions": [{"text": "a term", "kind": "terms", "status": status,
                                    "turn": int(match[2]), "compare": None}],
                    "why": "It says so.",
                }  # fmt: skip

    @staticmethod
    def _guidance(request: ChatRequest) -> Iterator[dict[str, Any]]:
        for line in listed(request):
            match = _CONFLICT.match(line)
            if match:
                yield {
                    "commitment": match[1], "resolution": "honour", "reason": "r",
                    "customer_words": "We are sorry.", "coach_words": "What would you say?",
                }  # fmt: skip

"""What the model answers in the speed benchmark: always the same, so that it costs nothing."""

from __future__ import annotations

import json
from typing import Any

#: Each benchmark call has these five promises, in its turns 4, 12, 20, 28 and 36.
PROMISES = (
    "I'll credit the five dollars to your account",
    "you have thirty days to send it back",
    "the parcel will be with you by Friday",
    "I'll e-mail you the confirmation within the hour",
    "you won't be charged for the return label",
)
FIRST_TURN, EVERY = 4, 8
_NOTHING: dict[str, Any] = {
    "due_said": None, "amount": None, "currency": None, "condition": None,
    "fulfilled_in_call": False, "withdrawn_at": None,
}  # fmt: skip
_MARKS = {
    "commitments": [
        {"turn": FIRST_TURN + EVERY * n, "quote": words, "kind": "promise", "strength": "firm",
         "summary": "The agent promises something to the customer.",
         "query": f"rule on {words} for returns, credits and delivery", **_NOTHING}
        for n, words in enumerate(PROMISES)
    ],
    "stonewalls": [],
}  # fmt: skip
_JUDGEMENTS = {
    "judgements": [
        {"commitment": f"c{n}", "clauses": ["RET-2"], "verdict": "supported",
         "clause_quote": "One exception in any twelve months may be granted to a customer",
         "policy_conflict": [], "why": "The clause allows it, and the call shows the condition.",
         "conditions": [{"text": "within the window", "kind": "terms", "status": "met", "turn": 3,
                         "compare": None}] * 2}
        for n in range(1, len(PROMISES) + 1)
    ]
}  # fmt: skip
_TEXTS = {"MarkAnswer": json.dumps(_MARKS), "JudgeAnswer": json.dumps(_JUDGEMENTS)}


def answer(request: Any) -> str:
    """The answer to a request of the chain."""
    return _TEXTS.get(request.schema_name or "MarkAnswer", '{"guidance": []}')


def nothing(request: Any) -> str:  # noqa: ARG001 - every request gets the same
    """No commitment and no stonewall, whatever the call."""
    return '{"commitments": [], "stonewalls": []}'

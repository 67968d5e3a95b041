"""What is proposed for a conflict: by verdict, sum, clause, and whether anything could rest on it."""

from __future__ import annotations

import pytest

from analyzer.domain import Amount, Call, Commitment
from analyzer.resolution import propose_resolution

CALL = Call.model_validate(
    {
        "turns": [
            {"role": "agent", "text": "You'll have it back."},
            {"role": "customer", "text": "Good."},
            {"role": "agent", "text": "Anything else?"},
            {"role": "customer", "text": "No."},
        ]
    }
)


def proposed(clause="Goods are taken back within 14 days.", value=None, **fields):
    amount = None if value is None else Amount(value=value, currency="GBP")
    given = {"id": "c1", "turn": 0, "quote": "You'll have it back", "kind": "promise",
             "strength": "firm", "verdict": "contradicted", "amount": amount} | fields  # fmt: skip
    return propose_resolution(Commitment(**given), CALL, clause)


@pytest.mark.parametrize("verdict", [None, "supported", "not_addressed", "conditions_unverified"])
def test_what_is_no_conflict_needs_no_resolution(verdict):
    assert proposed(verdict=verdict, value=5000) is None


@pytest.mark.parametrize("verdict", ["contradicted", "exceeds_authority"])
def test_what_was_taken_back_in_the_call_is_put_right(verdict):
    assert proposed(verdict=verdict, withdrawn_at=2, value=5000, clause="law") == "correct"


@pytest.mark.parametrize(
    ("verdict", "value", "resolution"),
    [
        ("contradicted", None, "honour_with_disclosure"),
        ("contradicted", 1000, "honour_with_disclosure"),
        ("contradicted", 1000.01, "escalate"),
        ("exceeds_authority", 100, "honour_with_disclosure"),
        ("exceeds_authority", 100.01, "escalate"),
        ("exceeds_authority", None, "escalate"),
    ],
)
def test_a_large_sum_goes_to_somebody_who_may_decide(verdict, value, resolution):
    assert proposed(verdict=verdict, value=value) == resolution


@pytest.mark.parametrize(
    "clause",
    ["The law requires notice.", "Nobody says who was at fault.", "It goes to the credit bureau.",
     "A licence is checked.", "This is a matter of safety.", "HIPAA applies."],
)  # fmt: skip
def test_law_safety_and_fault_are_never_left_to_the_agent(clause):
    assert proposed(clause=clause, value=5) == "escalate"


def test_words_that_only_look_like_law_are_not():
    assert proposed(clause="The lawn mower is delivered by default.") == "honour_with_disclosure"


def test_what_was_said_last_is_put_right_before_anything_rests_on_it():
    assert proposed(turn=2) == "correct"

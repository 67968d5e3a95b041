"""From conditions to a verdict, and where the code and the model disagree."""

from __future__ import annotations

import pytest

from analyzer.domain import Clause
from analyzer.engines.llm.answers import Judgement
from analyzer.engines.llm.deriving import derive

CLAUSE = Clause(
    id="RET-1",
    company="x",
    document="Returns",
    text="Goods come back within 30 days of delivery. A representative may credit up to $25.",
)


def a_condition(kind="terms", status="met", compare=None, turn=2):
    return {"text": "a term", "kind": kind, "status": status, "turn": turn, "compare": compare}


def derived(verdict, *conditions, clause=CLAUSE):
    judgement = Judgement.model_validate(
        {"commitment": "c1", "clauses": ["RET-1"], "clause_quote": "30 days", "verdict": verdict,
         "conditions": list(conditions), "why": "because"}
    )  # fmt: skip
    return derive(judgement, clause, n_turns=5)


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([("terms", "met")], "supported"),
        ([("terms", "not_met"), ("authority", "not_met")], "contradicted"),
        ([("authority", "not_met"), ("check", "not_met")], "exceeds_authority"),
        ([("check", "not_met")], "conditions_unverified"),
        ([("check", "not_shown"), ("terms", "met")], "conditions_unverified"),
        ([("terms", "not_shown")], "conditions_unverified"),
        ([("authority", "not_shown")], "conditions_unverified"),
    ],
)
def test_the_verdict_follows_from_the_conditions(states, verdict):
    found = derived(verdict, *(a_condition(kind, status) for kind, status in states))
    assert found.verdict == verdict
    assert found.disagreements == ()


def test_another_word_of_the_models_is_told():
    found = derived("supported", a_condition(status="not_met"))
    assert found.verdict == "contradicted"
    assert "says supported" in found.disagreements[0]


@pytest.mark.parametrize(
    ("compare", "status", "verdict"),
    [
        ({"measure": "amount", "actual": 40, "limit": 25, "relation": "at_most"}, "met",
         "contradicted"),
        ({"measure": "amount", "actual": 20, "limit": 25, "relation": "at_most"}, "met",
         "supported"),
        ({"measure": "days", "actual": None, "limit": 30, "relation": "at_most",
          "from_date": "2026-01-03", "to_date": "2026-02-10"}, "met", "contradicted"),
        ({"measure": "days", "actual": None, "limit": 30, "relation": "at_most",
          "from_date": "2026-01-03", "to_date": "2026-02-01"}, "not_met", "supported"),
        ({"measure": "days", "actual": 60, "limit": 30, "relation": "equal"}, "not_met",
         "contradicted"),
        # A limit that the clause does not name decides nothing.
        ({"measure": "amount", "actual": 40, "limit": 26, "relation": "at_most"}, "met",
         "supported"),
        # Nothing to work out.
        ({"measure": "days", "actual": None, "limit": 30, "relation": "at_most",
          "from_date": "last week", "to_date": None}, "met", "supported"),
    ],
)  # fmt: skip
def test_what_can_be_worked_out_is(compare, status, verdict):
    found = derived(verdict, a_condition(status=status, compare=compare))
    assert found.verdict == verdict
    changed = {True: "met", False: "not_met"}[found.conditions[0].met is True] != status
    assert bool(found.disagreements) is changed


def test_without_a_clause_nothing_speaks_to_it():
    assert derived("not_addressed", clause=None).disagreements == ()
    found = derived("supported", clause=None)
    assert found.verdict == "not_addressed"
    assert found.disagreements


def test_a_verdict_without_conditions_goes_to_review_and_stands():
    found = derived("contradicted")
    assert found.verdict == "contradicted"
    assert found.disagreements
    assert derived("supported").disagreements == ()


def test_a_turn_that_is_not_in_the_call_is_dropped():
    found = derived("supported", a_condition(turn=99), a_condition(turn=-1), a_condition(turn=4))
    assert [c.turn for c in found.conditions] == [None, None, 4]

"""Grounding: what cannot be shown in the call and in the clause in force is not a finding."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Analysis, Call, Clause, Commitment, Condition, Link, Stonewall
from analyzer.evidence import find_quote, ground, locate
from analyzer.policy_book import PolicyView

CALL = Call.model_validate(
    {
        "call_id": "k",
        "date": "2026-03-04",
        "turns": [
            {"role": "agent", "text": "Right, you’ve got  sixty days — no fee."},
            {"role": "customer", "text": "You have sixty days."},
            {"role": "agent", "text": "That's the policy."},
        ],
    }
)
CLAUSE = Clause(
    id="RET-1",
    company="a",
    document="d",
    text="Goods are taken back for 45 days.",
    effective_from=dt.date(2026, 1, 1),
)
VIEW = PolicyView("a", (CLAUSE,), np.zeros((1, 3), dtype=np.float32))


def mark(**change):
    fields = {
        "id": "c1", "turn": 0, "quote": "sixty days", "kind": "assurance", "strength": "firm",
        "verdict": "contradicted", "clauses": ("RET-1",), "clause_quote": "45 days",
    }  # fmt: skip
    return Commitment(**(fields | change))


def grounded(*marks, walls=(), links=()):
    return ground(Analysis(call=CALL, commitments=marks, stonewalls=walls, links=links), VIEW)


def test_a_mark_that_can_be_shown_stays():
    result = grounded(mark())
    assert result.commitments == (mark(),)
    assert result.set_aside == ()


def test_quotes_take_the_words_of_the_turn_itself():
    result = grounded(
        mark(quote="YOU'VE got sixty days - no fee", clause_quote="goods are  taken back")
    )
    assert result.commitments[0].quote == "you’ve got  sixty days — no fee"
    assert result.commitments[0].clause_quote == "Goods are taken back"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quote": "ninety days"}, "not said in turn 0"),
        ({"turn": 9}, "not said in turn 9"),
        ({"turn": 1}, "not an agent's"),
        ({"clauses": ("RET-9",)}, "RET-9 was not in force"),
        ({"policy_conflict": ("RET-1", "RET-8")}, "RET-8 was not in force"),
        ({"clause_quote": "46 days"}, "does not stand in the decisive clause"),
        ({"clause_quote": None}, "quotes no clause"),
        ({"clauses": (), "clause_quote": None}, "names no clause"),
        ({"withdrawn_at": 3}, "turn 3, which is not in the call"),
        ({"conditions": (Condition(text="x", turn=7),)}, "turn 7, which is not in the call"),
    ],
)
def test_what_cannot_be_shown_is_set_aside_with_its_reason(change, reason):
    result = grounded(mark(), mark(id="c2", **change))
    assert [m.id for m in result.commitments] == ["c1"]
    (aside,) = result.set_aside
    assert reason in aside.reason
    assert aside.mark["id"] == "c2"


def test_without_clauses_in_force_no_clause_may_be_named():
    result = ground(Analysis(call=CALL, commitments=(mark(),)), None)
    assert result.commitments == ()
    bare = mark(verdict=None, clauses=(), clause_quote=None)
    assert ground(Analysis(call=CALL, commitments=(bare,)), None).commitments == (bare,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"end": 5}, "turn 5 is not in the call"),
        ({"start": 1}, "begins at turn 1"),
        ({"end": 1}, "ends at turn 1"),
        ({"quote": None}, "no words"),
        ({"quote": "never said"}, "was not said by an agent"),
        ({"quote": "You have sixty days."}, "was not said by an agent"),
    ],
)
def test_stonewalls_are_grounded_too(change, reason):
    fields = {
        "start": 0,
        "end": 2,
        "tactics": ("threat",),
        "severity": 2,
        "quote": "That's the policy",
    }
    assert len(grounded(walls=(Stonewall(**fields),)).stonewalls) == 1
    result = grounded(walls=(Stonewall(**(fields | change)),))
    assert result.stonewalls == ()
    assert reason in result.set_aside[0].reason


def test_a_link_from_a_turn_that_is_not_there_is_set_aside():
    links = (
        Link(turn=2, to_call="j", to_commitment="c1", relation="repeats"),
        Link(turn=3, to_call="j", to_commitment="c1", relation="denies"),
    )
    result = grounded(links=links)
    assert [x.turn for x in result.links] == [2]
    assert result.set_aside[0].what == "link"


@given(st.text(min_size=1, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_any_slice_is_found_and_is_verbatim(quote, before, after):
    text = before + quote + after
    found = find_quote(quote, text)
    if not quote.split():
        assert found is None
    else:
        assert found is not None
        assert text[found[0] : found[1]].split() or not quote.strip()


@given(st.text(max_size=80), st.text(max_size=30))
def test_what_is_found_has_the_same_words(text, quote):
    found = find_quote(quote, text)
    if found:
        assert len(text[found[0] : found[1]].split()) == len(quote.split())


def test_locate_refuses_turns_outside_the_call():
    assert locate(CALL, -1, "sixty") is None
    span = locate(CALL, 0, "sixty")
    assert span is not None
    assert CALL.turns[0].text[span.start : span.end] == "sixty"

"""The verdict on a promise: from the index and nowhere else, and settled where it can be counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import CONFLICTS, VERDICTS, Call, Clause
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.heads import load_heads
from analyzer.engines.embedded.pairs import JUDGE_FEATURES, QUERY_NAMES, describe_promise
from analyzer.engines.embedded.verdicts import (
    VECTOR_SCALES,
    Thresholds,
    judge,
    judge_dense,
    rank_clauses,
)
from analyzer.policy_book import PolicyView

CAPS = """Credits beyond what is owed are capped.

| Role | Credit |
| --- | --- |
| representative | up to £20 |
| supervisor | up to £75 |"""
COOLING_OFF = """A contract may be withdrawn from within 14 days.
Only the retention desk may allow it later."""
CLAUSES = {
    "GOO-1": ("Goodwill", CAPS),
    "REF-1": ("Refunds", "Sums owed are returned to the card within five working days."),
    "CAN-1": ("Cooling off", COOLING_OFF),
    "LONG-1": (
        "Everything else",
        "whatever is not named here is at the company's discretion " * 30,
    ),
}
QUOTES = [
    "you'll have it back within five working days", "I'm putting a sixty pound credit on there",
    "you can still cancel, no problem", "it's all automatic", "x", "£", "sixty days from the first",
    "I'll knock fifteen off for you", "that's 900 points and two rooms at half price by Friday",
]  # fmt: skip


def make_index(*ids):
    clauses = tuple(
        Clause(id=i, company="a", document="d", title=CLAUSES[i][0], text=CLAUSES[i][1])
        for i in ids
    )
    embedder = packaged_embedder()
    vectors = np.concatenate([embedder.embed([c.embedded_text]) for c in clauses])
    return ClauseIndex(PolicyView("a", clauses, vectors), embedder)


@pytest.fixture(scope="module")
def index():
    return make_index(*CLAUSES)


def promise(quote, *, position="representative", kind="promise"):
    turns = [
        {"role": "customer", "text": "What can you do for me?"},
        {"role": "agent", "text": quote, "position": position},
        {"role": "customer", "text": "Thank you."},
    ]
    call = Call.model_validate({"date": "2026-03-04", "turns": turns})
    return describe_promise(call, 1, quote, kind, "firm")


def queries(made):
    return packaged_embedder().embed([*(q or "-" for q in made.queries), made.answer])


def judged(index, quote, *, limits=None, certainty=1.0, **fields):
    made = promise(quote, **fields)
    return judge(
        made, queries(made), index, load_heads(), limits or Thresholds(), certainty=certainty
    )


def assert_sound(found, index):
    """What holds of every judgement."""
    clauses = {item.clause.id: item.clause for item in index.items}
    assert found.verdict in VERDICTS
    assert set(found.clauses) <= set(clauses)
    assert (found.clauses == ()) == (found.verdict == "not_addressed")
    assert len(set(found.retrieved)) == len(found.retrieved) == min(len(clauses), 10)
    assert found.clauses == found.retrieved[: len(found.clauses)]
    if found.clauses:
        assert found.clause_quote
        assert found.clause_quote in clauses[found.clauses[0]].text
        assert len(found.clause_quote) <= 300
    else:
        assert found.clause_quote is None
        assert found.conditions == ()
    assert 0 <= found.confidence <= 1
    assert 0 <= found.conflict <= 1.0001
    assert found.why.endswith((".", "”."))
    assert "\n" not in found.why


@settings(max_examples=40)
@given(
    st.one_of(st.sampled_from(QUOTES), st.text(" abcdekfrgun£$0123456789,.?days", min_size=1, max_size=60)),
    st.sampled_from(["promise", "assurance", "exception"]),
    st.sampled_from([None, "representative", "supervisor", "retention desk"]),
    st.floats(0, 1),
)  # fmt: skip
def test_a_judgement_never_names_or_quotes_what_is_not_there(
    index, quote, kind, position, certainty
):
    found = judged(index, quote, kind=kind, position=position, certainty=certainty)
    assert_sound(found, index)
    if position is None:
        assert found.verdict != "exceeds_authority"


@pytest.mark.parametrize("only", list(CLAUSES))
@pytest.mark.parametrize("quote", QUOTES[:4])
def test_one_clause_is_enough(only, quote):
    alone = make_index(only)
    assert_sound(judged(alone, quote), alone)


@pytest.mark.parametrize(
    ("quote", "position", "verdict"),
    [
        (
            "I'm putting a sixty pound goodwill credit on there",
            "representative",
            "exceeds_authority",
        ),
        ("I'm putting a sixty pound goodwill credit on there", "supervisor", "supported"),
        ("I'm putting a fifteen pound goodwill credit on there", "representative", "supported"),
    ],
)
def test_a_cap_settles_it(index, quote, position, verdict):
    found = judged(index, quote, position=position)
    assert (found.verdict, found.clauses) == (verdict, ("GOO-1",))
    assert found.confidence >= 0.9
    assert not found.needs_review
    assert any("may grant" in c.text for c in found.conditions)


def test_without_a_position_a_cap_settles_nothing(index):
    found = judged(index, "I'm putting a sixty pound goodwill credit on there", position=None)
    assert found.verdict != "exceeds_authority"


@pytest.mark.parametrize("quote", [QUOTES[2], QUOTES[3]])
def test_the_threshold_divides_conflicts_from_the_rest(index, quote):
    limits = Thresholds()
    assert judged(index, quote, limits=replace(limits, conflict=0.0)).verdict in CONFLICTS
    assert judged(index, quote, limits=replace(limits, conflict=1.1)).verdict not in CONFLICTS


def test_a_promise_that_echoes_the_clause_takes_more_than_the_threshold(index):
    limits = replace(Thresholds(), conflict=0.0)
    echo = "the money is returned to the card within five working days"
    assert judged(index, echo, limits=limits).verdict not in CONFLICTS


def test_what_is_hardly_a_promise_is_no_conflict(index):
    assert judged(index, QUOTES[2], certainty=0.0).verdict not in CONFLICTS


def test_the_decisive_clause_is_the_one_that_speaks_of_it(index):
    found = judged(index, "your money will be returned to the card within five working days")
    assert found.retrieved[0] == "REF-1"


@pytest.mark.parametrize("quote", QUOTES)
def test_clauses_are_ordered_by_their_probability(index, quote):
    made = promise(quote)
    _, relevance, order = rank_clauses(made, queries(made), index, load_heads())
    assert float(relevance.sum()) == pytest.approx(1, abs=1e-5)
    assert sorted(order) == list(range(len(CLAUSES)))
    assert [float(relevance[i]) for i in order] == sorted(map(float, relevance), reverse=True)


def test_the_judge_sees_the_comparisons_first_then_the_vectors():
    rows = np.eye(len(QUERY_NAMES) + 1, 4, dtype=np.float32)
    dense = judge_dense([0.5] * len(JUDGE_FEATURES), rows)
    assert dense.shape == (len(JUDGE_FEATURES) + 4 * len(VECTOR_SCALES),)
    assert dense[len(JUDGE_FEATURES)] == VECTOR_SCALES[0]

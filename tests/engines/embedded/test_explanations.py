"""What a person is told about a verdict."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.domain import VERDICTS, Call, Clause
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.explanations import conditions_of, quoted_sentence, reason_for
from analyzer.engines.embedded.pairs import describe_promise, judge_pair
from analyzer.policy_book import PolicyView

CAPS = (
    "| Role | Credit |\n| --- | --- |\n| representative | up to £20 |\n| supervisor | up to £75 |"
)
RETURNS = "Goods are taken back for 45 days. They are unused. Only the store manager may extend it."


def case(quote, text, *, position="representative", title="Terms", likest=0, before="Well?"):
    """A promise, what its comparison with a clause found, and the clause."""
    clause = Clause(id="C-1", company="a", document="d", title=title, text=text)
    vectors = packaged_embedder().embed([clause.embedded_text])
    item = ClauseIndex(PolicyView("a", (clause,), vectors), packaged_embedder()).items[0]
    turns = [
        {"role": "customer", "text": before},
        {"role": "agent", "text": quote, "position": position},
    ]
    call = Call.model_validate({"date": "2026-03-04", "turns": turns})
    promise = describe_promise(call, 1, quote, "promise", "firm")
    likeness = np.zeros(len(item.sentences), np.float32)
    likeness[likest] = 1
    return promise, judge_pair(promise, item, likeness), item


@pytest.mark.parametrize(
    ("verdict", "quote", "text", "said"),
    [
        ("contradicted", "you have sixty days", RETURNS, ["“45 days”", "“sixty days”"]),
        ("contradicted", "it can be worn", RETURNS, ["Goods are taken back for 45 days”"]),
        ("exceeds_authority", "a sixty pound goodwill credit", CAPS,
         ["lets a representative grant up to £20", "Credit", "more was promised"]),
        ("exceeds_authority", "I'll extend it", RETURNS, ["store manager", "by a representative"]),
        ("supported", "a ten pound goodwill credit", CAPS,
         ["lets a representative grant up to £20", "no more was promised"]),
        ("supported", "you have forty-five days", RETURNS, ["“45 days”, as promised"]),
        ("supported", "by the eighteenth of April", RETURNS, ["45 days from 2026-03-04"]),
        ("supported", "you can bring it back", RETURNS, ["Goods are taken back for 45 days”"]),
        ("conditions_unverified", "you can bring it back", RETURNS, ["does not show to be met"]),
        ("not_addressed", "we open at nine", RETURNS, ["No clause", "nearest is C-1 (Terms)"]),
    ],
)  # fmt: skip
def test_the_reason_has_the_words_of_both_sides(verdict, quote, text, said):
    reason = reason_for(verdict, *case(quote, text))
    assert all(words in reason for words in said)
    assert "C-1 (Terms)" in reason


def test_an_agent_of_unknown_position_is_called_so():
    found = case("I'll extend it", RETURNS, position=None)
    reason = reason_for("conditions_unverified", *found)
    assert "store manager" in reason
    assert "does not say who the agent is" in reason


def test_a_clause_without_a_title_is_named_by_its_id():
    assert reason_for("not_addressed", *case("x", RETURNS, title="")).endswith("nearest is C-1.")


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("quote", ["you have sixty days", "a ten pound credit", "yes"])
def test_every_verdict_has_a_reason_of_one_line(verdict, quote):
    reason = reason_for(verdict, *case(quote, "A long rule\nof many words " * 30))
    assert "\n" not in reason
    assert len(reason) < 300


def test_a_long_sentence_is_cut_at_a_word():
    reason = reason_for("supported", *case("yes", "several words " * 40))
    assert "words …”" in reason or "several …”" in reason


def test_the_quote_of_a_contradiction_is_the_sentence_with_the_other_number():
    _, judged, _ = case("you have sixty days", RETURNS)
    assert quoted_sentence(judged, "contradicted").text == "Goods are taken back for 45 days."
    _, other, _ = case("it can be worn", RETURNS, likest=1)
    assert quoted_sentence(other, "contradicted").text == "They are unused."
    assert quoted_sentence(judged, "supported") == judged.sentence


def conditions(quote, text, **fields):
    return {c.text: c.met for c in conditions_of(*case(quote, text, **fields))}


def test_conditions_say_what_was_compared_and_whether_it_is_met():
    assert (
        conditions("you have sixty days", RETURNS)["C-1 says 45 days; promised: sixty days"]
        is False
    )
    assert conditions("you have 45 days", RETURNS)["C-1 says 45 days; promised: 45 days"] is True


def test_another_sum_may_be_right_and_is_not_called_unmet():
    assert (
        conditions("it's sixty pounds", "The fee is £25.")["C-1 says £25; promised: sixty pounds"]
        is None
    )


def test_a_cap_and_a_reservation_are_conditions():
    assert (
        conditions("a sixty pound goodwill credit", CAPS)["a representative may grant up to £20"]
        is False
    )
    assert (
        conditions("a ten pound goodwill credit", CAPS)["a representative may grant up to £20"]
        is True
    )
    assert conditions("I'll extend it", RETURNS)["for the store manager to grant"] is False
    unknown = conditions("I'll extend it", RETURNS, position=None)
    assert unknown["for the store manager to grant"] is None


def test_terms_that_the_call_does_not_show_stand_open():
    found = conditions("you can bring it back", "It is taken back if the seal is unbroken.")
    assert found == {"It is taken back if the seal is unbroken": None}


@pytest.mark.parametrize("quote", ["you have sixty days", "a ten pound goodwill credit", "yes"])
@pytest.mark.parametrize("text", [RETURNS, CAPS])
def test_what_is_met_or_not_names_the_turn_that_shows_it(quote, text):
    for condition in conditions_of(*case(quote, text)):
        assert condition.turn in {None, 1}
        assert condition.met is not True or condition.turn == 1

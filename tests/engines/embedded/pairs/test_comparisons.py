"""Quantities, caps and roles of a promise beside those of one clause."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.domain import Call, Clause
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.pairs import describe_promise, judge_pair
from analyzer.engines.embedded.pairs.comparisons import (
    agrees,
    cap_for,
    comparable,
    compare,
    exceeded_cap,
    find_authority,
    is_goodwill,
    reserved_to_others,
)
from analyzer.language.quantities import find_quantities
from analyzer.policy_book import PolicyView

CAPS = """| Role | Credit per account | Points |
| --- | --- | --- |
| representative | up to £20 | 500 |
| supervisor | up to £75 | 5,000 |"""


def item(text):
    clause = Clause(id="C-1", company="a", document="d", title="Terms", text=text)
    vectors = packaged_embedder().embed([clause.embedded_text])
    view = PolicyView("a", (clause,), vectors)
    return ClauseIndex(view, packaged_embedder()).items[0]


def promise(quote, *, kind="promise", position="representative", before="", day="2026-03-04"):
    turns = [
        {"role": "customer", "text": before},
        {"role": "agent", "text": quote, "position": position},
    ]
    return describe_promise(
        Call.model_validate({"date": day, "turns": turns}), 1, quote, kind, "firm"
    )


def one(text):
    (found,) = find_quantities(text)
    return found


def judged(quote, text, **fields):
    found = item(text)
    return judge_pair(promise(quote, **fields), found, np.zeros(len(found.sentences), np.float32))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("£5", "$7", True),
        ("five days", "five business days", True),
        ("five days", "£5", False),
        ("two bags", "three bags", True),
        ("two bags", "three rooms", False),
        ("one seven eight", "£178", True),
        ("one seven eight", "2,000 points", True),
        ("one seven eight", "178 days", False),
        ("10 %", "£10", False),
    ],
)
def test_like_is_compared_with_like(a, b, same):
    assert comparable(one(a), one(b)) is same
    assert comparable(one(b), one(a)) is same


@pytest.mark.parametrize(
    ("quote", "text", "relation"),
    [
        ("you have sixty days", "Goods are taken back for 45 days.", "more"),
        ("you have thirty days", "Goods are taken back for 45 days.", "less"),
        ("you have forty-five days", "Goods are taken back for 45 days.", "equal"),
        ("you'll get half", "Half of the fee is paid back.", "equal"),
        ("you can bring three bags", "Two bags are free.", "more"),
    ],
)
def test_what_is_promised_is_more_or_less_or_the_same(quote, text, relation):
    (found,) = judged(quote, text).comparisons
    assert found.relation == relation
    assert text[found.sentence.start : found.sentence.end] == found.sentence.text


def test_an_equal_quantity_anywhere_in_the_clause_wins():
    found = item("Refunds take ten days. Exchanges take five days.")
    (best,) = compare(promise("it takes five days"), found, np.array([0.9, 0.1], np.float32))
    assert (best.relation, best.sentence.text) == ("equal", "Exchanges take five days.")


def test_else_the_sentence_nearest_in_meaning_is_compared():
    found = item("Refunds take ten days. Exchanges take five days.")
    for likeness, sentence in (([0.9, 0.1], 0), ([0.1, 0.9], 1)):
        (best,) = compare(promise("it takes six days"), found, np.array(likeness, np.float32))
        assert best.sentence == found.sentences[sentence]


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("you'll have it", "Within 14 days."),
        ("within five days", "Promptly."),
        ("it's five pounds a week", "Paid within 14 days."),
        ("five days", "Once a week."),
    ],
)
def test_what_has_no_counterpart_is_not_compared(quote, text):
    assert judged(quote, text).comparisons == ()


@pytest.mark.parametrize(
    ("quote", "position", "over", "within"),
    [
        ("a sixty pound goodwill credit", "representative", "up to £20", None),
        ("a sixty pound goodwill credit", "supervisor", None, "up to £75"),
        ("a fifteen pound goodwill credit", "representative", None, "up to £20"),
        ("a twenty pound goodwill credit", "representative", None, "up to £20"),
        ("a goodwill credit of eleven fifty", "representative", None, "up to £20"),
        ("a sixty pound goodwill credit", "billing representative", "up to £20", None),
        ("a sixty pound goodwill credit", "engineer", None, None),
        ("a sixty pound goodwill credit", None, None, None),
        ("a goodwill credit of 900 points", "representative", "500", None),
    ],
)
def test_a_credit_is_held_against_the_cap_of_the_agents_role(quote, position, over, within):
    found = judged(quote, CAPS, position=position)
    assert (found.over_cap.text if found.over_cap else None) == over
    assert (found.within_cap.text if found.within_cap else None) == within


def test_a_sum_that_is_owed_is_not_within_a_cap():
    assert judged("the fifteen pounds you paid", CAPS).within_cap is None


def test_an_exception_means_the_sum_that_was_named_before_it():
    asked, found = "You charged me sixty pounds!", item(CAPS)
    favour = promise("I'll take it off this once", kind="exception", before=asked)
    exceeded = exceeded_cap(favour, cap_for(favour, found))
    assert exceeded is not None
    assert exceeded.text == "up to £20"
    owed = promise("I'll take it off", before=asked)
    assert exceeded_cap(owed, cap_for(owed, found)) is None


def test_the_role_as_written_comes_before_one_like_it():
    text = CAPS + "\n| billing supervisor | up to £90 | none |"
    caps = cap_for(promise("x", position="supervisor"), item(text))
    assert {c.role for c in caps} == {"supervisor"}
    assert cap_for(promise("x", position=None), item(text)) == []


@pytest.mark.parametrize(
    ("text", "position", "roles"),
    [
        ("Only a supervisor may waive it.", "representative", ["supervisor"]),
        ("Only a supervisor may waive it.", "shift supervisor", []),
        ("Only a supervisor may waive it.", None, ["supervisor"]),
        ("The desk alone decides. A manager approves it.", "representative", ["desk", "manager"]),
        ("Representatives read it out.", "representative", []),
        ("Only our staff may enter.", "representative", []),
    ],
)
def test_what_is_kept_for_others(text, position, roles):
    assert reserved_to_others(promise("x", position=position), item(text)) == roles


def test_days_and_sums_are_worked_out_where_both_name_them():
    found = judged("by the eighteenth of March", "Paid back within 14 days.")
    assert found.day is not None
    assert found.day.agrees
    bags = judged("that's eighty pounds", "£40 for each bag.", before="two bags please")
    assert bags.sum is not None
    assert bags.sum.agrees
    assert judged("you're covered", "Paid back within 14 days.").day is None
    assert judged("by the eighteenth of March", "Within 14 days.", day=None).day is None


def test_the_sentence_is_the_equal_one_else_the_likest():
    found = item("Refunds take ten days. Exchanges take five days.")
    likeness = np.array([0.9, 0.1], np.float32)
    assert judge_pair(promise("five days"), found, likeness).sentence == found.sentences[1]
    assert judge_pair(promise("soon"), found, likeness).sentence == found.sentences[0]


@pytest.mark.parametrize(
    ("quote", "text", "same"),
    [
        ("you have forty-five days", "Goods are taken back for 45 days.", True),
        ("you have sixty days", "Goods are taken back for 45 days.", False),
        ("it's fine", "Goods are taken back for 45 days.", False),
        ("by the eighteenth of March", "Within 14 days.", True),
        ("by the thirtieth of March", "Within 14 days.", False),
    ],
)
def test_all_that_can_be_compared_agrees_or_not(quote, text, same):
    assert agrees(judged(quote, text)) is same


@pytest.mark.parametrize(
    ("quote", "kind", "given"),
    [
        ("a ten pound goodwill credit", "promise", True),
        ("I'll waive it", "exception", True),
        ("a ten pound credit", "assurance", False),
        ("you'll get store credit", "promise", False),
        ("it goes back to your credit card", "promise", False),
        ("you'll have it on Friday", "promise", False),
    ],
)
def test_goodwill_is_what_nobody_owes(quote, kind, given):
    assert is_goodwill(promise(quote, kind=kind)) is given


def test_the_clause_with_the_exceeded_cap_bears_on_goodwill():
    plain, caps = item("Paid within five days."), item(CAPS)
    kept = item("A representative may grant up to £90.")
    credit = promise("a sixty pound goodwill credit")
    assert find_authority(credit, [plain, kept, caps]) == 2
    assert find_authority(credit, [plain, kept]) == 1
    assert find_authority(credit, [plain]) is None
    assert find_authority(promise("you'll have sixty pounds back"), [caps]) is None

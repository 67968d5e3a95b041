"""The numbers that the ranker and the judge see, by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import Call, Clause
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.pairs import (
    JUDGE_FEATURES,
    QUERY_NAMES,
    RANK_FEATURES,
    describe_promise,
    judge_features,
    rank_features,
)
from analyzer.policy_book import PolicyView

CLAUSES = (
    (
        "Goodwill",
        "| Role | Credit |\n| --- | --- |\n| representative | £20 |\n| supervisor | £75 |",
    ),
    ("Refunds", "A refund of the fee is paid to the card within five working days."),
    ("Receipts", "A written receipt is sent by mail if the customer asks for a copy."),
    ("Return calls", "A supervisor returns a call within 24 hours. Only a supervisor may do so."),
)


@pytest.fixture(scope="module")
def index():
    clauses = tuple(
        Clause(id=f"C-{n}", company="a", document="d", title=title, text=text)
        for n, (title, text) in enumerate(CLAUSES)
    )
    embedder = packaged_embedder()
    vectors = np.concatenate([embedder.embed([c.embedded_text]) for c in clauses])
    return ClauseIndex(PolicyView("a", clauses, vectors), embedder)


def promise(quote, *, asked="Can you help?", kind="promise", position="representative"):
    turns = [
        {"role": "customer", "text": asked},
        {"role": "agent", "text": quote, "position": position},
        {"role": "customer", "text": "Thanks."},
    ]
    return describe_promise(Call.model_validate({"turns": turns}), 1, quote, kind, "firm")


def ranked(index, made):
    queries = packaged_embedder().embed([q or "-" for q in made.queries])
    return queries, rank_features(made, queries, index)


def rank_row(index, made, clause):
    return dict(zip(RANK_FEATURES, ranked(index, made)[1][clause], strict=True))


def judged(index, made, clause):
    queries, features = ranked(index, made)
    order = [clause, *(i for i in range(len(CLAUSES)) if i != clause)]
    relevance = np.full(len(CLAUSES), 0.1, dtype=np.float32)
    relevance[clause] = 0.7
    by_sentence = (queries @ index.sentence_vectors.T).max(axis=0)
    values, found = judge_features(made, features, relevance, index, by_sentence, order)
    return dict(zip(JUDGE_FEATURES, values, strict=True)), found


def test_names_are_unique():
    assert len(set(RANK_FEATURES)) == len(RANK_FEATURES)
    assert len(set(JUDGE_FEATURES)) == len(JUDGE_FEATURES)


def test_the_clause_that_speaks_of_it_is_the_likest(index):
    _, features = ranked(index, promise("I'll refund the fee to your card in five working days"))
    for name in ("cos:quote", "words:quote", "sentence:quote", "z:quote", "best_any"):
        assert int(features[:, RANK_FEATURES.index(name)].argmax()) == 1


def test_a_quantity_is_shared_by_kind_and_agrees_by_value(index):
    same = rank_row(index, promise("within five days"), 1)
    assert (same["shared:duration"], same["agrees:duration"], same["shared:money"]) == (1, 1, 0)
    other = rank_row(index, promise("within six days"), 1)
    assert (other["shared:duration"], other["agrees:duration"]) == (1, 0)
    near = rank_row(index, promise("I'll do that", asked="It said five days"), 1)
    assert (near["agrees:duration"], near["near_agrees:duration"]) == (0, 1)


def test_roles_caps_and_topics_are_told_by_a_few_words(index):
    gift = promise("I'm giving you a credit")
    assert rank_row(index, gift, 0)["caps_and_gift"] == 1
    assert rank_row(index, gift, 1)["caps_and_gift"] == 0
    assert rank_row(index, promise("You're covered"), 0)["caps_and_gift"] == 0
    assert rank_row(index, promise("You'll get a receipt"), 2)["paper_words"] == 1
    assert rank_row(index, promise("I'll call you"), 3)["callback_words"] == 1
    assert rank_row(index, promise("x", position="shift supervisor"), 3)["role_named"] == 1
    assert rank_row(index, promise("x", position=None), 3)["role_named"] == 0


def test_earlier_clauses_and_title_words_count(index):
    first, last = (rank_row(index, promise("a refund"), c) for c in (0, 3))
    assert (first["earlier"], last["earlier"]) == (0, 0.75)
    assert rank_row(index, promise("a refund"), 1)["title:quote"] == 1


@pytest.mark.parametrize(
    ("quote", "clause", "expected"),
    [
        ("you'll have it in six days", 1, {"more:duration": 1, "late_vs_window": 1, "any_equal": 0,
                                           "unequal_without_equal": 1}),
        ("you'll have it in five days", 1, {"equal:duration": 1, "any_unequal": 0}),
        ("a sixty pound goodwill credit", 0, {"over_cap": 1, "cap_known": 1, "gift_money": 1,
                                              "money_over_any_cap": 1, "authority_conflict": 1}),
        ("a ten pound goodwill credit", 0, {"over_cap": 0, "under_cap": 1, "own_role_named": 1}),
        ("a sixty pound goodwill credit", 1, {"over_cap": 0, "money_over_any_cap": 1}),
        ("I'll call you back", 3, {"reserved_to_others": 1, "promise_over_reserved": 1}),
        ("you don't need a receipt", 2, {"needs_paper": 1, "needs_paper_waived": 1,
                                         "quote_waives_requirement": 1}),
        ("yes", 1, {"short_quote": 1, "names_quantity": 0, "role_missing": 0, "promise": 1}),
        ("it's automatic, all of it", 1, {"quote_automatic": 1, "quote_all": 1}),
    ],
)  # fmt: skip
def test_what_speaks_for_a_verdict_has_a_name(index, quote, clause, expected):
    values, _ = judged(index, promise(quote), clause)
    assert {name: values[name] for name in expected} == expected


def test_what_the_ranker_says_is_passed_on(index):
    values, _ = judged(index, promise("a refund"), 1)
    assert values["relevance"] == pytest.approx(0.7)
    assert values["margin"] == pytest.approx(0.6)
    assert values["entropy"] == pytest.approx(0.94, abs=0.01)


def test_features_and_reasons_rest_on_the_same_comparison(index):
    values, found = judged(index, promise("a sixty pound goodwill credit"), 0)
    assert bool(values["over_cap"]) == (found.over_cap is not None)
    assert found.sentence in index.items[0].sentences


@settings(max_examples=25)
@given(
    st.text(" abcdefgrefund£$0123456789,.?days", max_size=60),
    st.sampled_from(["promise", "assurance", "exception"]),
    st.sampled_from([None, "representative", "supervisor", "desk"]),
    st.integers(0, len(CLAUSES) - 1),
)
def test_any_words_give_finite_numbers_in_order(index, quote, kind, position, clause):
    made = promise(quote, kind=kind, position=position)
    queries, features = ranked(index, made)
    assert queries.shape[0] == len(QUERY_NAMES)
    assert features.shape == (len(CLAUSES), len(RANK_FEATURES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    values, found = judged(index, made, clause)
    assert list(values) == list(JUDGE_FEATURES)
    assert np.isfinite(list(values.values())).all()
    assert found.sentence in index.items[clause].sentences

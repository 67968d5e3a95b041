"""From segments to commitments, with heads made by hand so that the words decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.commitments import (
    DraftMark,
    condition_of,
    find_marks,
    is_done,
    is_threat,
    join_features,
    withdrawn_at,
)
from analyzer.engines.embedded.heads import Head, Heads
from analyzer.engines.embedded.reading import SEGMENT_HAND, read_call

WIDTH = len(SEGMENT_HAND) + 2 * 384


def by_words(classes, words, *, width=WIDTH, bias=None):
    """A head in which each word speaks strongly for one class."""
    weights = np.zeros((len(words), len(classes)), dtype=np.float32)
    for row, wanted in enumerate(words.values()):
        weights[row, classes.index(wanted)] = 10
    return Head(
        classes=classes,
        vocabulary={word: row for row, word in enumerate(words)},
        gram_weights=weights,
        dense_weights=np.zeros((width, len(classes)), dtype=np.float32),
        bias=np.array(bias or [5, *[0] * (len(classes) - 1)], dtype=np.float32),
    )


def heads(*, join=False):
    return Heads(
        {
            "mark": by_words(("no", "yes"), {"refund": "yes", "credit": "yes", "voucher": "yes"}),
            "join": by_words(("no", "yes"), {}, width=7, bias=[0, 9] if join else [9, 0]),
            "kind": by_words(("promise", "assurance", "exception"), {"once": "exception"}),
            "strength": by_words(("firm", "conditional", "hedged"),
                                 {"if": "conditional", "should": "hedged"}),
        },
        {}, "made-by-hand",
    )  # fmt: skip


def read(*lines):
    """``A:`` an agent's turn, ``C:`` a customer's."""
    turns = [
        {"role": "agent" if line[0] == "A" else "customer", "text": line[2:]} for line in lines
    ]
    return read_call(Call.model_validate({"turns": turns}), packaged_embedder())


def found(*lines, join=False):
    return find_marks(read(*lines), heads(join=join), least=0.5)[0]


def mark(quote="x", kind="promise", turn=0, vector=None):
    unit = np.eye(1, 384, dtype=np.float32)[0] if vector is None else vector
    return DraftMark(turn, 0, len(quote), quote, (0,), 0.9, kind, "firm", unit)


def test_what_carries_the_words_is_marked_and_nothing_else():
    (only,) = found("A:Good morning.", "C:I want a refund.", "A:Let me see. I'll refund it today.")
    assert (only.turn, only.quote) == (2, "I'll refund it today")
    assert only.probability > 0.99


@pytest.mark.parametrize(
    ("said", "kind", "strength"),
    [
        ("I'll refund it.", "promise", "firm"),
        ("I'll refund it just this once.", "exception", "firm"),
        ("I'll refund it if you send it back.", "promise", "conditional"),
        ("The refund should be there soon.", "promise", "hedged"),
    ],
)
def test_kind_and_strength_are_said_by_their_heads(said, kind, strength):
    (only,) = found(f"A:{said}")
    assert (only.kind, only.strength) == (kind, strength)


def test_neighbours_that_belong_together_are_one_mark_with_one_quote():
    said = "A:I'll refund the fee. I'll credit it to your card."
    assert [m.quote for m in found(said)] == ["I'll refund the fee", "I'll credit it to your card"]
    (both,) = found(said, join=True)
    assert both.quote == "I'll refund the fee. I'll credit it to your card"
    assert both.segments == (0, 1)


def test_marks_of_two_turns_are_never_joined():
    assert len(found("A:I'll refund the fee.", "A:I'll credit your card.", join=True)) == 2


def test_a_promise_said_again_is_one_mark_at_its_first_turn():
    twice = found(
        "A:I'll refund the forty pounds today.", "C:Sorry?", "A:I'll refund the forty pounds today."
    )
    assert [m.turn for m in twice] == [0]


def test_said_again_with_other_terms_it_is_a_new_mark():
    changed = found(
        "A:I'll refund the forty pounds today.", "C:All?", "A:I'll refund the sixty pounds today."
    )
    assert [m.turn for m in changed] == [0, 2]


def test_two_things_of_one_turn_are_two_marks_however_alike():
    assert len(found("A:I'll refund that one today. I'll refund that one today.")) == 2


def test_every_agents_turn_has_its_highest_probability():
    reading = read("A:Hello. I'll refund it.", "C:Thanks.", "A:Bye.")
    _, likely = find_marks(reading, heads(), least=0.5)
    assert set(likely) == {0, 2}
    assert likely[0] > 0.99
    assert likely[2] < 0.01


def test_no_agent_no_marks():
    assert find_marks(read("C:I want a refund."), heads(), least=0.5) == ([], {})


@pytest.mark.parametrize(
    "correction",
    [
        "I told you wrong about the refund of the fee, it can't be done.",
        "Actually I was wrong, that fee isn't refunded.",
        "My colleague misspoke? No, I misspoke, the fee is not refunded.",
        "Let me correct that, there is no refund of the fee.",
    ],
)
def test_what_is_put_right_later_says_where(correction):
    reading = read(
        "A:I'll refund the fee.", "C:Good.", f"A:{correction}", "C:Oh.", f"A:{correction}"
    )
    (first, *_) = find_marks(reading, heads(), least=0.5)[0]
    assert withdrawn_at(reading, first) == 2


@pytest.mark.parametrize(
    "line",
    [
        "C:I was wrong, there is no refund of the fee.",
        "A:Yes, I'll refund the fee, as I said.",
        "A:I was wrong about the weather in Lisbon.",
    ],
)
def test_what_is_not_taken_back_stands(line):
    reading = read("A:I'll refund the fee.", "C:Good.", line)
    (first, *_) = find_marks(reading, heads(), least=0.5)[0]
    assert withdrawn_at(reading, first) is None


@pytest.mark.parametrize(
    ("quote", "turn", "condition"),
    [
        ("once you send it, I'll credit you", "", "once you send it"),
        ("I'll credit you", "If it comes by Friday, I'll credit you", "If it comes by Friday"),
        ("I'll credit you as soon as it's here.", "", "as soon as it's here"),
        ("I'll credit you", "I'll credit you", None),
    ],
)
def test_a_condition_is_in_the_agents_own_words(quote, turn, condition):
    assert condition_of(mark(quote), turn or quote) == condition


@pytest.mark.parametrize(
    ("quote", "kind", "done"),
    [
        ("I've refunded it", "promise", True),
        ("that's gone through", "promise", True),
        ("Done", "promise", True),
        ("I've just now taken it off", "exception", True),
        ("you're covered", "assurance", False),
        ("I'll refund it", "promise", False),
    ],
)
def test_what_is_done_already_says_so(quote, kind, done):
    assert is_done(mark(quote, kind)) is done


def test_the_features_of_a_joint_are_as_many_as_the_head_has():
    reading = read("A:I'll refund the £40. You'll have it in five days.")
    grams, hand = join_features(reading, 1)
    assert len(hand) == 7
    assert "stop1" in grams
    assert hand[0] == 1


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.sampled_from("AC"), st.text(" abrefund,.!?credit", max_size=60)),
        min_size=1, max_size=5,
    ),
    st.booleans(),
)  # fmt: skip
def test_quotes_are_slices_of_agents_turns_in_order(turns, join):
    reading = read(*(f"{role}:{text}" for role, text in turns))
    marks, likely = find_marks(reading, heads(join=join), least=0.0)
    for m in marks:
        turn = reading.call.turns[m.turn]
        assert turn.role == "agent"
        assert turn.text[m.start : m.end] == m.quote
        assert m.quote.strip() == m.quote
        assert m.quote
        assert m.turn in likely
    assert [(m.turn, m.start) for m in marks] == sorted((m.turn, m.start) for m in marks)


@pytest.mark.parametrize(
    ("text", "threat"),
    [
        ("if it isn't paid by the first, it goes to collections", True),
        ("we'd have to take legal action", True),
        ("it won't go to collections", False),
        ("the collection point is open till six", False),
        ("I'll refund it today", False),
    ],
)
def test_what_holds_a_penalty_out(text, threat):
    assert is_threat(text) is threat

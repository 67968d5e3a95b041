"""One pass over a call: segments, vectors, neighbours, features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.reading import (
    SEGMENT_HAND,
    TURN_HAND,
    read_call,
    segment_hand,
    segment_ngrams,
    turn_hand,
    turn_ngrams,
)

ROLES = {"A": "agent", "C": "customer", "S": "system"}


def read(*lines):
    turns = [{"role": ROLES[line[0]], "text": line[2:]} for line in lines]
    return read_call(Call.model_validate({"turns": turns}), packaged_embedder())


SHORT = read(
    "A:Hello. I can look at that for you.", "C:I was charged twice!", "S:[hold]",
    "A:You'll have it back.", "A:Anything else?", "C:NO. Why is it THIS slow?", "A:Bye.",
)  # fmt: skip


def test_only_agents_turns_are_cut_and_every_segment_has_a_row():
    assert [len(t) > 0 for t in SHORT.by_turn] == [True, False, False, True, True, False, True]
    assert [s.row for s in SHORT.segments] == list(range(len(SHORT.segments)))
    assert [s.index for s in SHORT.segments if s.turn == 0] == [0, 1]
    assert len(SHORT.vectors) == len(SHORT.segments) + 2


def test_the_customers_turns_on_either_side_are_known():
    assert SHORT.last_customer == (-1, -1, 1, 1, 1, 1, 5)
    assert SHORT.next_customer == (1, 5, 5, 5, 5, -1, -1)


def test_a_turn_has_a_unit_vector_if_anything_was_said():
    lengths = np.linalg.norm(SHORT.turn_vectors, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 0, 1, 1, 1, 1], atol=1e-5)


def test_features_of_a_segment_have_names():
    for position in range(len(SHORT.segments)):
        assert len(segment_hand(SHORT, position)) == len(SEGMENT_HAND)
    row = dict(zip(SEGMENT_HAND, segment_hand(SHORT, 0), strict=True))
    assert (row["first"], row["last"], row["cue:courtesy"]) == (1, 0, 1)


def test_features_of_a_turn_have_names():
    marks = {0: 0.1, 3: 0.9, 4: 0.2, 6: 0.0}
    row = dict(zip(TURN_HAND, turn_hand(SHORT, 3, marks), strict=True))
    assert (row["mark"], row["marks_near"]) == (0.9, 0.2)
    last = dict(zip(TURN_HAND, turn_hand(SHORT, 6, marks), strict=True))
    assert last["customer_heat"] == 0.75, "one question mark, two words in capitals"
    assert last["call_position"] == 1


def test_words_around_a_segment_are_its_features_too():
    grams = segment_ngrams(SHORT, 2)
    assert {"you'll have it", "asked:twice", "answer:no"} <= set(grams)
    first = segment_ngrams(SHORT, 0)
    assert "after:i" in first
    assert not [g for g in first if g.startswith(("asked:", "before:"))]
    assert {"you'll have", "asked:charged twice", "answer:no"} <= set(turn_ngrams(SHORT, 3))


def test_a_short_answer_takes_the_question_with_it():
    assert "short:fee" in segment_ngrams(read("C:Is there a fee?", "A:No there isn't."), 0)


@pytest.mark.parametrize("lines", [("C:Hello?",), ("S:[silence]",), ("A:...", "A:  ")])
def test_a_call_in_which_no_agent_speaks_has_no_segments(lines):
    reading = read(*lines)
    assert reading.segments == ()
    assert reading.turn_vectors.shape == (len(lines), 384)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from("ACS"), st.text(max_size=60)), min_size=1, max_size=5),
)
def test_any_call_can_be_read(turns):
    reading = read(*(f"{role}:{text}" for role, text in turns))
    assert np.isfinite(reading.turn_vectors).all()
    for position, item in enumerate(reading.segments):
        own = reading.call.turns[item.turn].text
        assert own[item.segment.start : item.segment.end] == item.segment.text
        assert np.isfinite(segment_hand(reading, position)).all()
    for turn in reading.call.turns:
        if turn.role == "agent":
            assert np.isfinite(turn_hand(reading, turn.turn, {})).all()

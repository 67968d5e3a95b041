"""Closed classes of words that tell how something is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.language.cues import CUE_NAMES, cue_vector, is_question


def cues(text):
    return {name for name, value in zip(CUE_NAMES, cue_vector(text), strict=True) if value}


@pytest.mark.parametrize(
    ("text", "there", "absent"),
    [
        ("It should be there by Monday", {"hedge"}, {"refusal", "negation"}),
        (
            "once you send the form, I'll credit it",
            {"condition", "first_future", "give"},
            {"hedge"},
        ),
        ("I've cancelled it", {"first_doing", "done"}, {"offer"}),
        ("would you like me to book that?", {"offer"}, {"done"}),
        ("there's nothing I can do", {"refusal", "negation"}, {"progress"}),
        ("can I speak to your supervisor", {"escalation"}, {"threat"}),
        ("it goes to collections", {"threat"}, {"courtesy"}),
        ("you should've checked", {"blame"}, set()),
        ("just this once, as a gesture", {"exception"}, {"threat"}),
        ("one moment while I pull that up", {"handling"}, {"give"}),
        ("thanks for calling, have a nice day", {"courtesy"}, {"done"}),
        ("it renews automatically", {"automatic"}, set()),
        ("I don't know, let me find out for you", {"progress"}, {"threat"}),
    ],
)
def test_how_something_is_said(text, there, absent):
    assert there <= cues(text)
    assert not absent & cues(text)


@pytest.mark.parametrize("text", ["notwithstanding", "iffy", "scanned", "hewn", "shouldered"])
def test_a_cue_is_a_word_not_a_part_of_one(text):
    assert cues(text) == set()


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Is it free?", True),
        ("so can you tell me that", True),
        ("what's the fee", True),
        ("You can have it", False),
        ("", False),
        ("That one?  ", True),
        ("island hopping", False),
    ],
)
def test_questions_are_known_by_their_mark_or_their_opening(text, asks):
    assert is_question(text) is asks


@given(st.text(max_size=120))
def test_any_text_has_one_number_a_cue_whatever_its_case(text):
    vector = cue_vector(text)
    assert len(vector) == len(CUE_NAMES)
    assert set(vector) <= {0.0, 1.0}


@given(st.sampled_from(["i'll refund you", "you should've known", "no, it can't be done"]))
def test_case_makes_no_difference(text):
    assert cue_vector(text.upper()) == cue_vector(text)

"""Turns cut into clauses of speech: contiguous, complete, in order."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from analyzer.language.segments import split_segments


def cut(text):
    return [s.text for s in split_segments(text)]


def test_sentences_and_joined_clauses_come_apart():
    assert cut("Let me look. I've taken the fee off, and you'll have an email by Friday.") == [
        "Let me look.", "I've taken the fee off", "and you'll have an email by Friday.",
    ]  # fmt: skip


def test_raw_recogniser_output_is_cut_at_its_connectives():
    text = "okay so i put your notice in today so your last one is the first and you'll get an email about it tomorrow"
    assert len(cut(text)) >= 3


def test_abbreviations_and_initials_do_not_end_a_sentence():
    assert cut("Dr. Holt called. J. Smith didn't.") == ["Dr. Holt called.", "J. Smith didn't."]


def test_a_turn_of_one_word_is_one_segment():
    assert cut("Done.") == ["Done."]
    assert cut("  ...  ") == []


@given(st.text(max_size=300))
def test_segments_are_slices_and_hold_every_word(text):
    found = split_segments(text)
    assert all(text[s.start : s.end] == s.text for s in found)
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))
    assert re.findall(r"\w", "".join(s.text for s in found)) == re.findall(r"\w", text)

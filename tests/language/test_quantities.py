"""Sums, windows and shares, in speech and in policy text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.language.quantities import find_quantities


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("twenty-three forty off the bill", "money", 23.40),
        ("that's three ninety-two", "money", 392),
        ("sixty-four pounds and ninety", "money", 64.90),
        ("£1,250.50", "money", 1250.50),
        ("up to GBP 20", "money", 20),
        ("R250 off", "money", 250),
        ("nine bucks a month", "money", 9),
        ("a hundred and eighty-six pounds", "money", 186),
        ("two thousand three hundred dollars", "money", 2300),
        ("five per cent", "percent", 5),
        ("12.5%", "percent", 12.5),
        ("half of it", "percent", 50),
        ("sixty days", "duration", 60),
        ("a fortnight", "duration", 14),
        ("within 48 hours", "duration", 2),
        ("six weeks", "duration", 42),
        ("seven or more days", "duration", 7),
        ("five working days", "business_duration", 5),
        ("18:00", "clock", 18),
        ("three pm", "clock", 15),
        ("noon", "clock", 12),
        ("2,000 points", "points", 2000),
        ("two dogs", "count", 2),
        ("twice", "count", 2),
        ("it's one seven eight", "number", 178),
        ("a fortnight of notice", "duration", 14),
        ("fortnight", "duration", 14),
        ("three calendar days", "duration", 3),
        ("forty to fifty per cent", "percent", 50),
        ("seven o'clock", "clock", 7),
        ("two grand", "number", 2000),
        ("nought grand pounds", "money", 0),
        ("twelve thousand three hundred and four", "number", 12304),
        ("twenty thirty forty euros", "money", 203040),
        ("five or so", "number", 5),
    ],
)
def test_one_quantity(text, dimension, value):
    (found,) = [q for q in find_quantities(text) if q.unit != "bare"]
    assert found.dimension == dimension
    assert found.value == pytest.approx(value)
    assert text[found.start : found.end].strip()


@pytest.mark.parametrize("text", ["on the twenty-fourth", "the 24th", "plan R is gone"])
def test_days_and_letters_are_no_quantities(text):
    assert not find_quantities(text)


@pytest.mark.parametrize("text", ["half an hour", "half past", "oh", "k", "$", "", "the ninth"])
def test_words_that_only_look_like_one(text):
    assert [q for q in find_quantities(text) if q.unit != "bare"] == []


@pytest.mark.parametrize("text", ["$" + "9" * 400, "9" * 400 + " thousand days"])
def test_what_no_number_can_hold_is_no_quantity(text):
    assert find_quantities(text) == ()


@pytest.mark.parametrize("word", ["hundred", "thousand", "nine", "ninety", "and", "to"])
def test_endless_number_words_are_finite(word):
    assert all(math.isfinite(r) for q in find_quantities(f"{word} " * 3000) for r in q.readings)


def test_a_period_after_a_or_an_is_told_apart_as_bare():
    (rate,) = find_quantities("a week")
    assert (rate.value, rate.unit) == (7, "bare")


def test_a_range_keeps_both_ends_the_later_first():
    (found,) = find_quantities("three to five business days")
    assert found.readings == (5, 3)


def test_spoken_sums_keep_every_reading_and_agree_by_any():
    (spoken,) = find_quantities("eleven fifty")
    (written,) = find_quantities("$1,150")
    (other,) = find_quantities("$11.50")
    (neither,) = find_quantities("$1,500")
    assert spoken.agrees_with(written)
    assert spoken.agrees_with(other)
    assert not spoken.agrees_with(neither)


def test_several_in_one_sentence_keep_their_order():
    found = find_quantities(
        "It's forty percent now, so four-sixty today, and thirty days to collect"
    )
    assert [q.dimension for q in found] == ["percent", "money", "duration"]


@given(st.text(max_size=200))
def test_any_text_gives_slices_of_it_in_order(text):
    found = find_quantities(text)
    assert all(0 <= q.start < q.end <= len(text) for q in found)
    assert all(a.start <= b.start for a, b in zip(found, found[1:], strict=False))
    assert all(q.readings for q in found)


@given(st.integers(min_value=0, max_value=99_999))
def test_written_sums_are_read_exactly(value):
    (found,) = find_quantities(f"${value:,}.25")
    assert found.value == pytest.approx(value + 0.25)

"""Clock readings, moments and days as they are written."""

from __future__ import annotations

import datetime as dt

import pytest

from analyzer.readers.transcripts.fields import (
    DayError,
    find_call_field,
    find_turn_field,
    read_day,
)
from analyzer.readers.transcripts.times import read_clock, read_moment, read_times

DAY = dt.date(2026, 3, 4)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("01:12", 72.0),
        ("1:02:03", 3723.0),
        ("00:00:07.6", 7.6),
        ("00:00:07,600", 7.6),
        ("75:00", 4500.0),
        ("12:05 AM", 300.0),
        ("1:05:10 pm", 47110.0),
        ("10:75", None),
        ("1:75:00", None),
        ("7", None),
        ("soon", None),
    ],
)
def test_clocks(text, seconds):
    assert read_clock(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04",
        "2026/3/4",
        "20260304",
        "4 March 2026",
        "4th of March, 2026",
        "March 4, 2026",
        "Mar. 4th 2026",
        "Wednesday, March 4, 2026",
        "Wed 4 Mar 2026",
        "04.03.2026",
    ],
)
def test_days(text):
    assert read_day(text) == DAY


@pytest.mark.parametrize(
    ("text", "day"), [("3/25/2026", dt.date(2026, 3, 25)), ("25/3/2026", dt.date(2026, 3, 25))]
)
def test_days_that_can_be_only_one(text, day):
    assert read_day(text) == day


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("03/04/2026", "two days"),
        ("2026-02-30", "no day of the calendar"),
        ("4 Marzo 2026", "no day"),
        ("yesterday", "no day"),
        ("4/3/26", "no day"),
    ],
)
def test_days_that_are_none_or_two(text, says):
    with pytest.raises(DayError, match=says):
        read_day(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-03-04T10:32:15Z", "2026-03-04T10:32:15Z"),
        ("2026-03-04 10:32", "2026-03-04T10:32:00"),
        ("4 March 2026, 1:05 PM", "2026-03-04T13:05:00"),
        ("2026-03-04T10:32:15.250-05:00", "2026-03-04T10:32:15-05:00"),
        ("2026-03-04 10:32:15 UTC", "2026-03-04T10:32:15Z"),
    ],
)
def test_moments(text, written):
    moment = read_moment(text)
    assert moment is not None
    assert (moment.day, moment.text) == (DAY, written)


@pytest.mark.parametrize("text", ["2026-03-04", "10:32:15", "03/04/2026 10:32", "2026-03-04 99:00"])
def test_what_is_no_moment(text):
    assert read_moment(text) is None


def test_times_that_cannot_be_read_are_counted():
    times = read_times([1.0, "soon", None, -3, True], [None] * 5)
    assert times.starts == [1.0, None, None, None, None]
    assert times.notes == ("Times that could not be read and were left out: 3.",)


def test_an_end_of_the_same_clock_counts_from_the_same_beginning():
    times = read_times(["10:00:00", "10:00:05"], ["10:00:04", None])
    assert (times.starts, times.ends) == ([0.0, 5.0], [4.0, None])


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("Call ID", "call_id"),
        ("conversationId", "call_id"),
        ("CONTACT_ID", "call_id"),
        ("Customer No.", "customer_id"),
        ("Agent Position", "position"),
        ("Brand", "company"),
        ("Total", None),
        ("", None),
    ],
)
def test_fields_of_calls(key, field):
    assert find_call_field(key) == field


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("Speaker", ("speaker", None)),
        ("startMs", ("start", "ms")),
        ("Start time (s)", ("start", "s")),
        ("end_offset_millis", ("end", "ms")),
        ("utterance", ("text", None)),
        ("text_ms", None),
        ("ms", None),
        ("§", None),
    ],
)
def test_fields_of_turns(key, field):
    assert find_turn_field(key) == field

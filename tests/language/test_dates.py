"""Days as they are said on the phone, from a call on Tuesday, 3 March 2026."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.language.dates import (
    add_business_days,
    add_days,
    add_months,
    find_days,
    find_due,
)

TUESDAY = dt.date(2026, 3, 3)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I'll have it done by Friday", (2026, 3, 6)),
        ("a technician will be there next Thursday", (2026, 3, 12)),
        ("you'll see it on the fifteenth", (2026, 3, 15)),
        ("it's the twenty-first of April", (2026, 4, 21)),
        ("by March fourteenth", (2026, 3, 14)),
        ("it ended on 2026-02-01", (2026, 2, 1)),
        ("the end of December 5, 2027", (2027, 12, 5)),
        ("within three to five business days", (2026, 3, 10)),
        ("in two weeks", (2026, 3, 17)),
        ("within a fortnight", (2026, 3, 17)),
        ("in six months", (2026, 9, 3)),
        ("I'll email it tomorrow", (2026, 3, 4)),
        ("you'll have it tonight", (2026, 3, 3)),
        ("as we speak", (2026, 3, 3)),
        ("this weekend", (2026, 3, 8)),
        ("by the end of the month", (2026, 3, 31)),
        ("in February", (2027, 2, 28)),
        ("in April", (2026, 4, 30)),
        ("till the end of next year", (2027, 12, 31)),
        ("by the end of this week", (2026, 3, 6)),
        ("some time next week", (2026, 3, 15)),
        ("the end of next month", (2026, 4, 30)),
        ("this year", (2026, 12, 31)),
        ("in two years", (2028, 3, 3)),
        ("I'll ring on the thirty-first", (2026, 3, 31)),
        ("the second of this, no, the 2nd", (2026, 4, 2)),
        ("between 2026-03-05 and 2026-03-09", (2026, 3, 9)),
    ],
)
def test_when_it_is_due(text, day):
    due = find_due(text, TUESDAY)
    assert due is not None
    assert due.date == dt.date(*day)
    assert due.said in text


@pytest.mark.parametrize("text", ["ten days from delivery", "sixty days after it closes"])
def test_an_unknown_start_leaves_the_day_open(text):
    due = find_due(f"you've got {text}", TUESDAY)
    assert due is not None
    assert due.date is None


@pytest.mark.parametrize(
    "text", ["on February 30, 2026", "on 2026-13-01", "the thirtieth of Feb 2027"]
)
def test_a_day_that_does_not_exist_is_no_day(text):
    assert find_days(text, TUESDAY) == []


def test_days_come_in_the_order_of_the_text():
    found = find_days("from March fifth, so Thursday, to the ninth of April", TUESDAY)
    assert [d.day.isoformat() for d in found] == ["2026-03-05", "2026-03-05", "2026-04-09"]
    assert [d.start for d in found] == sorted(d.start for d in found)


@pytest.mark.parametrize("text", ["there's no charge for that", "you're covered", ""])
def test_no_time_is_no_due(text):
    assert find_due(text, TUESDAY) is None


def test_without_the_calls_day_the_words_stay():
    due = find_due("by Friday", None)
    assert due is not None
    assert (due.said, due.date) == ("by Friday", None)


def test_a_bare_day_means_the_one_named_before():
    known = [dt.date(2026, 5, 9)]
    due = find_due("it runs out on the ninth", TUESDAY, known)
    assert due is not None
    assert due.date == known[0]
    assert find_days("see you on the Saturday", TUESDAY, known)[0].day == known[0]


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ((2026, 3, 6), 1, (2026, 3, 9)),
        ((2026, 3, 6), 5, (2026, 3, 13)),
        ((2026, 3, 7), 1, (2026, 3, 9)),
        ((2026, 3, 4), 0, (2026, 3, 4)),
    ],
)
def test_business_days_leave_weekends_out(start, count, end):
    assert add_business_days(dt.date(*start), count) == dt.date(*end)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2028, 1, 30), 1, (2028, 2, 29)),
        ((2026, 11, 15), 3, (2027, 2, 15)),
        ((2026, 5, 5), 0, (2026, 5, 5)),
    ],
)
def test_months_end_on_the_same_day_or_the_months_last(start, count, end):
    assert add_months(dt.date(*start), count) == dt.date(*end)


@pytest.mark.parametrize("words", ["tomorrow", "by Friday", "next week", "in ten business days",
                                   "in six months", "by the end of next year", "this weekend",
                                   "the end of next month", "within 60 days"])  # fmt: skip
def test_a_call_dated_at_the_calendars_end_does_no_harm(words):
    due = find_due(words, dt.date.max)
    assert due is not None
    assert due.date in {None, dt.date.max}
    assert add_days(dt.date.max, 3) == dt.date.max


@given(st.text(max_size=120), st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)))
def test_any_words_on_any_day(text, anchor):
    due = find_due(text, anchor)
    assert due is None or due.said in text


@given(st.dates(dt.date(2000, 1, 1), dt.date(2060, 1, 1)), st.integers(1, 60))
def test_business_days_count_back(start, count):
    end = add_business_days(start, count)
    passed = [start + dt.timedelta(days=n + 1) for n in range((end - start).days)]
    assert sum(day.weekday() < 5 for day in passed) == count
    assert end.weekday() < 5

"""Days and sums that follow from a clause: what agrees, what differs, what cannot be compared."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analyzer.domain import Call
from analyzer.engines.embedded.arithmetic import (
    call_days,
    check_days,
    check_sum,
    context_quantities,
    days_in_full,
)
from analyzer.language.quantities import find_quantities

WEDNESDAY = dt.date(2026, 3, 4)


def call(*texts, date: dt.date | None = WEDNESDAY):
    turns = [
        {"role": "agent" if i % 2 == 0 else "customer", "text": text}
        for i, text in enumerate(texts)
    ]
    return Call.model_validate({"call_id": "k", "date": date, "turns": turns})


def days(quote, clause, *before, date: dt.date | None = WEDNESDAY):
    spoken = call(*before, quote, date=date)
    return check_days(quote, spoken, len(before), list(find_quantities(clause)))


def sums(quote, clause, *near):
    promised = next(q for q in find_quantities(quote) if q.dimension == "money")
    context = [q for text in (*near, quote) for q in find_quantities(text)]
    return check_sum(promised, list(find_quantities(clause)), context)


@pytest.mark.parametrize(
    ("quote", "clause", "agrees"),
    [
        ("it'll be back by the eighteenth of March", "within 14 days", True),
        ("it'll be back by the nineteenth of March", "within 14 days", True),
        ("it'll be back by the seventeenth of March", "within 14 days", True),
        ("it'll be back by the twentieth of March", "within 14 days", False),
        ("by March eleventh", "within five working days", True),
        ("by March twelfth", "within five working days", False),
        ("by April fourth", "valid for one month", True),
        ("by April third", "valid for one month", True),
        ("by June fourth", "valid for three months", True),
        ("by June tenth", "valid for three months", False),
        ("by the end of 2026-03-18", "within two weeks, or three for furniture", True),
    ],
)
def test_a_day_is_held_against_the_window_from_the_call(quote, clause, agrees):
    found = days(quote, clause)
    assert found is not None
    assert found.agrees is agrees


def test_a_window_may_count_from_a_day_named_in_the_call():
    said = "You took delivery on the twentieth of February.", "Yes."
    found = days("you have until the sixth of March", "within 14 days of delivery", *said)
    assert found is not None
    assert found.agrees
    assert found.how == "14 days from 2026-02-20 ends on 2026-03-06"


@pytest.mark.parametrize(
    ("quote", "clause", "date"),
    [
        ("you'll have it", "within 14 days", WEDNESDAY),
        ("by the eighteenth of March", "promptly", WEDNESDAY),
        ("by the eighteenth of March", "twice a week", WEDNESDAY),
        ("by the eighteenth of March", "$14", WEDNESDAY),
        ("by the eighteenth of March", "within 14 days", None),
    ],
)
def test_without_a_day_or_a_window_nothing_is_compared(quote, clause, date):
    assert days(quote, clause, date=date) is None


@given(st.integers(1, 400), st.integers(-400, 400))
def test_a_window_of_days_gives_its_last_day_and_its_neighbours(window, off):
    target = WEDNESDAY + dt.timedelta(days=window + off)
    assume(target != WEDNESDAY)
    found = days(f"by {target.isoformat()}", f"within {window} days")
    assert found is not None
    assert found.agrees is (abs(off) <= 1)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)), st.integers(1, 9999))
def test_no_window_leaves_the_calendar(date, years):
    assert days(f"by {date}", f"within {years} years", date=dt.date.max) is not None


def test_days_of_the_call_come_in_order_its_own_last():
    spoken = call(
        "It came on the second of March.",
        "I paid on 2026-02-20.",
        "So on 2026-02-20, right.",
        "Yes.",
    )
    assert call_days(spoken, 3) == [dt.date(2026, 3, 2), dt.date(2026, 2, 20), WEDNESDAY]
    assert call_days(spoken, 0) == [dt.date(2026, 3, 2), WEDNESDAY]
    assert call_days(call("on 2026-02-20", date=None), 0) == []


def test_only_days_named_at_length_tell_what_the_9th_is():
    spoken = call("It ends on the ninth of May.", "The 9th?", "Saturday, yes.")
    assert days_in_full(spoken, 2) == [dt.date(2026, 5, 9)]
    assert days_in_full(spoken.model_copy(update={"date": None}), 2) == []


@pytest.mark.parametrize(
    ("quote", "clause", "near", "agrees"),
    [
        ("that's forty dollars", "The fee is $40.", (), True),
        ("that's forty-one dollars", "The fee is $40.", (), False),
        ("eighty pounds for both", "£40 for each bag", ("two bags, please",), True),
        ("a hundred and twenty pounds", "£40 for each bag", ("three bags",), True),
        ("a hundred and sixty pounds", "£40 for each bag", ("three bags",), False),
        ("fifty dollars in all", "$30 for the visit and $20 for the part", (), True),
        ("twenty-five dollars back", "10 % of the price", ("it cost $250",), True),
        ("it'd be two hundred and twenty-five dollars", "less 10 %", ("it cost $250",), True),
        ("you get seventy dollars", "less a charge of $30", ("I paid $100",), True),
        ("it comes to a hundred and thirty dollars", "plus $30", ("I paid $100",), True),
        ("ninety-nine dollars", "10 % of the price", ("it cost $250",), False),
    ],
)
def test_a_sum_is_held_against_what_the_clause_works_out_to(quote, clause, near, agrees):
    found = sums(quote, clause, *near)
    assert found is not None
    assert found.agrees is agrees
    assert found.how


def test_a_clause_without_sums_or_shares_gives_nothing_to_compare():
    assert sums("forty dollars", "Goods are taken back within 14 days.") is None


@given(st.integers(1, 99), st.integers(2, 5000))
def test_any_share_of_a_sum_that_was_said_agrees(share, base):
    promised = round(base * share / 100, 2)
    assume(promised >= 1)
    found = sums(f"you get ${promised:.2f}", f"{share} % of the price", f"it cost ${base}")
    assert found is not None
    assert found.agrees


@given(st.integers(1, 400), st.integers(401, 2000))
def test_a_sum_far_from_anything_named_never_agrees(fee, promised):
    assume(promised > 2.1 * fee)
    found = sums(f"you get ${promised}", f"The fee is ${fee}.")
    assert found is not None
    assert not found.agrees


def test_only_what_was_named_near_the_promise_counts():
    spoken = call("$5", *["well"] * 8, "$7", "$9", "$11")
    assert [q.value for q in context_quantities(spoken, 10)] == [7, 9]
    assert len(context_quantities(call(" and ".join(f"${n}" for n in range(1, 99))), 0)) == 40

"""Calls about what was booked before the rules changed: which edition is theirs."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from analyzer.domain import Call, Clause
from analyzer.engines.embedded.transitions import find_kept
from analyzer.policy_book import PolicyView

RULE = "Bookings made before 1 May 2026 keep the earlier terms."
TODAY = dt.date(2026, 6, 10)


def clause(
    clause_id: str, text: str, begins: str, ends: str | None = None, document: str = "Stay rules"
) -> Clause:
    return Clause(
        id=clause_id, company="quay", document=document, text=text, effective_from=begins,
        effective_to=ends,
    )  # fmt: skip


NEW = clause("CAN-1", "The fee is 50 euro.", "2026-05-01")
OLD = clause("CAN-1", "The fee is 20 euro.", "2025-01-01", "2026-04-30")
KEEPS = clause("CAN-9", RULE, "2026-05-01")


def view(*standing: Clause, earlier: tuple[Clause, ...] = (OLD,)) -> PolicyView:
    vectors = np.ones((len(standing), 2), dtype=np.float32)
    return PolicyView("quay", standing, vectors, earlier=earlier)


def call(*texts: str, date: dt.date | None = TODAY) -> Call:
    turns = [{"role": "customer", "text": text} for text in texts]
    return Call.model_validate({"call_id": "c-1", "company": "quay", "date": date, "turns": turns})


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ("I booked on 3 April 2026, for July.", dt.date(2026, 4, 3)),
        ("We reserved it on April 30th, 2026.", dt.date(2026, 4, 30)),
        ("The booking was made on the third of April.", dt.date(2026, 4, 3)),
        ("I booked on 3 April and paid on 4 May 2026. It was lovely.", None),
        ("I booked on 1 May 2026.", None),
        ("My birthday is 3 April 2026.", None),
        ("I booked last spring.", None),
        ("I booked on 12 July 2026.", None),
    ],
)
def test_the_day_of_the_booking_decides(said: str, agreed: dt.date | None) -> None:
    kept = find_kept(call("Hello.", said), NEW, view(NEW, KEEPS))
    assert (kept and kept.agreed) == agreed
    if kept is not None:
        assert (kept.rule, kept.clause, kept.transition.what) == (KEEPS, OLD, "booking")


def test_an_older_and_a_newer_booking_are_nobodys_to_choose_between() -> None:
    both = call("I booked on 3 April 2026.", "And I booked again on 3 May 2026.")
    assert find_kept(both, NEW, view(NEW, KEEPS)) is None
    older = call("I booked on 3 April 2026.", "And I booked the car on 5 April 2026.")
    kept = find_kept(older, NEW, view(NEW, KEEPS))
    assert kept is not None
    assert kept.agreed == dt.date(2026, 4, 5)


def test_without_a_rule_an_older_edition_or_a_date_nothing_is_kept() -> None:
    booked = "I booked on 3 April 2026."
    foreign = clause("FEE-9", RULE, "2026-05-01", document="Fees")
    assert find_kept(call(booked), NEW, view(NEW)) is None
    assert find_kept(call(booked), NEW, view(NEW, foreign)) is None
    assert find_kept(call(booked), NEW, view(NEW, KEEPS, earlier=())) is None
    assert find_kept(call(booked, date=None), NEW, view(NEW, KEEPS)) is None


def test_of_several_editions_the_one_of_the_booking_counts() -> None:
    oldest = clause("CAN-1", "The fee is 10 euro.", "2024-01-01", "2024-12-31")
    rules = (KEEPS, clause("CAN-8", RULE.replace("May 2026", "January 2025"), "2026-05-01"))
    for earlier in ((OLD, oldest), (oldest, OLD)):
        kept = {
            year: find_kept(
                call(f"I booked on 3 April {year}."), NEW, view(NEW, *rules, earlier=earlier)
            )
            for year in (2024, 2025, 2023)
        }
        assert all(kept.values())
        assert kept[2024].clause == oldest
        assert kept[2025].clause == OLD
        assert kept[2025].transition.before == dt.date(2026, 5, 1)


def test_the_last_day_of_the_old_terms_belongs_to_them() -> None:
    rule = clause(
        "CAN-9", "Orders placed on or before 30 April 2026 keep their terms.", "2026-05-01"
    )
    kept = find_kept(call("I ordered it on 30 April 2026."), NEW, view(NEW, rule))
    assert kept is not None
    assert kept.clause == OLD
    assert find_kept(call("I ordered it on 1 May 2026."), NEW, view(NEW, rule)) is None


def test_the_rule_may_stand_in_the_title() -> None:
    rule = KEEPS.model_copy(update={"title": RULE.rstrip("."), "text": "All others pay 50 euro."})
    assert find_kept(call("I booked on 3 April 2026."), NEW, view(NEW, rule)) is not None

"""The cost cap holds, whatever order requests end in and however many threads ask."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.engines.llm.budget import Budget
from analyzer.engines.llm.prices import Price
from analyzer.errors import ConfigError

PRICE = Price("m", 1.0, 0.5, 4.0)


def reserved(budget, usd):
    reservation = budget.reserve(usd)
    assert reservation is not None
    return reservation


def test_money_is_set_aside_settled_and_given_back():
    budget = Budget(1.0, PRICE)
    first, second = reserved(budget, 0.6), reserved(budget, 0.4)
    assert budget.reserve(0.01) is None
    assert budget.reserved_usd == pytest.approx(1.0)
    budget.settle(first, 0.2)
    assert budget.spent_usd == pytest.approx(0.2)
    third = reserved(budget, 0.4)
    budget.release(second)
    budget.release(third)
    assert budget.reserved_usd == 0
    assert budget.reserve(0.8) is not None
    assert budget.reserve(0.01) is None


def test_without_a_cap_spending_is_counted_only():
    budget = Budget(None, None)
    budget.settle(reserved(budget, 1e6), 5e5)
    assert budget.spent_usd == 5e5
    assert budget.reserve(1e9) is not None


def test_a_cap_of_nothing_lets_only_what_is_free_through():
    budget = Budget(0, PRICE)
    assert budget.reserve(0) is not None
    assert budget.reserve(1e-9) is None


def test_a_request_that_cost_more_than_expected_counts_in_full():
    budget = Budget(1.0, PRICE)
    budget.settle(reserved(budget, 0.5), 1.5)
    assert budget.spent_usd == 1.5
    assert budget.reserve(0) is None


def test_a_reservation_ends_once():
    budget = Budget(1.0, PRICE)
    reservation = reserved(budget, 0.5)
    budget.settle(reservation, 0.5)
    budget.release(reservation)
    assert budget.spent_usd == 0.5
    with pytest.raises(ValueError, match="not open"):
        budget.settle(reservation, 0.5)
    with pytest.raises(ValueError, match="not open"):
        Budget(1.0, PRICE).settle(reserved(budget, 0.1), 0.1)


def test_a_cap_needs_a_price():
    with pytest.raises(ConfigError, match=r"WORDBOND_MAX_COST.*'llama'.*WORDBOND_PRICES"):
        Budget(1.0, None, model="llama")
    with pytest.raises(ConfigError, match="price of the model is not known"):
        Budget(0.0, None)


def test_bad_amounts_are_refused():
    for cap in (-1.0, math.nan):
        with pytest.raises(ConfigError, match="WORDBOND_MAX_COST"):
            Budget(cap, PRICE)
    budget = Budget(1.0, PRICE)
    for usd in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="USD"):
            budget.reserve(usd)
        with pytest.raises(ValueError, match="USD"):
            budget.settle(reserved(budget, 0.01), usd)


@given(
    st.floats(0, 10),
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0, 1), st.booleans(), st.integers(0, 5)), max_size=40
    ),
)
def test_the_cap_is_never_passed(cap, steps):
    budget = Budget(cap, PRICE)
    under_way = []
    for estimate, part, is_answered, n_ending in steps:
        if (reservation := budget.reserve(estimate)) is not None:
            under_way.append((reservation, estimate * part, is_answered))
        for ending, actual, is_settled in under_way[:n_ending]:
            budget.settle(ending, actual) if is_settled else budget.release(ending)
        del under_way[:n_ending]
        assert budget.spent_usd + budget.reserved_usd <= cap + 1e-9


def test_threads_together_do_not_pass_the_cap():
    budget = Budget(1.0, PRICE)
    granted = []
    start = threading.Barrier(8)

    def ask():
        start.wait()
        for _ in range(50):
            if (reservation := budget.reserve(1 / 64)) is not None:
                granted.append(reservation)
                budget.settle(reservation, 1 / 64)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 64
    assert budget.spent_usd == 1.0

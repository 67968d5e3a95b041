"""Which calls are analysed, and in what order."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch.plan import SamplingPlan, draw, put_in_order
from analyzer.errors import ConfigError
from analyzer.results.batch_queue import Task

FRIDAY = dt.date(2026, 3, 6)
TASKS = st.lists(
    st.builds(
        Task,
        task_id=st.integers(1, 10**6),
        company=st.sampled_from([None, "shop", "bank"]),
        call_id=st.uuids().map(str),
        source=st.just("x"),
        date=st.none() | st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 1)),
        customer_id=st.none() | st.sampled_from(["c1", "c2"]),
        agent=st.none() | st.sampled_from(["Ana", "Ben", "Cy"]),
        team=st.none() | st.sampled_from(["blue", "green"]),
    ),
    unique_by=lambda t: t.task_id,
    max_size=60,
)
PLANS = st.sampled_from(["all", "10%", "50 %", "100%", "1/agent/week", "5 per agent"])


def tasks(count: int, **fields: object) -> list[Task]:
    return [Task(n, "shop", f"k{n}", "x", **fields) for n in range(count)]  # type: ignore[arg-type]


@given(TASKS, PLANS, st.integers(0, 5))
def test_every_call_is_drawn_or_left_out_whatever_the_order(
    found: list[Task], text: str, seed: int
) -> None:
    plan = SamplingPlan.parse(text, strata=["team"], seed=seed)
    drawn = draw(found, plan, today=FRIDAY)
    assert Counter(drawn.chosen) + Counter(drawn.left_out) == Counter(found)
    backwards = draw(found[::-1], plan, today=FRIDAY)
    assert set(backwards.chosen) == set(drawn.chosen)
    assert sum(n for n, _ in drawn.strata.values()) in {0, len(found)}
    assert sum(n for _, n in drawn.strata.values()) in {0, len(drawn.chosen)}


def test_a_share_is_about_that_share_and_another_seed_draws_others() -> None:
    many = tasks(4000)
    one = draw(many, SamplingPlan.parse("10%"), today=FRIDAY)
    other = draw(many, SamplingPlan.parse("10%", seed=1), today=FRIDAY)
    assert 300 < len(one.chosen) < 500
    assert 10 < len(set(one.chosen) & set(other.chosen)) < 90


def test_of_each_stratum_somebody_is_drawn() -> None:
    many = [*tasks(300, team="blue"), Task(999, "shop", "rare", "x", team="green")]
    drawn = draw(many, SamplingPlan.parse("1%", strata=["team"]), today=FRIDAY)
    assert drawn.strata["green"] == (1, 1)


def test_a_number_for_each_agent_is_spread_over_the_week() -> None:
    many = tasks(40, agent="Ana")
    plan = SamplingPlan.parse("7/agent/week")
    monday = dt.date(2026, 3, 2)
    chosen: list[Task] = []
    for day in range(7):
        today = monday + dt.timedelta(days=day)
        drawn = draw(many, plan, today=today, done_this_week={"Ana": len(chosen)})
        chosen += drawn.chosen
        assert len(chosen) == day + 1


@pytest.mark.parametrize("text", ["", "0%", "120%", "many", "0/agent/week", "-5%"])
def test_a_plan_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="5/agent/week"):
        SamplingPlan.parse(text)
    with pytest.raises(ConfigError, match="stratum 'mood'"):
        SamplingPlan.parse("10%", strata=["mood"])


@given(TASKS, st.sampled_from(["newest", "oldest", "open-cases,oldest", "below-sample,newest"]))
def test_an_order_loses_no_call(found: list[Task], order: str) -> None:
    ordered = put_in_order(found, order, customers={"c1"}, analyzed={"Ana": 3})
    assert Counter(ordered) == Counter(found)


def test_what_matters_goes_first() -> None:
    days = [dt.date(2026, 1, d) for d in (5, 9, 7)]
    found = [
        Task(n, None, str(n), "x", date=day, customer_id=customer, agent=agent)
        for n, (day, customer, agent) in enumerate(
            zip(days, ["c1", "c2", "c2"], ["Ana", "Ana", "Ben"], strict=True)
        )
    ]

    def ids(order: str, **known: object) -> list[int]:
        return [t.task_id for t in put_in_order(found, order, **known)]  # type: ignore[arg-type]

    assert ids("newest") == [1, 2, 0]
    assert ids("oldest") == [0, 2, 1]
    assert ids("open-cases,newest", customers={"c1"}) == [0, 1, 2]
    assert ids("below-sample,oldest") == [0, 2, 1]
    assert ids("below-sample,oldest", analyzed={"Ana": 4}) == [2, 0, 1]
    with pytest.raises(ConfigError, match="no order 'loudest'"):
        ids("loudest")

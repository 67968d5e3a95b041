"""Intervals: bootstrapped over calls, seeded, null where there is nothing to count."""

from itertools import combinations_with_replacement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evaluation.intervals import SEED, interval
from analyzer.evaluation.scores import CallCounts, Tally, summarise

VERDICTS = ["contradicted", "supported", "not_addressed"]

tallies = st.builds(
    lambda hits, wrong, missed: Tally(hits, hits + wrong, hits + missed),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
)
pairs = st.lists(
    st.tuples(st.sampled_from(VERDICTS), st.sampled_from([*VERDICTS, None])), max_size=4
)
call_counts = st.builds(
    CallCounts,
    commitment=tallies,
    flag=tallies,
    verdicts=pairs.map(tuple),
    quiet=st.sampled_from([None, True, False]),
)


def bounds_of(calls, name, **kwargs):
    return interval(calls, **kwargs)[name]


def value_of(calls, name):
    return summarise(calls)[name].value


def found(hits, gold=4, **more):
    return CallCounts(commitment=Tally(hits, gold, gold), **more)


def test_calls_that_are_all_alike_leave_no_doubt():
    bounds = interval([found(3)] * 20)
    assert bounds["commitment F1"] == (0.75, 0.75)


def test_one_call_leaves_no_room():
    assert interval([found(1)])["commitment recall"] == (0.25, 0.25)


def test_the_interval_lies_around_the_value_and_narrows_with_more_calls():
    few = [found(hits) for hits in (0, 1, 2, 3, 4, 4, 3, 2)]
    value = value_of(few, "commitment F1")
    low, high = bounds_of(few, "commitment F1")
    assert 0 <= low < value < high <= 1
    lower, higher = bounds_of(few * 8, "commitment F1")
    assert low < lower < value < higher < high


def test_the_interval_of_a_share_is_near_that_of_the_normal_distribution():
    calls = [CallCounts(quiet=n < 30) for n in range(50)]
    low, high = interval(calls, draws=4000)["quiet calls"]
    spread = 1.96 * (0.6 * 0.4 / 50) ** 0.5
    assert low == pytest.approx(0.6 - spread, abs=0.03)
    assert high == pytest.approx(0.6 + spread, abs=0.03)


def test_what_has_nothing_to_count_has_no_interval():
    bounds = interval([found(2)] * 3)
    assert bounds["commitment F1"] == (0.5, 0.5)
    assert bounds["flag F1"] == (None, None)
    assert bounds["verdict macro-F1"] == (None, None)


def test_draws_without_anything_to_count_are_left_out():
    # One call in four has a flag: a draw may well hold none of it, and none may count as 0.
    calls = [CallCounts(flag=Tally(1, 1, 1)), CallCounts(), CallCounts(), CallCounts()]
    assert interval(calls)["flag F1"] == (1.0, 1.0)


def test_no_calls_have_no_intervals():
    bounds = interval([])
    assert set(bounds.values()) == {(None, None)}
    assert list(bounds) == list(summarise([]))


def test_the_seed_settles_the_draws():
    calls = [found(hits) for hits in (0, 1, 2, 3, 4)]
    assert interval(calls) == interval(calls, seed=SEED)
    assert interval(calls, draws=50, seed=1) != interval(calls, draws=50, seed=2)


@pytest.mark.parametrize("draws", [0, -1])
def test_at_least_one_draw_is_needed(draws):
    with pytest.raises(ValueError, match="draws"):
        interval([found(1)], draws=draws)


@settings(deadline=None, max_examples=30)
@given(st.lists(call_counts, min_size=1, max_size=6), st.randoms())
def test_the_order_of_the_calls_changes_nothing(calls, random):
    shuffled = random.sample(calls, len(calls))
    assert interval(shuffled, draws=40) == interval(calls, draws=40)


@settings(deadline=None, max_examples=20)
@given(st.lists(call_counts, min_size=1, max_size=3), st.sampled_from([1, 2]))
def test_all_draws_are_scored_as_the_calls_they_hold_would_be(calls, draws):
    """A draw holds as many calls as there are, so it is one of few samples: score them plainly."""
    bounds = interval(calls, draws=draws)
    samples = list(combinations_with_replacement(calls, len(calls)))
    for name, (low, high) in bounds.items():
        values = [value for sample in samples if (value := value_of(sample, name)) is not None]
        if low is None or high is None:
            assert high is None
            continue
        assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
        if draws == 1:
            assert low == high
            assert min(abs(value - low) for value in values) < 1e-12

"""The rate limiter in simulated time, what Retry-After says, and waits between tries."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import random
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.engines.llm.rate_limits import Backoff, RateLimiter, parse_retry_after

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


class FakeTime:
    """A clock that jumps to the next waker once nothing else can run."""

    def __init__(self):
        self.now = 1000.0
        self._wakers = []
        self._count = itertools.count()

    def clock(self):
        return self.now

    async def sleep(self, seconds):
        assert seconds > 0
        waker = asyncio.get_running_loop().create_future()
        heapq.heappush(self._wakers, (self.now + seconds, next(self._count), waker))
        await waker

    def run(self, *coroutines):
        return asyncio.run(self._run(coroutines))

    async def _run(self, coroutines):
        tasks = [asyncio.ensure_future(c) for c in coroutines]
        while True:
            for _ in range(4):
                await asyncio.sleep(0)
            if all(task.done() for task in tasks):
                return [task.result() for task in tasks]
            self.now, _, waker = heapq.heappop(self._wakers)
            if not waker.done():
                waker.set_result(None)


def scene():
    """A time, and a log of what passes in it."""
    log: list[tuple[float, int]] = []
    return FakeTime(), log


def limiter_in(time, requests=None, tokens=None, **options):
    return RateLimiter(requests, tokens, clock=time.clock, sleep=time.sleep, **options)


async def passing(limiter, time, tokens, log, after=0.0):
    if after:
        await time.sleep(after)
    await limiter.acquire(tokens)
    log.append((time.now - 1000, tokens))


def test_no_limit_lets_all_through_at_once():
    time, log = scene()
    limiter = limiter_in(time)
    time.run(*(passing(limiter, time, 10**9, log) for _ in range(50)))
    assert [moment for moment, _ in log] == [0] * 50


def test_requests_a_minute():
    time, log = scene()
    limiter = limiter_in(time, requests=60, burst_s=2)
    time.run(*(passing(limiter, time, 0, log) for _ in range(6)))
    assert [moment for moment, _ in log] == pytest.approx([0, 0, 1, 2, 3, 4], abs=0.01)


def test_tokens_a_minute():
    time, log = scene()
    limiter = limiter_in(time, tokens=6000, burst_s=1)  # 100 a second
    time.run(*(passing(limiter, time, 50, log) for _ in range(5)))
    assert [moment for moment, _ in log] == pytest.approx([0, 0, 0.5, 1, 1.5], abs=0.01)


def test_the_tighter_of_both_limits_rules():
    time, log = scene()
    limiter = limiter_in(time, requests=60, tokens=6000, burst_s=1)
    time.run(*(passing(limiter, time, tokens, log) for tokens in (10, 10, 200)))
    # The third waits for its request at 2 s; its tokens would have been there as soon.
    assert [moment for moment, _ in log] == pytest.approx([0, 1, 2], abs=0.01)


def test_a_request_larger_than_the_bucket_passes_when_full_and_its_debt_holds_the_next_back():
    time, log = scene()
    limiter = limiter_in(time, tokens=6000, burst_s=1)
    time.run(*(passing(limiter, time, tokens, log) for tokens in (1000, 10)))
    assert [moment for moment, _ in log] == pytest.approx([0, 9.1], abs=0.01)


def test_a_small_request_does_not_overtake_a_large_one():
    time, log = scene()
    limiter = limiter_in(time, tokens=6000, burst_s=1)
    time.run(*(passing(limiter, time, tokens, log) for tokens in (90, 100, 1)))
    assert [tokens for _, tokens in log] == [90, 100, 1]


def test_a_very_low_limit_still_lets_one_through():
    time, log = scene()
    limiter = limiter_in(time, requests=0.5, burst_s=0.1)
    time.run(*(passing(limiter, time, 0, log) for _ in range(2)))
    assert [moment for moment, _ in log] == pytest.approx([0, 120], abs=0.01)


@pytest.mark.parametrize(("actual", "moment"), [(0, 0), (100, 1), (50, 0.5), (300, 3)])
def test_settling_gives_back_or_takes_the_difference(actual, moment):
    time, log = scene()
    limiter = limiter_in(time, tokens=6000, burst_s=1)

    async def both():
        await limiter.acquire(100)
        limiter.settle(100, actual)
        await passing(limiter, time, 100, log)

    time.run(both())
    assert log[0][0] == pytest.approx(moment, abs=0.01)


def test_settling_reaches_those_who_wait_already():
    time, log = scene()
    limiter = limiter_in(time, tokens=6000, burst_s=1)

    async def settling():
        await time.sleep(1)
        limiter.settle(6000, 100)

    time.run(passing(limiter, time, 6000, log), passing(limiter, time, 100, log), settling())
    assert log[1][0] == pytest.approx(1, abs=0.3)


def test_settling_never_fills_beyond_the_bucket():
    time, log = scene()
    limiter = limiter_in(time, tokens=6000, burst_s=1)
    limiter.settle(10**6, 0)
    time.run(*(passing(limiter, time, 100, log) for _ in range(2)))
    assert log[1][0] == pytest.approx(1, abs=0.01)


def test_a_pause_holds_all_back_and_a_shorter_one_does_not_end_it():
    time, log = scene()
    limiter = limiter_in(time)
    limiter.pause(30)
    limiter.pause(5)
    limiter.pause(-100)
    time.run(*(passing(limiter, time, 1, log) for _ in range(3)))
    assert [moment for moment, _ in log] == pytest.approx([30] * 3, abs=0.01)


def test_a_pause_reaches_those_who_wait_already():
    time, log = scene()
    limiter = limiter_in(time, requests=60, burst_s=1)

    async def pausing():
        await time.sleep(0.5)
        limiter.pause(10)

    time.run(passing(limiter, time, 0, log), passing(limiter, time, 0, log), pausing())
    assert [moment for moment, _ in log] == pytest.approx([0, 10.5], abs=0.01)


def test_a_cancelled_wait_takes_nothing_and_blocks_nobody():
    time, log = scene()
    limiter = limiter_in(time, tokens=6000, burst_s=1)

    async def act():
        await limiter.acquire(100)
        huge = asyncio.ensure_future(limiter.acquire(10**6))
        await asyncio.sleep(0)
        small = asyncio.ensure_future(passing(limiter, time, 100, log))
        await time.sleep(0.5)
        huge.cancel()
        await small
        assert huge.cancelled()

    time.run(act())
    assert log[0][0] == pytest.approx(1, abs=0.3)


def test_one_cancelled_after_another_admitted_it_gives_back_what_it_took():
    async def act():
        now, gate = [0.0], asyncio.Event()

        async def sleep(_):
            await gate.wait()

        limiter = RateLimiter(None, 60, burst_s=60, clock=lambda: now[0], sleep=sleep)
        await limiter.acquire(60)
        waiting = asyncio.ensure_future(limiter.acquire(30))
        await asyncio.sleep(0)
        now[0] = 60.0
        await limiter.acquire(30)  # admits the one before it as well, which still sleeps
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(limiter.acquire(30), timeout=0.1)

    asyncio.run(act())


def test_several_event_loops_share_one_limiter():
    limiter = RateLimiter(60_000, None, burst_s=0.001)
    done = []

    async def many():
        await asyncio.gather(*(limiter.acquire(1) for _ in range(10)))
        done.append(True)

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(done) == 3


@pytest.mark.parametrize(
    "limits", [(0, None), (-1, None), (None, 0), (None, math.nan), (math.inf, 1)]
)
def test_limits_must_be_above_zero(limits):
    with pytest.raises(ValueError, match="above 0"):
        RateLimiter(*limits)


def test_bad_amounts_are_refused():
    limiter = RateLimiter(1, 1)
    with pytest.raises(ValueError, match="0 or more"):
        asyncio.run(limiter.acquire(-1))
    with pytest.raises(ValueError, match="0 or more"):
        limiter.settle(-1, 0)
    with pytest.raises(ValueError, match="finite"):
        limiter.pause(math.inf)


@given(
    requests=st.none() | st.integers(1, 600),
    tokens=st.none() | st.integers(1, 60_000),
    burst_s=st.floats(0.1, 60),
    arrivals=st.lists(
        st.tuples(st.floats(0, 30), st.integers(0, 5000), st.floats(0, 1)), min_size=1, max_size=15
    ),
)
def test_no_window_exceeds_the_rate_beyond_the_burst(requests, tokens, burst_s, arrivals):
    time, log = scene()
    passed: dict[int, float] = {}
    limiter = limiter_in(time, requests, tokens, burst_s=burst_s)
    # Slow limits and large requests would need hours of simulated time in small steps.
    largest = 5000 if tokens is None else max(1, tokens // 2)
    came: list[int] = []

    async def one(number, after, estimate, part):
        if after:
            await time.sleep(after)
        came.append(number)
        await limiter.acquire(estimate)
        passed[number] = time.now
        actual = int(estimate * part)
        limiter.settle(estimate, actual)
        log.append((time.now, actual))

    time.run(
        *(
            one(number, after, min(amount, largest), part)
            for number, (after, amount, part) in enumerate(arrivals)
        )
    )
    # Let through in order; one may notice up to a quarter of a second after it was.
    late_s = 0.251
    for earlier, later in itertools.combinations(came, 2):
        assert passed[earlier] <= passed[later] + late_s
    for limit, weigh in ((requests, lambda _: 1), (tokens, lambda actual: actual)):
        if limit is None:
            continue
        bucket = max(1.0, limit / 60 * burst_s)
        for first, last in itertools.combinations_with_replacement(range(len(log)), 2):
            amounts = [weigh(actual) for _, actual in log[first : last + 1]]
            window_s = log[last][0] - log[first][0] + late_s
            beyond = max(0, max(amounts) - bucket)
            assert sum(amounts) <= limit / 60 * window_s + bucket + beyond + 0.01


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"RETRY-AFTER-MS": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "86400"}, 120),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, 30),
        ({"retry-after": format_datetime(NOW + timedelta(days=3), usegmt=True)}, 120),
        ({"retry-after": format_datetime(NOW - timedelta(hours=3), usegmt=True)}, 0),
        ({"retry-after": "Fri, 27 Nov 2026 14:00:20 +0200"}, 20),
        ({"retry-after": "Fri, 27 Nov 2026 12:00:20"}, 20),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Fri, 99 Nov 2026 12:00:20 GMT"}, None),
        ({"x-retry-after": "7"}, None),
    ],
)
def test_retry_after(headers, wait_s):
    found = parse_retry_after(headers, NOW)
    assert found == (None if wait_s is None else pytest.approx(wait_s))


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text(max_size=40)))
def test_retry_after_is_bounded_whatever_the_header_says(headers):
    found = parse_retry_after(headers, NOW)
    assert found is None or 0 <= found <= 120


@given(
    st.integers(1, 2000),
    st.floats(0, 200),
    st.none() | st.floats(-5, 200),
    st.integers(0, 2**32),
)
def test_a_wait_stays_within_its_ceiling_and_the_time_left(attempt, spent_s, retry_after, seed):
    backoff = Backoff(attempts=1500, rng=random.Random(seed))
    wait_s = backoff.wait_for(attempt, spent_s, retry_after)
    if attempt >= 1500:
        assert wait_s is None
    elif wait_s is None:
        longest = 20 if retry_after is None else max(0, retry_after) + 0.5
        assert spent_s + longest > 180
    else:
        assert spent_s + wait_s <= 180
        if retry_after is None:
            assert 0 <= wait_s <= min(20, 0.5 * 2 ** min(attempt - 1, 10))
        else:
            assert max(0, retry_after) <= wait_s <= max(0, retry_after) + 0.5


def test_the_last_try_is_not_followed_by_a_wait():
    backoff = Backoff()
    assert backoff.wait_for(5, 0, 1) is not None
    assert backoff.wait_for(6, 0, 1) is None
    assert Backoff(attempts=1).wait_for(1, 0, None) is None


def test_a_bad_backoff_is_refused():
    for options in ({"attempts": 0}, {"total_s": -1}, {"base_s": math.nan}, {"cap_s": -0.1}):
        with pytest.raises(ValueError, match="attempts must be"):
            Backoff(**options)
    with pytest.raises(ValueError, match="counts from 1"):
        Backoff().wait_for(0, 0, None)

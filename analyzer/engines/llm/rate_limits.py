"""How fast a model is asked: requests and tokens a minute, ordered pauses, waits between tries."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_RETRY_AFTER_S = 120.0
# A correction or a cancelled request can free room at any moment; no waiter sleeps past this.
_LOOK_AGAIN_S = 0.25
# Rounding may leave a bucket a hair short after the computed wait; this keeps it from spinning.
_LEAST_SLEEP_S = 0.001
_ROUNDING = 1e-6
# 2.0 to higher powers than this is past any cap, and past a float in the end.
_MOST_DOUBLINGS = 60


class _Bucket:
    """A token bucket that may go into debt, so that a request larger than itself can pass."""

    def __init__(self, per_minute: float, burst_s: float, now: float) -> None:
        self.rate = per_minute / 60
        self.capacity = max(1.0, self.rate * burst_s)
        self._level = self.capacity
        self._filled_at = now

    def level(self, now: float) -> float:
        """What may be taken now; negative while a debt is being worked off."""
        elapsed = max(0.0, now - self._filled_at)
        self._level = min(self.capacity, self._level + elapsed * self.rate)
        self._filled_at = max(self._filled_at, now)
        return self._level

    def wait_s(self, ahead: float, amount: float, now: float) -> float:
        """Seconds until ``amount`` may be taken after ``ahead`` was; <= 0 means at once."""
        missing = ahead + min(amount, self.capacity) - self.level(now)
        return missing / self.rate if missing > _ROUNDING else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take ``amount``; a negative one is given back, up to a full bucket."""
        self._level = min(self.capacity, self.level(now) - amount)


@dataclass(eq=False)
class _Ticket:
    """One request's place in the queue."""

    tokens: int
    is_admitted: bool = False


class RateLimiter:
    """Lets requests through in the order they came, no faster than the model's limits.

    One is shared by a whole process: it may be used from several event loops and threads at once,
    which an ``asyncio.Lock`` may not. A bucket holds ``burst_s`` seconds' worth of its limit, and
    1 at least. In any window of ``w`` seconds no more is let through than one bucket and what ``w``
    brings, plus what the largest request has beyond the bucket. One that is let through early,
    because another cost less than estimated, may notice up to 0.25 s later.

    Args:
        requests_per_minute: > 0, or None for no limit.
        tokens_per_minute: > 0, or None for no limit.
        burst_s: Seconds' worth of the limits that may pass at once after a rest; > 0. Small,
            because some servers enforce their minute in slices of a few seconds.
        clock: Seconds that never run backwards.
        sleep: Waits so many seconds.

    Raises:
        ValueError: If a limit or ``burst_s`` is not above 0.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        burst_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        limits = (requests_per_minute, tokens_per_minute, burst_s)
        if any(limit is not None and not 0 < limit < math.inf for limit in limits):
            raise ValueError(f"limits and burst_s must be finite and above 0, not {limits!r}")
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._queue: deque[_Ticket] = deque()
        self._open_at = -math.inf
        now = clock()
        self._requests = (
            None if requests_per_minute is None else _Bucket(requests_per_minute, burst_s, now)
        )
        self._tokens = (
            None if tokens_per_minute is None else _Bucket(tokens_per_minute, burst_s, now)
        )

    async def acquire(self, tokens: int) -> None:
        """Wait until one request of so many tokens may be sent.

        A request larger than the bucket passes once the bucket is full, and those after it wait
        until its debt is worked off. A cancelled wait takes nothing.

        Args:
            tokens: Estimated tokens of question and answer; >= 0.

        Raises:
            ValueError: If ``tokens`` is negative.
        """
        if tokens < 0:
            raise ValueError(f"tokens must be 0 or more, not {tokens!r}")
        ticket = _Ticket(tokens)
        with self._lock:
            self._queue.append(ticket)
        is_through = False
        try:
            while (wait_s := self._wait_of(ticket)) is not None:
                await self._sleep(min(max(wait_s, _LEAST_SLEEP_S), _LOOK_AGAIN_S))
            is_through = True
        finally:
            if not is_through:
                self._withdraw(ticket)

    def settle(self, estimated: int, actual: int) -> None:
        """Correct the token bucket once an answer's usage is known.

        Args:
            estimated: What ``acquire`` was told; >= 0.
            actual: Tokens that were counted; 0 where the request never reached the model.

        Raises:
            ValueError: If one of them is negative.
        """
        if estimated < 0 or actual < 0:
            raise ValueError(f"tokens must be 0 or more, not {estimated!r} and {actual!r}")
        if self._tokens is not None:
            with self._lock:
                self._tokens.take(actual - estimated, self._clock())

    def pause(self, seconds: float) -> None:
        """Hold every request back for at least so long; a longer pause that runs is kept.

        Args:
            seconds: Finite; 0 or less does nothing.

        Raises:
            ValueError: If ``seconds`` is not finite.
        """
        if not math.isfinite(seconds):
            raise ValueError(f"a pause must be finite, not {seconds!r}")
        with self._lock:
            self._open_at = max(self._open_at, self._clock() + seconds)

    def _wait_of(self, ticket: _Ticket) -> float | None:
        """Seconds that a ticket has yet to wait, or None if it is through.

        Whoever wakes admits everyone at the head of the queue that may go: nobody's turn depends
        on another event loop being awake.
        """
        with self._lock:
            now = self._clock()
            while self._queue and self._delay_s(0, 0, self._queue[0], now) <= 0:
                first = self._queue.popleft()
                self._take(first, 1, now)
                first.is_admitted = True
            if ticket.is_admitted:
                return None
            requests_ahead = tokens_ahead = 0
            for other in self._queue:
                if other is ticket:
                    break
                requests_ahead += 1
                tokens_ahead += other.tokens
            return self._delay_s(requests_ahead, tokens_ahead, ticket, now)

    def _delay_s(
        self, requests_ahead: int, tokens_ahead: int, ticket: _Ticket, now: float
    ) -> float:
        delay = self._open_at - now
        if self._requests is not None:
            delay = max(delay, self._requests.wait_s(requests_ahead, 1, now))
        if self._tokens is not None:
            delay = max(delay, self._tokens.wait_s(tokens_ahead, ticket.tokens, now))
        return delay

    def _take(self, ticket: _Ticket, sign: int, now: float) -> None:
        if self._requests is not None:
            self._requests.take(sign, now)
        if self._tokens is not None:
            self._tokens.take(sign * ticket.tokens, now)

    def _withdraw(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket.is_admitted:
                self._take(ticket, -1, self._clock())
            else:
                self._queue.remove(ticket)


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long a server asks its client to wait.

    ``retry-after-ms`` is read before ``retry-after``, being the finer one; names in any case.

    Args:
        headers: An answer's headers.
        now: The present moment, with its time zone.

    Returns:
        Seconds in [0, 120], or None where nothing usable is said.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    wait_s = _number(lowered.get("retry-after-ms", ""))
    if wait_s is not None:
        wait_s /= 1000
    else:
        value = lowered.get("retry-after", "")
        wait_s = _number(value)
        if wait_s is None:
            wait_s = _seconds_until(value, now)
    return None if wait_s is None else min(max(wait_s, 0.0), _LONGEST_RETRY_AFTER_S)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # an HTTP date is in GMT, said or not
    return (moment - now).total_seconds()


@dataclass(frozen=True)
class Backoff:
    """When to try again: full jitter under a doubling ceiling, within a number of tries and a time.

    Attributes:
        attempts: Most tries of one request, the first one included; >= 1.
        total_s: Seconds that all tries and waits of one request may take.
        base_s: Ceiling of the first wait, in seconds.
        cap_s: Highest ceiling, in seconds.
        rng: Where the jitter comes from.

    Source:
        Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, March 2015.
    """

    attempts: int = 6
    total_s: float = 180.0
    base_s: float = 0.5
    cap_s: float = 20.0
    rng: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def __post_init__(self) -> None:
        seconds = (self.total_s, self.base_s, self.cap_s)
        if self.attempts < 1 or not all(value >= 0 for value in seconds):
            raise ValueError(f"attempts must be 1 or more and seconds 0 or more, not {self!r}")

    def wait_for(self, attempt: int, spent_s: float, retry_after: float | None) -> float | None:
        """How long to wait after a failed try.

        Args:
            attempt: Which try failed, from 1.
            spent_s: Seconds since the first try began.
            retry_after: Seconds that the server asked for, if it did: the wait is never shorter,
                and at most ``base_s`` longer, so that several clients do not return as one.

        Returns:
            Seconds, or None to give up: no try or not enough time is left.

        Raises:
            ValueError: If ``attempt`` is below 1.
        """
        if attempt < 1:
            raise ValueError(f"attempt counts from 1, not {attempt!r}")
        if attempt >= self.attempts:
            return None
        if retry_after is None:
            ceiling = self.base_s * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)
            wait_s = self.rng.uniform(0, min(self.cap_s, ceiling))
        else:
            wait_s = max(0.0, retry_after) + self.rng.uniform(0, self.base_s)
        return None if spent_s + wait_s > self.total_s else wait_s

"""Sums and days that follow from others: is what was promised what the clause works out to?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from analyzer.domain import Call
from analyzer.language.dates import add_business_days, add_days, add_months, find_days
from analyzer.language.quantities import Quantity, find_quantities

_MOST_SUMS = 12
#: Sums and shares worked out by voice are rounded; this share more or less is the same.
_TOLERANCE = 0.006
_WINDOWS = frozenset(("duration", "business_duration"))
_MOST_BASES = 8
#: Days, eleven years: no window of a clause is longer, and the calendar ends.
_LONGEST_WINDOW = 4000
_DAYS_IN = {"week": 7, "fortnight": 14, "month": 30, "year": 365, "hour": 1 / 24}
#: Characters of a day's name up to which it is one in short: "the 9th", "Saturday".
_SHORT_NAME = 8
_TURNS_NEAR = 8
_KEPT_TURNS = 4096
_MOST_NEAR = 40


@dataclass(frozen=True)
class WorkedOut:
    """A value that follows from the clause and the call, beside what was promised.

    Attributes:
        agrees: Whether they are the same.
        how: How the value comes about, in words.
    """

    agrees: bool
    how: str


def call_days(call: Call, until: int) -> list[dt.date]:
    """Days named in full up to a turn, the call's own last; what windows may count from."""
    if call.date is None:
        return []
    found: list[dt.date] = []
    for turn in call.turns[: until + 1]:
        found += [d.day for d in find_days(turn.text, call.date, found)]
    out = [d for d in dict.fromkeys(found) if d != call.date]
    return [*out[-_MOST_BASES:], call.date]


def days_in_full(call: Call, until: int) -> list[dt.date]:
    """Days named at length up to a turn, most often with their month; others may mean these."""
    if call.date is None:
        return []
    return [
        day for turn in call.turns[: until + 1] for day in _days_at_length(turn.text, call.date)
    ]


@lru_cache(maxsize=_KEPT_TURNS)
def _days_at_length(text: str, anchor: dt.date) -> tuple[dt.date, ...]:
    # Asked for each mark of a call, so the turns of the calls at hand are kept.
    return tuple(
        named.day for named in find_days(text, anchor) if named.end - named.start > _SHORT_NAME
    )


def check_days(quote: str, call: Call, turn: int, windows: list[Quantity]) -> WorkedOut | None:
    """Compare a day that the quote names with the clause's windows from the days of the call.

    Args:
        quote: The promise's words.
        call: The call; its own day and the days named in it are what a window may count from.
        turn: The promise's turn.
        windows: Durations that the clause names.

    Returns:
        Agreement with the window that gives the day (a day more or less for counting the first),
        disagreement if none does, None where there is no day or no window to compare.
    """
    if call.date is None:
        return None
    bases = call_days(call, turn)
    named = find_days(quote, call.date, bases)
    usable = [w for w in windows if w.dimension in _WINDOWS and w.value >= 1 and w.unit != "bare"]
    if not named or not usable:
        return None
    target = named[-1].day
    for window in usable:
        for base in bases:
            if base != target and _ends_on(target, base, window):
                return WorkedOut(agrees=True, how=f"{_words(window)} from {base} ends on {target}")
    return WorkedOut(
        agrees=False,
        how=f"no window of the clause that counts from a day in the call ends on {target}",
    )


def _ends_on(target: dt.date, base: dt.date, window: Quantity) -> bool:
    """Whether some reading of a window from a day ends on another, or beside it."""
    slack = 0 if window.dimension == "business_duration" else 1
    return any(
        abs((target - end).days) <= slack
        for reading in window.readings
        for end in _ends(base, window, reading)
    )


def _words(window: Quantity) -> str:
    unit = window.unit or "day"
    business = "business " if window.dimension == "business_duration" else ""
    return f"{window.value / _DAYS_IN.get(unit, 1):g} {business}{unit}s"


def _ends(base: dt.date, window: Quantity, reading: float) -> list[dt.date]:
    """The days on which a window may be said to end: months count as thirty days or by name."""
    if reading > _LONGEST_WINDOW:
        return []
    whole = round(reading)
    if window.dimension == "business_duration":
        return [add_business_days(base, whole)]
    ends = [add_days(base, whole)]
    if window.unit == "month":
        ends.append(add_months(base, round(reading / _DAYS_IN["month"])))
    return ends


def check_sum(
    promised: Quantity, clause: list[Quantity], context: list[Quantity]
) -> WorkedOut | None:
    """Compare a promised sum with what the clause's sums, shares and the call's sums give.

    Args:
        promised: A sum of money.
        clause: The clause's quantities.
        context: Quantities named near the promise.

    Returns:
        Agreement with the first sum, product, difference or share that gives it; disagreement if
        the clause names sums or shares and none does; None where there is nothing to compare.
    """
    sums = [q.value for q in clause if q.dimension == "money"][:_MOST_SUMS]
    shares = [q.value for q in clause if q.dimension == "percent"][:_MOST_SUMS]
    if not sums and not shares:
        return None
    said = [
        r
        for q in context
        if q.dimension in {"money", "number"} and not q.agrees_with(promised)
        for r in q.readings
    ][:_MOST_SUMS]
    counts = {float(n) for n in range(2, 13)} & {q.value for q in context} | {2.0}
    ways: list[tuple[float, str]] = [(s, f"the clause says {s:g}") for s in sums]
    ways += [(s * n, f"{n:g} times {s:g}") for s in sums for n in sorted(counts)]
    ways += [(a + b, f"{a:g} and {b:g}") for a, b in combinations(sums, 2)]
    ways += [(a + b, f"{a:g} and {b:g}") for a in sums for b in said]
    ways += [(abs(a - b), f"{max(a, b):g} less {min(a, b):g}") for a in said for b in sums]
    for share in shares:
        ways += [(base * share / 100, f"{share:g} % of {base:g}") for base in said + sums]
        ways += [(base * (1 - share / 100), f"{base:g} less {share:g} %") for base in said + sums]
    for value, how in ways:
        if any(abs(value - r) <= _TOLERANCE * max(abs(r), 1) for r in promised.readings):
            return WorkedOut(agrees=True, how=how)
    return WorkedOut(agrees=False, how="neither the clause's sums nor the call's give it")


def context_quantities(call: Call, turn: int) -> list[Quantity]:
    """Quantities named up to eight turns before a promise, and in its own turn."""
    near = call.turns[max(0, turn - _TURNS_NEAR) : turn + 1]
    return [q for t in near for q in find_quantities(t.text)][-_MOST_NEAR:]

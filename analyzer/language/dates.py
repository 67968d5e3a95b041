"""Days that are named in speech or in a policy, resolved against the day of the call."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzer.domain import Due
from analyzer.language.quantities import Quantity, find_quantities

_MONTHS = (
    {name.lower(): i for i, name in enumerate(calendar.month_name) if name}
    | {name.lower(): i for i, name in enumerate(calendar.month_abbr) if name and name != "May"}
    | {"sept": 9}
)
_WEEKDAYS = {name.lower(): i for i, name in enumerate(calendar.day_name)}
_ORDINAL_UNITS = {
    word: number
    for number, word in enumerate(
        (
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ).split(),
        start=1,
    )
} | {"thirtieth": 30}
_ORDINAL_TENS = {"twenty": 20, "thirty": 30}
_ORD = (
    r"(?:(?:twenty|thirty)[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|"
    + "|".join(sorted(_ORDINAL_UNITS, key=len, reverse=True))
    + r"|\d{1,2}(?:st|nd|rd|th))"
)
_MONTH_NAME = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + ")"
_MONTH = rf"{_MONTH_NAME}\.?"
_YEAR = r"(?:,?\s+(?P<year>20\d\d))?"
_DAY_MONTH = re.compile(
    rf"\b(?P<day>{_ORD}|\d{{1,2}})\s+(?:of\s+)?(?P<month>{_MONTH_NAME})\b"
    r"(?:\.?,?\s+(?P<year>20\d\d))?",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"\b(?P<month>{_MONTH})\s+(?:the\s+)?(?P<day>{_ORD}|\d{{1,2}})\b(?!:){_YEAR}", re.IGNORECASE
)
_ISO = re.compile(r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b")
#: As forms and tables write days: ``01-Feb-2026``, ``2026/02/01``.
_DASHED = re.compile(
    rf"\b(?P<day>\d{{1,2}})[-/ ](?P<month>{_MONTH_NAME})\.?[-/ ](?P<year>20\d\d)\b", re.IGNORECASE
)
_YEAR_FIRST = re.compile(r"\b(?P<year>20\d\d)([/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})\b")
#: A day in digits alone, which two halves of the world read as two days.
_DIGITS = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2(20\d\d)(?![\d/-])")
_BARE_DAY = re.compile(
    rf"\bthe\s+(?P<day>{_ORD})\b(?!\s+(?:time|one|thing|two|three|of|night|day|month|year|call|party|line))",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(
    rf"\b(?P<which>next|this|on|by|coming)?\s*(?:the\s+)?(?P<name>{'|'.join(_WEEKDAYS)})(?:'s)?\b(?!\s+to\b)",
    re.IGNORECASE,
)
_MONTH_ALONE = re.compile(
    rf"\b(?:in|until|till|through|by|for|before|end of|the end of|back end of)\s+(?P<month>{'|'.join(n.lower() for n in calendar.month_name if n)})\b",
    re.IGNORECASE,
)
_THE = re.compile(r"\bthe\s+$", re.IGNORECASE)
_TODAY = re.compile(
    r"\b(?:today|tonight|this (?:morning|afternoon|evening)|right (?:now|away|after)|straight ?away|as we speak|"
    r"in a (?:few|couple(?: of)?) (?:minutes|moments|hours)|(?:in|within) (?:the|an|the next) (?:hour|half hour)|within the hour|in a (?:bit|minute|moment|wee while)|"
    r"when we hang up|while (?:we're|you're) on the (?:phone|line)|end of (?:the )?(?:day|business)|close of business|before i (?:go home|leave|finish)|shortly|immediately)\b",
    re.IGNORECASE,
)
_PERIODS = re.compile(
    r"\b(?P<what>tomorrow|this weekend|(?:the )?end of (?:the|this) week|this week|next week|(?:the )?end of (?:the|this) month|"
    r"this month|next month|(?:the )?end of next month|(?:the )?end of (?:the|this) year|this year|(?:the )?end of next year|next year)\b",
    re.IGNORECASE,
)
_WITHIN = re.compile(
    r"\b(?:within|in|inside|takes?|up to|no (?:more|later) than|at most|over the next|next|after|give it|allow|about|it's)\b[^.?!]{0,24}$",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"(?:\b(?:by|on|until|till|through|before|no later than|within|in|inside|from|for|up to|at the latest)\s+)$",
    re.IGNORECASE,
)
#: What the months' names begin with; a text without any is not searched for days with a month.
_MONTH_STARTS = tuple(dict.fromkeys(name[:3] for name in _MONTHS))
_SATURDAY = 5
_WEEK = 7
_DECEMBER = 12
#: How many days a duration's unit stands for (:mod:`analyzer.language.quantities`).
_DAYS_IN = {"month": 30, "year": 365}
#: Days to which a window is cut; no promise runs longer, and the calendar ends.
_LONGEST = 36500.0
#: Days with fewer characters than this between them are said as one time ("Monday, Friday").
_NEAR = 4


@dataclass(frozen=True)
class NamedDay:
    """A day that a text names: ``text[start:end]`` resolves to ``day``."""

    day: dt.date
    start: int
    end: int


#: A day as it is read (None where the words name no day there is), and its place in the text.
_Read = tuple[dt.date | None, tuple[int, int]]


def _ordinal(text: str) -> int | None:
    text = text.lower()
    digits = re.match(r"\d+", text)
    if digits:
        return int(digits.group())
    tens, _, unit = text.replace("-", " ").partition(" ")
    if unit:  # "twenty-first"
        return _ORDINAL_TENS.get(tens, 0) + _ORDINAL_UNITS.get(unit, 0)
    return _ORDINAL_UNITS.get(text)


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _nearest_year(month: int, day: int, anchor: dt.date) -> dt.date | None:
    """The day of that name nearest to the call, from five months back to seven ahead."""
    found = [
        d for y in (anchor.year - 1, anchor.year, anchor.year + 1) if (d := _date(y, month, day))
    ]
    return min(found, key=lambda d: abs((d - anchor).days - 30)) if found else None


def _month_end(year: int, month: int) -> dt.date:
    if year > dt.MAXYEAR:
        return dt.date.max
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def add_days(start: dt.date, count: int) -> dt.date:
    """The day ``count`` days after ``start``, or the calendar's last where that comes first."""
    return start + dt.timedelta(days=min(count, (dt.date.max - start).days))


def add_months(start: dt.date, count: int) -> dt.date:
    """The same day ``count`` months later, or that month's last where it is shorter."""
    years, month = divmod(start.month - 1 + count, 12)
    last = _month_end(start.year + years, month + 1)
    return last if last == dt.date.max else last.replace(day=min(start.day, last.day))


def add_business_days(start: dt.date, count: int) -> dt.date:
    """The ``count``-th weekday after ``start``; public holidays are not known here."""
    day = start
    left = count
    while left > 0 and day < dt.date.max:
        day = add_days(day, 1)
        if day.weekday() < _SATURDAY:
            left -= 1
    return day


def find_days(text: str, anchor: dt.date, known: Sequence[dt.date] = ()) -> list[NamedDay]:
    """Calendar days that a text names.

    Args:
        text: Speech or policy text.
        anchor: The day of the call, which settles the year and the weekday.
        known: Days named in full before: "the ninth" means the one of these that is a ninth, "the
            Friday" the one that is a Friday.

    Returns:
        Days in the order of the text; overlapping readings are left to the longest.
    """
    found: list[NamedDay] = []
    for day, (start, end) in (
        *_iso_days(text),
        *_written_days(text, anchor),
        *_bare_days(text, anchor, known),
        *_weekdays(text, anchor, known),
    ):
        if day and not any(d.start < end and start < d.end for d in found):
            found.append(NamedDay(day, start, end))
    return sorted(found, key=lambda d: d.start)


def _iso_days(text: str) -> Iterator[_Read]:
    for m in _ISO.finditer(text):
        yield _date(int(m["year"]), int(m["month"]), int(m["day"])), m.span()


def _written_days(text: str, anchor: dt.date) -> Iterator[_Read]:
    """Days with their month: "the fifth of March", "March 5, 2026"."""
    lower = text.lower()
    if not any(month in lower for month in _MONTH_STARTS):
        return
    for pattern in (_DAY_MONTH, _MONTH_DAY):
        for m in pattern.finditer(text):
            number = _ordinal(m["day"])
            month = _MONTHS[m["month"].lower().rstrip(".")]
            if number and m["year"]:
                yield _date(int(m["year"]), month, number), m.span()
            elif number:
                yield _nearest_year(month, number, anchor), m.span()


def _bare_days(text: str, anchor: dt.date, known: Sequence[dt.date]) -> Iterator[_Read]:
    """Days of a month that is not said: "the ninth"."""
    for m in _BARE_DAY.finditer(text):
        number = _ordinal(m["day"])
        if number:
            earlier = [d for d in known if d.day == number and d >= anchor]
            yield earlier[-1] if earlier else _next_day_of_month(number, anchor), m.span()


def _weekdays(text: str, anchor: dt.date, known: Sequence[dt.date]) -> Iterator[_Read]:
    """Days of the week: "Friday", "next Friday", "the Friday"."""
    if "day" not in text.lower():
        return
    for m in _WEEKDAY.finditer(text):
        ahead = (_WEEKDAYS[m["name"].lower()] - anchor.weekday()) % _WEEK or _WEEK
        if (m["which"] or "").lower() == "next" and anchor.weekday() + ahead < _WEEK:
            ahead += _WEEK
        day = add_days(anchor, ahead)
        if _THE.search(text[: m.start("name")]):
            day = next(
                (d for d in reversed(known) if d > anchor and d.weekday() == day.weekday()), day
            )
        yield day, (m.start("name"), m.end())


def _next_day_of_month(number: int, anchor: dt.date) -> dt.date | None:
    year, month = anchor.year, anchor.month
    for _ in range(13):
        day = _date(year, month, number)
        if day and day >= anchor:
            return day
        year, month = _month_after(year, month)
    return None


def _month_after(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == _DECEMBER else (year, month + 1)


def _period_end(what: str, anchor: dt.date) -> dt.date:
    what = what.lower()
    if what == "tomorrow":
        return add_days(anchor, 1)
    sunday = add_days(anchor, 6 - anchor.weekday())
    if "week" in what:
        if "weekend" in what:
            return sunday
        if "end of" in what:
            return sunday - dt.timedelta(days=2) if anchor.weekday() < _SATURDAY else sunday
        return add_days(sunday, _WEEK) if "next" in what else sunday
    if "month" in what:
        year, month = anchor.year, anchor.month
        if "next" in what:
            year, month = _month_after(year, month)
        return _month_end(year, month)
    return _month_end(anchor.year + (1 if "next" in what else 0), _DECEMBER)


def _shift(anchor: dt.date, quantity: Quantity) -> dt.date:
    is_range = len(quantity.readings) == 2  # noqa: PLR2004 - the ends of "three to five days"
    longest = min(max(quantity.readings) if is_range else quantity.value, _LONGEST)
    if quantity.dimension == "business_duration":
        return add_business_days(anchor, round(longest)) if longest >= 1 else anchor
    if quantity.unit in _DAYS_IN:
        count = round(longest / _DAYS_IN[quantity.unit])
        return add_months(anchor, count if quantity.unit == "month" else 12 * count)
    return add_days(anchor, int(longest))


def find_due(text: str, anchor: dt.date | None, known: Sequence[dt.date] = ()) -> Due | None:
    """When something is promised for.

    Args:
        text: A promise's words.
        anchor: The day of the call, or None; then the words are kept without a day.
        known: Days named in full earlier in the call; see :func:`find_days`.

    Returns:
        The words as said with the day that they mean; ``date`` is None where the start is not
        known ("ten days from delivery"). None if no time is named.
    """
    day = anchor or dt.date(2000, 1, 3)
    named = find_days(text, day, known)
    if named:
        first, last = named[0], named[-1]
        start = first.start if last.start - first.end < _NEAR else last.start
        return _said(text, start, last.end, last.day if anchor else None)
    period = _PERIODS.search(text)
    if period:
        return _said(text, *period.span(), _period_end(period["what"], day) if anchor else None)
    month = _MONTH_ALONE.search(text)
    if month:
        number = _MONTHS[month["month"].lower()]
        year = day.year if number >= day.month else day.year + 1
        return _said(text, *month.span(), _month_end(year, number) if anchor else None)
    spans = [q for q in find_quantities(text) if q.dimension in {"duration", "business_duration"}]
    for quantity in spans:
        after = text[quantity.end : quantity.end + 24].lower()
        if re.match(
            r"\s*(?:from|of|after|before|past|since|prior|notice|'? ?(?:ago|old))\b", after
        ):
            return _said(text, quantity.start, quantity.end, None)
        if quantity.unit != "bare" and (
            _WITHIN.search(text[: quantity.start]) or quantity.dimension == "business_duration"
        ):
            return _said(
                text, quantity.start, quantity.end, _shift(day, quantity) if anchor else None
            )
    today = _TODAY.search(text)
    if today:
        return _said(text, *today.span(), anchor)
    return None


def _said(text: str, start: int, end: int, day: dt.date | None) -> Due:
    lead = _LEAD_IN.search(text, 0, start)
    return Due(said=text[lead.start() if lead else start : end].strip(), date=day)


def written_days(text: str) -> list[NamedDay]:
    """Days written out with their year ("1 February 2026", "February 1st, 2026", "2026-02-01").

    Args:
        text: Any text; a policy's, for example.

    Returns:
        The days in the order of the text, none overlapping another. Days in digits with the year
        last are left to :func:`digit_days`.
    """
    out: list[NamedDay] = []
    for pattern in (_ISO, _YEAR_FIRST, _DAY_MONTH, _MONTH_DAY, _DASHED):
        for found in pattern.finditer(text):
            if not found["year"]:
                continue
            month = found["month"].lower().rstrip(".")
            day = _date(
                int(found["year"]),
                int(month) if month.isdigit() else _MONTHS[month],
                _ordinal(found["day"]) or 0,
            )
            if day and all(found.end() <= o.start or o.end <= found.start() for o in out):
                out.append(NamedDay(day, found.start(), found.end()))
    return sorted(out, key=lambda named: named.start)


def digit_days(text: str) -> tuple[list[NamedDay], list[tuple[int, str]]]:
    """Days in digits with the year last ("31/12/2025"), which may be read in two orders.

    Where a day of the text can be read in one order only, the others are read in that order too.

    Returns:
        The days in the order of the text; beside them the place and the words of each that could
        be two days.
    """
    found = [(m, *_readings(m)) for m in _DIGITS.finditer(text)]
    is_day_first = any(first and not last for _, first, last in found)
    is_month_first = any(last and not first for _, first, last in found)
    days: list[NamedDay] = []
    doubtful: list[tuple[int, str]] = []
    for match, first, last in found:
        likely = last if is_month_first else first
        if first is None or last is None or first == last:
            likely = first or last
        elif is_day_first == is_month_first:
            doubtful.append((match.start(), match.group()))
            continue
        if likely is not None:
            days.append(NamedDay(likely, match.start(), match.end()))
    return days, doubtful


def _readings(match: re.Match[str]) -> tuple[dt.date | None, dt.date | None]:
    """The day that the digits mean with the day first, and with the month first."""
    one, other, year = int(match[1]), int(match[3]), int(match[4])
    return _date(year, other, one), _date(year, one, other)

"""Times in transcripts: clocks, seconds, milliseconds, moments, all to seconds of the call."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyzer.readers.transcripts.fields import DayError, Unit, read_day

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6}
_CLOCK = re.compile(
    r"(?:(?P<hours>\d{1,3}):)?(?P<minutes>\d{1,2}):(?P<seconds>\d{2})(?:[.,](?P<part>\d{1,9}))?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE,
)
_MOMENT = re.compile(
    r"(?P<day>.{6,40}?)(?:[T,]\s*|\s+)(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
    r"(?:\s*[ap]\.?m\.?)?)\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:\s*s(?:ec(?:onds)?)?)?")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_LONGEST_S = 1e9
#: No first turn of a call begins later than this, so a later first reading is a time of day.
_LATEST_FIRST_S = _HOUR
#: The same for readings of two fields, which are hours and minutes if they begin as late as this.
_LATEST_FIRST_MM_SS = 10 * _MINUTE
#: ``23:59`` as minutes and seconds: what is larger cannot be hours and minutes.
_HOURS_AS_MINUTES = 24 * _MINUTE
#: Numbers beyond this count from 1970: 1e8 seconds are three years.
_EPOCH = 1e8
#: People speak two to three words a second, pauses counted one or two; a call that would be eighty
#: times as slow is told in milliseconds.
_WORDS_PER_SECOND = 2.5
_TOO_SLOW = 80.0
_MIN_WORDS = 8
_EPOCH_DIGITS: tuple[tuple[float, Unit], ...] = ((1e14, "us"), (1e11, "ms"), (0.0, "s"))


@dataclass(frozen=True)
class Moment:
    """A point in time as it was written: the day and the time of day where it stood."""

    day: dt.date
    seconds: float
    text: str


@dataclass(frozen=True)
class Times:
    """The times of one call.

    Attributes:
        starts: Seconds from the call's beginning, one a turn; None where the file has none.
        ends: The same for the ends.
        began: When the call began, in ISO 8601 as precise as the file says, or None.
        notes: What had to be inferred.
    """

    starts: list[float | None]
    ends: list[float | None]
    began: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Hints:
    """What is known of the values of one call: see :func:`read_times`."""

    n_starts: int
    unit: Unit | None
    n_words: int
    is_offset: bool


def read_clock(text: str) -> float | None:
    """Seconds of a reading such as ``01:12``, ``00:01:12.5`` or ``10:32 AM``; None if it is none.

    Two fields are minutes and seconds, but hours and minutes where AM or PM follows.
    """
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        return None
    part = float(f"0.{found['part']}") if found["part"] else 0.0
    first, second, third = found["hours"], int(found["minutes"]), int(found["seconds"])
    if found["half"]:
        hours, minutes, seconds = (int(first), second, third) if first else (second, third, 0)
        hours = hours % 12 + (12 if found["half"].lower() == "p" else 0)
    else:
        hours, minutes, seconds = int(first or 0), second, third
    if seconds >= _MINUTE or (minutes >= _MINUTE and first):
        return None
    return hours * _HOUR + minutes * _MINUTE + seconds + part


def read_moment(text: str) -> Moment | None:
    """A day with a time of day, such as ``2026-03-04T10:32:15Z``; None if it is none."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return None
    try:
        day = read_day(found["day"])
    except DayError:
        return None
    clock = found["clock"]
    is_short = clock.count(":") == 1 and not clock[-1].isalpha()
    seconds = read_clock(f"{clock}:00" if is_short else clock)
    if seconds is None or seconds >= _DAY:
        return None
    whole = dt.timedelta(seconds=int(seconds))
    zone = (found["zone"] or "").upper().replace("UTC", "Z").replace("GMT", "Z")
    return Moment(
        day, seconds, f"{dt.datetime.combine(day, dt.time()) + whole:%Y-%m-%dT%H:%M:%S}{zone}"
    )


def read_times(
    starts: Sequence[object],
    ends: Sequence[object],
    *,
    unit: Unit | None = None,
    n_words: int = 0,
    is_offset: bool = False,
) -> Times:
    """Bring the times of one call to seconds from its beginning.

    All values are read in one way: the first that can be read says which.

    Args:
        starts: One value a turn as the file has it: a number, a text, or None.
        ends: The same for the ends; as long as ``starts``.
        unit: Unit of plain numbers where the file names it; else seconds, unless whole numbers
            would make the call eighty times slower than people speak.
        n_words: Words in the call, which tell milliseconds from seconds.
        is_offset: Whether the format itself says that the values count from the beginning.
    """
    values = [*starts, *ends]
    given = [value for value in values if not _is_blank(value)]
    if not given:
        return Times([None] * len(starts), [None] * len(ends))
    hints = _Hints(len(starts), unit, n_words, is_offset)
    for read in (_numbers, _moments, _clocks):
        times = read(values, hints)
        if times is not None:
            n_read = sum(1 for value in (*times.starts, *times.ends) if value is not None)
            return replace(times, notes=(*times.notes, *_lost(len(given) - n_read)))
    return Times([None] * len(starts), [None] * len(ends), notes=_lost(len(given)))


def _lost(n: int) -> tuple[str, ...]:
    return (f"Times that could not be read and were left out: {n}.",) if n else ()


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _as_number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        number = float(value) if abs(value) < 10**18 else math.inf
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = float(value.strip().rstrip("second "))
    else:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _numbers(values: list[object], hints: _Hints) -> Times | None:
    numbers = [_as_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if not known:
        return None
    unit: Unit = hints.unit or "s"
    began: str | None = None
    notes: tuple[str, ...] = ()
    origin = 0.0
    first = min(known)
    if not hints.is_offset and first / _PER_SECOND[unit] > _EPOCH:
        unit = next(name for least, name in _EPOCH_DIGITS if first >= least)
        origin = first
        began = _epoch(first / _PER_SECOND[unit])
    elif hints.unit is None and _is_milliseconds(known, hints.n_words):
        unit = "ms"
        notes = ("Times were read as milliseconds.",)
    seconds = [None if v is None else (v - origin) / _PER_SECOND[unit] for v in numbers]
    return _times(seconds, hints.n_starts, began, notes)


def _epoch(seconds: float) -> str | None:
    try:
        moment = dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _is_milliseconds(known: list[float], n_words: int) -> bool:
    if n_words < _MIN_WORDS or any(number != int(number) for number in known):
        return False
    spoken_s = n_words / _WORDS_PER_SECOND
    return max(known) - min(known) > _TOO_SLOW * spoken_s


def _clocks(values: list[object], hints: _Hints) -> Times | None:
    texts = [_clock_of(value) if isinstance(value, str) else "" for value in values]
    readings = [read_clock(text) for text in texts]
    known = [reading for reading in readings if reading is not None]
    if not known:
        return None
    first = known[0]
    has_two_fields = all(text.count(":") <= 1 for text in texts)
    has_half = any(text[-1:].lower() == "m" or text.endswith(".") for text in texts)
    is_hours = has_two_fields and not has_half and max(known) < _HOURS_AS_MINUTES
    factor = _MINUTE if is_hours and first >= _LATEST_FIRST_MM_SS and not hints.is_offset else 1.0
    is_dated = any(
        isinstance(v, str) and v.strip() != t for v, t in zip(values, texts, strict=True)
    )
    is_day_time = not hints.is_offset and (
        has_half or factor != 1.0 or is_dated or first >= _LATEST_FIRST_S
    )
    origin = first * factor if is_day_time else 0.0
    wrap = _HOUR if has_two_fields and factor == 1.0 and not has_half else _DAY
    starts = _unwrapped(
        [None if v is None else v * factor for v in readings[: hints.n_starts]], wrap
    )
    ends = _unwrapped([None if v is None else v * factor for v in readings[hints.n_starts :]], wrap)
    notes = ("Times of day were read as seconds from the first turn.",) if is_day_time else ()
    return _times(
        [None if v is None else v - origin for v in (*starts, *ends)], hints.n_starts, None, notes
    )


def _clock_of(text: str) -> str:
    """The time of day where a day stands before it that can be read as two."""
    found = _MOMENT.fullmatch(text.strip())
    return found["clock"] if found and any(map(str.isdigit, found["day"])) else text.strip()


def _unwrapped(readings: list[float | None], wrap: float) -> list[float | None]:
    """Adds a day after midnight, or an hour where only minutes and seconds are told."""
    out: list[float | None] = []
    added, last = 0.0, None
    for reading in readings:
        if reading is None:
            out.append(None)
            continue
        if last is not None and last - (reading + added) > wrap * 0.8:
            added += wrap
        last = reading + added
        out.append(last)
    return out


def _moments(values: list[object], hints: _Hints) -> Times | None:
    moments = [read_moment(v) if isinstance(v, str) else None for v in values]
    known = [moment for moment in moments if moment is not None]
    if not known:
        return None
    first = min(known, key=lambda moment: (moment.day, moment.seconds))
    seconds = [
        None if m is None else (m.day - first.day).days * _DAY + m.seconds - first.seconds
        for m in moments
    ]
    return _times(seconds, hints.n_starts, first.text, ())


def _times(
    seconds: Sequence[float | None], n: int, began: str | None, notes: tuple[str, ...]
) -> Times:
    kept = [
        None if value is None or not 0 <= value < _LONGEST_S else round(value, 6)
        for value in seconds
    ]
    return Times(kept[:n], kept[n:], began, notes)

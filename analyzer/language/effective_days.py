"""When a policy document says that it is in force: "effective 1 February 2026"."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from analyzer.language.dates import written_days

_BEGINS = re.compile(
    r"\b(?:effective(?:\s+(?:date|from|as\s+of|as\s+from|on|since|with\s+effect\s+from))?"
    r"|(?:in|into|comes?\s+into|takes?)\s+(?:force|effect)(?:\s+(?:from|as\s+of|on|since))?"
    r"|with\s+effect\s+from|valid\s+(?:from|as\s+of)|applies\s+(?:from|as\s+of)"
    r"|applicable\s+from|commencement(?:\s+date)?|date\s+of\s+(?:issue|effect)|starting(?:\s+from)?)"
    r"\s*(?:is|:|=|-|–|,)?\s*(?:the\s+)?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?$",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"\b(?:(?:valid|effective|in\s+force|in\s+effect|applies)\s+(?:until|till|to|through)"
    r"|expires?(?:\s+(?:on|date))?|expiry(?:\s+date)?|withdrawn(?:\s+(?:on|from))?"
    r"|superseded(?:\s+(?:on|from|by))?|until|till|through|to|up\s+to\s+and\s+including)"
    r"\s*(?:is|:|=|-|–|,)?\s*(?:the\s+)?$",
    re.IGNORECASE,
)
_RANGE = re.compile(r"^\s*(?:-|–|—|to|until|till|through)\s*$", re.IGNORECASE)
#: A day in digits alone, which two halves of the world read as two days.
_DIGITS = re.compile(r"\b(\d{1,2})[./-](\d{1,2})[./-](20\d\d)\b")
_GAPS = re.compile(r"[\s|*_]+")
_LEAD = 60
_MONTHS = 12


@dataclass(frozen=True)
class EffectiveDays:
    """The days of force that a text names.

    Attributes:
        begins: First day, or None where none is named.
        ends: Last day, or None where none is named.
        doubtful: A day as it is written that can be read as two ("01/02/2026"), where it is the
            one that says when the document begins; None otherwise.
    """

    begins: dt.date | None = None
    ends: dt.date | None = None
    doubtful: str | None = None


def find_effective_days(text: str) -> EffectiveDays:
    """Read the days of force from what stands around a document's clauses.

    Only days that the words next to them make days of force count; a day without a year does not.

    Args:
        text: A document's title, preamble, running headers and footers; not its clauses, in which
            such words speak of other things.
    """
    days, doubtful = _days(text)
    begins = ends = None
    end_of_begin = -1
    for start, end, day in days:
        lead = _lead(text, start)
        if begins is None and _BEGINS.search(lead):
            begins, end_of_begin = day, end
        elif (begins is not None and ends is None and _RANGE.match(text[end_of_begin:start])) or (
            ends is None and _ENDS.search(lead)
        ):
            ends = day
    unclear = None
    if begins is None:
        unclear = _first(doubtful, lambda lead: _BEGINS.search(lead) is not None, text)
    if begins and ends and ends < begins:
        ends = None
    return EffectiveDays(begins, ends, unclear)


def _days(text: str) -> tuple[list[tuple[int, int, dt.date]], list[tuple[int, str]]]:
    """Days with their place, in order; beside them those in digits that may be two days."""
    days = [(day.start, day.end, day.day) for day in written_days(text)]
    doubtful: list[tuple[int, str]] = []
    for found in _DIGITS.finditer(text):
        one, other, year = (int(part) for part in found.groups())
        read = {
            dt.date(year, month, day)
            for day, month in ((one, other), (other, one))
            if 1 <= month <= _MONTHS and _is_day(year, month, day)
        }
        if len(read) == 1:
            days.append((found.start(), found.end(), read.pop()))
        elif read:
            doubtful.append((found.start(), found.group()))
    return sorted(days), doubtful


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


def _first(found: list[tuple[int, str]], is_wanted: Callable[[str], bool], text: str) -> str | None:
    for start, written in found:
        if is_wanted(_lead(text, start)):
            return written
    return None


def _lead(text: str, start: int) -> str:
    """What stands before a place, as one line: a day may stand in the next cell or line."""
    return _GAPS.sub(" ", text[max(0, start - _LEAD) : start])

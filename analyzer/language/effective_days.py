"""When a policy document says that it is in force: "effective 1 February 2026"."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.language.dates import digit_days, written_days
from analyzer.language.roles import table_rows

_FORCE = r"(?:in|into|comes?\s+into|takes?)\s+(?:force|effect)"
_BEGINS = re.compile(
    rf"\b(?:effective(?:\s+(?:date(?:\s+of\s+(?:this|the)(?:\s+[a-z]+){{1,3}})?"
    rf"|from|as\s+of|as\s+from|on|since|with\s+effect\s+from))?"
    rf"|{_FORCE}(?:\s+(?:from|as\s+of|as\s+from|on|since))?"
    r"|with\s+effect\s+from|valid(?:ity)?(?:\s+(?:period|from|as\s+of|as\s+from))?"
    r"|applies\s+(?:from|as\s+of)|applicable\s+from|commencement(?:\s+date)?"
    r"|date\s+of\s+(?:issue|effect)|starting(?:\s+from)?)"
    r"\s*(?:is|:|=|-|–|,)?\s*(?:midnight\s+(?:on\s+)?)?(?:the\s+)?"
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?$",
    re.IGNORECASE,
)
#: "until" alone speaks of other things as well ("returned until 15 January 2026").
_ENDS = re.compile(
    r"\b(?:(?:valid|effective|applies|applicable|(?:in|into)\s+(?:force|effect))\b[^.;\n]{0,30}?"
    r"\b(?:until|till|to|through|up\s+to)(?:\s+and\s+including)?"
    r"|expires?(?:\s+(?:on|date))?|expiry(?:\s+date)?|withdrawn(?:\s+(?:on|from))?"
    r"|superseded(?:\s+(?:on|from|by))?)"
    r"\s*(?:is|:|=|-|–|,)?\s*(?:the\s+)?$",
    re.IGNORECASE,
)
#: The day named is the first on which the document no longer holds.
_GONE = re.compile(
    rf"\b(?:(?:no\s+longer|ceases?\s+to\s+(?:be|have)|not)\s+(?:valid|effective|effect|{_FORCE})"
    r"|withdrawn|superseded)\s+(?:from|as\s+of|as\s+from|with\s+effect\s+from)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:no\s+longer|not|never|ceases?)\b[^.;]{0,30}$", re.IGNORECASE)
#: A day of the edition before this one ("supersedes the version effective 1 January 2025").
_OTHER_EDITION = re.compile(
    r"\b(?:supersed\w+|replac\w+|previous|earlier|former|prior)\b(?:(?!\band\b)[^.;:])*$",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"^\s*,?\s*(?:and\s+)?(?:-|–|—|to|until|till|through|up\s+to)(?:\s+and\s+including)?"
    r"\s*(?:the\s+)?$",
    re.IGNORECASE,
)
_GAPS = re.compile(r"[\s|*_]+")
_LEAD = 60


@dataclass(frozen=True)
class EffectiveDays:
    """The days of force that a text names.

    Attributes:
        begins: First day, or None where none is named.
        ends: Last day, or None where none is named.
        doubtful: A day as it is written that can be read as two ("01/02/2026"), where it is the
            one that says when the document begins; None otherwise.
        doubtful_end: The same of the day that says when it ends.
    """

    begins: dt.date | None = None
    ends: dt.date | None = None
    doubtful: str | None = None
    doubtful_end: str | None = None


def find_effective_days(text: str) -> EffectiveDays:
    """Read the days of force from what stands around a document's clauses.

    Only days that the words next to them make days of force count; a day without a year does not.
    A day of an earlier edition counts only where no other is named.

    Args:
        text: A document's title, preamble, running headers and footers; not its clauses, in which
            such words speak of other things.
    """
    text = "\n".join((text, *_cells(text)))
    days, doubtful = _days(text)
    begins = ends = earlier = None
    end_of_begin = -1
    for start, end, day in days:
        lead = _lead(text, start)
        if _GONE.search(lead):
            ends = ends or day - dt.timedelta(days=1)
        elif begins is None and _is_begin(lead):
            if _OTHER_EDITION.search(lead):
                earlier = earlier or day
            else:
                begins, end_of_begin = day, end
        elif ends is None and (_is_range(text, end_of_begin, start) or _ENDS.search(lead)):
            ends = day
    unclear, unclear_end = _doubts(text, doubtful, (begins, ends), end_of_begin)
    if begins is None and unclear is None:
        begins = earlier
    if begins and ends and ends < begins:
        ends = None
    return EffectiveDays(begins, ends, unclear, unclear_end)


def _doubts(
    text: str,
    doubtful: list[tuple[int, str]],
    known: tuple[dt.date | None, dt.date | None],
    end_of_begin: int,
) -> tuple[str | None, str | None]:
    """Which days that may be two say when a document begins and ends, where nothing else does."""
    begins: str | None = None
    ends: str | None = None
    for start, written in doubtful:
        lead = _lead(text, start)
        if not known[0] and begins is None and _is_begin(lead):
            begins, end_of_begin = written, start + len(written)
        elif not known[1] and ends is None:
            is_range = _is_range(text, end_of_begin, start)
            ends = written if is_range or _ENDS.search(lead) or _GONE.search(lead) else None
    return begins, ends


def _is_begin(lead: str) -> bool:
    found = _BEGINS.search(lead)
    return found is not None and not _NOT.search(lead[: found.start()])


def _is_range(text: str, begin: int, start: int) -> bool:
    return begin >= 0 and _RANGE.match(text[begin:start]) is not None


def _cells(text: str) -> Iterator[str]:
    """Each cell of a table's only row under its heading, as the line that it stands for."""
    rows = table_rows(text)
    tables = [tuple(headings) for headings, _ in rows]
    for headings, cells in rows:
        if tables.count(tuple(headings)) == 1:
            yield from map(": ".join, zip(headings, cells, strict=False))


def _days(text: str) -> tuple[list[tuple[int, int, dt.date]], list[tuple[int, str]]]:
    """Days with their place, in order; beside them those in digits that may be two days."""
    in_digits, doubtful = digit_days(text)
    days = [(day.start, day.end, day.day) for day in (*written_days(text), *in_digits)]
    return sorted(days), doubtful


def _lead(text: str, start: int) -> str:
    """What stands before a place, as one line: a day may stand in the next cell or line."""
    return _GAPS.sub(" ", text[max(0, start - _LEAD) : start])

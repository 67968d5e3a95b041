"""Finds amounts, windows, shares and counts in speech and in policy text.

Speech names sums loosely: "eighty-eight twenty" is 88.20, "eleven fifty" may be 11.50 or 1,150. A
:class:`Quantity` therefore keeps every reading that the words allow, and two quantities agree if
any readings do. Policy text is mostly digits; the same reader takes both.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Dimension = Literal[
    "money", "percent", "duration", "business_duration", "clock", "points", "count", "number"
]

_UNITS = {
    word: value
    for value, word in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        ).split()
    )
} | {"oh": 0, "nought": 0}
_TENS = {
    word: 10 * tens
    for tens, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
} | {"fourty": 40}
_THOUSAND = 1000
_SCALES = {"hundred": 100, "thousand": _THOUSAND, "grand": _THOUSAND, "k": _THOUSAND}
_DIGITS = range(10)
_TWO_DIGITS = range(10, 100)
_CENTS = 100

_ORDINAL_WORDS = frozenset(
    ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
)
#: Words that name a currency; ISO code where the word settles it.
_CURRENCIES = {
    "$": None, "£": "GBP", "€": "EUR", "dollar": None, "dollars": None, "bucks": None,
    "buck": None, "pound": "GBP", "pounds": "GBP", "quid": "GBP", "euro": "EUR", "euros": "EUR",
    "rand": "ZAR", "usd": "USD", "gbp": "GBP", "eur": "EUR", "cad": "CAD", "aud": "AUD",
    "zar": "ZAR", "r": "ZAR",
}  # fmt: skip
_SYMBOLS = frozenset(("$", "£", "€", "r", "usd", "gbp", "eur", "cad", "aud", "zar"))
_DAYS = {
    "minute": 1 / 1440, "minutes": 1 / 1440, "mins": 1 / 1440, "min": 1 / 1440,
    "hour": 1 / 24, "hours": 1 / 24, "hrs": 1 / 24,
    "day": 1.0, "days": 1.0, "night": 1.0, "nights": 1.0,
    "week": 7.0, "weeks": 7.0, "fortnight": 14.0, "month": 30.0, "months": 30.0,
    "quarter": 91.0, "year": 365.0, "years": 365.0,
}  # fmt: skip
_NIGHTS = frozenset(("night", "nights"))
_POINTS = frozenset(("points", "point", "miles"))
_CLOCK = frozenset(("am", "pm", "a.m", "p.m", "o'clock"))
_COUNTED = frozenset(
    (
        "times time bags bag users user seats seat people persons person guests guest dogs dog "
        "rooms room items item orders order vouchers voucher cards card credits credit sessions "
        "session visits visit changes change pairs pair miles mile km kilometres kg bottles "
        "tickets ticket passengers passenger months payments payment instalments installments gb"
    ).split()
)
_TOKEN = re.compile(r"[£$€]|\d{1,2}:\d{2}|\d[\d,]*(?:\.\d+)?|[A-Za-z]+(?:'[a-z]+)?|%|[-–/.,;!?()]")
_FILLER = frozenset(("and", "-", "–"))
#: Words that may stand between a number and its unit.
_BETWEEN = frozenset(
    ("-", "–", "to", "or", "calendar", "business", "working", "full", "whole", "free", "more",
     "percent", "%", "per")
)  # fmt: skip
_MOST_BETWEEN = 3
_MAX_READINGS = 6
#: A longer run of number words is no number; it also keeps every value within a float.
_MOST_WORDS = 40


@dataclass(frozen=True)
class Quantity:
    """A quantity that was named.

    Attributes:
        dimension: What is measured. Durations are in days, ``business_duration`` in business days
            (or business hours, as a share of a day), ``clock`` in hours after midnight.
        readings: Every value that the words allow, the likeliest first; at least one, all finite.
        start: Where it begins in the text, in characters.
        end: Where it ends, exclusive.
        unit: Currency code, the thing counted, or empty.
    """

    dimension: Dimension
    readings: tuple[float, ...]
    start: int
    end: int
    unit: str = ""

    @property
    def value(self) -> float:
        """The likeliest reading."""
        return self.readings[0]

    def agrees_with(self, other: Quantity) -> bool:
        """Whether some reading of one equals some reading of the other, within half a percent."""
        return any(
            abs(a - b) <= 0.005 * max(abs(a), abs(b), 0.01)
            for a in self.readings
            for b in other.readings
        )


@lru_cache(maxsize=4096)
def find_quantities(text: str) -> tuple[Quantity, ...]:
    """Find every quantity in a text, in order.

    Args:
        text: Speech or policy text, any length.

    Returns:
        Quantities in the order of the text; ordinals and calendar dates are left to ``dates``. Kept
        for the latest texts.
    """
    tokens = _tokens(text)
    out: list[Quantity] = []
    i = 0
    while i < len(tokens):
        found = _word_at(tokens, i) or _measure_at(tokens, i) or _period_at(tokens, i)
        if found is None:
            i += 1
            continue
        if found.quantity is None or not all(map(math.isfinite, found.quantity.readings)):
            i = found.after
            continue
        out.append(found.quantity)
        i = found.after
        while i < len(tokens) and tokens[i].start < found.quantity.end:
            i += 1
    return tuple(out)


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class _Found:
    """What stands at a token (None: a word that only looks like one), and the token after it."""

    quantity: Quantity | None
    after: int


def _tokens(text: str) -> list[_Token]:
    return [_Token(m.group().lower(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def _text_at(tokens: list[_Token], i: int) -> str:
    return tokens[i].text if i < len(tokens) else ""


def _word_at(tokens: list[_Token], i: int) -> _Found | None:
    """A quantity that is one word: a time of day, "noon", "twice", "half", "fortnight"."""
    token = tokens[i]
    word = token.text
    dimension: Dimension
    unit = ""
    if ":" in word:
        hour, minute = word.split(":")
        dimension, value = "clock", int(hour) + int(minute) / 60
    elif word in {"noon", "midday"}:
        dimension, value = "clock", 12.0
    elif word in {"twice", "once"}:
        dimension, value, unit = "count", 2.0 if word == "twice" else 1.0, "time"
    elif word == "half":
        if _text_at(tokens, i + 1) in {"an", "a", "past"}:
            return _Found(None, i + 1)
        dimension, value = "percent", 50.0
    elif word == "fortnight":
        dimension, value = "duration", 14.0
    else:
        return None
    return _Found(Quantity(dimension, (value,), token.start, token.end, unit), i + 1)


def _period_at(tokens: list[_Token], i: int) -> _Found | None:
    """A rate as often as a window ("a week", "a month"), told apart by what follows."""
    unit = _text_at(tokens, i + 1)
    if tokens[i].text not in {"a", "an"} or unit not in _DAYS:
        return None
    name = "fortnight" if unit == "fortnight" else "bare"
    return _Found(
        Quantity("duration", (_DAYS[unit],), tokens[i].start, tokens[i + 1].end, name), i + 2
    )


@dataclass
class _Measure:
    """A number being read with what follows it.

    Attributes:
        readings: Its values so far.
        start: Where it begins in the text.
        end: Where it ends.
        after: The token after the number itself.
        at: The token that is looked at.
        dimension: What is measured, as far as known.
        unit: Its unit, as far as known.
        business: Whether its days are business days.
    """

    readings: tuple[float, ...]
    start: int
    end: int
    after: int
    at: int
    dimension: Dimension = "number"
    unit: str = ""
    business: bool = False


def _measure_at(tokens: list[_Token], i: int) -> _Found | None:
    """A number with its unit: "£40", "three to five business days", "12.5 %", "two dogs"."""
    symbol = tokens[i].text if tokens[i].text in _SYMBOLS else ""
    if symbol == "r" and (i + 1 >= len(tokens) or tokens[i + 1].start != tokens[i].end):
        symbol = ""  # "R250" is a sum of rand, a letter by itself is not
    number = _number_at(tokens, i + 1 if symbol and i + 1 < len(tokens) else i)
    if number is None:
        return None
    after, readings = number
    measure = _Measure(readings, tokens[i].start, tokens[after - 1].end, after, after)
    if symbol:
        measure.dimension, measure.unit = "money", _CURRENCIES[symbol] or ""
    _read_between(tokens, measure)
    if measure.dimension == "number" and measure.at < len(tokens):
        _read_unit(tokens, measure)
    if measure.dimension == "number" and len(measure.readings) > 1:
        measure.dimension = "money"  # "twenty-three forty": only sums are said like that
    end = max(measure.end, tokens[measure.after - 1].end)
    readings = measure.readings[:_MAX_READINGS]
    return _Found(
        Quantity(measure.dimension, readings, measure.start, end, measure.unit), measure.after
    )


def _read_between(tokens: list[_Token], measure: _Measure) -> None:
    """Read what stands between a number and its unit: a range's end, "business", "per cent"."""
    while _text_at(tokens, measure.at) in _BETWEEN and measure.at - measure.after < _MOST_BETWEEN:
        here, following = tokens[measure.at].text, _text_at(tokens, measure.at + 1)
        if here in {"business", "working"}:
            measure.business = True
        if here in {"percent", "%"} or (here == "per" and following == "cent"):
            measure.dimension, measure.end = "percent", tokens[measure.at].end
            return
        if here == "or" and following in {"more", "fewer"}:
            measure.at += 2  # "seven or more days"
            continue
        if here in {"to", "or", "-", "–"}:
            upper = _number_at(tokens, measure.at + 1) if following else None
            if upper is not None:
                # "three to five days": the range's end carries the unit; both are readings.
                measure.at = measure.after = upper[0]
                measure.readings = upper[1] + measure.readings
                measure.end = tokens[measure.after - 1].end
                continue
            if here in {"to", "or"}:
                return
        measure.at += 1


def _read_unit(tokens: list[_Token], measure: _Measure) -> None:
    """Read the unit that follows a number, if one does."""
    here = tokens[measure.at].text
    if here in _DAYS and here not in _NIGHTS:
        measure.dimension = "business_duration" if measure.business else "duration"
        measure.readings = tuple(r * _DAYS[here] for r in measure.readings)
        measure.unit = here.rstrip("s")
    elif here in {"percent", "%"}:
        measure.dimension = "percent"
    elif here in _CURRENCIES:
        measure.dimension, measure.unit = "money", _CURRENCIES[here] or ""
    elif here in _POINTS:
        measure.dimension, measure.unit = "points", "points"
    elif here in _CLOCK:
        hour = measure.readings[0] % 12 + (12 if here.startswith("p") else 0)
        measure.readings = (hour, (hour + 12) % 24) if here == "o'clock" else (hour,)
        measure.dimension = "clock"
    elif here in _COUNTED or here in _NIGHTS:
        measure.dimension, measure.unit = "count", here.rstrip("s")
    else:
        return
    measure.end = tokens[measure.at].end
    if here in _CURRENCIES:
        _read_cents(tokens, measure)


def _read_cents(tokens: list[_Token], measure: _Measure) -> None:
    """Read the cents said after a currency: "sixty-four pounds and ninety"."""
    begin = measure.at + 1
    if _text_at(tokens, begin) == "and":
        begin += 1
    cents = _number_at(tokens, begin) if begin < len(tokens) else None
    if cents is None or not 1 <= cents[1][0] < _CENTS:
        return
    counted = _text_at(tokens, cents[0])
    if counted not in _DAYS and counted not in _COUNTED:
        measure.readings = tuple(r + cents[1][0] / _CENTS for r in measure.readings)
        measure.after = cents[0]
        measure.end = tokens[measure.after - 1].end


def _number_at(tokens: list[_Token], i: int) -> tuple[int, tuple[float, ...]] | None:
    """A number that starts at token ``i``: the index after it, and its readings."""
    word = tokens[i].text
    if _is_ordinal_at(tokens, i):
        return None
    if word[0].isdigit() and ":" not in word:
        value = float(word.replace(",", ""))
        scale = _SCALES.get(_text_at(tokens, i + 1))
        return (i + 1, (value,)) if scale is None else (i + 2, (value * scale,))
    if word in {"a", "an"} and _text_at(tokens, i + 1) in {"hundred", "thousand"}:
        return _number_at(tokens, i + 1)
    if word in {"k", "oh"} or not _is_number_word(word):
        return None
    words = [word]
    j = i + 1
    while j < len(tokens) and len(words) < _MOST_WORDS:
        here = tokens[j].text
        if _is_number_word(here):
            words.append(here)
        elif not (
            here in _FILLER
            and _is_number_word(_text_at(tokens, j + 1))
            and (here != "and" or words[-1] in _SCALES)
        ):
            break
        j += 1
    return j, _readings(_chunks(words))


def _is_ordinal_at(tokens: list[_Token], i: int) -> bool:
    """Whether a day of the month starts here: "24th", "twenty-fourth"."""
    after = _text_at(tokens, i + 1)
    if tokens[i].text[0].isdigit():
        joined = i + 1 < len(tokens) and tokens[i + 1].start == tokens[i].end
        return joined and after in {"st", "nd", "rd", "th"}
    if tokens[i].text not in _TENS:
        return False
    return (_text_at(tokens, i + 2) if after == "-" else after) in _ORDINAL_WORDS


def _is_number_word(word: str) -> bool:
    return word in _UNITS or word in _TENS or word in _SCALES


def _chunks(words: list[str]) -> list[int]:
    """Number words as groups: ``["eighty", "eight", "twenty"]`` is ``[88, 20]``."""
    groups: list[int] = []
    thousands = 0
    current: int | None = None
    last = ""
    for word in words:
        if word in _SCALES:
            scaled = (current if current is not None else 1) * _SCALES[word]
            if _SCALES[word] == _THOUSAND:
                thousands += scaled
                current = None
            else:
                current = scaled
            last = "scale"
            continue
        value = _TENS.get(word, _UNITS.get(word, 0))
        joins = last == "scale" or (last == "ten" and word in _UNITS and value in _DIGITS[1:])
        if current is None and (last == "scale" or not thousands):
            current = value
        elif joins and current is not None:
            current += value
        else:
            groups.append(thousands + (current or 0))
            thousands, current = 0, value
        last = "ten" if word in _TENS else "unit"
    if current is not None or thousands or not groups:
        groups.append(thousands + (current or 0))
    return groups


def _readings(groups: list[int]) -> tuple[float, ...]:
    """Every value that groups of spoken numbers can mean, the likeliest first."""
    if len(groups) == 1:
        return (float(groups[0]),)
    if all(g in _DIGITS for g in groups):  # digits read out one by one
        return (float("".join(map(str, groups))),)
    joined = float(
        "".join(f"{g:02d}" if i and g < _CENTS else str(g) for i, g in enumerate(groups))
    )
    if len(groups) != 2 or groups[1] not in _TWO_DIGITS:  # noqa: PLR2004 - a pair
        return (joined,)
    sum_with_cents = groups[0] + groups[1] / _CENTS
    # "Three ninety-two" is a whole sum first, "twenty-three forty" has cents.
    return (joined, sum_with_cents) if groups[0] in _DIGITS else (sum_with_cents, joined)

"""Finds amounts, windows, shares and counts in speech and in policy text.

Speech names sums loosely: "eighty-eight twenty" is 88.20, "eleven fifty" may be 11.50 or 1,150. A
:class:`Quantity` therefore keeps every reading that the words allow, and two quantities agree if
any readings do. Policy text is mostly digits; the same reader takes both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Dimension = Literal[
    "money", "percent", "duration", "business_duration", "clock", "points", "count", "number"
]

_UNITS = {
    w: i
    for i, w in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
    )
} | {"oh": 0, "nought": 0}
_TENS = {
    w: 10 * i
    for i, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2)
} | {"fourty": 40}
_SCALES = {"hundred": 100, "thousand": 1000, "grand": 1000, "k": 1000}
_ORDINALS = {
    w: i
    for i, w in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"],
        start=1,
    )
} | {"twentieth": 20, "thirtieth": 30}

#: Words that name a currency; ISO code where the word settles it.
_CURRENCIES = {
    "$": None, "£": "GBP", "€": "EUR", "dollar": None, "dollars": None, "bucks": None,
    "buck": None, "pound": "GBP", "pounds": "GBP", "quid": "GBP", "euro": "EUR", "euros": "EUR",
    "rand": "ZAR", "usd": "USD", "gbp": "GBP", "eur": "EUR", "cad": "CAD", "aud": "AUD",
    "zar": "ZAR",
}  # fmt: skip
_DAYS = {
    "minute": 1 / 1440, "minutes": 1 / 1440, "mins": 1 / 1440, "min": 1 / 1440,
    "hour": 1 / 24, "hours": 1 / 24, "hrs": 1 / 24,
    "day": 1.0, "days": 1.0, "night": 1.0, "nights": 1.0,
    "week": 7.0, "weeks": 7.0, "fortnight": 14.0, "month": 30.0, "months": 30.0,
    "quarter": 91.0, "year": 365.0, "years": 365.0,
}  # fmt: skip
_COUNTED = frozenset(
    ["times", "time", "bags", "bag", "users", "user", "seats", "seat", "people", "persons", "person", "guests", "guest", "dogs", "dog", "rooms", "room", "items", "item", "orders", "order", "vouchers", "voucher", "cards", "card", "credits", "credit", "sessions", "session", "visits", "visit", "changes", "change", "pairs", "pair", "miles", "mile", "km", "kilometres", "kg", "bottles", "tickets", "ticket", "passengers", "passenger", "months", "payments", "payment", "instalments", "installments", "gb"]
)
_TOKEN = re.compile(r"[£$€]|\d{1,2}:\d{2}|\d[\d,]*(?:\.\d+)?|[A-Za-z]+(?:'[a-z]+)?|%|[-–/.,;!?()]")
_FILLER = frozenset(("and", "-", "–"))
_MAX_READINGS = 6


@dataclass(frozen=True)
class Quantity:
    """A quantity that was named.

    Attributes:
        dimension: What is measured. Durations are in days, ``business_duration`` in business days
            (or business hours, as a share of a day), ``clock`` in hours after midnight.
        readings: Every value that the words allow, the likeliest first; at least one.
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


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int


def _tokens(text: str) -> list[_Token]:
    return [_Token(m.group().lower(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


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
            scale = _SCALES[word]
            if scale == 1000:  # noqa: PLR2004
                thousands += (current if current is not None else 1) * scale
                current = None
            else:
                current = (current if current is not None else 1) * scale
            last = "scale"
            continue
        value = _TENS.get(word, _UNITS.get(word, 0))
        joins = last == "scale" or (last == "ten" and word in _UNITS and 0 < value < 10)  # noqa: PLR2004
        if current is None and (last == "scale" or not thousands):
            current = value
        elif joins and current is not None:
            current += value
        else:
            groups.append(thousands + (current or 0))
            thousands, current = 0, value
        last = "ten" if word in _TENS else "unit"
    if current is not None or thousands:
        groups.append(thousands + (current or 0))
    return groups


def _readings(groups: list[int]) -> tuple[float, ...]:
    """Every value that groups of spoken numbers can mean, the likeliest first."""
    if len(groups) == 1:
        return (float(groups[0]),)
    if all(0 <= g <= 9 for g in groups):  # noqa: PLR2004 - digits read out one by one
        return (float("".join(map(str, groups))),)
    out: list[float] = []
    joined = "".join(
        f"{g:02d}" if i and g < 100 else str(g)  # noqa: PLR2004
        for i, g in enumerate(groups)
    )
    pair = len(groups) == 2 and 10 <= groups[1] <= 99  # noqa: PLR2004
    if pair:
        if groups[0] <= 9:  # noqa: PLR2004 - "three ninety-two" is a whole sum first
            out += [float(joined), groups[0] + groups[1] / 100]
        else:
            out += [groups[0] + groups[1] / 100, float(joined)]
    elif len(groups) == 3 and groups[1] <= 9 and groups[2] <= 9:  # noqa: PLR2004
        out += [float(joined)]
    else:
        out.append(float(joined))
    return tuple(out)


def _number_at(tokens: list[_Token], i: int) -> tuple[int, tuple[float, ...]] | None:
    """A number that starts at token ``i``: the index after it, and its readings."""
    word = tokens[i].text
    if word[0].isdigit() and ":" not in word:
        value = float(word.replace(",", ""))
        j = i + 1
        if j < len(tokens) and tokens[j].text in _SCALES:
            value *= _SCALES[tokens[j].text]
            j += 1
        return j, (value,)
    if (
        word in {"a", "an"}
        and i + 1 < len(tokens)
        and tokens[i + 1].text in {"hundred", "thousand"}
    ):
        found = _number_at(tokens, i + 1)
        return found
    if word == "k" or not _is_number_word(word) or word == "oh":
        return None
    words = [word]
    j = i + 1
    while j < len(tokens):
        here = tokens[j].text
        if _is_number_word(here):
            words.append(here)
            j += 1
        elif (
            here in _FILLER
            and j + 1 < len(tokens)
            and _is_number_word(tokens[j + 1].text)
            and (here != "and" or words[-1] in _SCALES)
        ):
            j += 1
        else:
            break
    return j, _readings(_chunks(words))


@lru_cache(maxsize=4096)
def find_quantities(text: str) -> tuple[Quantity, ...]:  # noqa: C901, PLR0912, PLR0915 - one pass, one table
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
        token = tokens[i]
        word = token.text
        if ":" in word and word[0].isdigit():
            hour, minute = word.split(":")
            out.append(Quantity("clock", (int(hour) + int(minute) / 60,), token.start, token.end))
            i += 1
            continue
        if word in {"noon", "midday"}:
            out.append(Quantity("clock", (12.0,), token.start, token.end))
            i += 1
            continue
        if word in {"twice", "once"}:
            out.append(
                Quantity(
                    "count", (2.0 if word == "twice" else 1.0,), token.start, token.end, "time"
                )
            )
            i += 1
            continue
        if word in {"half", "fortnight"}:
            if word == "half" and i + 1 < len(tokens) and tokens[i + 1].text in {"an", "a", "past"}:
                i += 1
                continue
            dimension: Dimension = "percent" if word == "half" else "duration"
            value = 50.0 if word == "half" else 14.0
            out.append(Quantity(dimension, (value,), token.start, token.end))
            i += 1
            continue
        symbol = word in {"$", "£", "€"}
        begin = i + 1 if symbol and i + 1 < len(tokens) else i
        found = _number_at(tokens, begin)
        if found is None:
            if word in {"a", "an"} and i + 1 < len(tokens) and tokens[i + 1].text in _DAYS:
                unit = tokens[i + 1]
                # "a day", "a week" as a rate ("a week on Monday") is told apart by what follows.
                name = "fortnight" if unit.text == "fortnight" else "bare"
                out.append(Quantity("duration", (_DAYS[unit.text],), token.start, unit.end, name))
                i += 2
                continue
            i += 1
            continue
        j, readings = found
        start = token.start
        end = tokens[j - 1].end
        dimension = "number"
        unit_name = ""
        if symbol:
            dimension, unit_name = "money", _CURRENCIES[word] or ""
        k = j
        business = False
        while k < len(tokens) and tokens[k].text in {
            "-", "–", "to", "or", "calendar", "business", "working", "full", "whole", "free",
            "more", "percent", "%", "per",
        } and k - j < 3:  # noqa: PLR2004  # fmt: skip
            here = tokens[k].text
            if here in {"business", "working"}:
                business = True
            if here in {"percent", "%"} or (
                here == "per" and k + 1 < len(tokens) and tokens[k + 1].text == "cent"
            ):
                dimension = "percent"
                end = tokens[k].end
                break
            if here == "or" and k + 1 < len(tokens) and tokens[k + 1].text in {"more", "fewer"}:
                k += 2  # "seven or more days"
                continue
            if here in {"to", "or", "-", "–"}:
                nxt = _number_at(tokens, k + 1) if k + 1 < len(tokens) else None
                if nxt is None and here in {"to", "or"}:
                    break
                if nxt is not None:
                    # "three to five days": the range's end carries the unit; both are readings.
                    j2, upper = nxt
                    readings = upper + readings
                    end = tokens[j2 - 1].end
                    k = j = j2
                    continue
            k += 1
        if not symbol and dimension != "percent" and k < len(tokens):
            here = tokens[k].text
            if here in _DAYS and here not in {"night", "nights"}:
                dimension = "business_duration" if business else "duration"
                readings = tuple(r * _DAYS[here] for r in readings)
                end = tokens[k].end
                unit_name = here.rstrip("s")
            elif here in {"percent", "%"}:
                dimension, end = "percent", tokens[k].end
            elif here in _CURRENCIES:
                dimension, unit_name, end = "money", _CURRENCIES[here] or "", tokens[k].end
                m = k + 1
                if m < len(tokens) and tokens[m].text == "and":
                    m += 1
                cents = _number_at(tokens, m) if m < len(tokens) else None
                if cents and cents[1][0] < 100 and cents[1][0] >= 1:  # noqa: PLR2004
                    after = tokens[cents[0]].text if cents[0] < len(tokens) else ""
                    if after not in _DAYS and after not in _COUNTED:
                        readings = tuple(r + cents[1][0] / 100 for r in readings)
                        j = cents[0]
                        end = tokens[j - 1].end
            elif here in {"points", "point", "miles"}:
                dimension, unit_name, end = "points", "points", tokens[k].end
            elif here in {"am", "pm", "a.m", "p.m", "o'clock"}:
                value = readings[0] % 12 + (12 if here.startswith("p") else 0)
                other = (value + 12) % 24
                readings = (value, other) if here == "o'clock" else (value,)
                dimension, end = "clock", tokens[k].end
            elif here in _COUNTED or here in {"nights", "night"}:
                dimension, unit_name, end = "count", here.rstrip("s"), tokens[k].end
        if dimension == "number" and len(readings) > 1:
            dimension = "money"  # "twenty-three forty": only sums are said like that
        out.append(
            Quantity(
                dimension, readings[:_MAX_READINGS], start, max(end, tokens[j - 1].end), unit_name
            )
        )
        i = max(j, i + 1)
        while i < len(tokens) and tokens[i].start < out[-1].end:
            i += 1
    return tuple(out)

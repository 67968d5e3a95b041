"""Numbers as they are said: words, digits and "double two" read as one run of digits.

A run is what one speaker says in one breath: groups of digits with only separators and hesitation
between them. Quantities that show their nature by their shape (a price, a date, a time) are no part
of a run, and neither is a placeholder of an earlier redaction.
"""
# ruff: noqa: E501, PLR2004, SIM905 - tables of words and patterns; small counts of words

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_UNITS = {
    w: str(n) for n, w in enumerate("zero one two three four five six seven eight nine".split())
} | {
    "oh": "0",
    "o": "0",
    "ow": "0",
    "nought": "0",
    "naught": "0",
    "nil": "0",
    "niner": "9",
    "fife": "5",
    "tree": "3",
    "fower": "4",
}
_TEENS = {
    w: str(n)
    for n, w in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
        10,
    )
}
_TENS = {
    w: str(n)
    for n, w in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        2,
    )
} | {"fourty": "4", "fourtey": "4"}
_TIMES = {"double": 2, "dubble": 2, "triple": 3, "treble": 3, "quadruple": 4}
_BIG = {"hundred": 2, "thousand": 3, "million": 6}

#: Words that make a turn worth a closer look.
NUMBER_WORDS = frozenset(_UNITS) | frozenset(_TEENS) | frozenset(_TENS) | frozenset(_TIMES)

#: Digits past which "million million" is no number.
_HUGE = 15
_WHOLE = 15
#: Groups of one run at most, so that a turn of nothing but numbers stays quick.
_MOST = 48

NATO = (
    "alpha|alfa|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliet|juliett|kilo|lima|mike|"
    "november|oscar|papa|quebec|romeo|sierra|tango|uniform|victor|whiskey|whisky|x-?ray|xray|"
    "yankee|zulu"
)
PLACEHOLDER = r"\[[a-z]+(?:_[a-z]+)*_[0-9]+(?:_end)?\]"
_QUANTITY = (
    r"[$£€¥]\s?[0-9][0-9,]*(?:\.[0-9]+)?"
    r"|(?<![0-9.])[0-9][0-9,]*\.[0-9]{1,2}(?![a-z0-9])(?!\.[0-9])(?!\s*\.?\s*[0-9]{3})"
    r"|(?<![0-9,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?!,[0-9])"
    r"|(?<![0-9:])[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9:])"
    r"|(?<![0-9./-])(?:19|20)[0-9]{2}[-/.](?:[01][0-9](?:[-/.][0-3]?[0-9])?|[0-9][-/.][0-3]?[0-9])(?![0-9])(?![-/.][0-9])"
    r"|(?<![0-9./-])[0-3]?[0-9](?:/[0-3]?[0-9]/|\.[0-3]?[0-9]\.)(?:19|20)?[0-9]{2}(?![0-9])(?![/.][0-9])"
    r"|(?<![0-9./-])[0-3]?[0-9]/[0-9]{1,2}(?![0-9/])"
    r"|(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){2,3}(?![0-9.])(?<!\.[0-9]{3}\.[0-9]{3})"
    r"|(?<![a-z0-9])[0-9]+(?:st|nd|rd|th)\b"
    r"|(?<![a-z0-9])[0-9]+\s?(?:%|am\b|pm\b|kg\b|gb\b|mb\b|k\b|p\b)"
)
# The look ahead spares most places the many ways to begin.
_AMOUNT = re.compile(rf"(?=[\[$£€¥0-9])(?:{PLACEHOLDER}|{_QUANTITY})")
_TOKEN = re.compile(r"[^\W_]+(?:'[a-z]+)?")
_HAS_DIGIT = re.compile(r"[0-9]")
NATO_WORDS = frozenset(NATO.replace("-?", "").split("|"))
_SPOKEN = NUMBER_WORDS | frozenset(_BIG)
_TIGHT = re.compile(r"[\s-]*")
_HESITATION = (
    r"uhh?|umm?|err?|erm|ah|and|then|dash|hyphen|space|slash|dot|so|sorry|no|wait|h[ao]ng\s+on|hold\s+on|pause|"
    r"hmm?|like|okay|ok|yeah|yes|right|again|next|followed\s+by|let\s+me\s+see|it's|its|that's|i|mean|actually"
)
_GAP = re.compile(
    rf"(?:[\s,;:()+*'\"/–—-]|\.{{2,}}|…|(?<=\s)\.(?=\s)|\[[a-z ]+\]|<[a-z ]+>|\b(?:{_HESITATION})\b)*\.?"
)
_SMALL = 100

GroupKind = Literal["numeral", "unit", "tens", "cardinal", "letter"]


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a run; ``value`` its digits, or letters for kind "letter"."""

    start: int
    end: int
    value: str
    kind: GroupKind


@dataclass(frozen=True, slots=True)
class Run:
    """Groups said in one breath; ``digits`` are those of all its groups."""

    start: int
    end: int
    groups: tuple[Group, ...]

    @property
    def digits(self) -> str:
        """The digits alone, letters left out."""
        return "".join(c for g in self.groups for c in g.value if c.isdigit())

    @property
    def value(self) -> str:
        """Digits and letters, upper case: the number however it was said."""
        return "".join(g.value for g in self.groups).upper()

    @property
    def is_spelt(self) -> bool:
        """Whether it is said digit by digit: three single digits and no cardinal."""
        units = sum(len(g.value) for g in self.groups if g.kind == "unit")
        singles = sum(g.kind == "numeral" and len(g.value) == 1 for g in self.groups)
        return units + singles > 2

    @property
    def is_cardinal(self) -> bool:
        """Whether it is counted in hundreds or thousands rather than read out."""
        return 2 * sum(g.kind == "cardinal" for g in self.groups) >= len(self.groups)


def plain(text: str) -> str:
    """Lower case, ASCII digits and straight apostrophes, each character in its own place."""
    low = text.lower()
    if low.isascii():
        return low
    if len(low) != len(text):
        low = "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
    low = low.replace("’", "'")
    return "".join(str(int(c)) if c.isdecimal() else c for c in low)


def find_runs(low: str, *, letters: bool = False) -> list[Run]:
    """Runs of numbers in a turn.

    Args:
        low: The turn's text as :func:`plain` gives it.
        letters: Whether single letters said between, before or after digits are part of a run.

    Returns:
        Runs in order; they do not overlap. Each holds a digit at least, unless ``letters``.
    """
    runs: list[Run] = []
    current: list[Group] = []

    def close() -> None:
        while current and current[-1].kind == "letter" and not letters:
            current.pop()
        if current:
            runs.append(Run(current[0].start, current[-1].end, tuple(current)))
        current.clear()

    for group in _groups(low, letters=letters):
        if group is None:
            close()
            continue
        if current and (len(current) >= _MOST or _parts(low, current, group)):
            close()
        current.append(group)
    close()
    return runs


def _parts(low: str, current: list[Group], group: Group) -> bool:
    """Whether a group begins another number than those before it."""
    if not _GAP.fullmatch(low, current[-1].end, group.start):
        return True
    # A word after a card's worth of digits joins two numbers rather than two halves of one.
    is_whole = sum(len(g.value) for g in current) >= _WHOLE
    return is_whole and any(c.isalpha() for c in low[current[-1].end : group.start])


@dataclass(frozen=True, slots=True)
class _Atom:
    start: int
    end: int
    text: str
    name: Literal["amount", "token", "word", "letter"]


def _atoms(low: str, *, letters: bool) -> list[_Atom]:
    """Words and digits of a turn that may be part of a number, and what parts them."""
    amounts = (
        [(m.start(), m.end()) for m in _AMOUNT.finditer(low)] if _HAS_DIGIT.search(low) else []
    )
    atoms: list[_Atom] = []
    tokens = list(_TOKEN.finditer(low))
    skip_to = 0
    for index, token in enumerate(tokens):
        start, end = token.span()
        while amounts and amounts[0][1] <= start:
            amounts.pop(0)
        if amounts and amounts[0][0] <= start:
            atoms.append(_Atom(amounts[0][0], amounts[0][1], "", "amount"))
            skip_to = amounts[0][1]
            amounts.pop(0)
        if start < skip_to:
            continue
        word = token[0]
        if word in _SPOKEN and (word != "o" or _is_zero(tokens, index)):
            atoms.append(_Atom(start, end, word, "word"))
        elif not word.isalpha() and _HAS_DIGIT.search(word):
            atoms.append(_Atom(start, end, word, "token"))
        elif letters and len(word) == 1 and word.isascii():
            end = _end_of_spelling(tokens, index)
            skip_to = end
            atoms.append(_Atom(start, end, word, "letter"))
        elif letters and word in NATO_WORDS:
            atoms.append(_Atom(start, end, word[0], "letter"))
    return atoms


def _is_zero(tokens: list[re.Match[str]], index: int) -> bool:
    """Whether "o" stands beside a number: elsewhere it is a letter, or half of an Irish name."""
    beside = [tokens[i][0] for i in (index - 1, index + 1) if 0 <= i < len(tokens)]
    return any((w in _SPOKEN and w != "o") or w[0].isdigit() for w in beside)


def _end_of_spelling(tokens: list[re.Match[str]], index: int) -> int:
    """Where "d for delta" or "d as in dog" ends that begins with the letter at ``index``."""
    letter = tokens[index][0]
    ahead = [t[0] for t in tokens[index + 1 : index + 4]]
    for lead in (["for"], ["as", "in"], ["like"]):
        size = len(lead)
        if ahead[:size] == lead and len(ahead) > size and ahead[size].startswith(letter):
            return tokens[index + size + 1].end()
    return tokens[index].end()


def _groups(low: str, *, letters: bool) -> list[Group | None]:
    """Groups in order, None where a quantity or a placeholder parts them."""
    atoms = _atoms(low, letters=letters)
    out: list[Group | None] = []
    index = 0
    while index < len(atoms):
        atom = atoms[index]
        if atom.name == "amount":
            out.append(None)
        elif atom.name == "word":
            index = _words(low, atoms, index, out)
            continue
        else:
            kind: GroupKind = "numeral" if atom.name == "token" else "letter"
            out.append(Group(atom.start, atom.end, atom.text, kind))
        index += 1
    return out


def _words(low: str, atoms: list[_Atom], index: int, out: list[Group | None]) -> int:
    """Read the number that begins with the word at ``index``; the index after it."""

    def follows(at: int) -> str:
        tight = at < len(atoms) and _TIGHT.fullmatch(low, atoms[at - 1].end, atoms[at].start)
        return atoms[at].text if tight else ""

    start, word = atoms[index].start, atoms[index].text
    after = follows(index + 1)
    if word in _TIMES:
        digit = _UNITS.get(after, after if len(after) == 1 and after.isdigit() else "")
        if not digit:
            return index + 1
        out.append(Group(start, atoms[index + 1].end, digit * _TIMES[word], "unit"))
        return index + 2
    kind: GroupKind = "unit" if word in _UNITS else "tens"
    small = _small(word, after)
    if small is None:
        # "a hundred": a count, and never how a number is read out.
        out.append(None)
        return index + 1
    value, words = small
    index += words
    while len(value) < _HUGE and (big := _BIG.get(follows(index))) is not None:
        value, kind, index = value + "0" * big, "cardinal", index + 1
    end = atoms[index - 1].end
    if kind == "cardinal" and follows(index + 1) == "hundred" and follows(index) in _UNITS:
        value = str(int(value) + 100 * int(_UNITS[follows(index)]))
        index += 2
        end = atoms[index - 1].end
    if kind == "cardinal" and index < len(atoms):
        between = low[end : atoms[index].start].strip()
        added = _below_hundred(atoms, index, low)
        if added is not None and (between == "and" or (between == "" and added[0] >= 10)):
            value = str(int(value) + added[0])
            index = added[1]
            end = atoms[index - 1].end
    out.append(Group(start, end, value, kind))
    return index


def _small(word: str, after: str) -> tuple[str, int] | None:
    """The digits of a number below a hundred and how many words it takes."""
    if word in _UNITS:
        return _UNITS[word], 1
    if word in _TEENS:
        return _TEENS[word], 1
    if word not in _TENS:
        return None
    unit = _UNITS.get(after, "0")
    return _TENS[word] + unit, 1 + (unit != "0")


def _below_hundred(atoms: list[_Atom], index: int, low: str) -> tuple[int, int] | None:
    word = atoms[index].text
    if word in _TEENS:
        return int(_TEENS[word]), index + 1
    if word in _UNITS:
        return int(_UNITS[word]), index + 1
    if word in _TENS:
        value, index = int(_TENS[word]) * 10, index + 1
        if index < len(atoms) and _TIGHT.fullmatch(low, atoms[index - 1].end, atoms[index].start):
            unit = _UNITS.get(atoms[index].text, "0")
            if unit != "0":
                return value + int(unit), index + 1
        return value, index
    return None


def has_amount(low: str) -> bool:
    """Whether a turn holds a price, date or time that shows by its shape."""
    return _HAS_DIGIT.search(low) is not None and _AMOUNT.search(low) is not None


def spans_letters_only(low: str) -> list[tuple[int, int, str]]:
    """Stretches of three or more letters said one by one ("O, Y, E, L" or "kilo echo mike").

    Returns:
        (start, end, letters) in order.
    """
    found = []
    for run in find_runs(low, letters=True):
        letters = "".join(g.value for g in run.groups if g.kind == "letter")
        if len(letters) > 2 and len(letters) == len(run.value):
            found.append((run.start, run.end, letters))
    return found


def is_luhn(digits: str) -> bool:
    """Whether the digits end in the check digit of ISO/IEC 7812."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether letters and digits pass the mod-97 test of ISO 13616."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}", text):
        return False
    moved = text[4:] + text[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1

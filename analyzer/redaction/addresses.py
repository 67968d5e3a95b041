"""Finds postal addresses and written ids whose shape alone tells what they are."""
# ruff: noqa: E501, PLR2004, SIM905 - tables of words and patterns; small counts of words

from __future__ import annotations

import re

from analyzer.redaction.cues import CueKind, words_left
from analyzer.redaction.digits import Piece
from analyzer.redaction.numbers import NUMBER_WORDS, find_runs, has_amount, is_iban
from analyzer.redaction.said import Said

_NUMBER = "|".join(sorted(NUMBER_WORDS | {"hundred", "thousand"}, key=len, reverse=True))
_TYPE = (
    r"street|road|avenue|lane|drive|close|crescent|boulevard|terrace|court|square|gardens|grove|mews|parkway|"
    r"place|way|circle|trail|highway|walk|row|hill|park|green|rise|view|quay|wharf|alley|broadway|"
    r"st|rd|ave|av|ln|dr|ct|blvd|pl|pkwy|cres|hwy|strasse|straße"
)
#: Types that are also ordinary words; the words before them must be capital.
_ORDINARY = frozenset(
    """
    close court square place way circle trail walk row hill park green rise view drive st dr
    ct pl av highway
    """.split()
)
_STREET = re.compile(
    rf"\b((?:(?:flat|apartment|apt|unit|suite|house|number)\.?\s+\w{{1,4}},?\s+)?(?:[0-9]{{1,5}}\s?[a-z]?(?:-[0-9]+)?|(?:\b(?:{_NUMBER})\b[\s-]*){{1,6}}[a-z]?)\b,?\s+)"
    rf"((?:(?:[a-zà-ÿ.']+|[0-9]{{1,3}}(?:st|nd|rd|th))\s+){{1,3}}?)({_TYPE})\b(?:\s+(?:north|south|east|west|n|s|e|w|ne|nw|se|sw)\b)?\.?"
    r"(?:,?\s+(?:apt|apartment|unit|suite|flat|ste)\.?\s+\w{1,5})?"
)
_NOT_BETWEEN = frozenset(
    """
    the of a an in on by per more for miles minutes hours days times to from at and or is
    are was were down up this that your my our with it you i we they he she can will would
    only still no not all any other different same each every least most percent dollars
    pounds euros people years weeks months as into out off over under one-way there's here's
    """.split()
)
_POSTCODE = re.compile(r"\b(?:gir ?0aa|[a-z]{1,2}[0-9][a-z0-9]? ?[0-9][abd-hjlnp-uw-z]{2})\b")
_STATE_ZIP = re.compile(
    r"\b(?:A[LKZR]|C[AOT]|DE|DC|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|"
    r"Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|"
    r"Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|"
    r"New\s\w+|North\s\w+|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode\sIsland|South\s\w+|Tennessee|Texas|Utah|Vermont|Virginia|"
    r"Washington|Wisconsin|Wyoming),?\s+([0-9]{5}(?:-[0-9]{4})?)\b"
)
_ASKED = re.compile(
    r"\b(?:post\s?code|zip|address|eir\s?code|where\s+(?:should|do)\s+(?:i|we|you)\s+(?:send|live)|deliver(?:ed)?\s+to|live\s+at|moved\s+to|ship\s+(?:it\s+)?to|send\s+(?:it|that|this)\s+to)\b"
)
_MAILISH = re.compile(r"\b(?:e\s?-?\s?mail|ip|web)\s+address")
_ANSWER = re.compile(
    rf"((?:yeah|yes|sure|um|uh|it's|its|that's|okay|so|er|the|at|address|is|my|home)[\s,]+)*((?:[0-9]{{1,5}}[a-z]?|(?:\b(?:{_NUMBER})\b[\s-]*){{1,6}})\s+(?!(?:business|working|on|from|for|in|is|that|which|more|moment|second|thing|days?|times?|minutes|percent|dollars|pounds|of|or|and)\b)[a-z][a-z' ]{{2,30}}?)(?=[,.]|$)"
)
_NAMED = re.compile(
    rf"\b(?:number\s+|no\.?\s+)?(?:[0-9]{{1,4}}[a-z]?|(?:\b(?:{_NUMBER})\b[\s-]*){{1,6}}),?\s+the\s+[a-z]+(?=[,.]|$)"
)
_IBAN = re.compile(r"\b[A-Za-z]{2}[0-9]{2}(?:\s?[A-Za-z0-9]){11,30}")
_NINO = re.compile(
    r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PQR-TW-Za-ceghj-pqr-tw-z]{2}[\s-]?[0-9]{2}[\s-]?[0-9]{2}[\s-]?[0-9]{2}[\s-]?[A-Da-d]\b"
)
_UK_LICENCE = re.compile(r"\b[A-Za-z9]{5}[\s-]?[0-9]{6}[\s-]?[A-Za-z9]{2}[\s-]?[0-9][A-Za-z]{2}\b")
_SHAPES: tuple[tuple[re.Pattern[str], CueKind], ...] = (
    (_NINO, "government_id"),
    (_UK_LICENCE, "government_id"),
)
_ASK_WORDS = frozenset(
    """
    post postcode zip zipcode address eircode code where live deliver delivered moved ship
    send
    """.split()
)
_TYPES = frozenset(_TYPE.split("|"))


def find_shapes(turns: list[Said]) -> list[Piece]:
    """IBANs, National Insurance numbers and British licences that are written out."""
    found: list[Piece] = []
    for turn in turns:
        index = turn.index
        if not turn.has_digit:
            continue
        for match in _IBAN.finditer(turn.text):
            found += _iban(index, match)
        for pattern, kind in _SHAPES:
            for match in pattern.finditer(turn.text):
                value = re.sub(r"[\s-]", "", match[0]).upper()
                found.append(Piece(index, match.start(), match.end(), kind, value))
    return found


def _iban(index: int, match: re.Match[str]) -> list[Piece]:
    # The pattern runs on into the words after it; the check digits tell where it ends.
    for end in range(match.end(), match.start() + 14, -1):
        value = re.sub(r"\s", "", match.string[match.start() : end]).upper()
        if match.string[end - 1] != " " and is_iban(value):
            return [Piece(index, match.start(), end, "account", value)]
    return []


def find_addresses(turns: list[Said]) -> list[Piece]:
    """Streets with their numbers, and postcodes said beside one or asked for."""
    found: list[Piece] = []
    near = -9
    asked = -9
    for turn in turns:
        index, low, words = turn.index, turn.low, turn.words
        if not words.isdisjoint(_ASK_WORDS) and _ASKED.search(low) and not _MAILISH.search(low):
            asked = index
        if not turn.has_number:
            continue
        here: list[Piece] = []
        if not words.isdisjoint(_TYPES):
            here += _streets(index, turn.text, low, is_asked=index - asked <= 3)
        if not here and 0 <= index - asked <= 2:
            here += _answer(index, low)
        if here:
            near = index
        if index - max(near, asked) <= 3:
            here += _postcodes(index, low, here)
            here += [
                Piece(index, m.start(1), m.end(1), "address", m[1])
                for m in _STATE_ZIP.finditer(turn.text)
            ]
            here += _said_postcodes(
                index,
                low,
                here,
                start=max((p.end for p in here), default=0),
                is_asked=index - asked <= 3,
            )
        found += here
    return found


def _streets(index: int, text: str, low: str, *, is_asked: bool) -> list[Piece]:
    found = []
    for match in _STREET.finditer(low):
        between = match[2].split()
        if not between or any(w.strip(".'") in _NOT_BETWEEN or w in NUMBER_WORDS for w in between):
            continue
        is_capital = text[match.start(2)].isupper() or text[match.start(3)].isupper()
        if not is_capital and not is_asked and match[3] in _ORDINARY:
            continue
        end = match.end() - (low[match.end() - 1] == ".")
        found.append(Piece(index, match.start(), end, "address", _value(low[match.start() : end])))
    return found


def _answer(index: int, low: str) -> list[Piece]:
    named = _NAMED.search(low)
    if named is not None:
        start, end = named.span()
        return [Piece(index, start, end, "address", _value(low[start:end]))]
    match = _ANSWER.match(low)
    if match is None or not match[2]:
        return []
    start, end = match.span(2)
    return [Piece(index, start, end, "address", _value(low[start:end]))]


def _postcodes(index: int, low: str, taken: list[Piece]) -> list[Piece]:
    return [
        Piece(index, m.start(), m.end(), "address", m[0].replace(" ", "").upper())
        for m in _POSTCODE.finditer(low)
        if not any(m.start() < p.end and m.end() > p.start for p in taken)
    ]


def _said_postcodes(
    index: int, low: str, taken: list[Piece], *, start: int, is_asked: bool
) -> list[Piece]:
    """Postcodes in letters and digits ("M two one four B T"), and ZIP codes after a street."""
    found = []
    for run in find_runs(low, letters=True):
        groups = list(run.groups)
        while (
            groups
            and groups[0].value in ("a", "i")
            and (len(groups) < 3 or groups[1].kind != "letter")
        ):
            groups.pop(0)
        if not groups or any(groups[0].start < p.end and run.end > p.start for p in taken):
            continue
        letters = sum(g.kind == "letter" for g in groups)
        digits = len(run.digits)
        is_code = letters >= 2 and 1 <= digits <= 4 and letters + digits >= 3
        is_zip = digits in (5, 9) and letters == 0 and run.start >= start
        # After a street the code may stand amid other words; alone it is all that is said.
        is_zip = is_zip and (
            bool(taken)
            or (is_asked and not has_amount(low) and words_left(low, [(run.start, run.end)]) <= 2)
        )
        if (is_code and (is_asked or bool(taken))) or is_zip:
            found.append(Piece(index, groups[0].start, run.end, "address", run.value))
    return found


def _value(low: str) -> str:
    for run in reversed(find_runs(low)):
        low = low[: run.start] + run.digits + low[run.end :]
    return re.sub(r"\s+", " ", low).strip().upper()

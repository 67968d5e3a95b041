"""What the words around a run of digits say of it."""
# ruff: noqa: E501, PLR2004 - tables of words and patterns; small counts of words

from __future__ import annotations

import re

from analyzer.redaction.cues import SENSITIVE, Cue, words_left
from analyzer.redaction.numbers import Run, is_luhn

_UNIT = re.compile(
    r"[\s-]*(?:or\s+(?:so|more)\s+)?(?:%|per\s?cent|dollars?|bucks|pounds?|quid|euros?|cents?|pence|points?|miles|"
    r"(?:business|working|calendar)\s+days?|days?|weeks?|months?|years?|hours?|minutes?|mins?|seconds?|"
    r"nights?|(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)\b|'s\b|s\b|min\b|even\b|ish\b|digits?\b|numbers\b|am\b|pm\b|a\.m|p\.m|o'?clock|times\b|units?\b|boxes|box\b|pieces|people|adults|child|kids|"
    r"megabits|megs|gigs?\b|watts|stars|calls|attempts|more\b|a\s+(?:month|day|week|year|night)|per\s+\w+|"
    r"an\s+hour|kilos?|k\b|kg|gb|litres?|thousand|hundred|million|of\s+(?:them|those|these|the|my|us)\b|payments|items|"
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b)"
)
_BEFORE = re.compile(
    r"(?:(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?\s+(?:the\s+)?(?:\w+(?:st|nd|rd|th|first)\s+)?(?:,\s*)?(?:of\s+)?|"
    r"\b(?:dollars|pounds|since|until|till|year|form|page|room|section|clause|box|line|step|level|version|windows)\s+|[$£€]\s?)\Z"
)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_IS_OF = re.compile(
    r"[\s,]*(?:is|was|that's|thats|that\s+is|for|as)\s+(?:my|the|her|his|our|your|a)?\s*"
)
_ENDING_GAP = re.compile(
    r"[\s,:]*(?:(?:in|with|on|of|is|are|digits|being|numbers|the|your|my|a|card|social|account|it's|was)\b[\s,:]*)*"
)
_TELEPHONE = re.compile(
    r"(?:\+|\b00)[1-9][0-9 ().-]{7,18}[0-9]|\(?\b[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4}\b|\b0[1-9][0-9]{2,4}[ -]?[0-9]{3}[ -]?[0-9]{3,4}\b"
)
_SSN = re.compile(r"(?<![0-9-])[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}(?![0-9-])")
_CARD = range(13, 20)


def is_counted(low: str, run: Run) -> bool:
    """Whether a unit, a month or a year's preposition shows the run to be a quantity."""
    digits = run.digits
    if len(digits) > 7 and not run.is_cardinal:
        return False
    if _UNIT.match(low, run.end):
        return True
    head = low[max(0, run.start - 40) : run.start]
    if _BEFORE.search(head):
        return True
    return bool(_YEAR.fullmatch(digits)) and head.rstrip().endswith(
        (" in", " of", " for", " from", " by")
    )


def cue_of(low: str, run: Run, cues: list[Cue]) -> Cue | None:
    """The cue the run answers within its turn: the nearest before it, or just after it."""
    found: Cue | None = None
    for cue in cues:
        if cue.is_ending or cue.kind == "email":
            continue
        if cue.end <= run.start:
            between = low[cue.end : run.start]
            is_near = len(between) <= 40 or words_left(between, []) <= 2
            found = cue if is_near else None
        elif found is None and cue.start >= run.end and _IS_OF.fullmatch(low, run.end, cue.start):
            return cue if cue.is_strong and cue.kind in SENSITIVE else None
    return found


def ending_of(low: str, run: Run, cues: list[Cue]) -> Cue | None:
    """The cue that makes the run the last digits of a number ("ending in")."""
    for cue in cues:
        if (
            cue.is_ending
            and cue.end <= run.start
            and _ENDING_GAP.fullmatch(low, cue.end, run.start)
        ):
            return cue
    return None


def is_read_out(*runs: Run) -> bool:
    """Whether unexplained runs are read out digit by digit, as prices and counts are not."""
    singles = sum(len(g.value) for run in runs for g in run.groups if g.kind in ("unit", "numeral"))
    return 2 * singles >= sum(len(run.digits) for run in runs)


def is_card(digits: str) -> bool:
    """Whether the digits are a payment card's: its length, first digit and check digit."""
    return len(digits) in _CARD and digits[0] in "23456" and is_luhn(digits)


def is_telephone(low: str, run: Run) -> bool:
    """Whether the run is written as telephone numbers are."""
    return _TELEPHONE.search(low[max(0, run.start - 1) : run.end]) is not None


def is_social(low: str, run: Run) -> bool:
    """Whether the run is written as a US social security number is."""
    return _SSN.search(low[max(0, run.start - 1) : run.end]) is not None

"""A turn made ready for the finders: read once, looked at by all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.domain import Role, Turn
from analyzer.redaction.numbers import NATO_WORDS, NUMBER_WORDS, plain
from analyzer.redaction.result import PLACEHOLDER

_WORD = re.compile(r"[^\W\d_]+")
_SINGLE = frozenset("abcdefghijklmnopqrstuvwxyz")
_DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True, slots=True)
class Said:
    """One turn.

    Attributes:
        index: Its number.
        role: Who speaks.
        text: Its text as spoken, with bars for the placeholders of an earlier redaction.
        low: The text in lower case, character by character.
        words: Its words in lower case; an apostrophe parts two.
        has_digit: Whether it holds a digit.
        has_single: Whether it holds two single letters or spelling words, as a spelling does.
        has_placeholder: Whether it holds a placeholder.
        has_number: Whether it holds a digit or a number word.
    """

    index: int
    role: Role
    text: str
    low: str
    words: frozenset[str]
    has_digit: bool
    has_number: bool
    has_single: bool
    has_placeholder: bool


def _is_spelling(words: frozenset[str]) -> bool:
    """Whether single letters may spell something: two, and not just "a", "I" and what follows '."""
    single = words & _SINGLE
    return (len(single) > 1 and not single <= {"a", "i", "s", "t", "m", "d"}) or len(
        words & NATO_WORDS
    ) > 1


def read_turns(turns: tuple[Turn, ...]) -> list[Said]:
    """The turns of a call in order."""
    out = []
    for index, turn in enumerate(turns):
        text = turn.text
        has_placeholder = "[" in text and PLACEHOLDER.search(text) is not None
        if has_placeholder:
            # Bars in its place part what stands beside it, and nothing in it reads as data.
            text = PLACEHOLDER.sub(lambda m: "|" * len(m[0]), text)
        low = plain(text)
        words = frozenset(_WORD.findall(low))
        has_digit = _DIGIT.search(low) is not None
        out.append(
            Said(
                index,
                turn.role,
                text,
                low,
                words,
                has_digit,
                has_digit or not words.isdisjoint(NUMBER_WORDS),
                _is_spelling(words),
                has_placeholder,
            )
        )
    return out

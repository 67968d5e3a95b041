"""A long clause in passages: an encoder reads 256 tokens, and a clause may run to pages."""

from __future__ import annotations

import re

#: Words of a passage; a clause of up to half as many again stays whole.
_WORDS = 100
_WHOLE = 150
_MOST = 200
_PIECE = re.compile(
    r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+|•]|\d+[.)]|\(\w{1,3}\)|#))|(?<=[.!?;])\s+(?=[A-Z0-9(])"
)


def split_passages(text: str, *, head: str = "") -> tuple[str, ...]:
    """Cut a clause into passages of about 100 words, at blank lines, list items and sentences.

    Args:
        text: The clause.
        head: Its headings, which each passage begins with, so that it knows what it is about.

    Returns:
        At least one passage; a clause of up to 150 words is one, one of book length at most 200,
        the last of which holds the rest.
    """
    opening = f"{head}. " if head else ""
    if len(text.split()) <= _WHOLE:
        return (opening + text,)
    out: list[str] = []
    gathered: list[str] = []
    count = 0
    for piece in _PIECE.split(text):
        n_words = len(piece.split())
        if gathered and count + n_words > _WORDS and len(out) < _MOST - 1:
            out.append(opening + "\n".join(gathered))
            gathered, count = [], 0
        gathered.append(piece)
        count += n_words
    return (*out, opening + "\n".join(gathered))

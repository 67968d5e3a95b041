"""A query in windows: a long one speaks of several matters, and its mean is about none of them."""

from __future__ import annotations

import re

_WORDS = 60
_LEAST = 3
_MOST = 40
_PIECE = re.compile(r"(?<=[.!?])\s+|\n+")
_MARK = re.compile(r"^[\s\-*•#>\d.)]*")


def split_query(text: str) -> tuple[str, ...]:
    """Cut a query into windows of up to 60 words, at sentences and lines.

    Args:
        text: A question, a promise, or a whole description of a case.

    Returns:
        At least one window, at most 40; pieces of fewer than three words are left out of a long
        query.
    """
    if len(text.split()) <= _WORDS:
        return (text,)
    windows: list[str] = []
    gathered: list[str] = []
    count = 0
    for raw in _PIECE.split(text):
        piece = _MARK.sub("", raw).strip()
        n_words = len(piece.split())
        if n_words < _LEAST:
            continue
        if gathered and count + n_words > _WORDS:
            windows.append(" ".join(gathered))
            gathered, count = [], 0
        gathered.append(piece)
        count += n_words
    if gathered:
        windows.append(" ".join(gathered))
    return tuple(windows[:_MOST]) or (text,)

"""Cuts a turn into the clauses of speech that can each carry one thing promised.

A segment is a contiguous slice of its turn. Written speech is cut at sentence ends and before
connectives that open a new statement; raw recogniser output, which has no punctuation, only at the
latter. Cuts are generous: neighbouring segments are joined again by the engine where they say one
thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|no|vs|e\.g|i\.e|a\.m|p\.m)\.|\b[A-Z]\.)$", re.IGNORECASE
)
_SUBJECT = (
    r"(?:i|i'm|i'll|i've|i'd|im|ive|you|you'll|you're|you've|you'd|youll|youre|youve|we|we'll|we're|"
    r"we've|we'd|it|it's|it'll|its|that|that's|thats|that'll|there's|theres|there|they|they'll|they're|"
    r"he|she|he'll|she'll|the|your|my|our|no|nothing|don't|if|once|when)"
)
_JOINT = re.compile(
    rf"""(?:
        ,\s+(?=(?:and|so|but|or|because|'cause|cause|then|which|though|only|plus|until|unless)\s)
      | ,\s+(?={_SUBJECT}\b)
      | \s*[;:—]\s+ | \s+-\s+ | \.\.\.\s*
      | \s+(?=(?:and|so|but|because|cause|then|plus)\s+(?:then\s+|so\s+|also\s+)?{_SUBJECT}\b)
      | \s+(?=(?:okay|ok|alright|right|sure|yeah|well)\s+(?:so\s+)?{_SUBJECT}\b)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_EDGE = " \t\n,;:—-"
_MIN_WORDS = 3
_LONG_UNPUNCTUATED = 14
_LOOSE_JOINT = re.compile(
    rf"\s+(?={_SUBJECT}\s+(?:can|will|would|could|have|got|get|am|are|is|was|just)\b)|\s+(?=(?:i'll|you'll|it'll|they'll|we'll|you've|i've|i'm|there's|it's)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Segment:
    """A slice of a turn: ``text == turn_text[start:end]``, trimmed of joints at both edges."""

    start: int
    end: int
    text: str


def _pieces(text: str, start: int, end: int, pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """Cut ``text[start:end]`` at the pattern's matches; slices in characters of ``text``."""
    out: list[tuple[int, int]] = []
    begin = start
    for joint in pattern.finditer(text, start, end):
        if joint.start() <= begin:
            continue
        out.append((begin, joint.start()))
        begin = joint.end()
    out.append((begin, end))
    return out


def _sentences(text: str) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    begin = 0
    for gap in _SENTENCE.finditer(text):
        if _ABBREVIATION.search(text, begin, gap.start()) or gap.start() <= begin:
            continue
        out.append((begin, gap.start()))
        begin = gap.end()
    out.append((begin, len(text)))
    return out


def split_segments(text: str) -> list[Segment]:
    """Cut one turn into segments.

    Args:
        text: The turn's text; may be empty.

    Returns:
        Segments in order, each with at least one letter or digit; together they hold every word.
        A piece of fewer than three words is joined to its neighbour within the same sentence.
    """
    out: list[Segment] = []
    for first, last in _sentences(text):
        pieces = _pieces(text, first, last, _JOINT)
        finer: list[tuple[int, int]] = []
        for start, end in pieces:
            body = text[start:end]
            if len(body.split()) > _LONG_UNPUNCTUATED and not re.search(r"[.,;]", body):
                finer += _pieces(text, start, end, _LOOSE_JOINT)
            else:
                finer.append((start, end))
        joined: list[tuple[int, int]] = []
        for start, end in finer:
            short = len(text[start:end].split()) < _MIN_WORDS
            if joined and (short or len(text[joined[-1][0] : joined[-1][1]].split()) < _MIN_WORDS):
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        for start, end in joined:
            lead = len(text[start:end]) - len(text[start:end].lstrip(_EDGE))
            trail = len(text[start:end].rstrip(_EDGE))
            if trail > lead and re.search(r"\w", text[start + lead : start + trail]):
                a, b = start + lead, start + trail
                out.append(Segment(a, b, text[a:b]))
    return out

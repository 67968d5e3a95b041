"""Long calls in windows that overlap, and their marks merged without doubles."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.domain import Call
from analyzer.engines.llm.answers import MarkAnswer, MarkedCommitment, MarkedStonewall
from analyzer.language.tokens import content_words

#: Turns that a window repeats of the one before it.
OVERLAP = 10
_CHARACTERS_A_TOKEN = 4
#: Of the shorter quote's words, the share from which two quotes are one mark (as in the scores).
_SAME_QUOTE = 1 / 3


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its characters, rounded up."""
    return -(-len(text) // _CHARACTERS_A_TOKEN)


def cut_windows(call: Call, most_tokens: int) -> list[range]:
    """Cut a call into windows of turns that each fit.

    Args:
        call: The call.
        most_tokens: Estimated tokens of turns that a window may hold; a longer turn stands alone.

    Returns:
        One range for a call that fits; else ranges that overlap by :data:`OVERLAP` turns or by
        half a window, whichever is less.
    """
    sizes = [estimate_tokens(turn.text) + 12 for turn in call.turns]
    windows: list[range] = []
    start = 0
    while start < len(sizes):
        end, total = start, 0
        while end < len(sizes) and (end == start or total + sizes[end] <= most_tokens):
            total += sizes[end]
            end += 1
        windows.append(range(start, end))
        if end == len(sizes):
            break
        start = max(end - min(OVERLAP, (end - start) // 2), start + 1)
        # What is repeated has to leave room for what is new.
        while start < end and sum(sizes[start : end + 1]) > most_tokens:
            start += 1
    return windows


def halve(window: range) -> list[range]:
    """A window in two halves that overlap a little; itself where it has one turn."""
    if len(window) < 2:  # noqa: PLR2004 - nothing to halve
        return [window]
    middle = (window.start + window.stop) // 2
    lap = min(4, len(window) // 4)
    return [range(window.start, min(middle + lap, window.stop)), range(middle, window.stop)]


def merge_answers(answers: Sequence[MarkAnswer]) -> MarkAnswer:
    """Join what windows gave: each mark once, stonewalls that a window's edge cut joined again."""
    if len(answers) == 1:
        return answers[0]
    commitments: list[MarkedCommitment] = []
    for mark in (m for answer in answers for m in answer.commitments):
        if not any(_is_same(mark, other) for other in commitments):
            commitments.append(mark)
    walls: list[MarkedStonewall] = []
    for answer in answers:
        for wall in answer.stonewalls:
            met = next(
                (i for i, w in enumerate(walls) if w.start <= wall.end and wall.start <= w.end),
                None,
            )
            if met is None:
                walls.append(wall)
            else:
                walls[met] = _join(walls[met], wall)
    return MarkAnswer(
        commitments=tuple(sorted(commitments, key=lambda m: m.turn)),
        stonewalls=tuple(sorted(walls, key=lambda w: w.start)),
    )


def _is_same(one: MarkedCommitment, other: MarkedCommitment) -> bool:
    if one.turn != other.turn:
        return False
    a, b = set(one.quote.lower().split()), set(other.quote.lower().split())
    a, b = (set(content_words(" ".join(x))) or x for x in (a, b))
    return len(a & b) > _SAME_QUOTE * min(len(a), len(b))


def _join(one: MarkedStonewall, other: MarkedStonewall) -> MarkedStonewall:
    return one.model_copy(
        update={
            "start": min(one.start, other.start),
            "end": max(one.end, other.end),
            "tactics": tuple(dict.fromkeys((*one.tactics, *other.tactics))),
            "severity": max(one.severity, other.severity),
        }
    )

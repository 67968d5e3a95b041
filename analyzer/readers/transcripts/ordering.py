"""Puts turns into the order spoken where a file says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.errors import TranscriptError
from analyzer.readers.transcripts.reading import RawTurn


@dataclass(frozen=True)
class Ordered:
    """Turns in the order spoken, with a note where the file had another."""

    turns: Sequence[RawTurn]
    notes: tuple[str, ...] = ()


def in_order(
    turns: Sequence[RawTurn],
    numbers: Sequence[object],
    *,
    source: str,
    line: int | None,
    lines: Sequence[int] | None = None,
) -> Ordered:
    """Sort the turns of one call by their numbers, or else by their starts where all have one.

    Args:
        turns: The turns as they stand in the file.
        numbers: What the file numbers them with, one a turn; used if all are whole numbers.
        source: The file, for the messages.
        line: 1-based line of the call.
        lines: 1-based line of each turn, where known.

    Raises:
        TranscriptError: If two turns carry the same number, so that their order is not known.
    """
    known = [number for number in map(_whole, numbers) if number is not None]
    if turns and len(known) == len(turns):
        seen: dict[int, int] = {}
        for index, number in enumerate(known):
            if number in seen:
                first = f" (first on line {lines[seen[number]]})" if lines else ""
                raise TranscriptError(
                    f"turns are out of order: number {number} stands twice in one call{first}; "
                    "number them anew, or give each call an id of its own",
                    path=source,
                    line=lines[index] if lines else line,
                )
            seen[number] = index
        return _sorted(turns, [float(number) for number in known], "numbers")
    starts = [turn.start for turn in turns if turn.start is not None]
    if len(starts) == len(turns):
        return _sorted(turns, starts, "times")
    return Ordered(turns)


def _whole(number: object) -> int | None:
    if isinstance(number, bool):
        return None
    if isinstance(number, int):
        return number
    if isinstance(number, str) and number.strip().isascii() and number.strip().isdigit():
        return int(number.strip()[:18])
    return None


def _sorted(turns: Sequence[RawTurn], keys: Sequence[float], by: str) -> Ordered:
    order = sorted(range(len(turns)), key=lambda index: keys[index])
    if order == list(range(len(turns))):
        return Ordered(turns)
    return Ordered([turns[i] for i in order], (f"Turns were sorted by their {by}.",))

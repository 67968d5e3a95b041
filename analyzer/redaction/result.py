"""What a redaction gives: the masked call and the way back."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzer.domain import Call

#: The placeholders that redaction writes.
PLACEHOLDER = re.compile(
    r"\[(?:CARD|ACCOUNT|EMAIL|PHONE|GOVERNMENT_ID|ADDRESS|NAME)_[0-9]+(?:_END)?\]"
)


@dataclass(frozen=True, slots=True)
class Swap:
    """One replacement: the span in the masked text, and the one it stands for."""

    start: int
    end: int
    was_start: int
    was_end: int


@dataclass(frozen=True)
class Redaction:
    """A call without personal data, and the way back.

    Attributes:
        call: The masked call, with as many turns as the original and no fields beside the known.
        counts: Places replaced, by kind; kinds without any are 0.
    """

    call: Call
    counts: Mapping[str, int]
    _swaps: tuple[tuple[Swap, ...], ...] = field(default=(), repr=False)
    _values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def original_span(self, turn: int, start: int, end: int) -> tuple[int, int]:
        """The span of the original turn's text that a span of the masked text stands for.

        Args:
            turn: Number of the turn.
            start: First character in the masked text.
            end: One past the last character in the masked text; at least ``start``.

        Returns:
            Half-open span. A span that cuts into a placeholder takes in all it stands for; an empty
            span within a placeholder does so too.
        """
        swaps = self._swaps[turn] if turn < len(self._swaps) else ()
        first = _moved(swaps, start, is_end=False)
        last = _moved(swaps, end, is_end=True) if end > start else first
        if end <= start and (cut := _cut(swaps, start)) is not None:
            return cut.was_start, cut.was_end
        return first, max(first, last)

    def restore(self, text: str) -> str:
        """Free text with each placeholder of this redaction replaced by the value it stands for."""
        if not self._values:
            return text
        return PLACEHOLDER.sub(lambda m: self._values.get(m[0], m[0]), text)


def _cut(swaps: tuple[Swap, ...], at: int) -> Swap | None:
    return next((s for s in swaps if s.start < at < s.end), None)


def _moved(swaps: tuple[Swap, ...], at: int, *, is_end: bool) -> int:
    index = bisect_right(swaps, at, key=lambda s: s.start) - 1
    if index >= 0 and is_end and swaps[index].start == at:
        index -= 1
    if index < 0:
        return at
    swap = swaps[index]
    if at >= swap.end:
        return swap.was_end + at - swap.end
    return swap.was_end if is_end else swap.was_start

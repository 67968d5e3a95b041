"""Which predicted mark stands for which gold mark.

Two marks are laid side by side by where they stand and by their words, never by what they are
called or by the order in which they are listed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.domain import CONFLICTS

Record = Mapping[str, Any]
Mark = Mapping[str, Any]
CallKey = tuple[str | None, str]
Pairs = tuple[tuple[int, int], ...]

_LEAST_SHARED = 1 / 3
_LEAST_OVERLAP = 0.5
_CONTENT = ("quote", "kind", "strength", "verdict", "clauses", "start", "end")


@dataclass(frozen=True)
class MatchedCall:
    """A labelled call, what was predicted for it, and which marks of the two belong together.

    Attributes:
        gold: The labelled record.
        predicted: The record to score; None for a call that was set aside.
        pairs: Indices (gold, predicted) into ``marks`` and ``guesses``, ascending.
        wall_pairs: Indices (gold, predicted) into ``walls`` and ``wall_guesses``, ascending.
    """

    gold: Record
    predicted: Record | None
    pairs: Pairs
    wall_pairs: Pairs

    @property
    def key(self) -> CallKey:
        """What the call is known by: company and id."""
        return key_of(self.gold)

    @property
    def marks(self) -> Sequence[Mark]:
        """The gold commitments."""
        return _listed(self.gold, "commitments")

    @property
    def guesses(self) -> Sequence[Mark]:
        """The predicted commitments."""
        return _listed(self.predicted, "commitments")

    @property
    def walls(self) -> Sequence[Mark]:
        """The gold stonewalls."""
        return _listed(self.gold, "stonewalls")

    @property
    def wall_guesses(self) -> Sequence[Mark]:
        """The predicted stonewalls."""
        return _listed(self.predicted, "stonewalls")


def key_of(record: Record) -> CallKey:
    """What a call is known by: (company, call id)."""
    return record.get("company"), str(record["call_id"])


def is_hedged(mark: Mark) -> bool:
    """Whether the mark is neither firm nor conditional, and so stays out of the count."""
    return bool(mark["strength"] == "hedged")


def is_conflict(mark: Mark) -> bool:
    """Whether the mark is flagged: contradicted, or beyond the agent's authority."""
    return mark.get("verdict") in CONFLICTS


def is_gold_conflict(mark: Mark) -> bool:
    """Whether a gold mark is a conflict to be found: only firm and conditional ones are judged."""
    return is_conflict(mark) and not is_hedged(mark)


def match_call(gold: Record, predicted: Record | None) -> MatchedCall:
    """Match the marks of one call; nothing matches in a call that was set aside."""
    return MatchedCall(
        gold,
        predicted,
        match_commitments(_listed(gold, "commitments"), _listed(predicted, "commitments")),
        match_spans(_listed(gold, "stonewalls"), _listed(predicted, "stonewalls")),
    )


def shared_words(one: str, other: str) -> float:
    """The share of the shorter quote's words that the other has too.

    Words are runs of letters and digits, case ignored, each counted as often as it stands there.

    Returns:
        In [0, 1]; 1.0 for two equal quotes, though they hold no word.
    """
    return _overlap(one, other)[0]


def match_commitments(gold: Sequence[Mark], predicted: Sequence[Mark]) -> Pairs:
    """Match predicted commitments to gold ones: one to one, best first.

    Two marks can match if they stand on the same turn and their quotes share at least a third of
    the shorter one's words. All marks take part, hedged ones too. Best is the largest share; among
    equals a pair that is hedged on both sides or on neither, so that a mark outside the count takes
    no partner from one inside it; then the one with more words in common.

    Args:
        gold: Gold commitments, in any order.
        predicted: Predicted commitments, in any order.

    Returns:
        Pairs of indices (gold, predicted), ascending.
    """
    candidates = []
    for i, mark in enumerate(gold):
        for j, guess in enumerate(predicted):
            if mark["turn"] != guess["turn"]:
                continue
            share, common = _overlap(mark["quote"], guess["quote"])
            if share >= _LEAST_SHARED:
                goodness = (-share, is_hedged(mark) != is_hedged(guess), -common)
                candidates.append((goodness, _tie_breaker(mark, guess), i, j))
    return _best_first(candidates)


def match_spans(gold: Sequence[Mark], predicted: Sequence[Mark]) -> Pairs:
    """Match stonewalls at an intersection over union of turns of a half or more, best first.

    Args:
        gold: Gold stonewalls, in any order.
        predicted: Predicted stonewalls, in any order.

    Returns:
        Pairs of indices (gold, predicted), one to one, ascending.
    """
    candidates = []
    for i, wall in enumerate(gold):
        for j, guess in enumerate(predicted):
            shared = min(wall["end"], guess["end"]) - max(wall["start"], guess["start"]) + 1
            union = max(wall["end"], guess["end"]) - min(wall["start"], guess["start"]) + 1
            if shared >= _LEAST_OVERLAP * union:
                candidates.append(((-shared / union,), _tie_breaker(wall, guess), i, j))
    return _best_first(candidates)


def _listed(record: Record | None, name: str) -> Sequence[Mark]:
    return tuple((record or {}).get(name) or ())


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.casefold()))


def _overlap(one: str, other: str) -> tuple[float, int]:
    ours, theirs = _words(one), _words(other)
    common = (ours & theirs).total()
    shorter = min(ours.total(), theirs.total())
    if not shorter:
        return float(one == other), common
    return common / shorter, common


def _tie_breaker(mark: Mark, guess: Mark) -> tuple[str, str]:
    # Ties are settled by the marks' own content: the result depends neither on the order in which
    # marks are listed nor on which of the two sides is called gold.
    return _content(mark), _content(guess)


def _content(mark: Mark) -> str:
    first = [mark.get(name) for name in _CONTENT]
    return json.dumps([*first, mark], sort_keys=True, default=str)


def _best_first(
    candidates: Iterable[tuple[tuple[float, ...], tuple[str, str], int, int]],
) -> Pairs:
    used_gold: set[int] = set()
    used_predicted: set[int] = set()
    pairs = []
    for _, _, i, j in sorted(candidates):
        if i not in used_gold and j not in used_predicted:
            used_gold.add(i)
            used_predicted.add(j)
            pairs.append((i, j))
    return tuple(sorted(pairs))

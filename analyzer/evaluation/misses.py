"""Where an engine and the gold labels part, worst first: what to look at to make it better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from analyzer.domain import VERDICTS
from analyzer.evaluation.evaluation import Evaluation
from analyzer.evaluation.matching import (
    CallKey,
    Mark,
    MatchedCall,
    is_conflict,
    is_gold_conflict,
    is_hedged,
)

MissSort = Literal[
    "missed flag",
    "invented flag",
    "missed mark",
    "invented mark",
    "missed stonewall",
    "invented stonewall",
]
MISS_SORTS: tuple[MissSort, ...] = get_args(MissSort)


@dataclass(frozen=True)
class Miss:
    """One place where prediction and gold part.

    Attributes:
        sort: What is wrong.
        call: (company, call id).
        mark: The gold mark that was missed, or the predicted one that is wrong.
        other: The mark of the other side that matches it, or None.
    """

    sort: MissSort
    call: CallKey
    mark: Mark
    other: Mark | None = None


def worst_misses(evaluation: Evaluation, limit: int) -> list[Miss]:
    """The worst of each sort: flags, then marks, then stonewalls.

    A mark that is listed as a flag is not listed again as a mark. Missed flags are ordered by
    verdict, invented marks by the engine's own confidence in them, missed stonewalls by severity.

    Args:
        evaluation: What was scored.
        limit: How many of each sort at most; at least 0.

    Raises:
        ValueError: If ``limit`` is negative.
    """
    if limit < 0:
        raise ValueError(f"limit is {limit!r}; take 0 or more")
    found = find_misses(evaluation)
    return [miss for sort in MISS_SORTS for miss in found[sort][:limit]]


def find_misses(evaluation: Evaluation) -> dict[MissSort, list[Miss]]:
    """All misses by sort, each list worst first; see :func:`worst_misses`."""
    found: dict[MissSort, list[Miss]] = {sort: [] for sort in MISS_SORTS}
    for call in evaluation.matched:
        for miss in (*_commitments(call), *_stonewalls(call)):
            found[miss.sort].append(miss)
    for sort in MISS_SORTS:
        found[sort].sort(key=_GRAVITY[sort])
    return found


def _commitments(call: MatchedCall) -> Iterator[Miss]:
    guess_of = {i: call.guesses[j] for i, j in call.pairs}
    mark_of = {j: call.marks[i] for i, j in call.pairs}
    for i, mark in enumerate(call.marks):
        guess = guess_of.get(i)
        if is_gold_conflict(mark):
            if guess is None or not is_conflict(guess):
                yield Miss("missed flag", call.key, mark, guess)
        elif not is_hedged(mark) and (guess is None or is_hedged(guess)):
            yield Miss("missed mark", call.key, mark, guess)
    for j, guess in enumerate(call.guesses):
        gold = mark_of.get(j)
        if is_conflict(guess):
            if gold is None or not is_gold_conflict(gold):
                yield Miss("invented flag", call.key, guess, gold)
        elif gold is None and not is_hedged(guess):
            yield Miss("invented mark", call.key, guess)


def _stonewalls(call: MatchedCall) -> Iterator[Miss]:
    found = {i for i, _ in call.wall_pairs}
    right = {j for _, j in call.wall_pairs}
    for i, wall in enumerate(call.walls):
        if i not in found:
            yield Miss("missed stonewall", call.key, wall)
    for j, guess in enumerate(call.wall_guesses):
        if j not in right:
            yield Miss("invented stonewall", call.key, guess)


def _by_verdict(miss: Miss) -> int:
    verdicts: Sequence[str] = VERDICTS
    verdict = miss.mark.get("verdict")
    return verdicts.index(verdict) if verdict in verdicts else len(verdicts)


def _by_confidence(miss: Miss) -> float:
    return -float(miss.mark.get("confidence") or 0.0)


def _by_severity(miss: Miss) -> int:
    return -int(miss.mark["severity"])


_GRAVITY: dict[MissSort, Callable[[Miss], float]] = {
    "missed flag": _by_verdict,
    "invented flag": _by_confidence,
    "missed mark": _by_verdict,
    "invented mark": _by_confidence,
    "missed stonewall": _by_severity,
    "invented stonewall": _by_confidence,
}

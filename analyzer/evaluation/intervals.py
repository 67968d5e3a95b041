"""How far a score may be trusted: percentile bootstrap over calls.

Calls are drawn, not marks: what an engine gets wrong in a call goes together, so marks drawn one by
one would make every interval too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analyzer.evaluation.scores import CallCounts, contributions

#: Share of the draws that lies within an interval.
LEVEL = 0.95
DRAWS = 1000
SEED = 20261122

Interval = tuple[float | None, float | None]


def interval(
    counts: Sequence[CallCounts], *, draws: int = DRAWS, seed: int = SEED
) -> dict[str, Interval]:
    """The 95 % interval of every score.

    Each draw takes as many calls as there are, with replacement, and works out all scores of them;
    all scores see the same draws. The result depends neither on the order of the calls nor on
    anything but ``seed``. A draw in which a score has nothing to count is left out of its interval.

    Args:
        counts: What each call contributes, in any order.
        draws: How many samples are drawn; at least 1.
        seed: Seed of the random generator.

    Returns:
        ``(low, high)`` by score, in the order of :func:`contributions`; ``(None, None)`` where no
        draw has anything to count.

    Raises:
        ValueError: If ``draws`` is less than 1.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if draws < 1:
        raise ValueError(f"draws is {draws!r}; take at least 1")
    parts = [contributions(one) for one in counts]
    names = list(contributions(CallCounts()))
    if not parts:
        return dict.fromkeys(names, (None, None))
    rows = np.array(
        [[n for name in names for ratio in part[name].ratios for n in ratio] for part in parts],
        dtype=np.int64,
    )
    rows = rows[np.lexsort(rows.T)]
    chances = np.full(len(rows), 1 / len(rows))
    drawn = np.random.default_rng(seed).multinomial(len(rows), chances, size=draws) @ rows
    intervals: dict[str, Interval] = {}
    first = 0
    for name in names:
        width = 2 * len(parts[0][name].ratios)
        intervals[name] = _percentiles(drawn[:, first : first + width])
        first += width
    return intervals


def _percentiles(drawn: NDArray[np.int64]) -> Interval:
    """Percentiles of the mean ratio; ``drawn`` is (draws, 2 n): numerator, denominator, n times."""
    above, below = drawn[:, 0::2], drawn[:, 1::2]
    has_any = below > 0
    ratios = np.where(has_any, above / np.maximum(below, 1), 0.0)
    n_ratios = has_any.sum(axis=1)
    is_scored = n_ratios > 0
    if not is_scored.any():
        return None, None
    values = ratios.sum(axis=1)[is_scored] / n_ratios[is_scored]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)

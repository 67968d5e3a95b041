"""Which clauses answer a query: likeness of meaning, words in common, and clauses that agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

#: Weight of the lexical share beside the cosine.
LEXICAL_WEIGHT = 0.15
#: Softness with which a query's windows are joined: small takes the best, large their mean.
_TEMPERATURE = 0.1
#: Passages that are looked at in full, by likeness to the mean of the windows and by words.
_CANDIDATES = 1000
#: A passage's score is raised by this share of the mean of the passages of other clauses that are
#: nearest to it: what several clauses speak of is more likely meant. Only for queries of several
#: windows, where it was measured to help.
_NEIGHBOUR_SHARE, _NEIGHBOURS, _NEIGHBOURS_AMONG = 0.5, 5, 500


@dataclass(frozen=True)
class Passages:
    """The passages of some clauses.

    Attributes:
        vectors: float32 ``(m, d)``, unit rows.
        owner: For each passage the row of its clause, ``(m,)``, in order.
    """

    vectors: Floats
    owner: Rows


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        rows: Rows of clauses, best first.
        scores: Joined scores, falling.
        likeness: For each the best cosine of any of its passages with any window of the query.
        lexical: For each the best lexical share of any of its passages.
    """

    rows: Rows
    scores: Floats
    likeness: Floats
    lexical: Floats


def rank_clauses(
    windows: Floats,
    passages: Passages,
    lexical: Floats,
    *,
    k: int,
    allowed: NDArray[np.bool_] | None = None,
) -> Found:
    """Rank clauses for one query.

    Args:
        windows: Vectors of the query's windows, float32 ``(w, d)``, unit rows, w >= 1.
        passages: Passages of all clauses.
        lexical: For each passage its BM25 as a share of the best, ``(m,)``.
        k: How many clauses to return at most.
        allowed: For each passage whether it may be found; None for all.

    Returns:
        The clauses; ties by row.

    Source:
        Maximum over passages: Dai and Callan, Deeper Text Understanding for IR, SIGIR 2019. The
        weights were chosen on another benchmark's scenarios (README, "Retrieval").
    """
    if len(windows) == 1:
        return _rank_one(windows[0], passages, lexical, k, allowed)
    mean = windows.mean(axis=0)
    first = passages.vectors @ (mean / max(float(np.linalg.norm(mean)), 1e-9))
    words = lexical
    if allowed is not None:
        first = np.where(allowed, first, -np.inf)
        words = np.where(allowed, lexical, -np.inf)
    chosen = np.union1d(_best(first, _CANDIDATES), _best(words, _CANDIDATES))
    if allowed is not None:
        chosen = chosen[allowed[chosen]]
    if not len(chosen):
        none = np.zeros(0, dtype=np.float32)
        return Found(np.zeros(0, dtype=np.int64), none, none, none)
    cosines = passages.vectors[chosen] @ windows.T
    soft = _TEMPERATURE * np.log(np.exp(cosines / _TEMPERATURE).mean(axis=1))
    scores = soft + LEXICAL_WEIGHT * lexical[chosen]
    chosen, scores, cosines = _with_neighbours(chosen, scores, cosines, passages)
    return _by_clause(scores, cosines.max(axis=1), lexical[chosen], passages.owner[chosen], k)


def _rank_one(
    window: Floats,
    passages: Passages,
    lexical: Floats,
    k: int,
    allowed: NDArray[np.bool_] | None,
) -> Found:
    """Rank for a query of one window: one pass over the passages."""
    cosines = passages.vectors @ window
    scores = cosines + np.float32(LEXICAL_WEIGHT) * lexical
    if allowed is not None:
        scores[~allowed] = -np.inf
    # A clause may hold several of the best passages.
    chosen = _best(scores, _CANDIDATES + k)
    chosen = chosen[np.isfinite(scores[chosen])]
    owner = passages.owner[chosen]
    return _by_clause(scores[chosen], cosines[chosen], lexical[chosen], owner, k)


def _best(values: Floats, count: int) -> Rows:
    if len(values) <= count:
        return np.arange(len(values), dtype=np.int64)
    return np.argpartition(-values, count)[:count].astype(np.int64)


def _with_neighbours(
    chosen: Rows, scores: Floats, cosines: Floats, passages: Passages
) -> tuple[Rows, Floats, Floats]:
    order = np.argsort(-scores, kind="stable")[:_NEIGHBOURS_AMONG]
    chosen, scores, cosines = chosen[order], scores[order], cosines[order]
    n_near = min(_NEIGHBOURS, len(chosen) - 1)
    if n_near < 1:
        return chosen, scores, cosines
    vectors, owner = passages.vectors[chosen], passages.owner[chosen]
    likeness = vectors @ vectors.T
    likeness[owner[:, None] == owner[None, :]] = -1.0
    near = np.argpartition(-likeness, n_near - 1, axis=1)[:, :n_near]
    return chosen, scores + _NEIGHBOUR_SHARE * scores[near].mean(axis=1), cosines


def _by_clause(scores: Floats, likeness: Floats, lexical: Floats, owner: Rows, k: int) -> Found:
    """A clause counts by its best passage; all by passage, ``owner`` the row of its clause."""
    order = np.lexsort((owner, -scores))
    rows, first = np.unique(owner[order], return_index=True)
    best = scores[order][first]
    place = np.searchsorted(rows, owner)
    nearest = np.full(len(rows), -1.0, dtype=np.float32)
    np.maximum.at(nearest, place, likeness)
    words = np.zeros(len(rows), dtype=np.float32)
    np.maximum.at(words, place, lexical)
    top = np.lexsort((rows, -best))[:k]
    return Found(rows[top].astype(np.int64), best[top].astype(np.float32), nearest[top], words[top])

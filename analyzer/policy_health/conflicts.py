"""Clauses in force together that name other terms for one thing, or say nearly the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.engines.embedded.clause_index import Sentence
from analyzer.engines.embedded.heads import Head, load_heads
from analyzer.language.references import find_mentions
from analyzer.policy_book import PolicyView
from analyzer.policy_health.comparisons import (
    AMOUNTS,
    WINDOWS,
    ReadClause,
    compare_clauses,
    read_clause,
)

ConflictKind = Literal["amount", "window", "eligibility", "duplicate"]
Floats = NDArray[np.float32]

HEAD = "clause pair"
FINE = "fine"
#: Clauses less like than this are not compared.
LIKE_CLAUSES = 0.45
_BLOCK = 1000
#: Pairs that are compared at most, the nearest first; how many were left is told.
_MOST_PAIRS = 50_000
#: Pairs of clauses less likely to disagree are not shown.
LEAST = 0.4


@dataclass(frozen=True)
class ClausePair:
    """Two clauses of one company, in force together, that a policy's owner should look at.

    Attributes:
        one: A clause.
        other: One that stands after it.
        kind: How they disagree, or that they say nearly the same.
        one_quote: The sentence of ``one`` that it rests on, verbatim.
        other_quote: The sentence of ``other``, verbatim.
        why: One sentence, with what each names where that can be told.
        confidence: 0 to 1; how likely a reader would say that they disagree or repeat each other.
    """

    one: Clause
    other: Clause
    kind: ConflictKind
    one_quote: str
    other_quote: str
    why: str
    confidence: float


@dataclass(frozen=True)
class ConflictReport:
    """What a search for conflicts found.

    Attributes:
        pairs: The pairs, the surest first.
        n_compared: How many pairs of like clauses were compared.
        n_left: How many more there were, less like than those.
    """

    pairs: tuple[ClausePair, ...]
    n_compared: int
    n_left: int = 0


def find_conflicts(view: PolicyView, embedder: Embedder) -> ConflictReport:
    """Find pairs of clauses that disagree or say nearly the same.

    A head trained on pairs of clauses (``eval/training/clause_pairs.jsonl``) weighs what each two
    sentences of two like clauses have in common; a pair is as suspect as its most suspect two.

    Args:
        view: Clauses in force.
        embedder: Of the view's vectors; embeds the sentences of clauses that are alike.

    Returns:
        The pairs. A clause that names the other is an exception to it and no conflict.

    Source:
        Several sentences of which one counts: Ramon and De Raedt, Multi Instance Neural Networks,
        ICML 2000 (a soft maximum over the instances).
    """
    head = load_heads()[HEAD]
    read_clauses: dict[int, ReadClause] = {}

    def read(row: int) -> ReadClause:
        if row not in read_clauses:
            read_clauses[row] = read_clause(view.clauses[row], embedder)
        return read_clauses[row]

    candidates, n_left = _candidates(view)
    out = [
        pair
        for one, other, alike in candidates
        if (pair := _judge(read, one, other, alike, head)) is not None
    ]
    out.sort(key=lambda pair: (-pair.confidence, pair.one.id, pair.other.id))
    return ConflictReport(tuple(out), len(candidates), n_left)


def names(one: Clause, other: Clause) -> bool:
    """Whether a clause names the other by its id."""
    return any(m.is_id and m.target == other.id for m in find_mentions(one.text))


def _candidates(view: PolicyView) -> tuple[list[tuple[int, int, float]], int]:
    """Pairs of like clauses with their likeness, the nearest first; and how many were left."""
    found: list[tuple[float, int, int]] = []
    vectors = view.vectors
    for begin in range(0, len(vectors), _BLOCK):
        likeness = vectors[begin : begin + _BLOCK] @ vectors.T
        for row, column in np.argwhere(likeness >= LIKE_CLAUSES):
            if begin + row < column:
                found.append((float(likeness[row, column]), int(begin + row), int(column)))
    found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    kept = [
        (one, other, alike)
        for alike, one, other in found[:_MOST_PAIRS]
        if not names(view.clauses[one], view.clauses[other])
        and not names(view.clauses[other], view.clauses[one])
    ]
    return kept, max(0, len(found) - _MOST_PAIRS)


def _judge(
    read: Callable[[int], ReadClause], one: int, other: int, alike: float, head: Head
) -> ClausePair | None:
    """The pair if it is likely enough to disagree or to be one rule twice."""
    first, second = read(one), read(other)
    features, places = compare_clauses(first, second, alike)
    probabilities, best = pair_probabilities(features, head)
    fine = head.classes.index(FINE)
    confidence = 1.0 - float(probabilities[fine])
    if confidence < LEAST:
        return None
    likeliest = max(
        (k for k in range(len(head.classes)) if k != fine), key=probabilities.__getitem__
    )
    kind = cast(ConflictKind, head.classes[likeliest])
    row, column = places[best[likeliest]]
    a, b = first.sentences[row], second.sentences[column]
    why = _why(kind, first.clause, a, second.clause, b)
    return ClausePair(first.clause, second.clause, kind, a.text, b.text, why, round(confidence, 3))


#: Softness of the maximum over sentences; the training uses the same.
SOFTNESS = 0.5


def pair_probabilities(features: Floats, head: Head) -> tuple[Floats, NDArray[np.int64]]:
    """The classes of two clauses.

    Args:
        features: Of each two sentences, ``(n, d)``.
        head: The trained head; its class ``fine`` scores by its bias alone.

    Returns:
        The probabilities ``(k,)``, and for each class the two sentences that speak most for it.
    """
    each = features @ head.dense_weights
    most = each.max(axis=0)
    score = most + SOFTNESS * np.log(np.exp((each - most) / SOFTNESS).sum(axis=0)) + head.bias
    fine = head.classes.index(FINE)
    score[fine] = head.bias[fine]
    exp = np.exp(score - score.max())
    probabilities: Floats = (exp / exp.sum()).astype(np.float32)
    return probabilities, each.argmax(axis=0)


def _why(kind: ConflictKind, one: Clause, a: Sentence, other: Clause, b: Sentence) -> str:
    if kind == "duplicate":
        return f"{one.id} and {other.id} say nearly the same; keep it in one place."
    named = _named(kind, a), _named(kind, b)
    if kind in {"amount", "window"} and all(named) and named[0] != named[1]:
        return (
            f"{one.id} says {named[0]}, {other.id} says {named[1]}, for what reads as one thing; "
            "say which holds, or when each does."
        )
    what = {
        "amount": "name different sums or counts for what reads as one thing",
        "window": "name different times for what reads as one thing, or count from other days",
        "eligibility": "read as if one allows what the other rules out",
    }[kind]
    return f"{one.id} and {other.id} {what}; say which holds, or when each does."


def _named(kind: ConflictKind, sentence: Sentence) -> str:
    """The quantities of a sentence that a conflict of this kind is about, in its words."""
    kinds = AMOUNTS if kind == "amount" else WINDOWS
    told = [
        " ".join(sentence.text[q.start : q.end].split())
        for q in sentence.quantities
        if q.dimension in kinds and q.unit != "bare"
    ]
    return " and ".join(dict.fromkeys(told))

"""Clauses in force together that name other terms for one thing, or say nearly the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.engines.embedded.clause_index import Sentence, split_clause
from analyzer.language.cues import CUE_NAMES, cue_vector
from analyzer.language.quantities import Quantity
from analyzer.language.references import find_mentions
from analyzer.language.tokens import content_words
from analyzer.policy_book import PolicyView

ConflictKind = Literal["amount", "window", "eligibility", "duplicate"]
Floats = NDArray[np.float32]

#: Clauses less like than this are not compared; sentences less like are about other things.
_LIKE_CLAUSES, _LIKE_SENTENCES = 0.5, 0.4
#: Sentences from here up say the same if their quantities agree and most words are shared.
_SAME_MEANING = 0.7
_BLOCK = 1000
_MOST_PAIRS = 20_000
#: Likeness at which a disagreement is as good as sure.
_SURE = 0.8
_WINDOWS = frozenset(("duration", "business_duration", "clock"))
_AMOUNTS = frozenset(("money", "percent", "points", "count"))
_NEGATION = CUE_NAMES.index("negation")
#: Words that set cases apart: where only one of two sentences has one, both may hold.
_CASES = re.compile(
    r"\b(?:except|unless|instead|additional|before|after|gold|silver|student|senior|express|abroad|"
    r"minimum|at least)\b",
    re.IGNORECASE,
)
_LEAST_SHARED = 2
#: With more quantities than this of one kind nobody can say which belong together.
_FEW = 2


@dataclass(frozen=True)
class ClausePair:
    """Two clauses of one company, in force together, that a policy's owner should look at.

    Attributes:
        one: A clause.
        other: One that stands after it.
        kind: How they disagree, or that they say nearly the same.
        one_quote: The sentence of ``one`` that it rests on, verbatim.
        other_quote: The sentence of ``other``, verbatim.
        why: One sentence.
        confidence: 0 to 1; how like the two sentences are, no calibrated probability.
    """

    one: Clause
    other: Clause
    kind: ConflictKind
    one_quote: str
    other_quote: str
    why: str
    confidence: float


def find_conflicts(view: PolicyView, embedder: Embedder) -> tuple[ClausePair, ...]:
    """Find pairs of clauses that disagree or say nearly the same.

    Args:
        view: Clauses in force.
        embedder: Of the view's vectors; embeds the sentences of clauses that are alike.

    Returns:
        Pairs, the surest first. A clause that names the other is an exception to it and no
        conflict.
    """
    sentences: dict[int, tuple[tuple[Sentence, ...], Floats]] = {}

    def read(row: int) -> tuple[tuple[Sentence, ...], Floats]:
        if row not in sentences:
            clause = view.clauses[row]
            parts = split_clause(clause)
            texts = [f"{clause.title}. {part.text}" for part in parts]
            sentences[row] = (parts, np.concatenate([embedder.embed([t]) for t in texts]))
        return sentences[row]

    out: list[ClausePair] = []
    for one, other in _candidates(view.vectors):
        first, second = view.clauses[one], view.clauses[other]
        if _names(first, second) or _names(second, first):
            continue
        found = _compare(first, second, read(one), read(other))
        if found is not None:
            out.append(found)
    return tuple(sorted(out, key=lambda pair: (-pair.confidence, pair.one.id, pair.other.id)))


def _names(one: Clause, other: Clause) -> bool:
    """Whether a clause names the other by its id."""
    return any(m.is_id and m.target == other.id for m in find_mentions(one.text))


def _candidates(vectors: Floats) -> Iterator[tuple[int, int]]:
    """Pairs of like clauses, the nearest first, at most 20,000."""
    found: list[tuple[float, int, int]] = []
    for begin in range(0, len(vectors), _BLOCK):
        likeness = vectors[begin : begin + _BLOCK] @ vectors.T
        for row, column in np.argwhere(likeness >= _LIKE_CLAUSES):
            if begin + row < column:
                found.append((float(likeness[row, column]), int(begin + row), int(column)))
    found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    for _, one, other in found[:_MOST_PAIRS]:
        yield one, other


def _compare(
    one: Clause,
    other: Clause,
    mine: tuple[tuple[Sentence, ...], Floats],
    theirs: tuple[tuple[Sentence, ...], Floats],
) -> ClausePair | None:
    """The surest disagreement between the sentences of two clauses, or None."""
    likeness = mine[1] @ theirs[1].T
    best: ClausePair | None = None
    for row, column in np.argwhere(likeness >= _LIKE_SENTENCES):
        a, b = mine[0][row], theirs[0][column]
        kind = _kind_of(a, b, float(likeness[row, column]), one, other)
        if kind is None:
            continue
        confidence = min(float(likeness[row, column]) / _SURE, 1.0)
        if best is None or confidence > best.confidence:
            best = ClausePair(
                one, other, kind, a.text, b.text, _why(kind, one, other), round(confidence, 3)
            )
    return best


def _kind_of(
    a: Sentence, b: Sentence, likeness: float, one: Clause, other: Clause
) -> ConflictKind | None:
    shared = set(content_words(a.text)) & set(content_words(b.text))
    if len(shared) < _LEAST_SHARED or _sets_apart(a.text, b.text, one, other):
        return None
    for kind, dimensions in (("amount", _AMOUNTS), ("window", _WINDOWS)):
        ours = [q for q in a.quantities if q.dimension in dimensions and q.unit != "bare"]
        others = [q for q in b.quantities if q.dimension in dimensions and q.unit != "bare"]
        pairs = [(p, q) for p in ours for q in others if _comparable(p, q)]
        if (
            pairs
            and max(len(ours), len(others)) <= _FEW
            and not any(p.agrees_with(q) for p, q in pairs)
        ):
            return kind  # type: ignore[return-value] # one of the two
    negated = cue_vector(a.text)[_NEGATION] != cue_vector(b.text)[_NEGATION]
    if negated and not a.quantities and not b.quantities and likeness >= _SAME_MEANING:
        return "eligibility"
    agree = len(a.quantities) == len(b.quantities) and all(
        any(q.agrees_with(p) for p in b.quantities) for q in a.quantities
    )
    return "duplicate" if agree and not negated and likeness >= _SURE else None


def _comparable(one: Quantity, other: Quantity) -> bool:
    return one.dimension == other.dimension and (one.dimension != "count" or one.unit == other.unit)


def _sets_apart(a: str, b: str, one: Clause, other: Clause) -> bool:
    """Whether words of one sentence or title, and not of the other, name another case."""
    mine = {m.group().lower() for m in _CASES.finditer(f"{one.title}. {a}")}
    theirs = {m.group().lower() for m in _CASES.finditer(f"{other.title}. {b}")}
    return mine != theirs


def _why(kind: ConflictKind, one: Clause, other: Clause) -> str:
    if kind == "duplicate":
        return f"{one.id} and {other.id} say nearly the same; keep it in one place."
    what = {
        "amount": "name different sums or counts for what reads as one thing",
        "window": "name different times for what reads as one thing",
        "eligibility": "read as if one allows what the other rules out",
    }[kind]
    return f"{one.id} and {other.id} {what}; say which holds, or when each does."

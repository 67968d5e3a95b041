"""The verdict on a promise: the decisive clause, its quote, the conditions checked, the reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Condition, Verdict
from analyzer.engines.embedded.clause_index import ClauseIndex, IndexedClause, Sentence
from analyzer.engines.embedded.heads import Heads
from analyzer.engines.embedded.pairs import (
    QUERY_NAMES,
    Comparison,
    Judged,
    Promise,
    judge_features,
    rank_features,
)
from analyzer.language.tokens import feature_tokens, ngrams

Floats = NDArray[np.float32]

_RETRIEVED = 10
#: Weight of each row of a promise's vectors beside the comparisons; the training uses the same.
VECTOR_SCALES = (3.0, 2.0, 2.0, 2.0, 2.0)
_MAX_QUOTE = 300


@dataclass(frozen=True)
class Judgement:
    """What is said of one promise.

    Attributes:
        verdict: The most likely of the five.
        clauses: Ids, the decisive one first; empty for ``not_addressed``.
        retrieved: Up to ten ids, best first.
        clause_quote: Verbatim from the decisive clause, or None.
        conditions: What was checked, each with whether it is met.
        why: One sentence.
        confidence: Probability of the verdict.
        conflict: Probability that it is a conflict.
        needs_review: Whether a person should look before relying on it.
    """

    verdict: Verdict
    clauses: tuple[str, ...]
    retrieved: tuple[str, ...]
    clause_quote: str | None
    conditions: tuple[Condition, ...]
    why: str
    confidence: float
    conflict: float
    needs_review: bool


def judge_grams(promise: Promise, judged: Judged) -> list[str]:
    """Word features of a promise, the words around it, and the sentence it is compared with."""
    return [
        *ngrams(feature_tokens(promise.quote), 2),
        *ngrams(feature_tokens(promise.call.turns[promise.turn].text), 3, prefix="turn:"),
        *ngrams(feature_tokens(promise.asked)[-12:], 1, prefix="asked:"),
        *ngrams(feature_tokens(promise.answer)[:16], 2, prefix="answer:"),
        *ngrams(feature_tokens(judged.sentence.text), 1, prefix="clause:"),
    ]


def judge_dense(values: list[float], queries: Floats) -> Floats:
    """The dense features of a verdict: comparisons first, then the vectors of the words around."""
    weighted = [VECTOR_SCALES[i] * row for i, row in enumerate(queries)]
    return np.concatenate([np.array(values, dtype=np.float32), *weighted]).astype(np.float32)


def rank_clauses(
    promise: Promise, queries: Floats, index: ClauseIndex, heads: Heads
) -> tuple[Floats, Floats, list[int]]:
    """Order the clauses by how likely each is the decisive one.

    Returns:
        The rank features, the probabilities ``(clauses,)``, and the order, best first.
    """
    features = rank_features(promise, queries, index)
    score = features @ heads["rank"].dense_weights[:, 0]
    exp = np.exp(score - score.max())
    relevance = (exp / exp.sum()).astype(np.float32)
    return features, relevance, [int(i) for i in np.argsort(-relevance, kind="stable")]


@dataclass(frozen=True)
class Thresholds:
    """Where the judge draws its lines; set by cross-validation, kept with the weights.

    Attributes:
        conflict: From here a mark is a conflict: the probability that it is a commitment at all, times
            the probability of conflict if it is.
        review_low: From here up to ``review_high`` a mark goes to review.
        review_high: See ``review_low``.
        relevance: Below this the decisive clause is too uncertain to do without a review.
    """

    conflict: float = 0.28
    review_low: float = 0.25
    review_high: float = 0.6
    relevance: float = 0.15


def judge(
    promise: Promise,
    queries: Floats,
    index: ClauseIndex,
    heads: Heads,
    limits: Thresholds,
    *,
    certainty: float = 1.0,
) -> Judgement:
    """Judge a promise against the clauses in force.

    Args:
        promise: The promise.
        queries: Vectors of its queries and of the customer's answer, ``(len(VECTOR_SCALES), d)``.
        index: The clauses.
        heads: Trained heads ``rank`` and ``verdict``.
        limits: Thresholds.
        certainty: How likely the promise is a commitment at all.

    Returns:
        The judgement; its quote and clause ids are from the index.
    """
    features, relevance, order = rank_clauses(promise, queries, index, heads)
    by_sentence = (queries[: len(QUERY_NAMES)] @ index.sentence_vectors.T).max(axis=0)
    values, judged = judge_features(promise, features, relevance, index, by_sentence, order)
    head = heads["verdict"]
    row = head.probabilities([judge_grams(promise, judged)], judge_dense(values, queries)[None])[0]
    p = {name: float(x) for name, x in zip(head.classes, row, strict=True)}
    item = index.items[order[0]]
    verdict, sure = _decide(p, judged, promise, limits, certainty)
    conflict = p["contradicted"] + p["exceeds_authority"]
    retrieved = tuple(index.items[i].clause.id for i in order[:_RETRIEVED])
    review = (limits.review_low <= conflict < limits.review_high and not sure) or (
        verdict != "not_addressed" and float(relevance[order[0]]) < limits.relevance
    )
    conditions = _conditions(promise, judged, item)
    if promise.position is None and verdict == "exceeds_authority":
        # Without the agent's position nobody can say what lies beyond their authority.
        verdict, review = "conditions_unverified", True
    why = _reason(verdict, promise, judged, item)
    if verdict == "not_addressed":
        return Judgement(
            verdict, (), retrieved, None, (), why, _confidence(p[verdict]), conflict, review
        )
    sentence = _quoted(judged, verdict)
    return Judgement(
        verdict, (item.clause.id,), retrieved, sentence.text[:_MAX_QUOTE].strip(), conditions, why,
        _confidence(max(p[verdict], 0.9 if sure else 0.0)), conflict, review,
    )  # fmt: skip


def _confidence(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 3)


def _decide(
    p: dict[str, float], judged: Judged, promise: Promise, limits: Thresholds, certainty: float
) -> tuple[Verdict, bool]:
    """The verdict and whether a computation settles it."""
    if judged.over_cap is not None and promise.kind != "assurance":
        return "exceeds_authority", True
    if judged.within_cap is not None:
        return "supported", True
    conflict = p["contradicted"] + p["exceeds_authority"]
    names: tuple[str, ...]
    if certainty * conflict >= limits.conflict:
        names = ("contradicted", "exceeds_authority")
    else:
        names = ("supported", "not_addressed", "conditions_unverified")
    return cast("Verdict", max(names, key=lambda n: p[n])), False


def _quoted(judged: Judged, verdict: str) -> Sentence:
    unequal = [c for c in judged.comparisons if c.relation != "equal"]
    if (
        verdict == "contradicted"
        and unequal
        and not any(c.relation == "equal" for c in judged.comparisons)
    ):
        return unequal[0].sentence
    return judged.sentence


def _spoken(promise: Promise, comparison: Comparison) -> str:
    return promise.quote[comparison.promised.start : comparison.promised.end]


def _written(comparison: Comparison) -> str:
    return comparison.sentence.text[comparison.allowed.start : comparison.allowed.end]


def _conditions(promise: Promise, judged: Judged, item: IndexedClause) -> tuple[Condition, ...]:
    """What the clause asks and the call shows: quantities, roles, and its other terms unseen."""
    out: list[Condition] = []
    for comparison in judged.comparisons:
        equal = comparison.relation == "equal"
        out.append(
            Condition(
                text=f"{item.clause.id} says {_written(comparison)}; promised: {_spoken(promise, comparison)}",
                met=equal or None
                if comparison.promised.dimension in {"money", "number"}
                else equal,
                turn=promise.turn,
            )
        )
    for found in (judged.day, judged.sum):
        if found is not None:
            out.append(Condition(text=found.how, met=found.agrees or None, turn=promise.turn))
    if judged.over_cap is not None:
        out.append(
            Condition(
                text=f"a {promise.position} may grant {judged.over_cap.text}",
                met=False,
                turn=promise.turn,
            )
        )
    elif judged.within_cap is not None:
        out.append(
            Condition(
                text=f"a {promise.position} may grant {judged.within_cap.text}",
                met=True,
                turn=promise.turn,
            )
        )
    if judged.reserved:
        out.append(
            Condition(
                text=f"for the {judged.reserved[0]} to grant",
                met=False if promise.position else None,
            )
        )
    condition = next((s for s in item.sentences if s.cues and _conditional(s)), None)
    if condition and len(out) < 4:  # noqa: PLR2004
        out.append(Condition(text=_short(condition.text, 160), met=None))
    return tuple(out)


def _conditional(sentence: Sentence) -> bool:
    low = f" {sentence.text.lower()} "
    return any(
        w in low
        for w in (" if ", " where ", " provided ", " unless ", " upon ", " once ", " only ")
    )


def _reason(verdict: Verdict, promise: Promise, judged: Judged, item: IndexedClause) -> str:
    name = f"{item.clause.id} ({item.clause.title})" if item.clause.title else item.clause.id
    unequal = next((c for c in judged.comparisons if c.relation != "equal"), None)
    equal = next((c for c in judged.comparisons if c.relation == "equal"), None)
    role = promise.position or "an agent of unknown position"
    if judged.over_cap is not None and verdict == "exceeds_authority":
        about = judged.over_cap.about.rstrip(".")
        return f"{name} lets a {role} grant {judged.over_cap.text} at most ({about}); more was promised."
    if verdict == "exceeds_authority":
        who = f"the {judged.reserved[0]}" if judged.reserved else "somebody else"
        return f"{name} leaves this to {who}; it was promised by a {role}."
    if verdict == "contradicted":
        if unequal and not equal:
            return f"{name} says “{_written(unequal)}” where “{_spoken(promise, unequal)}” was promised."
        return f"{name} sets other terms: “{_short(judged.sentence.text)}”."
    if verdict == "supported":
        if judged.within_cap is not None:
            return f"{name} lets a {role} grant {judged.within_cap.text}, and no more was promised."
        worked = next((w for w in (judged.day, judged.sum) if w is not None and w.agrees), None)
        if worked:
            return f"{name} allows it: {worked.how}."
        if equal:
            return f"{name} allows it: it says “{_written(equal)}”, as promised."
        return f"{name} speaks to it and nothing said goes against it: “{_short(judged.sentence.text)}”."
    if verdict == "conditions_unverified":
        if promise.position is None and judged.reserved:
            return f"{name} leaves this to the {judged.reserved[0]}, and the call does not say who the agent is."
        return f"{name} allows it under conditions that the call does not show to be met."
    return f"No clause in force speaks to it; the nearest is {name}."


def _short(text: str, most: int = 140) -> str:
    """A sentence cut at a word, its final stop left off."""
    text = " ".join(text.split()).rstrip(".")
    if len(text) <= most:
        return text
    return text[:most].rsplit(" ", 1)[0] + " …"


def known_days(promise: Promise) -> list[dt.date]:
    """Days named in full in the call up to the promise, for days that it names in short."""
    from analyzer.language.dates import find_days

    if promise.call.date is None:
        return []
    out: list[dt.date] = []
    for turn in promise.call.turns[: promise.turn + 1]:
        out += [d.day for d in find_days(turn.text, promise.call.date) if d.end - d.start > 8]  # noqa: PLR2004
    return out

"""The verdict on a promise: the decisive clause, its quote, the conditions checked, the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import CONFLICTS, Condition, Verdict
from analyzer.engines.embedded.clause_index import (
    ClauseIndex,
    IndexedClause,
    Sentence,
    split_clause,
)
from analyzer.engines.embedded.explanations import (
    conditions_of,
    quoted_sentence,
    reason_for,
)
from analyzer.engines.embedded.heads import Heads
from analyzer.engines.embedded.pairs import (
    QUERY_NAMES,
    RANK_FEATURES,
    Judged,
    Promise,
    agrees,
    find_authority,
    judge_features,
    judge_pair,
    names_own_role,
    rank_features,
)
from analyzer.engines.embedded.transitions import Kept, find_kept
from analyzer.language.cues import CUE_NAMES, cue_vector
from analyzer.language.references import find_transitions
from analyzer.language.tokens import content_words, feature_tokens, ngrams
from analyzer.policy_book import WEAK_LIKENESS, earlier_id

Floats = NDArray[np.float32]

_RETRIEVED = 10
#: Rows of a promise's vectors that stand beside the comparisons (quote, asked, turn, around, and
#: the customer's answer), each with its weight; the training uses the same.
VECTOR_SCALES = {0: 3.0, 1: 2.0, 2: 2.0, 3: 2.0, len(QUERY_NAMES): 2.0}
_MAX_QUOTE = 300
#: "No charge" denies nothing: the clause may say "free" for it.
_AT_NO_COST = re.compile(r"\bno (?:charges?|costs?|fees?|problem|worries|rush)\b", re.IGNORECASE)
#: A promise that repeats the clause in so many and such a share of its content words echoes it, and
#: is called a conflict only from the higher threshold.
_ECHO_WORDS, _ECHO_SHARE, _AGAINST_ECHO = 2, 0.6, 0.6
#: The least confidence in a verdict that a computation settles.
_SETTLED = 0.9


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
    weighted = [scale * queries[row] for row, scale in VECTOR_SCALES.items()]
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
        conflict: From here a mark is a conflict: the probability that it is a commitment at all,
            times the probability of conflict if it is.
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
        queries: Vectors of its queries and of the customer's answer, ``(len(QUERY_NAMES) + 1, d)``.
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
    authority = find_authority(promise, index.items)
    if authority is not None and authority != order[0]:
        # Goodwill is judged by the clause on authority, whatever the words are nearest to.
        order = [authority, *(i for i in order if i != authority)]
        judged = judge_pair(
            promise, index.items[authority], by_sentence[index.items[authority].rows]
        )
    item = index.items[order[0]]
    verdict, sure = _decide(p, judged, promise, item, limits, certainty)
    conflict = p["contradicted"] + p["exceeds_authority"]
    retrieved = tuple(index.items[i].clause.id for i in order[:_RETRIEVED])
    flagged = verdict in CONFLICTS
    uncertain = (flagged or limits.review_low <= conflict) and conflict < limits.review_high
    far = verdict != "not_addressed" and float(relevance[order[0]]) < limits.relevance
    # The terms that could be compared agree: the conflict, if it is one, lies elsewhere.
    doubtful = verdict == "contradicted" and agrees(judged)
    # Nothing was compared, and the clause narrows what it allows: the call may fail it unseen.
    cues = dict(zip(CUE_NAMES, judged.sentence.cues, strict=True))
    unseen = verdict == "supported" and not judged.comparisons and bool(cues["restrict"])
    review = not sure and (uncertain or far or doubtful or unseen)
    best = float(features[order[0], RANK_FEATURES.index("best_any")])
    if verdict == "supported" and not sure and best < WEAK_LIKENESS:
        # Nothing that was found comes near what was promised, so nothing supports it.
        verdict, review = "not_addressed", True
    conditions = conditions_of(promise, judged, item)
    if promise.position is None and verdict == "exceeds_authority":
        # Without the agent's position nobody can say what lies beyond their authority.
        verdict, review = "conditions_unverified", True
    why = reason_for(verdict, promise, judged, item)
    if verdict == "not_addressed":
        return Judgement(
            verdict=verdict,
            clauses=(),
            retrieved=retrieved,
            clause_quote=None,
            conditions=(),
            why=why,
            confidence=_confidence(p[verdict]),
            conflict=conflict,
            needs_review=review,
        )
    found = Judgement(
        verdict=verdict,
        clauses=(item.clause.id,),
        retrieved=retrieved,
        clause_quote=quoted_sentence(judged, verdict).text[:_MAX_QUOTE].strip(),
        conditions=conditions,
        why=why,
        confidence=_confidence(max(p[verdict], _SETTLED if sure else 0.0)),
        conflict=conflict,
        needs_review=review,
    )
    kept = None if sure else find_kept(promise.call, item.clause, index.view)
    return found if kept is None else _by_earlier_terms(kept, promise, queries, index, found)


def _by_earlier_terms(
    kept: Kept, promise: Promise, queries: Floats, index: ClauseIndex, found: Judgement
) -> Judgement:
    """The judgement of a promise that a clause in force leaves to the terms of its time.

    The terms are compared with the earlier clause; a person looks at it in any case.
    """
    item, vectors = index.earlier(kept.clause)
    judged = judge_pair(promise, item, (queries[: len(QUERY_NAMES)] @ vectors.T).max(axis=0))
    verdict = found.verdict
    if judged.comparisons:
        verdict = "supported" if agrees(judged) else "contradicted"
    said = find_transitions(kept.rule.text)
    start = said[0].start if said else 0
    sentences = split_clause(kept.rule)
    quote = next((s.text for s in sentences if s.start <= start < s.end), sentences[0].text)
    return replace(
        found,
        verdict=verdict,
        clauses=(kept.rule.id, earlier_id(kept.clause)),
        clause_quote=quote[:_MAX_QUOTE].strip(),
        conditions=conditions_of(promise, judged, item),
        why=(
            f"{kept.rule.id} keeps the earlier terms for what was agreed before "
            f"{kept.transition.before}, and the call names {kept.agreed}; then {kept.clause.id} "
            f"said “{' '.join(judged.sentence.text.split())[:_MAX_QUOTE]}”."
        ),
        needs_review=True,
    )


def _confidence(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 3)


def echoes(promise: Promise, sentence: Sentence) -> bool:
    """Whether a promise says in most of its words what the sentence says, both negated or not."""
    mine, theirs = set(content_words(promise.quote)), set(content_words(sentence.text))
    negation = CUE_NAMES.index("negation")
    ours, others = (
        cue_vector(_AT_NO_COST.sub(" ", text))[negation] for text in (promise.quote, sentence.text)
    )
    if ours != others:
        return False
    return len(mine) >= _ECHO_WORDS and len(mine & theirs) >= _ECHO_SHARE * len(mine)


def _decide(
    p: dict[str, float],
    judged: Judged,
    promise: Promise,
    item: IndexedClause,
    limits: Thresholds,
    certainty: float,
) -> tuple[Verdict, bool]:
    """The verdict and whether a computation settles it."""
    if judged.over_cap is not None:
        return "exceeds_authority", True
    if judged.within_cap is not None:
        return "supported", True
    # Beyond authority is a claim about roles: without a role that the clause keeps it for, it has
    # no ground, and where the clause names the agent's own role it speaks for the agent.
    grounded = bool(judged.reserved)
    own = not grounded and names_own_role(promise, item)
    conflict = p["contradicted"] + (0.0 if own else p["exceeds_authority"])
    names: tuple[str, ...]
    least = _AGAINST_ECHO if echoes(promise, judged.sentence) else limits.conflict
    if certainty * conflict >= least:
        names = ("contradicted", "exceeds_authority") if grounded else ("contradicted",)
    else:
        names = ("supported", "not_addressed", "conditions_unverified")
    return cast("Verdict", max(names, key=lambda n: p[n])), False

"""Fits the heads, each by regularised logistic regression or as a listwise ranker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from examples import Example, Pair
from feature_tables import Rows, SegmentTable, TurnTable
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from analyzer.engines.embedded.commitments import join_features
from analyzer.engines.embedded.heads import Head
from analyzer.engines.embedded.pairs import JUDGE_FEATURES, QUERY_NAMES, judge_features
from analyzer.engines.embedded.verdicts import judge_dense, judge_grams

Floats = NDArray[np.float32]


def fit_head(
    grams: Sequence[Sequence[str]], dense: Floats, labels: Sequence[str], *, strength: float,
    least_seen: int, gram_scale: float = 1.0, standardise: int = 0,
    classes: tuple[str, ...] | None = None, weights: Floats | None = None,
) -> Head:  # fmt: skip
    """Fit one head by regularised logistic regression.

    Args:
        grams: Word features of each item.
        dense: Their dense features ``(n, d)``.
        labels: One label an item.
        strength: Inverse of the L2 penalty.
        least_seen: A word feature has to occur in so many items.
        gram_scale: Weight of a word feature in the penalty.
        standardise: So many leading dense features are scaled to a variance of a quarter; folded
            into the weights.
        classes: Order of the classes; two classes give columns (not, yes).
        weights: Sample weights.
    """
    counter = CountVectorizer(analyzer=list, min_df=least_seen, binary=True, lowercase=False)
    try:
        words = counter.fit_transform(grams)
        vocabulary = {g: int(i) for g, i in counter.vocabulary_.items()}
    except ValueError:
        words, vocabulary = sp.csr_matrix((len(grams), 0)), {}
    mean, spread = np.zeros(dense.shape[1]), np.ones(dense.shape[1])
    if standardise:
        mean[:standardise] = dense[:, :standardise].mean(axis=0)
        spread[:standardise] = 2 * (dense[:, :standardise].std(axis=0) + 1e-2)
    matrix = sp.hstack([gram_scale * words, sp.csr_matrix((dense - mean) / spread)]).tocsr()
    model = LogisticRegression(C=strength, max_iter=600).fit(matrix, labels, sample_weight=weights)
    coefficients, bias = model.coef_, model.intercept_
    found = [str(c) for c in model.classes_]
    if len(found) == 2:
        coefficients = np.vstack([np.zeros_like(coefficients[0]), coefficients[0]])
        bias = np.array([0.0, bias[0]])
    order = [found.index(c) for c in (classes or tuple(found))]
    coefficients, bias = coefficients[order], bias[order]
    n = len(vocabulary)
    dense_weights = coefficients[:, n:] / spread
    return Head(
        classes=classes or tuple(found),
        vocabulary=vocabulary,
        gram_weights=(gram_scale * coefficients[:, :n].T).astype(np.float32),
        dense_weights=dense_weights.T.astype(np.float32),
        bias=(bias - dense_weights @ mean).astype(np.float32),
    )


def fit_marks(table: SegmentTable, rows: Rows) -> Head:
    """The head that says whether a segment carries a commitment."""
    return fit_head(
        [table.grams[i] for i in rows], table.dense[rows],
        ["yes" if table.labels[i] >= 0 else "no" for i in rows],
        strength=0.2, least_seen=3, classes=("no", "yes"),
    )  # fmt: skip


def fit_joins(examples: Sequence[Example]) -> Head:
    """The head that says whether two neighbouring segments carry one commitment."""
    grams, hand, labels = [], [], []
    for example in examples:
        segments = example.reading.segments
        for i in range(1, len(segments)):
            before, here = example.marks[i - 1], example.marks[i]
            if segments[i].turn != segments[i - 1].turn or before < 0 or here < 0:
                continue
            words, numbers = join_features(example.reading, i)
            grams.append(words)
            hand.append(numbers)
            labels.append("yes" if before == here else "no")
    return fit_head(
        grams,
        np.array(hand, dtype=np.float32),
        labels,
        strength=0.1,
        least_seen=3,
        classes=("no", "yes"),
    )


def fit_labels(examples: Sequence[Example], table: SegmentTable, field: str) -> Head:
    """A head for a field of the marks (kind, strength), fitted on the segments that carry them."""
    rows = np.flatnonzero(table.labels >= 0)
    labels = [
        str(examples[table.owner[i]].record["commitments"][table.labels[i]][field]) for i in rows
    ]
    return fit_head(
        [table.grams[i] for i in rows], table.dense[rows], labels, strength=0.1, least_seen=3
    )


def fit_walls(table: TurnTable, rows: Rows) -> Head:
    """The head that says whether a turn lies in a stonewalled span."""
    return fit_head(
        [table.grams[i] for i in rows], table.dense[rows],
        ["yes" if table.inside[i] else "no" for i in rows],
        strength=0.15, least_seen=4, gram_scale=0.5, classes=("no", "yes"),
    )  # fmt: skip


def fit_tactics(table: TurnTable) -> Head:
    """A head over the tactics; a turn counts for each tactic of its span, in equal shares."""
    rows, labels, weights = [], [], []
    for i in np.flatnonzero(table.inside):
        for tactic in table.tactics[i]:
            rows.append(i)
            labels.append(tactic)
            weights.append(1 / len(table.tactics[i]))
    return fit_head(
        [table.grams[i] for i in rows], table.dense[rows], labels, strength=0.1, least_seen=4,
        gram_scale=0.5, weights=np.array(weights, dtype=np.float32),
    )  # fmt: skip


def fit_rank(pairs: Sequence[Pair], *, penalty: float = 0.01, steps: int = 300) -> Head:
    """Listwise ranker: softmax over the clauses, the decisive one as target.

    Source:
        Cao et al., Learning to Rank: From Pairwise to Listwise Approach, ICML 2007.
    """
    used = [p for p in pairs if p.gold >= 0]
    stacked = np.vstack([p.features for p in used]).astype(np.float64)
    mean, spread = stacked.mean(axis=0), stacked.std(axis=0) + 1e-3
    stacked = (stacked - mean) / spread
    sizes = np.array([len(p.features) for p in used])
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    of = np.repeat(np.arange(len(used)), sizes)
    target = np.zeros(len(stacked))
    for offset, pair in zip(offsets, used, strict=True):
        target[offset + pair.gold] = 1.0
        for other in pair.others:
            target[offset + other] = 0.3
    target /= np.add.reduceat(target, offsets)[of]
    weights = np.zeros(stacked.shape[1])
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        scores = stacked @ weights
        exp = np.exp(scores - np.maximum.reduceat(scores, offsets)[of])
        share = exp / np.add.reduceat(exp, offsets)[of]
        gradient = stacked.T @ (share - target) / len(used) + penalty * weights
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        weights -= 0.05 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return Head(
        classes=("score",),
        vocabulary={},
        gram_weights=np.zeros((0, 1), dtype=np.float32),
        dense_weights=(weights / spread)[:, None].astype(np.float32),
        bias=np.zeros(1, dtype=np.float32),
    )


def relevance_of(pair: Pair, rank: Head) -> tuple[Floats, list[int]]:
    """The ranker's probabilities for a pair's clauses, and their order."""
    score = pair.features @ rank.dense_weights[:, 0]
    exp = np.exp(score - score.max())
    relevance = (exp / exp.sum()).astype(np.float32)
    return relevance, [int(i) for i in np.argsort(-relevance, kind="stable")]


def verdict_rows(pairs: Sequence[Pair], rank: Head) -> tuple[list[list[str]], Floats]:
    """Features of the verdict head, with the clause that the ranker puts first."""
    grams, rows = [], []
    for pair in pairs:
        relevance, order = relevance_of(pair, rank)
        by_sentence = (pair.queries[: len(QUERY_NAMES)] @ pair.index.sentence_vectors.T).max(axis=0)
        values, judged = judge_features(
            pair.promise, pair.features, relevance, pair.index, by_sentence, order
        )
        rows.append(judge_dense(values, pair.queries))
        grams.append(judge_grams(pair.promise, judged))
    return grams, np.stack(rows)


def fit_verdicts(grams: list[list[str]], dense: Floats, labels: Sequence[str]) -> Head:
    """The head over the five verdicts."""
    return fit_head(
        grams, dense, labels, strength=0.04, least_seen=3, standardise=len(JUDGE_FEATURES)
    )

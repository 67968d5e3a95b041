"""Trains the head that tells clauses that disagree, on labelled pairs and on whole policies."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.engines.embedded.heads import Head
from analyzer.policy_book import PolicyBook
from analyzer.policy_health.comparisons import compare_clauses, read_clause
from analyzer.policy_health.conflicts import (
    FINE,
    LIKE_CLAUSES,
    SOFTNESS,
    names,
    pair_probabilities,
)
from analyzer.readers.policies import read_policies

Floats = NDArray[np.float32]

HERE = Path(__file__).parent
PAIRS = HERE / "clause_pairs.jsonl"
CLASSES = (FINE, "amount", "window", "eligibility", "duplicate")
#: Days on which the companies' policies are looked at, each with other versions in force.
DAYS = (dt.date(2025, 6, 1), dt.date(2026, 6, 1))
#: What two clauses of one policy, meant to agree, count for beside a labelled pair.
UNLABELLED_WEIGHT = 0.5
PENALTY, STEPS, RATE = 0.02, 500, 0.05


@dataclass(frozen=True)
class LabelledPair:
    """Two clauses.

    Attributes:
        features: Of each two of their sentences, ``(n, d)``.
        label: One of :data:`CLASSES`.
        weight: What it counts for.
    """

    features: Floats
    label: str
    weight: float = 1.0


def read_labelled(path: Path, embedder: Embedder) -> list[LabelledPair]:
    """The labelled pairs of a file."""
    out: list[LabelledPair] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        one, other = (Clause(company="pair", **row[side]) for side in ("one", "other"))
        vectors = [embedder.embed([clause.embedded_text])[0] for clause in (one, other)]
        alike = float(vectors[0] @ vectors[1])
        features, _ = compare_clauses(
            read_clause(one, embedder), read_clause(other, embedder), alike
        )
        out.append(LabelledPair(features, row["label"]))
    return out


def read_companies(folder: Path, embedder: Embedder) -> list[LabelledPair]:
    """Like clauses in force together of whole policies, which are meant to agree."""
    book = PolicyBook.from_documents(read_policies(folder).documents, embedder)
    out: list[LabelledPair] = []
    done: set[tuple[Clause, Clause]] = set()
    for company in book.companies:
        for day in DAYS:
            view = book.view(company, day)
            read = [read_clause(clause, embedder) for clause in view.clauses]
            likeness = view.vectors @ view.vectors.T
            for i, j in np.argwhere(np.triu(likeness, 1) >= LIKE_CLAUSES):
                one, other = view.clauses[i], view.clauses[j]
                if (one, other) in done or names(one, other) or names(other, one):
                    continue
                done.add((one, other))
                features, _ = compare_clauses(read[i], read[j], float(likeness[i, j]))
                out.append(LabelledPair(features, FINE, UNLABELLED_WEIGHT))
    return out


def fit_clause_pairs(pairs: Sequence[LabelledPair]) -> Head:
    """Fit the head: softmax over the classes, each the soft maximum over two clauses' sentences.

    Source:
        As :func:`analyzer.policy_health.conflicts.find_conflicts`; Adam: Kingma and Ba, 2015.
    """
    stacked = np.vstack([p.features for p in pairs]).astype(np.float64)
    mean, spread = stacked.mean(axis=0), stacked.std(axis=0) + 0.05
    stacked = (stacked - mean) / spread
    sizes = np.array([len(p.features) for p in pairs])
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    of = np.repeat(np.arange(len(pairs)), sizes)
    labels = np.array([CLASSES.index(p.label) for p in pairs])
    share = np.array([p.weight for p in pairs])
    share /= share.sum()
    weights = np.zeros((stacked.shape[1] + 1, len(CLASSES)))  # the last row is the bias
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        each = stacked @ weights[:-1]
        most = np.maximum.reduceat(each, offsets)
        exp = np.exp((each - most[of]) / SOFTNESS)
        total = np.add.reduceat(exp, offsets)
        score = most + SOFTNESS * np.log(total) + weights[-1]
        score[:, 0] = weights[-1, 0]
        probability = np.exp(score - score.max(axis=1, keepdims=True))
        probability /= probability.sum(axis=1, keepdims=True)
        slope = probability
        slope[np.arange(len(labels)), labels] -= 1
        slope *= share[:, None]
        gradient = np.vstack(
            [
                stacked.T @ (exp / total[of] * slope[of]) + PENALTY / 10 * weights[:-1],
                slope.sum(axis=0)[None],
            ]
        )
        gradient[:-1, 0] = 0
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        weights -= RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    dense = weights[:-1] / spread[:, None]
    # Scaling's shift is the same for every two sentences, so it goes into the bias.
    bias = weights[-1] - mean @ dense
    bias[0] = weights[-1, 0]
    return Head(
        classes=CLASSES,
        vocabulary={},
        gram_weights=np.zeros((0, len(CLASSES)), dtype=np.float32),
        dense_weights=dense.astype(np.float32),
        bias=bias.astype(np.float32),
    )


def measure_pairs(
    pairs: Sequence[LabelledPair], others: Sequence[LabelledPair], folds: int = 5
) -> Floats:
    """The probability of each pair not to be fine, from heads that did not see it, ``(n,)``."""
    fold = np.random.default_rng(0).permutation(len(pairs)) % folds
    out = np.zeros(len(pairs), dtype=np.float32)
    for k in range(folds):
        head = fit_clause_pairs([*(p for p, f in zip(pairs, fold, strict=True) if f != k), *others])
        for i in map(int, np.flatnonzero(fold == k)):
            out[i] = 1 - pair_probabilities(pairs[i].features, head)[0][0]
    return out

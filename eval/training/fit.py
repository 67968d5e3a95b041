"""Trains the heads of the embedded engine: ``python eval/training/fit.py``.

Reads the labelled calls under ``companies/``, fits every head, sets the thresholds by
cross-validation over the companies, and writes ``analyzer/data/heads.npz`` with what was measured.
Nothing under ``../shared/gold`` is read.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.commitments import DraftMark, join_features, segment_dense
from analyzer.engines.embedded.engine import query_vectors
from analyzer.engines.embedded.heads import HEADS_PATH, Head, save_heads
from analyzer.engines.embedded.pairs import (
    JUDGE_FEATURES,
    QUERY_NAMES,
    Promise,
    describe_promise,
    judge_features,
    rank_features,
)
from analyzer.engines.embedded.reading import CallReading, read_call, segment_ngrams, turn_ngrams
from analyzer.engines.embedded.stonewalls import turn_dense
from analyzer.engines.embedded.verdicts import judge_dense, judge_grams
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import markup  # noqa: E402 - it lies beside this file, which is no package

Floats = NDArray[np.float32]
CONFLICTS = {"contradicted", "exceeds_authority"}
FOLDS = 6
#: A mark is called a conflict only where commitment and conflict together are this likely. Over
#: labelled marks a lower threshold has the best F1, but there every mark is one.
CONFLICT_LEAST = 0.26


@dataclass
class Example:
    """A labelled call, read."""

    record: dict[str, Any]
    reading: CallReading
    marks: NDArray[np.int64]


@dataclass
class Pair:
    """A labelled promise with its queries and the clauses of its day."""

    company: str
    mark: dict[str, Any]
    promise: Promise
    queries: Floats
    index: ClauseIndex
    features: Floats
    gold: int
    others: list[int]


def load_examples() -> tuple[list[Example], list[Pair]]:
    """Read every company's calls and pair its promises with its clauses."""
    embedder = packaged_embedder()
    examples: list[Example] = []
    pairs: list[Pair] = []
    for folder in sorted(p for p in (HERE / "companies").iterdir() if (p / "calls.txt").is_file()):
        book = PolicyBook.from_documents(read_policies(folder / "policies").documents, embedder)
        company = next(iter(book.companies))
        indexes: dict[str, ClauseIndex] = {}
        for record in markup.check(folder):
            call = Call.model_validate(
                {k: v for k, v in record.items() if k not in {"commitments", "stonewalls", "links"}}
            )
            reading = read_call(call, embedder)
            examples.append(Example(record, reading, segment_labels(record, reading)))
            view = book.view(company, dt.date.fromisoformat(record["date"]))
            if view.version not in indexes:
                indexes[view.version] = ClauseIndex(view, embedder)
            pairs += [
                make_pair(folder.name, mark, reading, indexes[view.version])
                for mark in record["commitments"]
                if mark["strength"] != "hedged" and mark["verdict"]
            ]
    return examples, pairs


def make_pair(company: str, mark: dict[str, Any], reading: CallReading, index: ClauseIndex) -> Pair:
    """A labelled mark as the engine would see it."""
    promise = describe_promise(
        reading.call, mark["turn"], mark["quote"], mark["kind"], mark["strength"]
    )
    draft = draft_of(mark, reading)
    queries = query_vectors(reading, draft, promise)
    ids = [item.clause.id for item in index.items]
    named = [ids.index(c) for c in mark["clauses"] if c in ids]
    return Pair(
        company, mark, promise, queries, index, rank_features(promise, queries, index),
        named[0] if named else -1, named[1:],
    )  # fmt: skip


def draft_of(mark: dict[str, Any], reading: CallReading) -> DraftMark:
    """A labelled mark as the draft that finding it would have made."""
    text = reading.call.turns[mark["turn"]].text
    start = text.find(mark["quote"])
    end = start + len(mark["quote"])
    rows, weights = [], []
    for i in reading.by_turn[mark["turn"]]:
        s = reading.segments[i].segment
        shared = min(end, s.end) - max(start, s.start)
        if shared > 0:
            rows.append(i)
            weights.append(shared)
    mean = (reading.vectors[rows] * np.array(weights, dtype=np.float32)[:, None]).sum(axis=0)
    vector = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return DraftMark(
        mark["turn"],
        start,
        end,
        mark["quote"],
        tuple(rows),
        1.0,
        mark["kind"],
        mark["strength"],
        vector,
    )


def segment_labels(record: dict[str, Any], reading: CallReading) -> NDArray[np.int64]:
    """For each segment the index of the mark that it carries, or -1.

    A segment carries a mark if half of it lies in the quote, or most of the quote in it.
    """
    labels = np.full(len(reading.segments), -1, dtype=np.int64)
    for number, mark in enumerate(record["commitments"]):
        text = record["turns"][mark["turn"]]["text"]
        start = text.find(mark["quote"])
        end = start + len(mark["quote"])
        best: tuple[int, int] | None = None
        hit = False
        for i in reading.by_turn[mark["turn"]]:
            s = reading.segments[i].segment
            shared = min(end, s.end) - max(start, s.start)
            if shared <= 0:
                continue
            if shared >= 0.5 * (s.end - s.start) or shared >= 0.6 * (end - start):
                labels[i] = number
                hit = True
            if best is None or shared > best[0]:
                best = (shared, i)
        if not hit and best:
            labels[best[1]] = number
    return labels


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
        classes or tuple(found), vocabulary, (gram_scale * coefficients[:, :n].T).astype(np.float32),
        dense_weights.T.astype(np.float32),
        (bias - dense_weights @ mean).astype(np.float32),
    )  # fmt: skip


# --- commitments ------------------------------------------------------------------------------


@dataclass
class SegmentTable:
    """Features of all segments of the examples, with the example each is from."""

    grams: list[list[str]]
    dense: Floats
    owner: NDArray[np.int64]
    labels: NDArray[np.int64]


def segment_table(examples: Sequence[Example]) -> SegmentTable:
    """Gather the features of every segment."""
    grams, dense, owner, labels = [], [], [], []
    for number, example in enumerate(examples):
        count = len(example.reading.segments)
        if not count:
            continue
        grams += [segment_ngrams(example.reading, i) for i in range(count)]
        dense.append(segment_dense(example.reading))
        owner += [number] * count
        labels.append(example.marks)
    return SegmentTable(grams, np.vstack(dense), np.array(owner), np.concatenate(labels))


def fit_marks(table: SegmentTable, rows: NDArray[np.int64]) -> Head:
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


# --- stonewalls -------------------------------------------------------------------------------


@dataclass
class TurnTable:
    """Features of all agent turns."""

    grams: list[list[str]]
    dense: Floats
    owner: NDArray[np.int64]
    turns: NDArray[np.int64]
    inside: NDArray[np.bool_]
    tactics: list[tuple[str, ...]]


def turn_table(
    examples: Sequence[Example], probability: NDArray[np.float64], table: SegmentTable
) -> TurnTable:
    """Gather the features of every agent turn; mark probabilities are out of fold."""
    grams, dense, owner, turns, inside, tactics = [], [], [], [], [], []
    for number, example in enumerate(examples):
        rows = np.flatnonzero(table.owner == number)
        marks: dict[int, float] = {}
        for row, item in zip(rows, example.reading.segments, strict=True):
            marks[item.turn] = max(marks.get(item.turn, 0.0), float(probability[row]))
        for turn in example.reading.call.turns:
            if turn.role != "agent" or not example.reading.by_turn[turn.turn]:
                continue
            grams.append(turn_ngrams(example.reading, turn.turn))
            dense.append(turn_dense(example.reading, turn.turn, marks))
            owner.append(number)
            turns.append(turn.turn)
            walls = [w for w in example.record["stonewalls"] if w["start"] <= turn.turn <= w["end"]]
            inside.append(bool(walls))
            tactics.append(tuple(t for w in walls for t in w["tactics"]))
    return TurnTable(
        grams, np.stack(dense), np.array(owner), np.array(turns), np.array(inside), tactics
    )


def fit_walls(table: TurnTable, rows: NDArray[np.int64]) -> Head:
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


# --- clauses and verdicts ---------------------------------------------------------------------


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
        ("score",), {}, np.zeros((0, 1), dtype=np.float32),
        (weights / spread)[:, None].astype(np.float32), np.zeros(1, dtype=np.float32),
    )  # fmt: skip


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


# --- all together -----------------------------------------------------------------------------


def folds(groups: Sequence[str]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Folds in which no company is on both sides."""
    count = min(FOLDS, len(set(groups)))
    return list(GroupKFold(count).split(np.zeros(len(groups)), groups=groups))


def best_threshold(probability: Floats, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """The threshold with the best F1, and that F1."""
    scored = []
    for t in np.arange(0.15, 0.75, 0.01):
        said = probability >= t
        total = said.sum() + truth.sum()
        scored.append((2 * (said & truth).sum() / total if total else 0.0, round(float(t), 2)))
    f1, threshold = max(scored)
    return threshold, float(f1)


def train() -> tuple[dict[str, Head], dict[str, Any]]:
    """Fit every head and measure it out of fold.

    Returns:
        The heads by name, and what is to be kept with them.
    """
    started = time.time()
    examples, pairs = load_examples()
    companies = [e.record["company"] for e in examples]
    table = segment_table(examples)
    by_segment = [companies[i] for i in table.owner]
    held_out = np.zeros(len(table.owner))
    for fit, test in folds(by_segment):
        head = fit_marks(table, fit)
        held_out[test] = head.probabilities([table.grams[i] for i in test], table.dense[test])[:, 1]
    mark_threshold, mark_f1 = best_threshold(held_out, table.labels >= 0)
    turns = turn_table(examples, held_out, table)
    walls = np.zeros(len(turns.owner))
    for fit, test in folds([companies[i] for i in turns.owner]):
        head = fit_walls(turns, fit)
        walls[test] = head.probabilities([turns.grams[i] for i in test], turns.dense[test])[:, 1]
    wall_threshold, wall_f1 = best_threshold(walls, turns.inside)
    owners = [p.company for p in pairs]
    labels = np.array([p.mark["verdict"] for p in pairs])
    first, five = [], []
    dense = np.zeros((len(pairs), len(JUDGE_FEATURES) + pairs[0].queries.size), dtype=np.float32)
    grams: list[list[str]] = [[] for _ in pairs]
    for fit, test in folds(owners):
        rank = fit_rank([pairs[i] for i in fit])
        words, numbers = verdict_rows([pairs[i] for i in test], rank)
        for row, i in enumerate(test):
            grams[i], dense[i] = words[row], numbers[row]
            if pairs[i].gold >= 0:
                order = relevance_of(pairs[i], rank)[1]
                first.append(order[0] == pairs[i].gold)
                five.append(pairs[i].gold in order[:5])
    conflict = np.zeros(len(pairs))
    right = []
    for fit, test in folds(owners):
        head = fit_verdicts([grams[i] for i in fit], dense[fit], labels[fit])
        p = head.probabilities([grams[i] for i in test], dense[test])
        conflict[test] = sum(p[:, head.classes.index(c)] for c in sorted(CONFLICTS))
        right += list(np.array(head.classes)[p.argmax(axis=1)] == labels[test])
    conflict_threshold, conflict_f1 = best_threshold(conflict, np.isin(labels, list(CONFLICTS)))
    everything = np.arange(len(table.owner))
    heads = {
        "mark": fit_marks(table, everything),
        "join": fit_joins(examples),
        "kind": fit_labels(examples, table, "kind"),
        "strength": fit_labels(examples, table, "strength"),
        "wall": fit_walls(turns, np.arange(len(turns.owner))),
        "tactic": fit_tactics(turns),
        "rank": fit_rank(pairs),
        "verdict": fit_verdicts(grams, dense, labels),
    }
    digest = hashlib.sha256()
    for path in sorted((HERE / "companies").rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    about = {
        "command": "python eval/training/fit.py",
        "data": digest.hexdigest()[:16],
        "calls": len(examples),
        "companies": len(set(companies)),
        "marks": len(pairs),
        "stonewalls": sum(len(e.record["stonewalls"]) for e in examples),
        "seconds": round(time.time() - started),
        "thresholds": {
            "mark": mark_threshold, "wall": wall_threshold, "wall_peak": 0.5,
            "conflict": CONFLICT_LEAST, "review_low": 0.3, "review_high": 0.6, "relevance": 0.15,
        },
        "out_of_fold": {
            "segment F1": round(mark_f1, 3), "stonewall turn F1": round(wall_f1, 3),
            "clause first": round(float(np.mean(first)), 3), "clause in five": round(float(np.mean(five)), 3),
            "verdict accuracy": round(float(np.mean(right)), 3), "conflict F1": round(conflict_f1, 3),
            "conflict F1 at threshold": conflict_threshold,
        },
    }  # fmt: skip
    return heads, about


def main() -> int:
    """Train, print what was measured, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HEADS_PATH, help="where the weights go")
    arguments = parser.parse_args()
    heads, about = train()
    save_heads(arguments.out, heads, about)
    for key, value in about.items():
        print(f"{key}: {value}")
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Trains the heads: ``python eval/training/fit.py --encoders OUT_FOLDER_OF_FINETUNE``.

Reads the labelled calls under ``companies/``, fits every head, sets the thresholds by
cross-validation over the companies, and writes ``analyzer/data/heads.npz`` with what was measured.
None of the gold sets is read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from clause_pairs import PAIRS, fit_clause_pairs, measure_pairs, read_companies, read_labelled
from examples import COMPANIES, Pair, load_examples
from feature_tables import Rows, SegmentTable, TurnTable, segment_table, turn_table
from finetune import FOLDS_FILE, N_FOLDS
from fitting import (
    fit_joins,
    fit_labels,
    fit_marks,
    fit_rank,
    fit_tactics,
    fit_verdicts,
    fit_walls,
    relevance_of,
    verdict_rows,
)
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from analyzer.embedders import MODEL_DIR, PackagedEmbedder, packaged_embedder
from analyzer.engines.embedded.heads import HEADS_PATH, Head, load_heads, save_heads
from analyzer.engines.embedded.pairs import JUDGE_FEATURES
from analyzer.engines.embedded.verdicts import VECTOR_SCALES
from analyzer.policy_health.conflicts import FINE, LEAST
from analyzer.policy_health.conflicts import HEAD as CLAUSE_PAIR

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
CONFLICTS = ("contradicted", "exceeds_authority")
FOLDS = 6
#: A mark is called a conflict only where commitment and conflict together are this likely. Over
#: labelled marks a lower threshold has the best F1, but there every mark is one.
CONFLICT_LEAST = 0.24
#: Thresholds that are not fitted: marks and walls, which on the sample corpus do better at those of
#: the encoder before than at the best F1 out of fold (0.31 and 0.29), the peak that a span has to
#: reach, and what goes to review.
FIXED = {
    "mark": 0.4,
    "wall": 0.23,
    "wall_peak": 0.5,
    "review_low": 0.3,
    "review_high": 0.6,
    "relevance": 0.15,
}


@dataclass(frozen=True)
class Measured:
    """Probabilities out of fold, with the threshold of the best F1 and that F1."""

    probability: Doubles
    threshold: float
    f1: float


@dataclass(frozen=True)
class MeasuredVerdicts:
    """What the ranker and the judge do out of fold, and the judge's features from there.

    Attributes:
        grams: Word features of each pair, with the clause that a ranker of other companies chose.
        dense: Its dense features, ``(pairs, d)``.
        first: Share of decisive clauses that rank first.
        in_five: Share that rank among the first five.
        accuracy: Share of verdicts that are right.
        conflict: Conflict against the rest.
    """

    grams: list[list[str]]
    dense: Floats
    first: float
    in_five: float
    accuracy: float
    conflict: Measured


def folds(groups: Sequence[str]) -> list[tuple[Rows, Rows]]:
    """Folds in which no company is on both sides."""
    count = min(FOLDS, len(set(groups)))
    return list(GroupKFold(count).split(np.zeros(len(groups)), groups=groups))


def best_threshold(probability: Doubles, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """The threshold with the best F1, and that F1."""
    scored = []
    for t in np.arange(0.15, 0.75, 0.01):
        said = probability >= t
        total = said.sum() + truth.sum()
        scored.append((2 * (said & truth).sum() / total if total else 0.0, round(float(t), 2)))
    f1, threshold = max(scored)
    return threshold, float(f1)


def measure(
    table: SegmentTable | TurnTable,
    companies: Sequence[str],
    fit: Callable[[Rows], Head],
    truth: NDArray[np.bool_],
) -> Measured:
    """Measure a head of two classes out of fold.

    Args:
        table: Its features.
        companies: The company of each example.
        fit: Fits it on rows of the table.
        truth: Whether each row is of the second class.
    """
    probability = np.zeros(len(table.owner))
    for rows, test in folds([companies[i] for i in table.owner]):
        head, grams = fit(rows), [table.grams[i] for i in test]
        probability[test] = head.probabilities(grams, table.dense[test])[:, 1]
    return Measured(probability, *best_threshold(probability, truth))


def measure_verdicts(pairs: Sequence[Pair]) -> MeasuredVerdicts:
    """Measure the ranker and the judge out of fold; no pair is judged by its own company's."""
    owners = [p.company for p in pairs]
    labels = [str(p.mark["verdict"]) for p in pairs]
    width = len(JUDGE_FEATURES) + len(VECTOR_SCALES) * pairs[0].queries.shape[1]
    dense = np.zeros((len(pairs), width), dtype=np.float32)
    grams: list[list[str]] = [[] for _ in pairs]
    places: list[int] = []
    for fit, test in folds(owners):
        rank = fit_rank([pairs[i] for i in fit])
        words, numbers = verdict_rows([pairs[i] for i in test], rank)
        for row, i in enumerate(test):
            grams[i], dense[i] = words[row], numbers[row]
            if pairs[i].gold >= 0:
                places.append(relevance_of(pairs[i], rank)[1].index(pairs[i].gold))
    conflict = np.zeros(len(pairs))
    right: list[bool] = []
    for fit, test in folds(owners):
        head = fit_verdicts([grams[i] for i in fit], dense[fit], [labels[i] for i in fit])
        p = head.probabilities([grams[i] for i in test], dense[test])
        conflict[test] = sum(p[:, head.classes.index(c)] for c in CONFLICTS)
        right += [head.classes[k] == labels[i] for k, i in zip(p.argmax(axis=1), test, strict=True)]
    return MeasuredVerdicts(
        grams=grams,
        dense=dense,
        first=float(np.mean([place == 0 for place in places])),
        in_five=float(np.mean([place < 5 for place in places])),
        accuracy=float(np.mean(right)),
        conflict=Measured(conflict, *best_threshold(conflict, np.isin(labels, CONFLICTS))),
    )


def data_hash() -> str:
    """Sixteen hex digits that change with any file of the training data."""
    digest = hashlib.sha256()
    for path in (*sorted(COMPANIES.rglob("*")), PAIRS):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def fold_embedders(encoders: Path) -> Callable[[str], PackagedEmbedder]:
    """For each company an encoder that was trained without it (``finetune.py``).

    Companies that were added since are known to none of them.
    """
    folds: dict[str, int] = json.loads((encoders / FOLDS_FILE).read_text())
    tokenizer = MODEL_DIR / "tokenizer.json"
    made: list[PackagedEmbedder] = []
    for fold in range(N_FOLDS):
        folder = encoders / f"fold-{fold}"
        if not (folder / "tokenizer.json").is_file():
            (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
        made.append(PackagedEmbedder(directory=folder, is_released=False))
    return lambda company: made[folds.get(company, 0)]


def train(encoders: Path) -> tuple[dict[str, Head], dict[str, Any]]:
    """Fit every head and measure it out of fold.

    Args:
        encoders: What ``finetune.py`` wrote.

    Returns:
        The heads by name, and what is to be kept with them.
    """
    started = time.time()
    examples, pairs = load_examples(fold_embedders(encoders))
    companies = [str(e.record["company"]) for e in examples]
    table = segment_table(examples)
    marks = measure(table, companies, lambda rows: fit_marks(table, rows), table.labels >= 0)
    turns = turn_table(examples, marks.probability, table)
    walls = measure(turns, companies, lambda rows: fit_walls(turns, rows), turns.inside)
    verdicts = measure_verdicts(pairs)
    heads = {
        "mark": fit_marks(table, np.arange(len(table.owner))),
        "join": fit_joins(examples),
        "kind": fit_labels(examples, table, "kind"),
        "strength": fit_labels(examples, table, "strength"),
        "wall": fit_walls(turns, np.arange(len(turns.owner))),
        "tactic": fit_tactics(turns),
        "rank": fit_rank(pairs),
        "verdict": fit_verdicts(
            verdicts.grams, verdicts.dense, [str(p.mark["verdict"]) for p in pairs]
        ),
    }
    pair_head, pair_figures = train_clause_pairs()
    heads[CLAUSE_PAIR] = pair_head
    about = {
        "command": "python eval/training/fit.py --encoders OUT_FOLDER",
        "data": data_hash(),
        "calls": len(examples),
        "companies": len(set(companies)),
        "marks": len(pairs),
        "stonewalls": sum(len(e.record["stonewalls"]) for e in examples),
        "seconds": round(time.time() - started),
        "thresholds": {
            "conflict": CONFLICT_LEAST,
            **FIXED,
        },
        "out_of_fold": {
            "segment F1": round(marks.f1, 3),
            "stonewall turn F1": round(walls.f1, 3),
            "clause first": round(verdicts.first, 3),
            "clause in five": round(verdicts.in_five, 3),
            "verdict accuracy": round(verdicts.accuracy, 3),
            "conflict F1": round(verdicts.conflict.f1, 3),
            "conflict F1 at threshold": verdicts.conflict.threshold,
            **pair_figures,
        },
    }
    return heads, about


def train_clause_pairs() -> tuple[Head, dict[str, float]]:
    """Fit the head that tells clauses that disagree; it needs no encoder but the packaged one.

    Returns:
        The head, and its precision and recall on labelled pairs that its fold did not see.
    """
    packaged = packaged_embedder()
    labelled, policies = read_labelled(PAIRS, packaged), read_companies(COMPANIES, packaged)
    differs = np.array([p.label != FINE for p in labelled])
    said = measure_pairs(labelled, policies) >= LEAST
    right = float((said & differs).sum())
    figures = {
        "clause pairs": float(len(labelled)),
        "clause pairs precision": round(right / float(said.sum()), 3),
        "clause pairs recall": round(right / float(differs.sum()), 3),
    }
    return fit_clause_pairs([*labelled, *policies]), figures


def train_reading() -> tuple[dict[str, Head], dict[str, Any]]:
    """Fit the heads that find commitments and stonewalls, on vectors of the packaged encoder.

    That encoder was trained to match promises with clauses and saw no label of a segment or a turn,
    so these heads need no encoders that left a company out; the ranker and the judge do.
    """
    examples, pairs = load_examples()
    companies = [str(e.record["company"]) for e in examples]
    table = segment_table(examples)
    marks = measure(table, companies, lambda rows: fit_marks(table, rows), table.labels >= 0)
    turns = turn_table(examples, marks.probability, table)
    walls = measure(turns, companies, lambda rows: fit_walls(turns, rows), turns.inside)
    heads = {
        "mark": fit_marks(table, np.arange(len(table.owner))),
        "join": fit_joins(examples),
        "kind": fit_labels(examples, table, "kind"),
        "strength": fit_labels(examples, table, "strength"),
        "wall": fit_walls(turns, np.arange(len(turns.owner))),
        "tactic": fit_tactics(turns),
    }
    about = {
        "data": data_hash(),
        "calls": len(examples),
        "companies": len(set(companies)),
        "marks": len(pairs),
        "stonewalls": sum(len(e.record["stonewalls"]) for e in examples),
        "out_of_fold": {
            "segment F1": round(marks.f1, 3),
            "segment F1 at threshold": marks.threshold,
            "stonewall turn F1": round(walls.f1, 3),
            "stonewall turn F1 at threshold": walls.threshold,
        },
    }
    return heads, about


def main() -> int:
    """Train, print what was measured, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HEADS_PATH, help="where the weights go")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--encoders", type=Path, help="the folder that finetune.py wrote")
    chosen.add_argument(
        "--clause-pairs", action="store_true", help="fit that head alone and keep the others"
    )
    chosen.add_argument(
        "--reading", action="store_true", help="fit the heads of marks and walls, keep the others"
    )
    arguments = parser.parse_args()
    if arguments.reading:
        known = load_heads(arguments.out)
        fitted, about = train_reading()
        judge = {k: known.about[k] for k in ("calls", "companies", "marks", "data")}
        figures = {**known.about["out_of_fold"], **about["out_of_fold"]}
        about = {**known.about, **about, "judge fitted on": judge, "out_of_fold": figures}
        heads = {**known.heads, **fitted}
    elif arguments.clause_pairs:
        known = load_heads(arguments.out)
        head, figures = train_clause_pairs()
        heads = {**known.heads, CLAUSE_PAIR: head}
        about = {**known.about, "out_of_fold": {**known.about["out_of_fold"], **figures}}
    else:
        heads, about = train(arguments.encoders)
    save_heads(arguments.out, heads, about)
    for key, value in about.items():
        print(f"{key}: {value}")
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

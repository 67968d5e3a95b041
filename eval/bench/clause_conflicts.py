"""How well clauses that disagree are found: on labelled pairs, and in policies meant to agree.

    python eval/bench/clause_conflicts.py

The pairs in ``eval/gold/clause_pairs_held_out.jsonl`` are written for this project and were not
looked at while the finder was built; those it is trained on are in ``eval/training``. The last
figure is how many findings there are for every 40 clauses of the companies of the corpus and the
training calls, whose policies are meant to agree, so that most findings there are false alarms.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path

from analyzer.domain import Clause, PolicyDocument
from analyzer.embedders import packaged_embedder
from analyzer.policy_book import PolicyBook
from analyzer.policy_health import find_conflicts
from analyzer.readers.policies import read_policies

ROOT = Path(__file__).parents[2]
DAY = dt.date(2026, 6, 1)


def measure(name: str) -> None:
    """Print precision and recall on a file of pairs, by kind."""
    embedder = packaged_embedder()
    hits: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    n_false = n_fine = n_right_kind = 0
    for line in (ROOT / "eval" / "gold" / name).read_text().splitlines():
        row = json.loads(line)
        clauses = tuple(Clause(company="pair", **row[side]) for side in ("one", "other"))
        documents = [
            PolicyDocument(company="pair", document=c.document, clauses=(c,)) for c in clauses
        ]
        view = PolicyBook.from_documents(documents, embedder).view("pair", DAY)
        found = find_conflicts(view, embedder).pairs
        wanted[row["label"]] += 1
        if row["label"] == "fine":
            n_fine += 1
            n_false += bool(found)
        elif found:
            hits[row["label"]] += 1
            n_right_kind += found[0].kind == row["label"]
    n_hits, n_wanted = sum(hits.values()), sum(wanted.values()) - n_fine
    print(
        f"{name}: precision {n_hits / max(n_hits + n_false, 1):.2f}, recall {n_hits / n_wanted:.2f}"
    )
    print(f"  false alarms {n_false} of {n_fine}; right kind {n_right_kind} of {n_hits}")
    print("  recall by kind:", {k: f"{hits[k]}/{n}" for k, n in wanted.items() if k != "fine"})


def main() -> int:
    """Print how well pairs are told apart, and the rate of findings."""
    embedder = packaged_embedder()
    measure("clause_pairs_held_out.jsonl")
    n_found = n_clauses = 0
    for folder in (ROOT / "corpus", ROOT / "eval" / "training" / "companies"):
        book = PolicyBook.from_documents(read_policies(folder).documents, embedder)
        for company in book.companies:
            view = book.view(company, DAY)
            n_clauses += len(view.clauses)
            n_found += len(find_conflicts(view, embedder).pairs)
    print(f"{n_found} findings in {n_clauses} clauses, {40 * n_found / n_clauses:.1f} for every 40")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

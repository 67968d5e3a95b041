"""Whether the right clause is found: on labelled calls, and on a public set of bank documents.

    python eval/bench/retrieval.py --gold ../shared/gold/dev ../shared/gold/airline
    python eval/bench/retrieval.py --banking ../shared/bench/banking

``--gold`` takes folders of labelled calls with their policies. For every labelled promise that a
clause decides, the clauses in force are ranked as the embedded engine ranks them and as the search
of the library does; the decisive clause comes first, or among the first five. ``--banking`` takes
the benchmark's folder: recall at 10 and 50 of the documents that settle a scenario, beside bm25s
with its defaults and PyStemmer over the same text in the same run. 95 % intervals are bootstrapped
over calls, or over scenarios.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analyzer.domain import Analysis, Clause, PolicyDocument
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.commitments import DraftMark
from analyzer.engines.embedded.engine import match_vectors, query_vectors
from analyzer.engines.embedded.heads import load_heads
from analyzer.engines.embedded.pairs import describe_promise
from analyzer.engines.embedded.reading import CallReading, read_call
from analyzer.engines.embedded.verdicts import rank_clauses
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies
from analyzer.retrieval import split_query

FLOORS = {"first": 0.65, "in five": 0.90, "banking": 1.15}
BOOTSTRAPS = 2000
DOCUMENTS_MOST = 50


def draft_of(mark: dict[str, Any], reading: CallReading) -> DraftMark:
    """A labelled mark as the draft that finding it would have made."""
    text = reading.call.turns[mark["turn"]].text
    start = text.find(mark["quote"])
    end = start + len(mark["quote"])
    rows = [
        row
        for row in reading.by_turn[mark["turn"]]
        if reading.segments[row].segment.start < end and start < reading.segments[row].segment.end
    ]
    mean = reading.vectors[rows].sum(axis=0)
    return DraftMark(
        turn=mark["turn"], start=start, end=end, quote=mark["quote"], segments=tuple(rows),
        probability=1.0, kind=mark["kind"], strength=mark["strength"],
        vector=(mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32),
    )  # fmt: skip


def interval(values: Sequence[float], groups: Sequence[str]) -> tuple[float, float]:
    """A 95 % interval of a mean, drawn over groups."""
    by: dict[str, list[float]] = defaultdict(list)
    for value, group in zip(values, groups, strict=True):
        by[group].append(value)
    sums = np.array([[sum(v), len(v)] for v in by.values()])
    chance = np.random.default_rng(0)
    drawn = sums[chance.integers(0, len(sums), (BOOTSTRAPS, len(sums)))].sum(axis=1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], (2.5, 97.5))
    return float(low), float(high)


def bench_gold(folders: Sequence[Path]) -> bool:
    """Measure on labelled calls and print; whether the floors hold for the engine."""
    embedder, heads = packaged_embedder(), load_heads()
    places: dict[str, list[int]] = {"embedded engine": [], "library search": []}
    companies: list[str] = []
    calls: list[str] = []
    n_not_in_force = 0
    for folder in folders:
        book = PolicyBook.from_documents(read_policies(folder).documents, embedder)
        indexes: dict[str, ClauseIndex] = {}
        for line in (folder / "calls.jsonl").read_text().splitlines():
            record = json.loads(line)
            call = Analysis.from_record(record).call
            company = book.find_company(call.company)
            if company is None or call.date is None:
                continue
            view = book.view(company, call.date)
            index = indexes.setdefault(view.version, ClauseIndex(view, embedder))
            reading = read_call(call, embedder)
            for mark in record["commitments"]:
                is_decided = mark["verdict"] not in {None, "not_addressed"} and mark["clauses"]
                if mark["strength"] == "hedged" or not is_decided:
                    continue
                promise = describe_promise(
                    call, mark["turn"], mark["quote"], mark["kind"], mark["strength"]
                )
                (matching,) = match_vectors([promise], embedder)
                queries = query_vectors(reading, draft_of(mark, reading), promise, matching)
                ids = [c.id for c in view.clauses]
                order = rank_clauses(promise, queries, index, heads)[2]
                text = promise.matching_texts[0]
                found = view.rank(text, embedder.embed(split_query(text)), k=len(ids)).rows
                for name, ranked in (("embedded engine", order), ("library search", list(found))):
                    named = [ids[i] for i in ranked]
                    place = named.index(mark["clauses"][0]) if mark["clauses"][0] in ids else 9999
                    places[name].append(place)
                    n_not_in_force += sum(
                        not view.clauses[i].is_in_force(call.date) for i in ranked
                    )
                companies.append(company)
                calls.append(f"{company}/{call.call_id}")
    for name, got in places.items():
        _print_gold(name, got, companies, calls)
    print(f"clauses found that were not in force: {n_not_in_force}")
    engine = np.array(places["embedded engine"])
    return bool(
        (engine < 1).mean() >= FLOORS["first"]
        and (engine < 5).mean() >= FLOORS["in five"]
        and not n_not_in_force
    )


def _print_gold(
    name: str, got: Sequence[int], companies: Sequence[str], calls: Sequence[str]
) -> None:
    print(f"{name}: {len(got)} promises")
    for shown, depth in (("first", 1), ("in five", 5)):
        hits = [float(place < depth) for place in got]
        low, high = interval(hits, calls)
        by: dict[str, list[float]] = defaultdict(list)
        for hit, company in zip(hits, companies, strict=True):
            by[company].append(hit)
        each = ", ".join(f"{company} {np.mean(by[company]):.2f}" for company in sorted(by))
        floor = FLOORS[shown]
        print(
            f"  decisive clause {shown}: {np.mean(hits):.3f} ({low:.3f} to {high:.3f}), "
            f"floor {floor:.2f}; {each}"
        )


def bench_banking(folder: Path) -> bool:
    """Measure on the bank's documents and print; whether the ratio holds."""
    import bm25s
    import Stemmer

    documents = [json.loads(line) for line in (folder / "documents.jsonl").open()]
    scenarios = [json.loads(line) for line in (folder / "scenarios.jsonl").open()]
    ids = [document["id"] for document in documents]
    embedder = packaged_embedder()
    head = {"company": "bank", "document": "documents"}
    clauses = tuple(Clause(**head, id=d["id"], title=d["title"], text=d["text"]) for d in documents)
    book = PolicyBook.from_documents([PolicyDocument(**head, clauses=clauses)], embedder)
    view = book.view("bank", dt.date(2026, 1, 1))
    stemmer = Stemmer.Stemmer("english")
    plain = bm25s.BM25()
    texts = [f"{d['title']}\n{d['text']}" for d in documents]
    plain.index(_tokens(texts, stemmer), show_progress=False)
    rows: dict[str, list[tuple[float, float]]] = {"bm25s": [], "wordbond": []}
    for scenario in scenarios:
        query, wanted = scenario["query"], set(scenario["gold_docs"])
        tokens = _tokens([query], stemmer)
        found, _ = plain.retrieve(tokens, k=DOCUMENTS_MOST, show_progress=False)
        ours = view.rank(query, embedder.embed(split_query(query)), k=DOCUMENTS_MOST).rows
        rows["bm25s"].append(_recalls([ids[int(i)] for i in found[0]], wanted))
        rows["wordbond"].append(_recalls([view.clauses[i].id for i in ours], wanted))
    base = np.mean(rows["bm25s"], axis=0)
    mine = np.mean(rows["wordbond"], axis=0)
    names = [scenario["id"] for scenario in scenarios]
    for column, depth in enumerate((10, 50)):
        low, high = interval([r[column] for r in rows["wordbond"]], names)
        print(
            f"recall at {depth}: {mine[column]:.3f} ({low:.3f} to {high:.3f}), bm25s "
            f"{base[column]:.3f}, ratio {mine[column] / base[column]:.2f} "
            f"(floor {FLOORS['banking']:.2f}), {len(scenarios)} scenarios"
        )
    return bool((mine >= FLOORS["banking"] * base).all())


def _tokens(texts: Sequence[str], stemmer: Any) -> Any:
    import bm25s

    return bm25s.tokenize(list(texts), stopwords="en", stemmer=stemmer, show_progress=False)


def _recalls(found: Sequence[str], wanted: set[str]) -> tuple[float, float]:
    ten, fifty = (len(set(found[:depth]) & wanted) / len(wanted) for depth in (10, 50))
    return ten, fifty


def main() -> int:
    """Measure what was asked for; 1 if a floor is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gold", type=Path, nargs="+", default=[])
    parser.add_argument("--banking", type=Path)
    chosen = parser.parse_args()
    if not chosen.gold and chosen.banking is None:
        parser.error("give --gold, --banking, or both")
    held = [bench_gold(chosen.gold)] if chosen.gold else []
    held += [bench_banking(chosen.banking)] if chosen.banking else []
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Gathers the judge's examples into one JSON file; run with the analyzer's own Python.

    PYTHONPATH=/work/main python eval/training/judge/collect.py OUT.json [GOLD.pkl]

GOLD.pkl (optional) holds gold marks to score on; nothing of it is trained on.
"""

from __future__ import annotations

import datetime as dt
import json
import pickle
import random
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[2])]

import markup  # noqa: E402
from inputs import build_input, comparable, facts_of, find_quantities  # noqa: E402

from analyzer.embedders import packaged_embedder  # noqa: E402
from analyzer.policy_book import PolicyBook  # noqa: E402
from analyzer.readers.policies import read_policies  # noqa: E402

NOT_ADDRESSED = "not_addressed"


def _other_number(rng: random.Random, span: str) -> str | None:
    """The span with another plausible number in it, in digits."""
    quantities = find_quantities(span)
    if not quantities:
        return None
    q = quantities[0]
    import re

    tail = re.sub(r"(?i)[£$€]?\s*\b(\d[\d,.]*|zero|one|an?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|and|to|or)\b[-,]?|[£$€]", " ", span)
    scale = {"week": 7, "month": 30, "year": 365, "hour": 1 / 24, "minute": 1 / 1440}.get(q.unit.rstrip("s"), 1) if "duration" in q.dimension else 1
    value = q.value / scale
    factor = rng.choice([0.34, 0.5, 0.67, 1.5, 2, 2, 3])
    new = value * factor
    new = max(1, round(new)) if value < 20 else 5 * round(new / 5)
    if abs(new - value) < 0.02 * value or new <= 0:
        new = round(value) + 1
    sign = next((s for s in "£$€" if s in span), "")
    return re.sub(r"\s+", " ", f"{sign}{new:g} {tail}").strip()


def perturb(rng: random.Random, promise: str, text: str, *, agree: bool) -> str | None:
    """A promise with one number changed: away from the clause's, or onto it."""
    clause = [c for c in find_quantities(text) if c.unit != "bare"]
    for q in find_quantities(promise):
        if q.dimension in {"clock", "number"} or q.value <= 0:
            continue
        beside = [c for c in clause if comparable(q, c) and (q.unit == c.unit or q.dimension != "count")]
        span = promise[q.start : q.end]
        if agree and len(beside) == 1 and not q.agrees_with(beside[0]):
            return promise[: q.start] + text[beside[0].start : beside[0].end].strip(" .,") + " " + promise[q.end :]
        if not agree and any(q.agrees_with(c) for c in beside):
            new = _other_number(rng, span)
            if new:
                changed = promise[: q.start] + new + " " + promise[q.end :]
                if not any(x.agrees_with(c) for x in find_quantities(new) for c in beside):
                    return changed.replace("  ", " ")
    return None


def scored_marks(path: Path, emb, companies: frozenset[str] = frozenset()) -> list[dict]:
    """Gold marks, and the training companies named, each with its five nearest clauses and the decisive one."""
    sys.path.insert(0, "/tmp")
    tests: list[dict] = []
    vectors: dict[int, np.ndarray] = {}
    for d in pickle.loads(path.read_bytes()):  # noqa: S301 - a file of our own
        if d["src"] == "tr" and d["company"] not in companies:
            continue
        p, ix = d["p"], d["ix"]
        turns = [(t.role, t.text) for t in p.call.turns]
        if id(p.call) not in vectors:
            vectors[id(p.call)] = emb.embed([t[1] or "-" for t in turns])
        near = vectors[id(p.call)] @ ix.vectors.T
        score = (d["q2"] @ ix.vectors.T).mean(0)
        order = [int(j) for j in np.argsort(-score)[:5]]
        wanted = list(dict.fromkeys([*order, *([d["gold"]] if d["gold"] >= 0 else [])]))
        inputs = {}
        for j in wanted:
            c = ix.items[j].clause
            inputs[j] = build_input(p.position, facts_of(turns, p.turn, p.quote, near[:, j]), p.quote, c.title, c.text)
        tests.append({"src": "held" if d["src"] == "tr" else d["src"], "verdict": d["m"]["verdict"], "gold": d["gold"], "order": order, "score": [float(score[j]) for j in order], "inputs": inputs})
    return tests


def main(out: Path, gold: Path | None) -> None:
    rng = random.Random(7)
    emb = packaged_embedder()
    training = HERE.parent
    rows: list[dict] = []

    def add(group, kind, role, facts, promise, title, text, verdict, **more):
        first, second = build_input(role, facts, promise, title, text)
        rows.append({"group": group, "kind": kind, "a": first, "b": second, "verdict": verdict, **more})

    book = PolicyBook.from_documents(read_policies(training / "companies").documents, emb)
    number = 0
    for folder in sorted(p.parent for p in (training / "companies").glob("*/calls.txt")):
        try:
            calls = markup.check(folder)
        except Exception as error:  # noqa: BLE001 - a file that is being written
            print("left out", folder.name, error)
            continue
        for call in calls:
            marks = [m for m in call["commitments"] if m["strength"] != "hedged" and m["verdict"]]
            if not marks:
                continue
            view = book.view(call["company"], dt.date.fromisoformat(call["date"]))
            ids = [c.id for c in view.clauses]
            turns = [(t["role"], t["text"]) for t in call["turns"]]
            vectors = emb.embed([t[1] or "-" for t in turns])
            quotes = emb.embed([m["quote"] for m in marks])
            near = vectors @ view.vectors.T
            for m, q in zip(marks, quotes, strict=True):
                number += 1
                role = call["turns"][m["turn"]].get("position")
                lo = max(0, m["turn"] - 2)
                ranked = q @ view.vectors.T + 0.5 * near[lo : m["turn"] + 1].mean(0) + 0.5 * near[m["turn"]]
                order = [int(j) for j in np.argsort(-ranked)]

                def example(j, verdict, kind, promise=m["quote"]):
                    c = view.clauses[j]
                    facts = facts_of(turns, m["turn"], m["quote"], near[:, j])
                    add(call["company"], kind, role, facts, promise, c.title, c.text, verdict, mark=number, truth=m["verdict"], best=bool(order[0] == j))

                if m["verdict"] == NOT_ADDRESSED:
                    for j in order[:2]:
                        example(j, NOT_ADDRESSED, "mark")
                    continue
                if m["clauses"][0] not in ids:
                    continue
                j = ids.index(m["clauses"][0])
                example(j, m["verdict"], "mark")
                if order[0] != j:
                    example(order[0], NOT_ADDRESSED, "wrong" if ids[order[0]] not in m["clauses"] else "second")
                elif rng.random() < 0.25:
                    k = next(k for k in order[1:] if ids[k] not in m["clauses"])
                    example(k, NOT_ADDRESSED, "wrong")
                if m["verdict"] == "supported":
                    changed = perturb(rng, m["quote"], view.clauses[j].text, agree=False)
                    if changed:
                        example(j, "contradicted", "perturbed", changed)
                if m["verdict"] == "contradicted":
                    changed = perturb(rng, m["quote"], view.clauses[j].text, agree=True)
                    if changed:
                        example(j, "supported", "mended", changed)
    for path in sorted((training / "pairs").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                block = json.loads(line)
            except json.JSONDecodeError:
                continue
            c = block["clause"]
            for item in block["items"]:
                add("pairs", "pair", item.get("role"), item["facts"], item["promise"], c["title"], c["text"], item["verdict"])
                if item["verdict"] == "supported":
                    changed = perturb(rng, item["promise"], c["text"], agree=False)
                    if changed:
                        add("pairs", "perturbed", item.get("role"), item["facts"], changed, c["title"], c["text"], "contradicted")
    tests = scored_marks(gold, emb) if gold else []
    out.write_text(json.dumps({"rows": rows, "tests": tests}))
    from collections import Counter

    print(Counter((r["kind"], r["verdict"]) for r in rows), len(rows), len(tests))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)

"""How fast the embedded engine reads and judges calls, beside the encoder alone.

``python eval/bench/speed.py`` makes calls of 40 turns of about 20 tokens from the sample corpus's
turns, judges them against a company's clauses, and prints both rates from the same run: the encoder
over the same turns is the limit. Loading is not counted. Runs alternate, so that a machine whose
speed drifts is fair to both.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import statistics
import time
from pathlib import Path

from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.engine import EmbeddedEngine
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

ROOT = Path(__file__).parents[2]
TURNS, WORDS = 40, 15  # 15 words of speech are about 20 tokens


def make_calls(count: int, seed: int) -> list[Call]:
    """Calls of 40 turns, agent and customer in turn, each cut or joined to about 20 tokens."""
    lines = (ROOT / "eval" / "gold" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    said = {
        role: [t["text"] for r in records for t in r["turns"] if t["role"] == role]
        for role in ("agent", "customer")
    }
    draw = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    calls = []
    for number in range(count):
        turns = []
        for index in range(TURNS):
            role = "agent" if index % 2 == 0 else "customer"
            words: list[str] = []
            while len(words) < WORDS:
                words += draw.choice(said[role]).split()
            turns.append(
                {
                    "role": role,
                    "text": " ".join(words[:WORDS]),
                    "position": "representative" if role == "agent" else None,
                }
            )
        calls.append(
            Call.model_validate(
                {
                    "call_id": f"b{number}",
                    "company": "alpenglow",
                    "date": dt.date(2026, 4, 1),
                    "turns": turns,
                }
            )
        )
    return calls


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    embedder = packaged_embedder()
    engine = EmbeddedEngine(embedder)
    book = PolicyBook.from_documents(read_policies(ROOT / "corpus").documents, embedder)
    calls = make_calls(arguments.calls, 7)
    marks = 0
    for call in calls[:3]:
        analyze_call(call, engine=engine, book=book)
        embedder.embed([t.text for t in call.turns])
    whole, alone = [], []
    for _ in range(arguments.rounds):
        begin = time.perf_counter()
        for call in calls:
            marks += len(analyze_call(call, engine=engine, book=book).commitments)
        whole.append(len(calls) / (time.perf_counter() - begin))
        begin = time.perf_counter()
        for call in calls:
            embedder.embed([t.text for t in call.turns])
        alone.append(len(calls) / (time.perf_counter() - begin))
    ratio = statistics.median(a / w for a, w in zip(alone, whole, strict=True))
    marks_each = marks / arguments.rounds / len(calls)
    print(f"calls of {TURNS} turns of about 20 tokens; {marks_each:.1f} marks a call")
    print(f"embedded engine: {statistics.median(whole):5.1f} calls/s (floor 5)")
    print(f"encoder alone:   {statistics.median(alone):5.1f} calls/s (the limit)")
    print(f"the whole takes {ratio:.2f} times the encoder's time")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What the cascade saves and loses beside the full chain, with a model that makes no mistake.

``python eval/bench/cascade.py`` reads a mix of calls of which four fifths hold neither a conflict
nor a stonewall: the sample corpus's calls, the ordinary ones in ``data/clean_calls``, and those of
an ordinary day in ``data/mixed_calls_*.jsonl``, which another hand wrote. The test server answers
from the labels, so that what is lost is the cascade's own. ``--gold DIR`` does the same with other
labelled calls (``calls.jsonl`` beside the companies' policies).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from analyzer.config import Settings
from analyzer.embedders import packaged_embedder
from analyzer.engines.cascade import CascadeEngine
from analyzer.engines.llm.building import build_llm_engine
from analyzer.evaluation.curve import CurvePoint, cascade_curve, render_curve
from analyzer.evaluation.run import evaluate, predict, read_gold
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "eval" / "training")]
from markup import read_calls  # noqa: E402 - found by the line above, as is the next

from tests.model_server.labels import LabelAnswers  # noqa: E402
from tests.model_server.server import ModelServer  # noqa: E402

CLEAN = Path(__file__).parent / "data" / "clean_calls"
LEAST_RECALL = 0.97


def read_mix() -> list[dict[str, Any]]:
    """The sample corpus's calls and the clean ones; calls of no company twice."""
    lines = (ROOT / "eval" / "gold" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    for path in sorted(CLEAN.glob("*.txt")):
        records += read_calls(path, path.stem)
    for path in sorted(CLEAN.parent.glob("mixed_calls_*.jsonl")):
        records += map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return records


def is_clean(record: Mapping[str, Any]) -> bool:
    """Whether a call holds neither a conflict nor a stonewall."""
    return not record["stonewalls"] and not any(
        c.get("verdict") in ("contradicted", "exceeds_authority") for c in record["commitments"]
    )


def measure(name: str, records: Sequence[Mapping[str, Any]], policies: Path) -> None:
    """The full chain and the cascade's curve on labelled calls."""
    book = PolicyBook.from_documents(read_policies(policies).documents, packaged_embedder())
    n_clean = sum(is_clean(r) for r in records)
    with ModelServer(LabelAnswers(records)) as server, tempfile.TemporaryDirectory() as home:
        settings = Settings.model_validate(
            {
                "openai_base_url": server.base_url, "openai_api_key": "sk-test",
                "model": "test-model", "home": Path(home), "second_reading": False,
                "redact": False, "response_cache": False, "concurrency": 4,
            }
        )  # fmt: skip
        with closing(build_llm_engine(settings)) as llm:
            full = predict(records, engine=llm, book=book)
            cascade = CascadeEngine(settings, llm)
            points = cascade_curve(records, engine=cascade, book=book)
    assert not full.set_aside, full.set_aside
    used = [r["usage"] for r in full.records.values()]
    tokens = sum(u["tokens_in"] + u["tokens_out"] for u in used)
    found = evaluate(records, full.records, draws=1)
    walls = [call.wall_spans for call in found.calls]
    n_walls = sum(w.gold for w in walls)
    whole = CurvePoint(
        0.0, len(records), tokens, found.scores["flag recall"].value,
        sum(w.hits for w in walls) / n_walls if n_walls else None,
    )  # fmt: skip
    print(
        f"{name}: {len(records)} calls, {n_clean / len(records):.0%} clean, "
        f"{found.scores['flag recall'].items} conflicts, {n_walls} stonewalls. Full chain: "
        f"{tokens:,} tokens, conflict recall {whole.flag_recall}, stonewall recall "
        f"{whole.wall_recall}"
    )
    print(render_curve(points))
    for point in points:
        kept = min(_kept(point.flag_recall, whole.flag_recall),
                   _kept(point.wall_recall, whole.wall_recall))  # fmt: skip
        saved = 1 - point.tokens / tokens
        is_default = abs(point.threshold - settings.cascade) < 1e-9
        print(
            f"  from {point.threshold:.2f}: {saved:.0%} of the full chain's tokens saved at "
            f"{kept:.3f} of its recall" + (" (default)" if is_default else "")
        )
    best = [p for p in points if min(_kept(p.flag_recall, whole.flag_recall),
            _kept(p.wall_recall, whole.wall_recall)) >= LEAST_RECALL]  # fmt: skip
    most = max((1 - p.tokens / tokens for p in best), default=0.0)
    print(f"  most saved at {LEAST_RECALL} of the recall: {most:.0%} (limit 60 % on the mix)")


def _kept(value: float | None, whole: float | None) -> float:
    return 1.0 if not whole or value is None else value / whole


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    measure("mix", read_mix(), ROOT / "corpus")
    for folder in arguments.gold:
        measure(folder.name, read_gold(folder / "calls.jsonl"), folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The server on its own, for benchmarks: prints its base URL and serves until it is told to end."""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
import threading
import time
from pathlib import Path

from tests.model_server.answers import AnswerFunction
from tests.model_server.faults import ALL_KINDS, FaultPlan
from tests.model_server.server import ModelServer

GRACE_S = 10.0


def answer_from(source: str) -> AnswerFunction:
    """A file whose text is every answer, or ``module:function``."""
    if ":" in source and not Path(source).exists():
        module, _, name = source.partition(":")
        function: AnswerFunction = getattr(importlib.import_module(module), name)
        return function
    text = Path(source).read_text(encoding="utf-8")
    return lambda _: text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.model_server", description=__doc__)
    parser.add_argument("--answer", required=True, help="file or module:function")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before an answer")
    parser.add_argument("--api-key", default="sk-test")
    parser.add_argument("--models", nargs="+", default=["test-model", "test-embedding"])
    parser.add_argument("--threads", type=int, default=0, help="threads that ask the answer")
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--fault-kinds", nargs="+", default=list(ALL_KINDS), choices=ALL_KINDS)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    server = ModelServer(
        answer_from(chosen.answer),
        faults=FaultPlan(rate=chosen.fault_rate, kinds=chosen.fault_kinds, seed=chosen.seed),
        latency_s=chosen.latency,
        api_key=chosen.api_key,
        models=chosen.models,
        port=chosen.port,
        threads=chosen.threads,
        record=False,
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    print(server.base_url, flush=True)  # noqa: T201 - what the caller reads
    ended.wait()
    server.stop(grace_s=GRACE_S)
    told = {
        "served": server.served,
        "peak_in_flight": server.peak_in_flight,
        "faults": server.faults.by_kind_counts(),
        "errors": server.errors[:10],
        "cpu_s": round(time.process_time(), 3),
    }
    print(json.dumps(told), file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

"""How many requests a second the LLM engine sends, beside the ideal and the bare openai client.

``python eval/bench/llm_speed.py`` starts the test server as a process of its own on the same two
cores, with a fixed time to an answer, and keeps 64 requests under way: by the chain (masking,
rendering, asking, parsing, grounding, storing in SQLite; the queries' vectors from the cache), and
by the bare openai client with a prompt of the same size. The ideal is concurrency over latency. The
first and the last tenth of each run are left out, when not all places are taken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import openai

from analyzer.config import Settings
from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines.llm.answers import MarkAnswer, schema_of
from analyzer.engines.llm.building import build_llm_engine
from analyzer.engines.llm.fencing import fence_call, render_turns
from analyzer.pipeline import analyze_many
from analyzer.policy_book import PolicyBook
from analyzer.prompts import get_prompt
from analyzer.readers.policies import read_policies
from analyzer.results import ResultStore

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "eval" / "bench"))
from fixed_answers import EVERY, FIRST_TURN, PROMISES  # noqa: E402 - beside this file

TURNS = 40
_FILLER = (
    "Right, so I have had a look at the order now and I can see what the matter is there.",
    "Okay, thank you, because I was not sure whether it had gone through on your side at all.",
)


def make_calls(count: int, *, first: int = 0) -> list[Call]:
    """Calls of 40 turns of about 20 tokens, each unlike the others."""
    calls = []
    for number in range(first, first + count):
        turns: list[dict[str, Any]] = []
        for index in range(TURNS):
            is_agent = index % 2 == 0
            text = f"{_FILLER[index % 2]} That is {number * TURNS + index}."
            place, rest = divmod(index - FIRST_TURN, EVERY)
            if rest == 0 and 0 <= place < len(PROMISES):
                text = f"Okay then, {PROMISES[place]}, as I said, and that is that."
            turns.append(
                {
                    "role": "agent" if is_agent else "customer",
                    "name": "Tess" if is_agent else None,
                    "position": "representative" if is_agent else None,
                    "text": text,
                }
            )
        calls.append(
            Call.model_validate(
                {
                    "call_id": f"s{number}",
                    "company": "alpenglow",
                    "date": "2026-04-01",
                    "turns": turns,
                }
            )
        )
    return calls


def run_chain(
    base_url: str,
    concurrency: int,
    first: int,
    count: int,
    begin: float,
    home: str,
    *,
    second: bool,
) -> list[float]:
    """Analyse calls and store them.

    Returns:
        When each call was stored, in seconds of the wall clock.
    """
    settings = Settings.model_validate(
        {
            "openai_base_url": base_url, "openai_api_key": "sk-test", "model": "test-model",
            "concurrency": concurrency, "home": Path(home) / f"w{first}", "timeout_s": 60,
            "second_reading": False,
        }
    )  # fmt: skip
    engine = build_llm_engine(settings)
    book = PolicyBook.from_documents(
        read_policies(ROOT / "corpus" / "alpenglow").documents, packaged_embedder()
    )
    reader = None
    if second:
        from analyzer.engines.embedded.engine import EmbeddedEngine

        reader = EmbeddedEngine()
    calls = make_calls(count, first=first)
    store = ResultStore.open(f"sqlite:///{Path(home) / 'bench.db'}")
    with store:
        for outcome in analyze_many(make_calls(2, first=10**6 + first), engine=engine, book=book):
            assert outcome.analysis is not None
        time.sleep(max(0.0, begin - time.time()))
        done = []
        for outcome in analyze_many(calls, engine=engine, book=book):
            assert outcome.analysis is not None, outcome.reason
            assert len(outcome.analysis.commitments) == len(PROMISES)
            if reader is not None:
                reader.analyze(outcome.call, None)
            store.save_analysis(outcome.analysis, source="bench", format="native")
            done.append(time.time())
    engine.close()
    return done


async def run_bare(base_url: str, concurrency: int, count: int) -> list[float]:
    """The bare openai client with a prompt and a schema of the same size."""
    shown = fence_call(make_calls(1)[0])
    prompt = get_prompt("mark")
    named = {"name": "MarkAnswer", "strict": True, "schema": schema_of(MarkAnswer).schema}
    done: list[float] = []
    places = asyncio.Semaphore(concurrency)
    async with openai.AsyncOpenAI(
        base_url=base_url, api_key="sk-test", max_retries=0, timeout=60
    ) as client:

        async def ask(number: int) -> None:
            async with places:
                answer = await client.chat.completions.create(  # type: ignore[call-overload]
                    model="test-model",
                    messages=[
                        {"role": "system", "content": prompt.system},
                        {"role": "user", "content": f"{render_turns(shown)}\n{number}"},
                    ],
                    response_format={"type": "json_schema", "json_schema": named},
                )
                json.loads(answer.choices[0].message.content or "")
                done.append(time.time())

        await asyncio.gather(*(ask(n) for n in range(count)))
    return done


def steady_rate(done: list[float]) -> float:
    """Things a second between the first and the last tenth."""
    done = sorted(done)
    edge = max(1, len(done) // 10)
    inner = done[edge:-edge]
    return (len(inner) - 1) / max(inner[-1] - inner[0], 1e-9)


def measure(latency_s: float, arguments: argparse.Namespace) -> None:
    """One latency: the bare client, the chain, and the ideal."""
    command = [
        sys.executable, "-m", "tests.model_server", "--latency", str(latency_s),
        "--answer", "fixed_answers:answer",
    ]  # fmt: skip
    path = f"{ROOT}:{ROOT / 'eval' / 'bench'}"
    server = subprocess.Popen(  # noqa: S603 - our own server
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PYTHONPATH": path}
    )
    assert server.stdout is not None
    base_url = server.stdout.readline().strip()
    ideal = arguments.concurrency / latency_s
    n_requests = int(ideal * arguments.seconds)
    try:
        bare = steady_rate(asyncio.run(run_bare(base_url, arguments.concurrency, n_requests)))
        found = 2 * steady_rate(_chain(base_url, n_requests // 2, arguments))
    finally:
        server.terminate()
        server.wait(timeout=20)
    print(
        f"{latency_s * 1000:5.0f} ms an answer, {arguments.concurrency} under way, "
        f"{arguments.processes} process(es): ideal {ideal:6.1f} requests/s; "
        f"bare openai client {bare:6.1f} ({bare / ideal:.0%}); "
        f"chain {found:6.1f} ({found / ideal:.0%})"
    )


def _chain(base_url: str, n_calls: int, arguments: argparse.Namespace) -> list[float]:
    each = n_calls // arguments.processes
    share = arguments.concurrency // arguments.processes
    begin = time.time() + 8 + 4 * arguments.processes
    with tempfile.TemporaryDirectory() as home:
        ResultStore.open(f"sqlite:///{Path(home) / 'bench.db'}").close()
        work = [
            (base_url, share, number * 100_000, each, begin, home)
            for number in range(arguments.processes)
        ]
        context = multiprocessing.get_context("spawn")
        with context.Pool(arguments.processes) as pool:
            parts = [
                pool.apply_async(run_chain, one, {"second": arguments.second_reading})
                for one in work
            ]
            return [t for part in parts for t in part.get(timeout=900)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, nargs="*", default=[2.0, 0.5])
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--second-reading", action="store_true")
    arguments = parser.parse_args()
    for latency_s in arguments.latency:
        measure(latency_s, arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

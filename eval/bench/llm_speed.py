"""How many requests a second the LLM engine sends, beside the ideal and the bare openai client.

``python eval/bench/llm_speed.py`` starts the test server as a process of its own on the same
cores, with a fixed time to an answer, and keeps 64 requests under way: by the chain (masking,
rendering, asking, parsing, grounding, storing in SQLite; the queries' vectors from the cache), and
by the bare openai client with a prompt of the same size. The ideal is concurrency over latency.

Then the second reading: a server that finds nothing in any call, so that the embedded engine reads
every one of them too, beside how many calls the embedded engine reads in the same processes alone.
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai

from analyzer.config import Settings
from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.engine import EmbeddedEngine
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
) -> float:
    """Analyse calls and store them.

    Returns:
        When the last call was stored, in seconds of the wall clock.
    """
    settings = Settings.model_validate(
        {
            "openai_base_url": base_url, "openai_api_key": "sk-test", "model": "test-model",
            "concurrency": concurrency, "home": Path(home) / f"w{first}", "timeout_s": 60,
            "second_reading": second,
        }
    )  # fmt: skip
    engine = build_llm_engine(settings)
    book = _book()
    calls = make_calls(count, first=first)
    with ResultStore.open(f"sqlite:///{Path(home) / 'bench.db'}") as store:
        for outcome in analyze_many(make_calls(2, first=10**6 + first), engine=engine, book=book):
            assert outcome.analysis is not None, outcome.reason
        _wait_until(begin)
        for outcome in analyze_many(calls, engine=engine, book=book):
            assert outcome.analysis is not None, outcome.reason
            assert len(outcome.analysis.commitments) == (0 if second else len(PROMISES))
            store.save_analysis(outcome.analysis, source="bench", format="native")
        end = time.time()
    engine.close()
    return end


def run_embedded(first: int, count: int, begin: float) -> float:
    """Read calls with the embedded engine alone; see :func:`run_chain`."""
    reader = EmbeddedEngine()
    calls = make_calls(count, first=first)
    reader.analyze(calls[0], None)
    _wait_until(begin)
    with ThreadPoolExecutor() as pool:  # as many threads as the LLM engine's second reading has
        list(pool.map(lambda call: reader.analyze(call, None), calls))
    return time.time()


def _book() -> PolicyBook:
    documents = read_policies(ROOT / "corpus" / "alpenglow").documents
    return PolicyBook.from_documents(documents, packaged_embedder())


def _wait_until(begin: float) -> None:
    assert time.time() < begin, "the processes took too long to start; give --start more seconds"
    time.sleep(begin - time.time())


async def run_bare(base_url: str, concurrency: int, count: int) -> float:
    """The bare openai client with a prompt and a schema of the same size.

    Returns:
        Requests a second.
    """
    shown = fence_call(make_calls(1)[0])
    prompt = get_prompt("mark")
    named = {"name": "MarkAnswer", "strict": True, "schema": schema_of(MarkAnswer).schema}
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

        await asyncio.gather(*(ask(n) for n in range(concurrency)))  # opens the connections
        begin = time.time()
        await asyncio.gather(*(ask(n) for n in range(count)))
        return count / (time.time() - begin)


@contextmanager
def served(latency_s: float, answer: str) -> Iterator[str]:
    """The test server in a process of its own; yields its address."""
    command = [
        sys.executable, "-m", "tests.model_server", "--latency", str(latency_s), "--answer", answer,
    ]  # fmt: skip
    path = f"{ROOT}:{ROOT / 'eval' / 'bench'}"
    with subprocess.Popen(  # noqa: S603 - our own server
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        env={"PYTHONPATH": path},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def measure(latency_s: float, arguments: argparse.Namespace) -> None:
    """One latency: the ideal, the bare client, the chain."""
    ideal = arguments.concurrency / latency_s
    n_requests = int(ideal * arguments.seconds)
    with served(latency_s, "fixed_answers:answer") as base_url:
        bare = asyncio.run(run_bare(base_url, arguments.concurrency, n_requests))
        found = 2 * _run(run_chain, n_requests // 2, arguments, base_url=base_url)
    print(
        f"{latency_s * 1000:5.0f} ms an answer, {arguments.concurrency} under way, "
        f"{arguments.processes} process(es): ideal {ideal:6.1f} requests/s; "
        f"bare openai client {bare:6.1f} ({bare / ideal:.0%}); "
        f"chain {found:6.1f} ({found / ideal:.0%})",
        flush=True,
    )


def measure_second_reading(latency_s: float, arguments: argparse.Namespace) -> None:
    """Every call read by the embedded engine too, beside that engine alone."""
    n_calls = int(arguments.seconds * 8)
    limit = _run(run_embedded, n_calls, arguments)
    with served(latency_s, "fixed_answers:nothing") as base_url:
        found = _run(run_chain, n_calls, arguments, base_url=base_url)
    print(
        f"second reading of every call, {latency_s * 1000:.0f} ms an answer: "
        f"{found:.1f} requests/s; the embedded engine alone reads {limit:.1f} calls/s "
        f"({found / limit:.0%} of that limit)",
        flush=True,
    )


def _run(
    work: Callable[..., float], count: int, arguments: argparse.Namespace, base_url: str = ""
) -> float:
    """Calls a second of several processes together, from a common beginning to the last's end."""
    n = arguments.processes
    each, share = count // n, arguments.concurrency // n
    begin = time.time() + arguments.start + 2 * n
    with tempfile.TemporaryDirectory() as home:
        ResultStore.open(f"sqlite:///{Path(home) / 'bench.db'}").close()
        parts: list[Any] = []
        with multiprocessing.get_context("spawn").Pool(n) as pool:
            for number in range(n):
                first = number * 100_000
                if base_url:
                    told = (base_url, share, first, each, begin, home)
                    is_second = work is run_chain and arguments.second_reading
                    parts.append(pool.apply_async(work, told, {"second": is_second}))
                else:
                    parts.append(pool.apply_async(work, (first, each, begin)))
            ends = [part.get(timeout=900) for part in parts]
    return float(each * n / (max(ends) - begin))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, nargs="*", default=[2.0, 0.5])
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--start", type=float, default=8.0, help="seconds to start processes in")
    arguments = parser.parse_args()
    arguments.second_reading = False
    for latency_s in arguments.latency:
        measure(latency_s, arguments)
    arguments.second_reading = True
    measure_second_reading(arguments.latency[-1], arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

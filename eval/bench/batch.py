"""What the nightly batch costs beside its engine, and how it scales.

    python eval/bench/batch.py --null 100000     # an engine that does nothing; then a second night
    python eval/bench/batch.py --scaling         # two processes against one, beside the encoder
    python eval/bench/batch.py --memory 5000     # memory over a long run of the embedded engine

Calls are made by varying the sample corpus: other ids, days, names and sums, turns left out. All of
it is printed beside its limit; the database is SQLite in a scratch folder.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analyzer.batch.executors import Ended, Executor
from analyzer.batch.executors.local import ProcessExecutor
from analyzer.batch.inbox import open_inbox
from analyzer.batch.runner import BatchOptions, BatchRun, Outcome
from analyzer.domain import Analysis, Call
from analyzer.embedders import PackagedEmbedder, packaged_embedder
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies
from analyzer.readers.transcripts import read_transcripts
from analyzer.results import ResultStore
from analyzer.results.batch_queue import BatchQueue, Task

CORPUS = Path(__file__).parents[2] / "corpus"
NULL_MS, SECOND_NIGHT_S, SCALING = 3.0, 10.0, 0.9
_NUMBER = re.compile(r"\b\d{2,4}\b")


def corpus_calls() -> list[dict[str, Any]]:
    """The sample calls as records."""
    out = []
    for folder in sorted(p for p in CORPUS.iterdir() if (p / "calls").is_dir()):
        for path in sorted((folder / "calls").iterdir()):
            if path.suffix in {".txt", ".vtt", ".json", ".jsonl", ".csv"}:
                for read in read_transcripts(path):
                    record = read.call.model_dump(mode="json", exclude_unset=True)
                    out.append(record | {"company": record.get("company") or folder.name})
    return out


def varied(calls: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """A call like one of the corpus, the same for the same number."""
    chance = random.Random(number)  # noqa: S311 - variation, no secret
    record: dict[str, Any] = json.loads(json.dumps(calls[number % len(calls)]))
    turns = [t for t in record["turns"] if chance.random() > 0.05]
    for turn in turns:
        turn.pop("turn", None)
        turn["text"] = _NUMBER.sub(
            lambda m: str(max(10, int(m.group()) + chance.randint(-3, 3))), turn["text"]
        )
    day = dt.date.fromisoformat(record.get("date") or "2026-03-04")
    return record | {
        "call_id": f"bench-{number:06d}", "turns": turns, "date": day.isoformat(),
        "agent_id": f"a-{chance.randint(1, 200)}", "team": f"t-{chance.randint(1, 12)}",
        "customer_id": f"c-{chance.randint(1, 5000)}",
    }  # fmt: skip


def write_inbox(folder: Path, count: int, *, is_short: bool) -> None:
    """One file a call."""
    calls = corpus_calls()
    folder.mkdir(parents=True)
    for number in range(count):
        record = varied(calls, number)
        if is_short:
            record["turns"] = record["turns"][:12]
        (folder / f"{number:06d}.json").write_text(json.dumps(record))


class NullExecutor:
    """Gives each call back with nothing in it."""

    name = "null"
    capacity = 8

    def __init__(self) -> None:
        self._held: deque[tuple[Task, Call]] = deque()

    @property
    def n_under_way(self) -> int:
        """How many calls it holds."""
        return len(self._held)

    def submit(self, task: Task, call: Call) -> None:
        """Take a call."""
        self._held.append((task, call))

    def collect(self, timeout_s: float) -> list[Ended]:  # noqa: ARG002 - as the interface has it
        """What it holds."""
        out = [
            Ended(t, Analysis(call=c, engine="null", model="0", score=100), 0.0)
            for t, c in self._held
        ]
        self._held.clear()
        return out

    def close(self, *, is_hasty: bool = False) -> None:
        """Nothing is held open."""


class Quiet:
    """Hears everything and says nothing."""

    def expect(self, n_calls: int) -> None:
        """See :class:`analyzer.batch.runner.Watcher`."""

    def took_in(self, n_files: int, n_found: int) -> None:
        """See :class:`analyzer.batch.runner.Watcher`."""

    def ended(self, task: Task, state: str, reason: str | None) -> None:
        """See :class:`analyzer.batch.runner.Watcher`."""

    def note(self, sentence: str) -> None:
        """See :class:`analyzer.batch.runner.Watcher`."""
        print(sentence)


def run_once(folder: Path, database: Path, executor: Executor) -> tuple[Outcome, dict[str, float]]:
    """One night, with the seconds of its parts."""
    with ResultStore.open(f"sqlite:///{database}") as store:
        inbox = open_inbox(str(folder))
        queue = BatchQueue(store, inbox.address)
        run_id = queue.begin_run(engine="bench", model="0", prompt_version=None, options={})
        batch = BatchRun(
            queue, inbox, run_id=run_id, made_by="bench", options=BatchOptions(order="oldest"),
            watcher=Quiet(),
        )  # fmt: skip
        began = time.perf_counter()
        batch.take_in()
        taken = time.perf_counter()
        tasks, drawn = batch.choose()
        batch.analyze(tasks, executor)
        ended = time.perf_counter()
        outcome = batch.outcome(drawn)
        queue.end_run(
            run_id, state=outcome.state, counts=outcome.counts.to_record(), report=None, reason=None
        )
    return outcome, {"take in": taken - began, "analyse and store": ended - taken}


def bench_null(scratch: Path, count: int) -> bool:
    """The cost of the batch itself; whether both limits hold."""
    write_inbox(scratch / "inbox", count, is_short=True)
    outcome, parts = run_once(scratch / "inbox", scratch / "w.db", NullExecutor())
    each = {name: 1000 * seconds / count for name, seconds in parts.items()}
    total = sum(each.values())
    told = ", ".join(f"{name} {ms:.2f} ms" for name, ms in each.items())
    print(f"{outcome.counts.done} calls through an engine that does nothing: {total:.2f} ms a call")
    print(f"  (limit {NULL_MS} ms; {told})")
    again, parts = run_once(scratch / "inbox", scratch / "w.db", NullExecutor())
    seconds = sum(parts.values())
    print(
        f"a second night, {again.counts.files} files known: {seconds:.1f} s "
        f"(limit {SECOND_NIGHT_S} s for 100,000)"
    )
    scaled = SECOND_NIGHT_S * count / 100_000
    return total <= NULL_MS and seconds <= max(scaled, 1.0)


def _encode(texts: list[list[str]]) -> None:
    embedder = PackagedEmbedder(threads=1)
    for one in texts:
        embedder.embed(one)


def encoder_seconds(texts: list[list[str]], processes: int) -> float:
    """The bare encoder over the turns of calls, in so many processes."""
    context = multiprocessing.get_context("spawn")
    parts = [texts[i::processes] for i in range(processes)]
    # A pass before the clock starts takes the loading out.
    with context.Pool(processes) as pool:
        pool.map(_encode, [part[:2] for part in parts], chunksize=1)
        began = time.perf_counter()
        pool.map(_encode, parts, chunksize=1)
        return time.perf_counter() - began


def bench_scaling(scratch: Path, count: int, rounds: int) -> bool:
    """Two processes against one; whether the batch scales as the encoder does."""
    write_inbox(scratch / "inbox", count, is_short=False)
    book = PolicyBook.from_documents(read_policies(CORPUS).documents, packaged_embedder())
    calls = corpus_calls()
    texts = [[t["text"] for t in varied(calls, n)["turns"]] for n in range(count)]
    ratios = []
    for number in range(rounds):
        alone = encoder_seconds(texts, 1) / encoder_seconds(texts, 2)
        seconds = []
        for workers in (1, 2):
            executor = ProcessExecutor("embedded", book, workers, call_timeout_s=600)
            warm(executor, workers)
            _, parts = run_once(scratch / "inbox", scratch / f"{number}-{workers}.db", executor)
            seconds.append(parts["analyse and store"])
            executor.close()
        batch = seconds[0] / seconds[1]
        ratios.append(batch / alone)
        print(
            f"  encoder {alone:.2f} times, batch {batch:.2f} times "
            f"({count / seconds[1]:.1f} calls a second): {ratios[-1]:.2f}"
        )
    middle = statistics.median(ratios)
    print(f"scaling of the batch as a share of the encoder's: {middle:.2f} (floor {SCALING})")
    return middle >= SCALING


def warm(executor: ProcessExecutor, workers: int) -> None:
    """Let every process load its engine before the clock starts."""
    call = Call.model_validate(varied(corpus_calls(), 0))
    for n in range(workers * 2):
        executor.submit(Task(-1 - n, None, "warm", "warm"), call)
    left = workers * 2
    while left:
        left -= len(executor.collect(5.0))


def bench_memory(scratch: Path, count: int) -> bool:
    """Memory of the run over its length, this process and its children."""
    write_inbox(scratch / "inbox", count, is_short=False)
    book = PolicyBook.from_documents(read_policies(CORPUS).documents, packaged_embedder())
    samples: list[float] = []

    class Sampling(ProcessExecutor):
        def collect(self, timeout_s: float) -> list[Ended]:
            out = super().collect(timeout_s)
            samples.append(sum(_memory_mb()))
            return out

    executor = Sampling("embedded", book, len(os.sched_getaffinity(0)), call_timeout_s=600)
    outcome, parts = run_once(scratch / "inbox", scratch / "w.db", executor)
    executor.close()
    tenth = max(1, len(samples) // 10)
    early, late = (
        statistics.median(part) for part in (samples[tenth : 2 * tenth], samples[-tenth:])
    )
    rate = count / parts["analyse and store"]
    print(
        f"{outcome.counts.done} calls, {rate:.1f} a second: {early:.0f} MB after a tenth, "
        f"{late:.0f} MB at the end (all processes); peak of this one {_peak_mb():.0f} MB"
    )
    return late <= 1.1 * early


def _memory_mb() -> Iterator[float]:
    me = os.getpid()
    children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    for pid in (str(me), *children):
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
        yield pages * resource.getpagesize() / 1e6


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> int:
    """Run what was asked for; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--null", type=int, metavar="CALLS")
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--memory", type=int, metavar="CALLS")
    parser.add_argument("--calls", type=int, default=120, help="of --scaling")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="wordbond-bench-"))
    good = True
    try:
        if chosen.null:
            good &= bench_null(scratch / "null", chosen.null)
        if chosen.scaling:
            good &= bench_scaling(scratch / "scaling", chosen.calls, chosen.rounds)
        if chosen.memory:
            good &= bench_memory(scratch / "memory", chosen.memory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

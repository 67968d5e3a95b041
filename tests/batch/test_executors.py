"""The embedded engine in processes and on a Dask cluster: the same records, whatever dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.batch.executors import Ended, Executor
from analyzer.batch.executors.dask import DaskExecutor
from analyzer.batch.executors.local import ProcessExecutor
from analyzer.config import Settings
from analyzer.domain import Call
from analyzer.embedders import PackagedEmbedder, packaged_embedder
from analyzer.engines.embedded.engine import EmbeddedEngine
from analyzer.errors import ConfigError
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies
from analyzer.readers.transcripts import read_transcripts
from analyzer.results.batch_queue import Task

CORPUS = Path(__file__).parents[2] / "corpus" / "alpenglow"


@pytest.fixture(scope="module")
def book() -> PolicyBook:
    return PolicyBook.from_documents(read_policies(CORPUS).documents, packaged_embedder())


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    return [r.call for path in sorted((CORPUS / "calls").iterdir()) for r in read_transcripts(path)]


@pytest.fixture(scope="module")
def expected(book: PolicyBook, calls: list[Call]) -> dict[str, Any]:
    engine = EmbeddedEngine(PackagedEmbedder(threads=1))
    return {c.call_id: analyze_call(c, engine=engine, book=book).to_record() for c in calls}


def run_all(executor: Executor, calls: list[Call], *, limit_s: float = 90) -> list[Ended]:
    for number, call in enumerate(calls):
        executor.submit(Task(number, call.company, call.call_id, "x"), call)
    out: list[Ended] = []
    began = time.monotonic()
    while executor.n_under_way:
        assert time.monotonic() - began < limit_s
        out += executor.collect(1.0)
    return out


def records(ended: list[Ended]) -> dict[str, Any]:
    return {e.task.call_id: e.analysis.to_record() for e in ended if e.analysis is not None}


def children() -> list[int]:
    me = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]


def test_processes_give_the_records_of_one_engine_and_give_up_what_takes_too_long(
    book: PolicyBook, calls: list[Call], expected: dict[str, Any]
) -> None:
    executor = ProcessExecutor("embedded", book, 2, call_timeout_s=60)
    try:
        assert records(run_all(executor, calls)) == expected
        executor._timeout_s = 0.001
        (ended,) = run_all(executor, calls[:1])
        assert ended.failure == "again"
        assert "--call-timeout" in str(ended.reason)
        executor._timeout_s = 60
        (ended,) = run_all(executor, calls[:1])
        assert ended.analysis is not None
    finally:
        executor.close(is_hasty=True)


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_call_alone(
    book: PolicyBook, calls: list[Call], expected: dict[str, Any]
) -> None:
    executor = ProcessExecutor("embedded", book, 1, call_timeout_s=60)
    try:
        run_all(executor, calls[:1])  # the process is up
        for number, call in enumerate(calls[:2]):
            executor.submit(Task(number, None, call.call_id, "x"), call)
        for pid in children():
            if "resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
        ended = run_all(executor, [])
        lost = [e for e in ended if e.analysis is None]
        assert 1 <= len(lost) <= executor.capacity
        assert {e.failure for e in lost} == {"again"}
        assert "died" in str(lost[0].reason)
        assert len(ended) == 2
        again = run_all(executor, calls)
        assert records(again) == expected
    finally:
        executor.close(is_hasty=True)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
    ) as made:
        yield made


@pytest.mark.slow
def test_a_dask_worker_that_is_killed_costs_a_new_attempt(
    cluster: Any, book: PolicyBook, calls: list[Call], expected: dict[str, Any], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home")
    executor = DaskExecutor("embedded", book, settings, scheduler=cluster.scheduler_address)
    try:
        assert executor.capacity == 4
        victim = next(iter(cluster.workers.values())).process.pid

        def kill() -> None:
            time.sleep(1.0)
            os.kill(victim, signal.SIGKILL)

        threading.Thread(target=kill).start()
        found: dict[str, Any] = {}
        left = list(calls) * 1
        for _ in range(3):
            found |= records(run_all(executor, left))
            left = [c for c in calls if c.call_id not in found]
        assert found == expected
    finally:
        executor.close()


def test_a_scheduler_that_is_not_there_is_told(
    book: PolicyBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("analyzer.batch.executors.dask._CONNECT_S", 0.5)
    with pytest.raises(ConfigError, match=r"tcp://127.0.0.1:9 cannot be reached"):
        DaskExecutor("embedded", book, Settings(home=tmp_path), scheduler="tcp://127.0.0.1:9")

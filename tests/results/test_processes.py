"""Several processes at one SQLite file, and processes that are killed."""

from __future__ import annotations

import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analyzer.domain import Analysis
from analyzer.results import ResultStore

WRITER = """
import sys
from analyzer.domain import Analysis
from analyzer.results import ResultStore

url, name, n_calls, n_marks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
with ResultStore.open(url) as store:
    for number in range(n_calls):
        record = {
            "call_id": f"{name}-{number}",
            "turns": [{"role": "agent", "text": "I will do it. " * 20, "name": name}],
            "commitments": [
                {"id": f"c{i}", "turn": 0, "quote": "I will do it", "kind": "promise",
                 "strength": "firm"}
                for i in range(n_marks)
            ],
            "engine": "embedded",
        }
        store.save_analysis(Analysis.from_record(record))
        store.save_set_aside("shared.txt", "It is empty.")
        print(record["call_id"], flush=True)
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def release(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'wordbond.db'}"


def test_two_processes_open_and_write_at_once_and_lose_nothing(url: str) -> None:
    processes = [start(WRITER, url, name, 50, 3) for name in ("ana", "ben")]
    for process in processes:
        release(process)
    outputs = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    with ResultStore.open(url) as store:
        stored = {row.call_id for row in store.list_calls(limit=None)}
        assert stored == {call_id for output in outputs for call_id in output}
        stats = store.stats()
        assert (stats.n_calls, stats.n_results, stats.n_findings) == (100, 100, 300)
        (aside,) = store.list_set_aside()
        assert aside.times == 100


def test_a_killed_process_leaves_before_or_after(url: str, tmp_path: Path) -> None:
    n_marks = 120
    acknowledged: list[str] = []
    for number in range(4):
        process = start(WRITER, url, f"round{number}", 10_000, n_marks)
        release(process)
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().strip() for _ in range(3)]
        time.sleep(0.003 * number)
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += process.communicate(timeout=60)[0].split()

    with ResultStore.open(url) as store:
        rows = store.list_calls(limit=None)
        assert set(acknowledged) <= {row.call_id for row in rows}
        for row in rows:
            assert row.n_commitments == n_marks, "a call without its result"
            assert store.count_findings(call_id=row.call_id) == n_marks
            assert len(store.get_analysis(None, row.call_id).commitments) == n_marks
        stats = store.stats()
        assert stats.n_calls == stats.n_versions == stats.n_results == len(rows)
        again = store.get_analysis(None, acknowledged[0])
        assert not store.save_analysis(again).created
    connection = sqlite3.connect(tmp_path / "home" / "wordbond.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


OPENER = """
import sys
from analyzer.results import ResultStore

print("ready", flush=True)
sys.stdin.readline()
ResultStore.open(sys.argv[1]).close()
"""


def test_a_process_killed_while_creating_the_database_leaves_a_usable_one(url: str) -> None:
    for delay_s in (0.0, 0.02, 0.05):
        process = start(OPENER, url)
        release(process)
        assert process.stdout is not None
        select.select([process.stdout], [], [], delay_s)
        process.kill()
        process.communicate(timeout=60)
    record = {"call_id": "k1", "turns": [{"role": "agent", "text": "Hello"}]}
    with ResultStore.open(url) as store:
        assert store.save_analysis(Analysis.from_record(record)).created

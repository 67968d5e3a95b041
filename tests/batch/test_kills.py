"""Killed at random moments and started again, the batch ends where an undisturbed one does."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from analyzer.batch.inbox import open_inbox
from analyzer.results import ResultStore
from analyzer.results.batch_queue import BatchQueue
from tests.batch.doubles import write_calls
from tests.batch.night_in_a_process import WORKERS

ROOT = Path(__file__).parents[2]
IN_CI = os.environ.get("CI") == "true"


def start(inbox: Path, database: Path, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.batch.night_in_a_process", *map(str, (inbox, database, log))],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def records(database: Path) -> dict[str, Any]:
    with ResultStore.open(f"sqlite:///{database}") as store:
        rows = store.list_calls(limit=None)
        return {
            r.call_id: (store.get_analysis(r.company, r.call_id).to_record(), r.n_versions)
            for r in rows
        }


def run_with_kills(tmp_path: Path, n_calls: int, n_kills: int, seed: int) -> None:
    inbox = tmp_path / "inbox"
    write_calls(inbox, n_calls)
    calm = tmp_path / "calm.db"
    began = time.monotonic()
    process = start(inbox, calm, tmp_path / "calm.log")
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    length = time.monotonic() - began
    chance = random.Random(seed)
    database, log = tmp_path / "killed.db", tmp_path / "killed.log"
    killed = 0
    for _ in range(n_kills):
        process = start(inbox, database, log)
        # From before the first file is read to after the last call is stored.
        try:
            process.wait(chance.uniform(0.2, 1.0) * length)
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
    last = start(inbox, database, log)
    _, told = last.communicate(timeout=120)
    assert last.returncode == 0, told
    assert records(database) == records(calm)
    with ResultStore.open(f"sqlite:///{database}") as store:
        queue = BatchQueue(store, open_inbox(str(inbox)).address)
        assert queue.count_tasks() == {"done": n_calls}
    read = Counter(log.read_text().split())
    assert set(read) == set(Counter((tmp_path / "calm.log").read_text().split()))
    # At most one call's worth a kill and worker is repeated.
    assert read.total() - n_calls <= WORKERS * killed
    assert killed >= n_kills // 3


def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    run_with_kills(tmp_path, n_calls=40, n_kills=3, seed=1)


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    run_with_kills(tmp_path, n_calls=300, n_kills=12 if IN_CI else 100, seed=2)

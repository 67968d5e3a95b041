"""One night with an engine that notes each call it reads: ``python -m`` INBOX DATABASE LOG."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from analyzer.batch.executors.local import ThreadExecutor
from analyzer.batch.inbox import open_inbox
from analyzer.batch.runner import BatchOptions, BatchRun
from analyzer.domain import Analysis, Call
from analyzer.policy_book import PolicyView
from analyzer.results import ResultStore
from analyzer.results.batch_queue import BatchQueue
from tests.batch.doubles import SilentWatcher, marked

WORKERS = 2


class NotingEngine:
    """Writes the id of each call that it begins to read into a file."""

    name, model = "noting", "1"
    prompt_version: str | None = None

    def __init__(self, log: Path) -> None:
        self._log = log

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:  # noqa: ARG002
        with self._log.open("a") as file:
            file.write(f"{call.call_id}\n")
        time.sleep(0.004)
        return marked(call)

    def close(self) -> None: ...


def main(inbox_folder: str, database: str, log: str) -> None:
    inbox = open_inbox(inbox_folder)
    with ResultStore.open(f"sqlite:///{database}") as store:
        queue = BatchQueue(store, inbox.address)
        with queue.hold(Path(database).parent / "locks"):
            run_id = queue.begin_run(engine="noting", model="1", prompt_version=None, options={})
            batch = BatchRun(
                queue, inbox, run_id=run_id, made_by="noting",
                options=BatchOptions(order="oldest"), watcher=SilentWatcher(),
            )  # fmt: skip
            batch.take_in()
            tasks, drawn = batch.choose()
            executor = ThreadExecutor(NotingEngine(Path(log)), None, WORKERS)
            batch.analyze(tasks, executor)
            executor.close()
            outcome = batch.outcome(drawn)
            queue.end_run(
                run_id, state=outcome.state, counts=outcome.counts.to_record(), report=None,
                reason=None,
            )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])

"""On this machine: processes for the embedded engine, threads for one that waits for a server."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import signal
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from analyzer.batch.executors.base import Ended, work_on
from analyzer.domain import Call
from analyzer.engines import Engine
from analyzer.policy_book import PolicyBook
from analyzer.results.batch_queue import Task


class ThreadExecutor:
    """Calls side by side in threads, for an engine whose requests run in an event loop.

    Args:
        engine: The engine; safe with several threads.
        book: The policies, or None.
        workers: How many calls at once.
    """

    name = "local"

    def __init__(self, engine: Engine, book: PolicyBook | None, workers: int) -> None:
        self._engine, self._book = engine, book
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="wordbond-batch")
        self._futures: dict[Future[Ended], Task] = {}
        self.capacity = workers

    @property
    def n_under_way(self) -> int:
        """How many calls it holds."""
        return len(self._futures)

    def submit(self, task: Task, call: Call) -> None:
        """Take a call."""
        future = self._pool.submit(work_on, task, call, self._engine, self._book)
        self._futures[future] = task

    def collect(self, timeout_s: float) -> list[Ended]:
        """What has ended; see :class:`analyzer.batch.executors.Executor`."""
        done, _ = concurrent.futures.wait(
            self._futures, timeout=timeout_s, return_when=FIRST_COMPLETED
        )
        for future in done:
            del self._futures[future]
        return [future.result() for future in done]

    def close(self, *, is_hasty: bool = False) -> None:
        """End; the engine stays with who built it."""
        if is_hasty and (stop := getattr(self._engine, "stop", None)) is not None:
            stop()
        self._pool.shutdown(wait=not is_hasty, cancel_futures=is_hasty)


class ProcessExecutor:
    """Calls side by side in processes, each with an engine of its own.

    A process that dies, or takes too long over a call, costs that call alone: it comes back as a
    failure that may be tried again, and another process takes the place.

    Args:
        engine_name: Which engine the processes build; only the embedded one makes sense.
        book: The policies, or None.
        workers: How many processes.
        call_timeout_s: A call that takes longer is given up.
    """

    name = "local"

    def __init__(
        self, engine_name: str, book: PolicyBook | None, workers: int, *, call_timeout_s: float
    ) -> None:
        self._timeout_s = call_timeout_s
        self._workers = workers
        self._given = (engine_name, book)
        self._pool: Any = self._start()
        self._futures: dict[Future[Ended], Task] = {}
        # One call more than there are processes, so that none waits for the next.
        self.capacity = 2 * workers

    def _start(self) -> Any:
        from pebble import ProcessPool

        return ProcessPool(
            max_workers=self._workers,
            initializer=_begin,
            initargs=self._given,
            context=multiprocessing.get_context("spawn"),
        )

    @property
    def n_under_way(self) -> int:
        """How many calls it holds."""
        return len(self._futures)

    def submit(self, task: Task, call: Call) -> None:
        """Take a call."""
        if not self._pool.active:  # a process that dies between two calls takes its pool along
            self._pool.join()
            self._pool = self._start()
        future = self._pool.schedule(_work, args=(task, call), timeout=self._timeout_s)
        self._futures[future] = task

    def collect(self, timeout_s: float) -> list[Ended]:
        """What has ended; see :class:`analyzer.batch.executors.Executor`."""
        done, _ = concurrent.futures.wait(
            self._futures, timeout=timeout_s, return_when=FIRST_COMPLETED
        )
        return [self._outcome(future, self._futures.pop(future)) for future in done]

    def _outcome(self, future: Future[Ended], task: Task) -> Ended:
        from pebble import ProcessExpired

        try:
            return future.result()
        except concurrent.futures.TimeoutError:
            reason = (
                f"the call took longer than {self._timeout_s:.0f} seconds and was given up; try it "
                "alone with `wordbond analyze`, or allow more with --call-timeout"
            )
            return Ended(task, None, self._timeout_s, "again", reason)
        except (ProcessExpired, BrokenProcessPool) as error:
            how = _cause_of_death(getattr(error, "exitcode", None))
            reason = (
                f"the process that read the call died ({how}); try it alone with `wordbond analyze`"
            )
            return Ended(task, None, 0.0, "again", reason)

    def close(self, *, is_hasty: bool = False) -> None:
        """End the processes."""
        if is_hasty:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()


def _cause_of_death(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
        return f"{name}; the machine may be short of memory" if name == "SIGKILL" else name
    return "for a reason that is not known" if code is None else f"exit code {code}"


_engine: Engine | None = None
_book: PolicyBook | None = None


def _begin(engine_name: str, book: PolicyBook | None) -> None:
    """Set a new process up: its engine on one thread, the policies, no heed to Ctrl-C."""
    global _engine, _book
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what becomes of its calls
    _engine, _book = build_single_threaded(engine_name), book


def build_single_threaded(engine_name: str) -> Engine:
    """An engine that uses one core, for a process among several.

    Raises:
        ConfigError: If there is no such engine for processes.
    """
    from analyzer.config import load_settings
    from analyzer.pipeline import build_engine

    return build_engine(load_settings(), name=engine_name, threads=1)


def _work(task: Task, call: Call) -> Ended:
    if _engine is None:
        raise RuntimeError("the process was not set up")
    return work_on(task, call, _engine, _book)

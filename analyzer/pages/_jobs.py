"""Analysing many calls in a thread of its own: the page shows how far it is and can be left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from analyzer.demo import get_corpus
from analyzer.domain import Call
from analyzer.engines import Engine
from analyzer.errors import AnalyzerError, InputError
from analyzer.pipeline import analyze_many
from analyzer.policy_book import PolicyBook
from analyzer.policy_library import PolicyLibrary
from analyzer.readers.policies import read_policies
from analyzer.readers.transcripts import ReadCall, read_many
from analyzer.results import ResultStore


@dataclass(frozen=True)
class Work:
    """What a job is to do: the calls as read, the policies, and what could not be read."""

    calls: Sequence[ReadCall]
    book: PolicyBook
    failures: Sequence[InputError] = ()


@dataclass(frozen=True)
class Done:
    """What became of one call: analysed and stored, or set aside with the reason."""

    call: Call
    source: str
    reason: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        n_done: Calls that are done.
        n_all: Calls in all; 0 while they are being read.
        is_running: Whether it is at work.
        error: Why it ended early, in one sentence; None if it did not.
        done: What became of the calls so far, in order.
        failures: What could not be read, a sentence each.
    """

    n_done: int
    n_all: int
    is_running: bool
    error: str | None
    done: tuple[Done, ...]
    failures: tuple[str, ...]


@dataclass
class AnalysisJob:
    """Analyses calls one after the other and stores each as soon as it is done.

    Args:
        prepare: Gives the work; called in the job's thread.
        engine: What reads the calls.
        store: Where results go.
        lock: Held while the engine is at work, since all sessions share one engine.
    """

    prepare: Callable[[], Work]
    engine: Engine
    store: ResultStore
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._n_all = 0
        self._done: list[Done] = []
        self._failures: tuple[str, ...] = ()
        self._error: str | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="analysis", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the call that is being analysed; what is done stays."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it is over, at most so long."""
        self._thread.join(timeout_s)

    def look(self) -> Progress:
        """How far it is now."""
        is_running = self._thread.is_alive()
        error = self._error
        if not is_running and not self._is_over and error is None:
            error = (
                "The analysis ended unexpectedly; what was done is stored, so start it again for "
                "the rest and report what the server's log says."
            )
        done = tuple(self._done)
        return Progress(len(done), self._n_all, is_running, error, done, self._failures)

    def _run(self) -> None:
        try:
            self._work()
        except AnalyzerError as error:
            self._error = str(error)
        self._is_over = True

    def _work(self) -> None:
        work = self.prepare()
        self._n_all = len(work.calls)
        for failure in work.failures:
            self.store.save_set_aside(str(failure.path or "upload"), failure.message)
        self._failures = tuple(str(failure) for failure in work.failures)
        for read in work.calls:
            if self._stop.is_set():
                left = self._n_all - len(self._done)
                self._error = (
                    f"Stopped before the last {left} of {self._n_all}; the rest is stored."
                )
                return
            self._done.append(self._analyze(read, work.book))

    def _analyze(self, read: ReadCall, book: PolicyBook) -> Done:
        with self.lock:
            outcome = next(analyze_many([read.call], engine=self.engine, book=book))
        if outcome.analysis is None:
            reason = outcome.reason or "No reason was given."
            self.store.save_set_aside(f"{read.source}, call {read.call.call_id}", reason)
            return Done(read.call, read.source, reason)
        self.store.save_analysis(outcome.analysis, source=read.source, format=read.format)
        return Done(read.call, read.source)


def prepare_samples(library: PolicyLibrary) -> Work:
    """Put the sample policies into the library and read the sample calls.

    Raises:
        ConfigError: If the samples are not there.
        PolicyError: If their policies cannot be read.
        StoreError: If the library fails.
    """
    folder = get_corpus()
    policies = read_policies(folder)
    report = library.add(policies.documents)
    read = list(read_many([folder]))
    calls = [found for found in read if isinstance(found, ReadCall)]
    failed = [found for found in read if not isinstance(found, ReadCall)]
    return Work(calls, library.book(), (*policies.set_aside, *report.set_aside, *failed))

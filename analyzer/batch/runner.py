"""One run of the batch: files in, calls analysed and stored one by one, the rest left in order.

Every step is a transaction of the queue (:mod:`analyzer.results.batch_queue`), so that the run can
be killed anywhere: the next one goes on where it was.
"""

from __future__ import annotations

import datetime as dt
import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from analyzer.batch.executors import Ended, Executor
from analyzer.batch.inbox import Inbox, Listed, is_changed, read_input
from analyzer.batch.plan import Drawn, SamplingPlan, draw, put_in_order
from analyzer.errors import ConfigError, StoreError
from analyzer.readers.transcripts import ReadOptions
from analyzer.results.batch_queue import BatchQueue, ReadInput, RunState, Task

_Out = TypeVar("_Out")

#: Files whose calls are taken in together, and calls that are loaded together.
_CHUNK = 200
_LOADED = 64
_BEAT_S = 5.0
#: How long the database may be away before the run gives up; what was stored by then stays.
_PATIENCE_S = 300.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 2.0, 60.0


@dataclass(frozen=True)
class BatchOptions:
    """How a run is to be done.

    Attributes:
        order: What goes first; see :func:`analyzer.batch.plan.put_in_order`.
        sample: How many of the calls.
        until: When to stop taking calls; aware, None for never.
        attempts: How often a call is tried before it is set aside.
        rescore: Whether calls analysed by another engine or model are analysed again.
        since: For ``rescore``: only calls from this day on.
        read: What the user says about all calls.
        patience_s: How long the database may be away.
        first_wait_s: Before the first new attempt of a call that failed; doubles with each.
    """

    order: str = "newest"
    sample: SamplingPlan = field(default_factory=SamplingPlan)
    until: dt.datetime | None = None
    attempts: int = 3
    rescore: bool = False
    since: dt.date | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    patience_s: float = _PATIENCE_S
    first_wait_s: float = _FIRST_WAIT_S


class Watcher(Protocol):
    """Is told how a run goes on, for a bar or a log."""

    def expect(self, n_calls: int) -> None:
        """So many calls will be analysed."""
        ...

    def took_in(self, n_files: int, n_found: int) -> None:
        """So many files were read of so many that were found."""
        ...

    def ended(self, task: Task, state: str, reason: str | None) -> None:
        """A call was finished, set aside, or put off for another attempt."""
        ...

    def note(self, sentence: str) -> None:
        """Something that a person should know."""
        ...


@dataclass
class Counts:
    """What has come of a run so far; all of it is in the run's report."""

    files: int = 0
    files_read: int = 0
    files_refused: int = 0
    taken_in: int = 0
    done: int = 0
    failed: int = 0
    deferred: int = 0
    skipped: int = 0
    retried: int = 0
    judged_again: int = 0
    commitments: int = 0
    conflicts: int = 0
    stonewalls: int = 0
    to_review: int = 0
    with_conflict: int = 0
    with_stonewall: int = 0
    score_sum: int = 0
    scored: int = 0
    requests: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    engine_seconds: float = 0.0
    seconds: float = 0.0

    def add(self, ended: Ended) -> None:
        """Count a call that is done."""
        analysis = ended.analysis
        self.engine_seconds += ended.seconds
        if analysis is None:
            return
        self.done += 1
        self.commitments += len(analysis.commitments)
        self.conflicts += len(analysis.conflicts)
        self.stonewalls += len(analysis.stonewalls)
        self.with_conflict += bool(analysis.conflicts)
        self.with_stonewall += bool(analysis.stonewalls)
        self.to_review += sum(m.needs_review for m in analysis.commitments)
        self.to_review += sum(w.needs_review for w in analysis.stonewalls)
        if analysis.score is not None:
            self.scored += 1
            self.score_sum += analysis.score
        usage = analysis.usage
        self.requests += usage.requests
        self.tokens_in += usage.tokens_in
        self.tokens_cached += usage.tokens_cached
        self.tokens_out += usage.tokens_out
        self.cost_usd += usage.cost_usd or 0.0

    def to_record(self) -> dict[str, Any]:
        """As it is stored with the run."""
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in vars(self).items()
        }


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        state: ``done``, ``stopped`` or ``failed``.
        counts: What came of it.
        reason: Why it stopped or failed, or None.
        drawn: What the sampling plan chose, by group: how many there were and how many were drawn.
    """

    state: RunState
    counts: Counts
    reason: str | None
    drawn: dict[str, tuple[int, int]] = field(default_factory=dict)


class BatchRun:
    """A run of the batch on one inbox; the inbox has to be held (:meth:`BatchQueue.hold`).

    Args:
        queue: The batch's part of the store.
        inbox: Where the files are.
        run_id: The run, as :meth:`BatchQueue.begin_run` gave it.
        made_by: Engine, model, prompts and policies in one text: a call that failed under another
            is tried again.
        options: How it is to be done.
        watcher: Is told how it goes on.
        stopping: Set from outside when no further call is to be taken.
        now: Tells the time; for tests.
    """

    def __init__(
        self,
        queue: BatchQueue,
        inbox: Inbox,
        *,
        run_id: int,
        made_by: str,
        options: BatchOptions,
        watcher: Watcher,
        stopping: threading.Event | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now().astimezone(),
    ) -> None:
        self._queue, self._inbox, self._run_id = queue, inbox, run_id
        self._made_by, self._options, self._watcher = made_by, options, watcher
        self._stopping = stopping or threading.Event()
        self._now = now
        self.counts = Counts()
        self._reason: str | None = None
        self._beaten = 0.0
        self._began = time.monotonic()

    # --- files ----------------------------------------------------------------------------------

    def take_in(self) -> None:
        """Read what is new or changed in the inbox, and put its calls into the queue.

        Raises:
            ConfigError: If the inbox cannot be listed.
            StoreError: If the database stays away.
        """
        known = self._patiently(self._queue.known_inputs)
        read: list[ReadInput] = []
        for listed in self._inbox.find():
            if self._stopping.is_set():
                break
            self.counts.files += 1
            if isinstance(listed, ReadInput):
                self._refuse_if_new(listed, known, read)
            elif is_changed(listed, known.get(listed.name)):
                read.append(self._read(listed))
            if len(read) >= _CHUNK:
                self._put(read)
                read = []
        if read:
            self._put(read)
        self._watcher.took_in(self.counts.files_read, self.counts.files)

    def _refuse_if_new(self, refused: ReadInput, known: Any, read: list[ReadInput]) -> None:
        before = known.get(refused.name)
        if before is None or before.reason != refused.reason:
            self._watcher.note(f"set aside: {refused.reason}")
            read.append(refused)

    def _read(self, listed: Listed) -> ReadInput:
        found = read_input(self._inbox, listed, self._options.read)
        if found.reason is not None:
            self._watcher.note(f"set aside: {found.name}: {found.reason}")
        return found

    def _put(self, read: Sequence[ReadInput]) -> None:
        self.counts.taken_in += self._patiently(lambda: self._queue.take_in(self._run_id, read))
        self.counts.files_read += len(read)
        self.counts.files_refused += sum(one.reason is not None for one in read)
        self._watcher.took_in(self.counts.files_read, self.counts.files)
        self._beat()

    # --- calls ----------------------------------------------------------------------------------

    def choose(self) -> tuple[list[Task], Drawn]:
        """What waits, drawn by the sampling plan and in order; the rest is noted as left out."""
        options, queue = self._options, self._queue
        self._patiently(lambda: queue.retry_failed(self._made_by))
        waiting = self._patiently(queue.waiting)
        today = self._now().date()
        monday = today - dt.timedelta(days=today.weekday())
        done: dict[str, int] = {}
        if options.sample.per_agent is not None or "below-sample" in options.order:
            done = self._patiently(lambda: queue.analyzed_by_agent(monday))
        drawn = draw(waiting, options.sample, today=today, done_this_week=done)
        if drawn.left_out:
            ids = [task.task_id for task in drawn.left_out]
            reason = f"not in the sample {options.sample.text}, seed {options.sample.seed}"
            self._patiently(lambda: queue.skip(self._run_id, ids, reason))
            self.counts.skipped = len(ids)
        customers: set[str] = set()
        if "open-cases" in options.order:
            customers = self._patiently(queue.customers_with_conflict)
        tasks = put_in_order(drawn.chosen, options.order, customers=customers, analyzed=done)
        return tasks, drawn

    def analyze(self, tasks: Sequence[Task], executor: Executor) -> None:
        """Analyse calls and store each as it is finished.

        Raises:
            ConfigError: If the engine's settings are wrong for every call.
            StoreError: If the database stays away; what was stored by then stays.
        """
        self._watcher.expect(len(tasks))
        ready = deque(tasks)
        loaded: dict[int, Any] = {}
        later: list[tuple[float, int, Task]] = []
        while True:
            self._check_deadline()
            while later and later[0][0] <= time.monotonic():
                ready.append(heapq.heappop(later)[2])
            while ready and executor.n_under_way < executor.capacity and not self._is_ending:
                self._submit(ready, loaded, executor)
            if self._is_ending and getattr(executor, "keeps_work", False):
                self.counts.deferred += executor.n_under_way
                break
            if executor.n_under_way:
                for ended in executor.collect(self._longest_wait(later)):
                    again = self._settle(ended)
                    if again is not None:
                        heapq.heappush(later, again)
            elif self._is_ending or not (ready or later):
                break
            elif not ready:
                time.sleep(min(0.2, max(0.0, later[0][0] - time.monotonic())))
            self._beat()
        self.counts.deferred += len(ready) + len(later)

    @property
    def _is_ending(self) -> bool:
        if self._stopping.is_set() and self._reason is None:
            self._reason = "it was asked to stop"
        return self._reason is not None

    def _longest_wait(self, later: Sequence[tuple[float, int, Task]]) -> float:
        """So that a beat, the deadline or a call's next attempt is not missed."""
        if later:
            return min(1.0, max(0.05, later[0][0] - time.monotonic()))
        return 1.0

    def _submit(self, ready: deque[Task], loaded: dict[int, Any], executor: Executor) -> None:
        task = ready.popleft()
        if task.task_id not in loaded:
            ids = [task.task_id, *(t.task_id for t, _ in zip(ready, range(_LOADED), strict=False))]
            loaded.update(self._patiently(lambda: self._queue.load(ids)))
        executor.submit(task, loaded.pop(task.task_id))

    def _settle(self, ended: Ended) -> tuple[float, int, Task] | None:
        """Store what became of a call; when it is to be tried again, if it is."""
        task = ended.task
        if ended.analysis is not None:
            analysis = ended.analysis
            self._patiently(
                lambda: self._queue.finish(
                    self._run_id,
                    task.task_id,
                    analysis,
                    seconds=ended.seconds,
                    made_by=self._made_by,
                )
            )
            self.counts.add(ended)
            self._watcher.ended(task, "done", None)
            return None
        reason = ended.reason or "it failed"
        self.counts.add(ended)
        if ended.failure == "settings":
            raise ConfigError(reason)
        if ended.failure == "deferred":
            self.counts.deferred += 1
            self._reason = self._reason or reason
            return None
        attempts = task.attempts + 1
        is_final = ended.failure == "final" or attempts >= self._options.attempts
        self._patiently(
            lambda: self._queue.fail(
                self._run_id, task, reason, made_by=self._made_by, is_final=is_final
            )
        )
        if is_final:
            self.counts.failed += 1
            self._watcher.ended(task, "failed", reason)
            return None
        self.counts.retried += 1
        self._watcher.ended(task, "again", reason)
        wait = min(self._options.first_wait_s * 2 ** (attempts - 1), _LONGEST_WAIT_S)
        return time.monotonic() + wait, task.task_id, _tried_again(task)

    def _check_deadline(self) -> None:
        until = self._options.until
        if until is not None and self._reason is None and self._now() >= until:
            self._reason = f"the time {until:%H:%M} is reached"

    # --- the end --------------------------------------------------------------------------------

    def outcome(self, drawn: Drawn | None = None) -> Outcome:
        """How it ended, where nothing was raised."""
        self.counts.seconds = time.monotonic() - self._began
        state: RunState = "stopped" if self._is_ending else "done"
        return Outcome(state, self.counts, self._reason, drawn.strata if drawn else {})

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= _BEAT_S:
            self.counts.seconds = time.monotonic() - self._began
            record = self.counts.to_record()
            self._patiently(lambda: self._queue.beat(self._run_id, record))
            self._beaten = time.monotonic()

    def _patiently(self, act: Callable[[], _Out]) -> _Out:
        """Do something with the database; where it is away, try again for a while."""
        began = time.monotonic()
        waits: Iterator[float] = iter(min(0.5 * 2**n, 10.0) for n in range(1000))
        while True:
            try:
                return act()
            except StoreError as error:
                if not error.is_passing or time.monotonic() - began > self._options.patience_s:
                    raise
                self._watcher.note(f"{error} Trying again.")
                time.sleep(next(waits))


def _tried_again(task: Task) -> Task:
    return replace(task, attempts=task.attempts + 1)

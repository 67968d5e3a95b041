"""What the nightly batch keeps: its runs, the files it has read, the calls it has taken in.

A call is in one state at every moment, and each step from one to the next is one transaction: taken
in together with the note that its file was read, finished together with its result. A run that is
killed therefore loses nothing and repeats at most what was under way.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.orm import Session

from analyzer.domain import Analysis, Call
from analyzer.errors import InboxBusy
from analyzer.results import writing
from analyzer.results.reviews import is_dismissed
from analyzer.results.store import ResultStore
from analyzer.results.tables import (
    StoredCall,
    StoredFinding,
    StoredInput,
    StoredRequestBatch,
    StoredResult,
    StoredRun,
    StoredTask,
    StoredVersion,
)

TaskState = Literal["waiting", "done", "failed", "skipped"]
RunState = Literal["running", "done", "stopped", "failed"]

_LOCK_SPACE = 0x62617463
"""First key of PostgreSQL's advisory locks on inboxes; any number that is always the same."""


@dataclass(frozen=True, slots=True)
class KnownInput:
    """How a file was when it was last read, and with what outcome."""

    size: int
    stamp: str
    reader: str
    n_calls: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReadInput:
    """A file that has just been read.

    Attributes:
        name: Its name within the inbox.
        size: In bytes.
        stamp: What changes when the file does: its time of change, or an object's tag.
        reader: Version of what read it.
        calls: Each call with where it stands and the format it was read as.
        reason: Why it, or a part of it, could not be read; None if all of it could.
    """

    name: str
    size: int
    stamp: str
    reader: str
    calls: tuple[tuple[Call, str, str], ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A call that waits to be analysed.

    Attributes:
        task_id: Its id in the queue.
        company: As the call names it, or None.
        call_id: The call's id.
        source: The file, or the place in it, that it was read from.
        date: The call's day, where known.
        customer_id: The customer, where known.
        agent: The agent's id or name, or None.
        team: The agent's team, where known.
        attempts: How often it has failed so far.
    """

    task_id: int
    company: str | None
    call_id: str
    source: str
    date: dt.date | None = None
    customer_id: str | None = None
    agent: str | None = None
    team: str | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class EndedTask:
    """A call that was set aside or finished, as a run's report shows it."""

    company: str | None
    call_id: str
    source: str
    state: TaskState
    reason: str | None


@dataclass(frozen=True)
class Run:
    """A run of the batch.

    Attributes:
        run_id: Its id.
        inbox: Which inbox.
        state: ``running``, ``done``, ``stopped`` (by cap, deadline or user) or ``failed``.
        started_at: UTC.
        beat_at: Last sign of life, UTC.
        ended_at: UTC; None while it runs, or where it was killed.
        host: The machine.
        engine: Which engine.
        model: With which model.
        prompt_version: And which prompts.
        options: As it was started.
        counts: What came of it so far.
        report: What the report says; None before it ends.
        reason: Why it stopped or failed.
    """

    run_id: int
    inbox: str
    state: RunState
    started_at: dt.datetime
    beat_at: dt.datetime
    ended_at: dt.datetime | None
    host: str
    engine: str
    model: str
    prompt_version: str | None
    options: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] | None = None
    reason: str | None = None


class BatchQueue:
    """The batch's part of a store.

    Args:
        store: Where calls and results are kept.
        inbox: The inbox, as its address is written in full.
    """

    def __init__(self, store: ResultStore, inbox: str) -> None:
        self._store = store
        self.inbox = inbox

    # --- one batch at a time --------------------------------------------------------------------

    @contextlib.contextmanager
    def hold(self, folder: Path) -> Iterator[None]:
        """Keep every other batch from this inbox until the block ends or the process dies.

        On PostgreSQL by an advisory lock, which holds between machines; on SQLite by a lock on a
        file.

        Args:
            folder: Where lock files go.

        Raises:
            InboxBusy: If another batch is at it.
        """
        digest = hashlib.sha256(self.inbox.encode()).digest()
        if self._store.is_postgresql:
            with self._store.connect() as connection:
                keys = {"space": _LOCK_SPACE, "key": int.from_bytes(digest[:4], signed=True)}
                statement = text("SELECT pg_try_advisory_lock(:space, :key)")
                if not connection.scalar(statement, keys):
                    raise InboxBusy(self._busy())
                # The lock is the session's: committed, or the server would see an idle transaction.
                connection.commit()
                try:
                    yield
                finally:
                    connection.invalidate()
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / f"{digest.hex()[:16]}.lock").open("ab") as file:
            if not _lock_file(file.fileno()):
                raise InboxBusy(self._busy())
            yield

    def _busy(self) -> str:
        last = next((r for r in self.list_runs(limit=5) if r.state == "running"), None)
        since = f", on {last.host} since {last.started_at:%Y-%m-%d %H:%M} UTC" if last else ""
        return (
            f"Another batch is at the inbox {self.inbox}{since}; this one ends without doing "
            "anything. Wait for it, or end it and start again."
        )

    # --- runs -----------------------------------------------------------------------------------

    def begin_run(
        self, *, engine: str, model: str, prompt_version: str | None, options: Mapping[str, Any]
    ) -> int:
        """Note that a run begins; earlier ones that never ended are noted as failed.

        Returns:
            The run's id.
        """
        now = dt.datetime.now(dt.UTC)

        def work(session: Session) -> int:
            session.execute(
                update(StoredRun)
                .where(StoredRun.inbox == self.inbox, StoredRun.state == "running")
                .values(state="failed", reason="it was killed, or its machine went down")
            )
            run = StoredRun(
                inbox=self.inbox, state="running", started_at=now, beat_at=now, ended_at=None,
                host=socket.gethostname(), engine=engine, model=model,
                prompt_version=prompt_version, options=dict(options), counts={}, report=None,
                reason=None,
            )  # fmt: skip
            session.add(run)
            session.flush()
            return run.id

        return self._store.write(work)

    def beat(self, run_id: int, counts: Mapping[str, Any]) -> None:
        """Note that a run is alive, and what has come of it so far."""
        now = dt.datetime.now(dt.UTC)
        self._store.write(
            lambda session: session.execute(
                update(StoredRun)
                .where(StoredRun.id == run_id)
                .values(beat_at=now, counts=dict(counts))
            )
        )

    def end_run(
        self,
        run_id: int,
        *,
        state: RunState,
        counts: Mapping[str, Any],
        report: Mapping[str, Any] | None,
        reason: str | None,
    ) -> None:
        """Note that a run ended, and how."""
        now = dt.datetime.now(dt.UTC)
        self._store.write(
            lambda session: session.execute(
                update(StoredRun)
                .where(StoredRun.id == run_id)
                .values(
                    state=state,
                    ended_at=now,
                    beat_at=now,
                    counts=dict(counts),
                    report=dict(report) if report else None,
                    reason=reason,
                )
            )
        )

    def list_runs(
        self, *, limit: int | None = 50, since: dt.datetime | None = None, every: bool = False
    ) -> list[Run]:
        """Runs, the latest first.

        Args:
            limit: How many at most; None for all.
            since: Only those that started from then on.
            every: Those of all inboxes, not of this one alone.
        """
        statement = select(StoredRun).order_by(StoredRun.id.desc()).limit(limit)
        if not every:
            statement = statement.where(StoredRun.inbox == self.inbox)
        if since is not None:
            statement = statement.where(StoredRun.started_at >= since)
        return self._store.read(lambda session: [_run(row) for row in session.scalars(statement)])

    # --- files ----------------------------------------------------------------------------------

    def known_inputs(self) -> dict[str, KnownInput]:
        """Every file of the inbox that was read, by name."""
        statement = select(
            StoredInput.name, StoredInput.size, StoredInput.stamp, StoredInput.reader,
            StoredInput.n_calls, StoredInput.reason,
        ).where(StoredInput.inbox == self.inbox)  # fmt: skip
        return self._store.read(
            lambda session: {
                row.name: KnownInput(row.size, row.stamp, row.reader, row.n_calls, row.reason)
                for row in session.execute(statement)
            }
        )

    def take_in(self, run_id: int, inputs: Sequence[ReadInput]) -> int:
        """Put files that were read, and their calls, into the queue, in one transaction.

        A call that is known with the same content, and whose analysis is done, stays done; with
        other content it waits again.

        Returns:
            How many calls were new or changed.
        """
        now = dt.datetime.now(dt.UTC)

        def work(session: Session) -> int:
            known = {
                row.name: row
                for row in session.scalars(
                    select(StoredInput).where(
                        StoredInput.inbox == self.inbox,
                        StoredInput.name.in_([one.name for one in inputs]),
                    )
                )
            }
            calls = [call for one in inputs for call in one.calls]
            new, rest = _split_new(session, calls)
            count = self._take_new(session, new, run_id, now)
            for call, source, form in rest:
                count += self._take(session, call, source, form, run_id, now)
            for one in inputs:
                self._note_input(session, known, one, run_id, now)
                if one.reason is not None:
                    writing.put_set_aside(session, source=one.name, reason=one.reason, when=now)
            return count

        return self._store.write(work)

    def _note_input(
        self,
        session: Session,
        known: dict[str, StoredInput],
        one: ReadInput,
        run_id: int,
        now: dt.datetime,
    ) -> None:
        row = known.get(one.name)
        if row is None:
            row = known[one.name] = StoredInput(inbox=self.inbox, name=one.name)
            session.add(row)
        row.size, row.stamp, row.reader = one.size, one.stamp, one.reader
        row.n_calls, row.reason = len(one.calls), one.reason
        row.run_row, row.read_at = run_id, now

    def _take_new(
        self,
        session: Session,
        calls: Sequence[tuple[Call, str, str]],
        run_id: int,
        now: dt.datetime,
    ) -> int:
        if not calls:
            return 0
        put = writing.put_new_calls(session, calls, now)
        session.add_all(
            StoredTask(
                inbox=self.inbox, call_row=stored.id, version_row=version.id, state="waiting",
                attempts=0, reason=None, made_by=None, source=source, taken_by=run_id,
                ended_by=None, ended_at=None, result_row=None, seconds=None, usage=None,
            )
            for (stored, version), (_, source, _) in zip(put, calls, strict=True)
        )  # fmt: skip
        return len(calls)

    def _take(
        self, session: Session, call: Call, source: str, form: str, run_id: int, now: dt.datetime
    ) -> bool:
        stored, saved = writing.put_call(session, call, source=source, form=form, now=now)
        task = session.scalar(
            select(StoredTask).where(
                StoredTask.inbox == self.inbox, StoredTask.call_row == stored.id
            )
        )
        if task is None:
            has_result = (
                stored.result_id is not None
                and stored.result_version == saved.version
                and not saved.created
            )
            session.add(
                StoredTask(
                    inbox=self.inbox,
                    call_row=stored.id,
                    version_row=saved.version_id,
                    # Analysed before by another way in, such as the app.
                    state="done" if has_result else "waiting",
                    attempts=0,
                    reason=None,
                    made_by=None,
                    source=source,
                    taken_by=run_id,
                    ended_by=None,
                    ended_at=None,
                    result_row=stored.result_id if has_result else None,
                    seconds=None,
                    usage=None,
                )
            )
            return not has_result
        if task.version_row == saved.version_id:
            return False
        task.version_row, task.state, task.attempts, task.reason = (
            saved.version_id, "waiting", 0, None,
        )  # fmt: skip
        task.source, task.taken_by = source, run_id
        return True

    # --- calls ----------------------------------------------------------------------------------

    def retry_failed(self, made_by: str) -> int:
        """Let calls wait again that were set aside by another engine, model, prompt or policy.

        Args:
            made_by: What would analyse them now.

        Returns:
            How many.
        """

        def work(session: Session) -> int:
            done: Any = session.execute(
                update(StoredTask)
                .where(
                    StoredTask.inbox == self.inbox,
                    StoredTask.state == "failed",
                    or_(StoredTask.made_by != made_by, StoredTask.made_by.is_(None)),
                )
                .values(state="waiting", attempts=0, reason=None)
            )
            return int(done.rowcount)

        return self._store.write(work)

    def rescore(self, *, since: dt.date | None, engine: str, model: str) -> int:
        """Let calls wait again whose current result is of another engine or model.

        Args:
            since: Only calls from this day on; None for all.
            engine: The engine that would analyse them.
            model: And its model.

        Returns:
            How many wait now that did not.
        """
        wanted = _to_rescore(self.inbox, since, engine, model)

        def work(session: Session) -> int:
            ids = select(StoredTask.id).join(StoredCall).where(*wanted)
            done: Any = session.execute(
                update(StoredTask)
                .where(StoredTask.id.in_(ids))
                .values(state="waiting", attempts=0, reason=None)
            )
            return int(done.rowcount)

        return self._store.write(work)

    def count_to_rescore(self, *, since: dt.date | None, engine: str, model: str) -> int:
        """How many calls :meth:`rescore` would let wait again."""
        statement = (
            select(func.count())
            .select_from(StoredTask)
            .join(StoredCall)
            .where(*_to_rescore(self.inbox, since, engine, model))
        )
        return self._store.read(lambda session: session.scalar(statement) or 0)

    def waiting(self) -> list[Task]:
        """The calls that wait, in the order in which they were taken in."""
        statement = (
            select(
                StoredTask.id, StoredCall.company, StoredCall.call_id, StoredTask.source,
                StoredCall.date, StoredCall.customer_id, StoredCall.agent_id, StoredCall.agents,
                StoredCall.team, StoredTask.attempts,
            )
            .join(StoredCall, StoredCall.id == StoredTask.call_row)
            .where(StoredTask.inbox == self.inbox, StoredTask.state == "waiting")
            .order_by(StoredTask.id)
        )  # fmt: skip
        return self._store.read(
            lambda session: [
                Task(
                    task_id=row.id,
                    company=row.company or None,
                    call_id=row.call_id,
                    source=row.source,
                    date=row.date,
                    customer_id=row.customer_id,
                    agent=row.agent_id or (row.agents[0] if row.agents else None),
                    team=row.team,
                    attempts=row.attempts,
                )
                for row in session.execute(statement)
            ]
        )

    def load(self, task_ids: Sequence[int]) -> dict[int, Call]:
        """The calls of some tasks, in the version that waits."""
        statement = (
            select(StoredTask.id, StoredVersion.content)
            .join(StoredVersion, StoredVersion.id == StoredTask.version_row)
            .where(StoredTask.id.in_(task_ids))
        )
        rows = self._store.read(lambda session: session.execute(statement).all())
        return {task_id: Call.model_validate(content) for task_id, content in rows}

    def skip(self, run_id: int, task_ids: Iterable[int], reason: str) -> None:
        """Leave calls out that the sampling plan did not choose."""
        now, ids = dt.datetime.now(dt.UTC), list(task_ids)
        for begin in range(0, len(ids), 500):
            part = ids[begin : begin + 500]
            statement = (
                update(StoredTask)
                .where(StoredTask.id.in_(part))
                .values(state="skipped", reason=reason, ended_by=run_id, ended_at=now)
            )
            self._store.write(lambda session, s=statement: session.execute(s))  # type: ignore[misc] # bound now

    def finish(
        self, run_id: int, task_id: int, analysis: Analysis, *, seconds: float, made_by: str
    ) -> None:
        """Store a call's result and that it is done, in one transaction.

        Raises:
            StoreError: If the database fails; the call then waits as before.
        """
        now = dt.datetime.now(dt.UTC)
        usage = analysis.usage.model_dump(mode="json")

        def work(session: Session) -> None:
            task, number, stored = session.execute(
                select(StoredTask, StoredVersion.number, StoredCall)
                .join(StoredVersion, StoredVersion.id == StoredTask.version_row)
                .join(StoredCall, StoredCall.id == StoredTask.call_row)
                .where(StoredTask.id == task_id)
                .with_for_update(of=StoredCall)
            ).one()
            writing.remember(session, stored)
            saved = writing.put_result(session, analysis, stored, task.version_row, now=now)
            if number != stored.version:  # another version came by another way in
                writing.show_current_result(session, stored)
            task.state, task.reason, task.made_by = "done", None, made_by
            task.ended_by, task.ended_at, task.seconds = run_id, now, seconds
            task.result_row, task.usage = saved.result_id, usage

        self._store.write(work)

    def fail(self, run_id: int, task: Task, reason: str, *, made_by: str, is_final: bool) -> None:
        """Note that a call failed: it waits for another attempt, or is set aside."""
        now = dt.datetime.now(dt.UTC)

        def work(session: Session) -> None:
            row = session.get_one(StoredTask, task.task_id)
            row.attempts += 1
            row.reason, row.made_by = reason, made_by
            if is_final:
                row.state, row.ended_by, row.ended_at = "failed", run_id, now
                source = f"{task.source}, call {task.call_id}"
                writing.put_set_aside(session, source=source, reason=reason, when=now)

        self._store.write(work)

    def ended(self, run_id: int, state: TaskState, *, limit: int | None = None) -> list[EndedTask]:
        """The calls that a run brought to an end, in the order in which they were taken in."""
        statement = (
            select(
                StoredCall.company, StoredCall.call_id, StoredTask.source, StoredTask.state,
                StoredTask.reason,
            )
            .join(StoredCall, StoredCall.id == StoredTask.call_row)
            .where(StoredTask.ended_by == run_id, StoredTask.state == state)
            .order_by(StoredTask.id)
            .limit(limit)
        )  # fmt: skip
        return self._store.read(
            lambda session: [
                EndedTask(row.company or None, row.call_id, row.source, state, row.reason)
                for row in session.execute(statement)
            ]
        )

    def count_tasks(self) -> dict[str, int]:
        """How many calls of the inbox are in each state."""
        statement = (
            select(StoredTask.state, func.count())
            .where(StoredTask.inbox == self.inbox)
            .group_by(StoredTask.state)
        )
        return self._store.read(lambda session: dict(session.execute(statement).all()))

    def customers_with_conflict(self) -> set[str]:
        """Customers of calls in which a conflict was marked that nobody has dismissed."""
        statement = (
            select(StoredCall.customer_id)
            .join(StoredFinding, StoredFinding.result_row == StoredCall.result_id)
            .where(
                StoredFinding.verdict_class == "conflict",
                StoredCall.customer_id.is_not(None),
                ~is_dismissed(),
            )
            .distinct()
        )
        return self._store.read(lambda session: {str(c) for c in session.scalars(statement)})

    def analyzed_by_agent(self, since: dt.date) -> dict[str, int]:
        """How many calls of each agent were brought to an end by this batch since a day."""
        moment = dt.datetime.combine(since, dt.time(), dt.UTC)
        statement = (
            select(StoredCall.agent_id, StoredCall.agents)
            .join(StoredTask, StoredTask.call_row == StoredCall.id)
            .where(
                StoredTask.inbox == self.inbox,
                StoredTask.state == "done",
                StoredTask.ended_at >= moment,
            )
        )
        rows = self._store.read(lambda session: session.execute(statement).all())
        return dict(
            Counter(agent or (agents[0] if agents else "(no agent)") for agent, agents in rows)
        )

    # --- batches of requests at a provider ------------------------------------------------------

    def note_batch(self, remote_id: str, keys: Sequence[str]) -> None:
        """Note that requests were handed over, so that another start does not hand them over."""
        now = dt.datetime.now(dt.UTC)
        self._store.write(
            lambda session: session.add(
                StoredRequestBatch(
                    inbox=self.inbox,
                    remote_id=remote_id,
                    state="open",
                    keys=list(keys),
                    sent_at=now,
                    ended_at=None,
                )
            )
        )

    def close_batch(self, remote_id: str) -> None:
        """Note that a batch's answers were taken."""
        now = dt.datetime.now(dt.UTC)
        self._store.write(
            lambda session: session.execute(
                update(StoredRequestBatch)
                .where(StoredRequestBatch.remote_id == remote_id)
                .values(state="closed", ended_at=now)
            )
        )

    def open_batches(self) -> dict[str, list[str]]:
        """The keys of the requests of each batch whose answers were not taken yet, by its id."""
        statement = (
            select(StoredRequestBatch.remote_id, StoredRequestBatch.keys)
            .where(StoredRequestBatch.inbox == self.inbox, StoredRequestBatch.state == "open")
            .order_by(StoredRequestBatch.id)
        )
        return self._store.read(lambda session: dict(session.execute(statement).all()))


def _split_new(
    session: Session, calls: Sequence[tuple[Call, str, str]]
) -> tuple[list[tuple[Call, str, str]], list[tuple[Call, str, str]]]:
    """Calls of keys that are not stored yet, the first of each, and all others."""
    keys = [(call.company or "", call.call_id) for call, _, _ in calls]
    seen: set[tuple[str, str]] = set()
    for begin in range(0, len(keys), 400):  # two values each; SQLite takes a thousand at least
        seen |= writing.known_keys(session, keys[begin : begin + 400])
    new: list[tuple[Call, str, str]] = []
    rest: list[tuple[Call, str, str]] = []
    for key, one in zip(keys, calls, strict=True):
        (rest if key in seen else new).append(one)
        seen.add(key)
    return new, rest


def _to_rescore(inbox: str, since: dt.date | None, engine: str, model: str) -> list[Any]:
    current = StoredResult.id == StoredCall.result_id
    is_same = select(StoredResult.id).where(
        and_(current, StoredResult.engine == engine, StoredResult.model == model)
    )
    out = [StoredTask.inbox == inbox, StoredTask.state == "done", ~is_same.exists()]
    if since is not None:
        out.append(StoredCall.date >= since)
    return out


def _run(row: StoredRun) -> Run:
    return Run(
        run_id=row.id, inbox=row.inbox, state=row.state,  # type: ignore[arg-type] # written here
        started_at=row.started_at, beat_at=row.beat_at, ended_at=row.ended_at, host=row.host,
        engine=row.engine, model=row.model, prompt_version=row.prompt_version,
        options=row.options, counts=row.counts, report=row.report, reason=row.reason,
    )  # fmt: skip


def _lock_file(descriptor: int) -> bool:
    """Lock a file for this process alone, or say that another holds it; freed when it dies."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined] # Windows
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

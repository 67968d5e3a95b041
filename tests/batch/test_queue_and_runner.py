"""Runs of the batch on real databases: nothing lost, nothing twice, everything told."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from analyzer.batch.executors import Ended
from analyzer.batch.inbox import open_inbox
from analyzer.batch.plan import SamplingPlan
from analyzer.batch.runner import BatchOptions, BatchRun, Outcome
from analyzer.domain import Call
from analyzer.errors import ConfigError, InboxBusy, StoreError
from analyzer.results import ResultStore
from analyzer.results.batch_queue import BatchQueue, Task
from analyzer.results.tables import StoredCall, StoredRollup
from tests.batch.doubles import ScriptedExecutor, SilentWatcher, marked, write_calls

NOW = dt.datetime(2026, 3, 6, 2, 0, tzinfo=dt.UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[ResultStore]:
    with ResultStore.open(database_url) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


class Nights:
    """Runs one night after another on one inbox."""

    def __init__(self, store: ResultStore, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.inbox = open_inbox(str(folder))
        self.queue = BatchQueue(store, self.inbox.address)
        self.watcher = SilentWatcher()

    def run(
        self,
        executor: ScriptedExecutor | None = None,
        *,
        made_by: str = "scripted 1",
        now: Callable[[], dt.datetime] = lambda: NOW,
        stopping: threading.Event | None = None,
        **options: Any,
    ) -> Outcome:
        run_id = self.queue.begin_run(
            engine="scripted", model="1", prompt_version=None, options={"order": "oldest"}
        )
        batch = BatchRun(
            self.queue, self.inbox, run_id=run_id, made_by=made_by,
            options=BatchOptions(**{"order": "oldest", "first_wait_s": 0.001, **options}),
            watcher=self.watcher, now=now, stopping=stopping,
        )  # fmt: skip
        batch.take_in()
        tasks, drawn = batch.choose()
        batch.analyze(tasks, executor or ScriptedExecutor())
        outcome = batch.outcome(drawn)
        self.queue.end_run(
            run_id, state=outcome.state, counts=outcome.counts.to_record(), report=None,
            reason=outcome.reason,
        )  # fmt: skip
        return outcome


@pytest.fixture
def nights(store: ResultStore, folder: Path) -> Nights:
    return Nights(store, folder)


def states(nights: Nights) -> dict[str, int]:
    return nights.queue.count_tasks()


def test_each_call_is_stored_and_a_second_night_does_nothing(
    nights: Nights, store: ResultStore, folder: Path
) -> None:
    write_calls(folder, 7)
    first = nights.run()
    assert first.state == "done"
    assert (first.counts.files, first.counts.taken_in, first.counts.done) == (7, 7, 7)
    assert states(nights) == {"done": 7}
    assert len(store.list_calls(limit=None)) == 7
    idle = ScriptedExecutor()
    second = nights.run(idle)
    assert idle.seen == []
    assert (second.counts.files_read, second.counts.done) == (0, 0)


def test_new_and_changed_files_alone_are_read_the_next_night(nights: Nights, folder: Path) -> None:
    first, *_ = write_calls(folder, 3)
    nights.run()
    write_calls(folder, 1, first=3)
    first.write_text(first.read_text().replace("coat", "winter coat"))
    executor = ScriptedExecutor()
    outcome = nights.run(executor)
    assert outcome.counts.files_read == 2
    assert len(executor.seen) == 2
    # Plain transcripts carry no id: the changed one is another call, and the earlier one stays.
    assert states(nights) == {"done": 5}


def test_a_call_that_fails_is_tried_again_and_then_set_aside(
    nights: Nights, folder: Path, store: ResultStore
) -> None:
    write_calls(folder, 3)
    tried: Counter[str] = Counter()

    def act(task: Task, call: Call) -> Ended:
        tried[call.call_id] += 1
        if "call 1" in call.turns[0].text:
            return Ended(task, None, 0.0, "again", "the server was away")
        if "call 2" in call.turns[0].text and tried[call.call_id] == 1:
            return Ended(task, None, 0.0, "again", "the server was away")
        return Ended(task, marked(call), 0.0)

    outcome = nights.run(ScriptedExecutor(act))
    assert sorted(tried.values()) == [1, 2, 3]
    assert (outcome.counts.done, outcome.counts.failed, outcome.counts.retried) == (2, 1, 3)
    assert states(nights) == {"done": 2, "failed": 1}
    (ended,) = nights.queue.ended(nights.queue.list_runs()[0].run_id, "failed")
    assert ended.reason == "the server was away"
    assert any("call-001" in one.source for one in store.list_set_aside())


def test_what_cannot_be_judged_waits_for_another_engine_or_policy(
    nights: Nights, folder: Path
) -> None:
    write_calls(folder, 2)

    def refuse(task: Task, _call: Call) -> Ended:
        return Ended(task, None, 0.0, "final", "no policies of this company")

    assert nights.run(ScriptedExecutor(refuse)).counts.failed == 2
    assert nights.run().counts.done == 0
    again = nights.run(made_by="scripted 1 with more policies")
    assert again.counts.done == 2
    assert states(nights) == {"done": 2}


def test_the_cap_and_the_deadline_leave_the_rest_in_order(nights: Nights, folder: Path) -> None:
    write_calls(folder, 10)

    def act(task: Task, call: Call) -> Ended:
        if "call 4" in call.turns[0].text:
            return Ended(task, None, 0.0, "deferred", "the cost cap is reached")
        return Ended(task, marked(call), 0.0)

    capped = nights.run(ScriptedExecutor(act, capacity=1))
    assert capped.state == "stopped"
    assert "cost cap" in str(capped.reason)
    assert (capped.counts.done, capped.counts.deferred) == (4, 6)
    clock = iter([NOW] * 3 + [NOW + dt.timedelta(hours=5)] * 100)
    late = nights.run(
        ScriptedExecutor(capacity=1), now=lambda: next(clock), until=NOW + dt.timedelta(hours=4)
    )
    assert late.state == "stopped"
    assert 0 < late.counts.done < 6
    assert late.counts.done + late.counts.deferred == 6
    assert nights.run().counts.done == late.counts.deferred
    assert states(nights) == {"done": 10}


def test_a_request_to_stop_finishes_what_is_under_way(nights: Nights, folder: Path) -> None:
    write_calls(folder, 20)
    stopping = threading.Event()

    def act(task: Task, call: Call) -> Ended:
        stopping.set()
        return Ended(task, marked(call), 0.0)

    executor = ScriptedExecutor(act, capacity=4)
    outcome = nights.run(executor, stopping=stopping)
    assert outcome.state == "stopped"
    assert outcome.counts.done == 4 == executor.most_held
    assert nights.run().counts.done == 16


def test_wrong_settings_end_the_run_at_once(nights: Nights, folder: Path) -> None:
    write_calls(folder, 5)

    def act(task: Task, _call: Call) -> Ended:
        return Ended(task, None, 0.0, "settings", "The key is refused; set OPENAI_API_KEY.")

    executor = ScriptedExecutor(act)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        nights.run(executor)
    assert len(executor.seen) == 1
    assert states(nights) == {"waiting": 5}


def test_a_database_that_is_away_for_a_while_costs_nothing(
    nights: Nights, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_calls(folder, 3)
    real, calls = nights.queue.finish, Counter[str]()

    def flaky(*args: Any, **kwargs: Any) -> None:
        calls["n"] += 1
        if calls["n"] in {1, 3}:
            raise StoreError("The database cannot be reached.", is_passing=True)
        real(*args, **kwargs)

    monkeypatch.setattr(nights.queue, "finish", flaky)
    monkeypatch.setattr("analyzer.batch.runner.time.sleep", lambda _s: None)
    assert nights.run().counts.done == 3
    assert sum("Trying again" in note for note in nights.watcher.notes) == 2

    def gone(*_: Any, **_named: Any) -> None:
        raise StoreError("The disk is full.")

    write_calls(folder, 1, first=9)
    monkeypatch.setattr(nights.queue, "finish", gone)
    with pytest.raises(StoreError, match="disk is full"):
        nights.run()
    monkeypatch.undo()
    assert nights.run().counts.done == 1


def test_a_sample_is_drawn_and_recorded_and_the_rest_is_left_out(
    nights: Nights, folder: Path
) -> None:
    write_calls(folder, 40)
    outcome = nights.run(sample=SamplingPlan.parse("25%", seed=3))
    done = outcome.counts.done
    assert 3 <= done <= 20
    assert outcome.counts.skipped == 40 - done
    assert outcome.drawn == {"all": (40, done)}
    assert nights.run().counts.done == 0
    (one, *_) = nights.queue.ended(nights.queue.list_runs()[1].run_id, "skipped")
    assert "seed 3" in str(one.reason)


def test_a_second_batch_on_the_inbox_says_that_the_first_is_at_it(
    nights: Nights, store: ResultStore, tmp_path: Path
) -> None:
    other = BatchQueue(store, nights.inbox.address)
    with nights.queue.hold(tmp_path / "locks"):
        nights.queue.begin_run(engine="e", model="m", prompt_version=None, options={})
        with (
            pytest.raises(InboxBusy, match="Another batch is at the inbox"),
            other.hold(tmp_path / "locks"),
        ):
            pass
        with BatchQueue(store, "another inbox").hold(tmp_path / "locks"):
            pass
    with other.hold(tmp_path / "locks"):
        pass


def test_a_run_that_was_killed_is_noted_by_the_next(nights: Nights) -> None:
    nights.queue.begin_run(engine="e", model="m", prompt_version=None, options={})
    nights.run()
    last, killed = nights.queue.list_runs()
    assert (last.state, killed.state) == ("done", "failed")
    assert "killed" in str(killed.reason)


def test_stored_calls_are_analysed_again_only_when_asked_to(nights: Nights, folder: Path) -> None:
    write_calls(folder, 4)
    nights.run()
    queue = nights.queue
    assert queue.count_to_rescore(since=None, engine="scripted", model="1") == 0
    assert queue.count_to_rescore(since=None, engine="scripted", model="2") == 4
    assert queue.count_to_rescore(since=dt.date(2027, 1, 1), engine="scripted", model="2") == 0
    assert nights.run(made_by="scripted 2").counts.done == 0
    assert queue.rescore(since=None, engine="scripted", model="2") == 4
    assert nights.run(made_by="scripted 2").counts.done == 4


def test_the_sums_by_day_and_agent_are_those_of_the_calls(
    nights: Nights, store: ResultStore, folder: Path
) -> None:
    write_calls(folder, 6)
    nights.run()
    # The same calls again with other results, and one of them under another agent.
    for call in [nights.queue.load([t])[t] for t in range(1, 3)]:
        store.save_analysis(marked(call).model_copy(update={"score": 40}))
        store.save_analysis(marked(call.model_copy(update={"agent_id": "a-9"})))
    rows = store.read(
        lambda session: [
            (
                r.company,
                r.day,
                r.agent,
                r.team,
                r.n_calls,
                r.n_analyzed,
                r.n_commitments,
                r.score_sum,
            )
            for r in session.scalars(select(StoredRollup))
            if r.n_calls
        ]
    )
    expected: dict[tuple[str, str, str, str], list[int]] = {}
    for c in store.read(lambda session: list(session.scalars(select(StoredCall)))):
        agent = c.agent_id or (c.agents[0] if c.agents else "")
        key = (c.company, c.date.isoformat() if c.date else "", agent, c.team or "")
        sums = expected.setdefault(key, [0, 0, 0, 0])
        for place, value in enumerate((1, c.result_id is not None, c.n_commitments, c.score or 0)):
            sums[place] += int(value)
    assert {row[:4]: list(row[4:]) for row in rows} == expected
    assert sum(row[4] for row in rows) == 6


def test_a_call_is_done_where_the_app_analysed_it_before(
    nights: Nights, store: ResultStore, folder: Path
) -> None:
    (path,) = write_calls(folder, 1)
    executor = ScriptedExecutor()
    call = open_call(path)
    store.save_analysis(marked(call))
    nights.run(executor)
    assert executor.seen == []
    assert states(nights) == {"done": 1}


def open_call(path: Path) -> Call:
    from analyzer.readers.transcripts import read_transcripts

    return read_transcripts(path)[0].call

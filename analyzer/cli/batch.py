"""``wordbond batch``: the nightly run on a terminal, or under a scheduler."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import typer

from analyzer.batch.night import Night, NightOptions, run_night
from analyzer.batch.report import render_markdown, sum_up
from analyzer.batch.telling import open_log
from analyzer.cli.moments import number
from analyzer.cli.terminal import Bar, Terminal
from analyzer.config import load_settings
from analyzer.errors import ConfigError
from analyzer.results import ResultStore
from analyzer.results.batch_queue import BatchQueue, Task

_CLOCK = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
_MOST_SAID = 20


def read_until(text: str, now: dt.datetime) -> dt.datetime:
    """The next time that a clock shows ``06:00``, or the moment that is written in full.

    Args:
        text: ``06:00``, or ``2026-03-05T06:00``.
        now: The time now, aware.

    Raises:
        ConfigError: If it cannot be read, or lies in the past.
    """
    if found := _CLOCK.match(text.strip()):
        hour, minute = int(found.group(1)), int(found.group(2))
        moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return moment if moment > now else moment + dt.timedelta(days=1)
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(
            f"The time {text!r} cannot be read; write it as 06:00 or 2026-03-05T06:00."
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    if moment <= now:
        raise ConfigError(f"The time {text} has passed; give one to come.")
    return moment


@dataclass
class _Watcher:
    """Shows a run on the terminal, and writes it to the log."""

    terminal: Terminal
    bar: Bar
    log: logging.Logger | None
    run_id: int = 0
    n_said: int = 0

    def begun(self, run_id: int, engine: str) -> None:
        """A run has its id and its engine."""
        self.run_id = run_id
        self._log("run begun", reason=engine)

    def expect(self, n_calls: int) -> None:
        """So many calls will be analysed."""
        self.bar.expect(n_calls)
        self._log("analysing", calls=n_calls)

    def took_in(self, n_files: int, n_found: int) -> None:
        """So many files were read."""
        self._log("files read", files=n_files, calls=n_found)

    def ended(self, task: Task, state: str, reason: str | None) -> None:
        """A call was finished, set aside, or put off."""
        if state != "again":
            self.bar.advance()
        if state == "failed":
            self._say(f"set aside: {task.source}, call {task.call_id}: {reason}")
        self._log("call", company=task.company, call_id=task.call_id, state=state, reason=reason)

    def note(self, sentence: str) -> None:
        """Something that a person should know."""
        self._say(sentence)
        self._log("note", reason=sentence)

    def _say(self, sentence: str) -> None:
        self.n_said += 1
        if self.n_said <= _MOST_SAID:
            self.terminal.say(sentence)
        elif self.n_said == _MOST_SAID + 1:
            self.terminal.say("There is more of this kind; the report names all of it.")

    def _log(self, event: str, **fields: object) -> None:
        if self.log is not None:
            self.log.info(event, extra={"run": self.run_id or None, **fields})


def run_batch(
    place: str,
    options: NightOptions,
    *,
    log_file: Path | None,
    is_confirmed: bool,
    as_json: bool,
) -> int:
    """Run the batch once.

    Args:
        place: The inbox.
        options: What to do.
        log_file: Where JSON lines go; ``-`` for standard error, None for nowhere.
        is_confirmed: Whether analysing stored calls again needs no yes.
        as_json: Print the report as JSON instead of its sum.

    Returns:
        0, or 3 where something was set aside or deferred.
    """
    settings = load_settings()
    terminal = Terminal(has_results_only=as_json)
    stopping = threading.Event()

    def confirm(estimate: str) -> bool:
        terminal.say(estimate)
        if is_confirmed:
            return True
        if not sys.stdin.isatty():
            raise ConfigError("Analysing stored calls again needs a yes; add --yes.")
        return typer.confirm("Go on?", err=True)

    with (
        _log(log_file) as log,
        terminal.progress("analysing") as bar,
        _stop_on_signals(stopping, terminal),
    ):
        watcher = _Watcher(terminal, bar, log)
        night = run_night(
            settings, place, options, watcher=watcher, confirm=confirm, begun=watcher.begun,
            stopping=stopping,
        )  # fmt: skip
        if log is not None:
            log.info(
                "run ended",
                extra={
                    "run": watcher.run_id, "state": night.outcome.state,
                    "reason": night.outcome.reason, "calls": night.outcome.counts.done,
                },
            )  # fmt: skip
    for fault in night.faults:
        terminal.say(fault)
    if as_json:
        sys.stdout.write(json.dumps(night.report, indent=2, ensure_ascii=False) + "\n")
    else:
        _show(night, terminal)
    return night.exit_code or (1 if night.faults else 0)


def _show(night: Night, terminal: Terminal) -> None:
    terminal.show_line(f"Run {night.report['run']}: {sum_up(night.report)}.", style="bold")
    counts = night.outcome.counts
    if night.outcome.reason:
        terminal.show_line(f"Stopped: {night.outcome.reason}")
    if counts.deferred:
        terminal.show_line(
            f"{number(counts.deferred, 'call')} deferred; the next run goes on with them."
        )
    if counts.cost_usd:
        terminal.show_line(f"{counts.requests} requests, {counts.cost_usd:.2f} USD.")
    for one in night.report["compared"]["whole"] + night.report["compared"]["moved"]:
        if one["moved"]:
            (a, n), (b, m) = one["now"], one["before"]
            terminal.show_line(
                f"Moved: {one['name']}, {one['rate'].replace('_', ' ')}: {a} of {n}, before {b} of "
                f"{m}."
            )
    if night.files:
        terminal.show_line(f"Report: {night.files[1]}")
    else:
        terminal.show_line(
            f"The report is in the database; `wordbond batch --show {night.report['run']}` prints "
            "it."
        )


def show_run(run_id: int, *, as_json: bool) -> int:
    """Print the report of a run.

    Raises:
        ConfigError: If there is no such run, or it has no report.
    """
    settings, terminal = load_settings(), Terminal()
    with ResultStore.open(settings.resolved_database_url) as store:
        runs = BatchQueue(store, "").list_runs(limit=None, every=True)
    run = next((r for r in runs if r.run_id == run_id), None)
    if run is None:
        known = ", ".join(str(r.run_id) for r in runs[:10]) or "there is none yet"
        raise ConfigError(f"There is no run {run_id}; the latest are {known}.")
    if run.report is None:
        raise ConfigError(
            f"Run {run_id} has no report: its state is {run.state}"
            f"{f' ({run.reason})' if run.reason else ''}."
        )
    if as_json:
        sys.stdout.write(json.dumps(run.report, indent=2, ensure_ascii=False) + "\n")
    else:
        terminal.show(render_markdown(run.report))
    return 0


def list_runs(*, as_json: bool) -> int:
    """Print the latest runs."""
    settings, terminal = load_settings(), Terminal()
    with ResultStore.open(settings.resolved_database_url) as store:
        runs = BatchQueue(store, "").list_runs(limit=28, every=True)
    if as_json:
        rows = [
            {
                "run": r.run_id, "inbox": r.inbox, "state": r.state, "reason": r.reason,
                "started_at": r.started_at.isoformat(), "engine": r.engine, "counts": r.counts,
                "ended_at": r.ended_at.isoformat() if r.ended_at else None,
            }
            for r in runs
        ]  # fmt: skip
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return 0
    if not runs:
        terminal.say("There is no run yet; start one with `wordbond batch INBOX`.")
        return 0
    for run in runs:
        done, failed = run.counts.get("done", 0), run.counts.get("failed", 0)
        aside = f", {failed} set aside" if failed else ""
        reason = f" ({run.reason})" if run.reason else ""
        terminal.show_line(
            f"{run.run_id:>5}  {run.started_at:%Y-%m-%d %H:%M}  {run.state}{reason}: {done} calls"
            f"{aside}; {run.engine}; {run.inbox}"
        )
    return 0


@contextmanager
def _log(path: Path | None) -> Iterator[logging.Logger | None]:
    if path is None:
        yield None
    elif str(path) == "-":
        yield open_log(sys.stderr)
    else:
        try:
            file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"The log {path} cannot be written ({error.strerror}); correct --log."
            ) from error
        with file:
            yield open_log(file)


@contextmanager
def _stop_on_signals(stopping: threading.Event, terminal: Terminal) -> Iterator[None]:
    """Ctrl-C and a scheduler's TERM: the calls under way are finished; a second time is at once."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        terminal.say("Stopping: what is under way is finished; once more stops at once.")

    before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number_, handler in before.items():
            signal.signal(number_, handler)

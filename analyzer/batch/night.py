"""A whole run of the batch from the settings: engine, policies, queue, executor, report."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyzer.batch.executors import Executor
from analyzer.batch.inbox import open_inbox, reader_version
from analyzer.batch.plan import Drawn
from analyzer.batch.report import build_report, write_report
from analyzer.batch.runner import BatchOptions, BatchRun, Outcome, Watcher
from analyzer.batch.telling import call_webhook, note_good_run, send_mail, write_metrics
from analyzer.config import Settings
from analyzer.embedders import Embedder, build_embedder
from analyzer.engines import Engine
from analyzer.errors import AnalyzerError, ConfigError
from analyzer.impact import rejudge_touched
from analyzer.pipeline import build_engine
from analyzer.policy_book import PolicyBook
from analyzer.policy_library import Adoption, PolicyLibrary
from analyzer.results import ResultStore
from analyzer.results.batch_queue import BatchQueue

EXECUTORS = ("local", "dask", "openai-batch")


@dataclass(frozen=True)
class NightOptions:
    """What a run is asked to do.

    Attributes:
        batch: Order, sample, deadline, attempts.
        engine: ``auto``, ``embedded``, ``llm``, ``cascade``; None takes the settings' own.
        executor: One of :data:`EXECUTORS`.
        workers: Processes, or calls at once; None for what the machine or the settings have.
        scheduler: Address of a Dask scheduler; None makes a cluster for the run.
        max_cost: Most USD to spend; None takes the settings' own.
        report: Where the report goes; None for nowhere but the database.
        metrics: File for Prometheus' textfile collector; None for none.
        call_timeout_s: A call that takes longer in a process is given up.
    """

    batch: BatchOptions = field(default_factory=BatchOptions)
    engine: str | None = None
    executor: str = "local"
    workers: int | None = None
    scheduler: str | None = None
    max_cost: float | None = None
    report: Path | None = None
    metrics: Path | None = None
    call_timeout_s: float = 600.0


@dataclass(frozen=True)
class Night:
    """What came of a run.

    Attributes:
        outcome: How it ended.
        report: What it found.
        files: Where the report was written.
        faults: What could not be told to others, a sentence each.
    """

    outcome: Outcome
    report: dict[str, Any]
    files: list[Path]
    faults: list[str]

    @property
    def exit_code(self) -> int:
        """0 where all is done, 3 where something was set aside or deferred."""
        counts = self.outcome.counts
        left = counts.failed + counts.files_refused + counts.deferred
        return 3 if left or self.outcome.state == "stopped" else 0


def run_night(
    settings: Settings,
    place: str,
    options: NightOptions,
    *,
    watcher: Watcher,
    confirm: Callable[[str], bool] = lambda _: True,
    begun: Callable[[int, str], None] = lambda _run, _engine: None,
    stopping: threading.Event | None = None,
) -> Night:
    """Run the batch once on an inbox.

    Args:
        settings: The settings.
        place: The inbox; see :func:`analyzer.batch.inbox.open_inbox`.
        options: What to do.
        watcher: Is told how it goes on.
        confirm: Asked before stored calls are analysed again, with what it takes.
        begun: Told the run's id and its engine once it has begun.
        stopping: Set from outside when no further call is to be taken.

    Raises:
        InboxBusy: If another batch is at the inbox.
        AnalyzerError: If the run cannot begin or go on; what was stored by then stays, and the
            run is noted as failed.
    """
    if options.max_cost is not None:
        settings = settings.model_copy(update={"max_cost": options.max_cost})
    inbox = open_inbox(place)
    engine = build_engine(settings, name=options.engine)
    check_executor(options.executor, engine)
    embedder = build_embedder(settings)
    with closing(engine), ResultStore.open(settings.resolved_database_url) as store:
        queue = BatchQueue(store, inbox.address)
        with queue.hold(settings.home / "locks"):
            book, adoptions = _load_policies(settings, embedder)
            run_id = queue.begin_run(
                engine=engine.name,
                model=engine.model,
                prompt_version=engine.prompt_version,
                options=_told(options),
            )
            run = queue.list_runs(limit=1)[0]
            begun(run_id, engine.name)
            batch = BatchRun(
                queue,
                inbox,
                run_id=run_id,
                made_by=_made_by(engine, book),
                options=options.batch,
                watcher=watcher,
                stopping=stopping,
            )
            tools = _Tools(settings, options, store, queue, engine, book, adoptions, embedder)
            try:
                drawn = _work(batch, tools, watcher, confirm)
            except BaseException as error:
                _note_failure(queue, run_id, batch, error)
                raise
            outcome = batch.outcome(drawn)
            report = build_report(store, queue, run, outcome)
            queue.end_run(
                run_id,
                state=outcome.state,
                counts=outcome.counts.to_record(),
                report=report,
                reason=outcome.reason,
            )
    files, faults = _tell(settings, options, report)
    return Night(outcome, report, files, faults)


@dataclass(frozen=True)
class _Tools:
    """What a run works with."""

    settings: Settings
    options: NightOptions
    store: ResultStore
    queue: BatchQueue
    engine: Engine
    book: PolicyBook | None
    adoptions: list[Adoption]
    embedder: Embedder


def _work(
    batch: BatchRun, tools: _Tools, watcher: Watcher, confirm: Callable[[str], bool]
) -> Drawn:
    batch.take_in()
    _judge_again(batch, tools, watcher)
    if tools.options.batch.rescore:
        _rescore(tools, watcher, confirm)
    tasks, drawn = batch.choose()
    if not tasks:
        return drawn
    executor = build_executor(tools.settings, tools.options, tools.engine, tools.book, tools.queue)
    try:
        batch.analyze(tasks, executor)
    except BaseException:
        executor.close(is_hasty=True)
        raise
    executor.close()
    return drawn


def _load_policies(
    settings: Settings, embedder: Embedder
) -> tuple[PolicyBook | None, list[Adoption]]:
    if not (settings.chroma_url or settings.chroma_path.exists()):
        return None, []
    with PolicyLibrary.open(settings, embedder) as library:
        book, adoptions = library.book(), library.list_adoptions()
    return (book if book.clauses else None), adoptions


def _judge_again(batch: BatchRun, tools: _Tools, watcher: Watcher) -> None:
    """Judge again the stored calls that changed clauses touch, by policies adopted since."""
    last = next((r for r in tools.queue.list_runs(limit=200) if r.state == "done"), None)
    if last is None or tools.book is None:
        return  # nothing was judged by this batch before
    new = [a for a in tools.adoptions if a.at > last.started_at]
    if not new:
        return
    report = rejudge_touched(
        tools.store, tools.book, new, engine=tools.engine, embedder=tools.embedder,
        save=tools.store.save_analysis,
    )  # fmt: skip
    batch.counts.judged_again = len(report.touched)
    if report.touched:
        watcher.note(
            f"policies changed since the run before: {len(report.touched)} stored calls touched, "
            f"{len(report.changed)} with another verdict"
        )


def _rescore(tools: _Tools, watcher: Watcher, confirm: Callable[[str], bool]) -> None:
    since, engine, queue = tools.options.batch.since, tools.engine, tools.queue
    count = queue.count_to_rescore(since=since, engine=engine.name, model=engine.model)
    if not count:
        watcher.note("no stored call is of another engine or model, nothing is analysed again")
        return
    if confirm(_estimate(queue, engine, count)):
        queue.rescore(since=since, engine=engine.name, model=engine.model)
    else:
        watcher.note("nothing is analysed again")


def _estimate(queue: BatchQueue, engine: Engine, count: int) -> str:
    """What analysing stored calls again takes, by what this engine took in earlier runs."""
    like = [
        r.counts for r in queue.list_runs(limit=100)
        if (r.engine, r.model) == (engine.name, engine.model) and r.counts.get("done")
    ]  # fmt: skip
    done = sum(c["done"] for c in like)
    if not done:
        return (
            f"{count} stored calls would be analysed again by {engine.name} ({engine.model}); what "
            "that costs is not known, since it has analysed none here yet."
        )
    cost = count * sum(c["cost_usd"] for c in like) / done
    hours = count * sum(c["seconds"] for c in like) / done / 3600
    return (
        f"{count} stored calls would be analysed again by {engine.name} ({engine.model}): about "
        f"{cost:.2f} USD and {hours:.1f} hours, by what {done} calls took before."
    )


def check_executor(executor: str, engine: Engine) -> None:
    """See that an executor is one for this engine.

    Raises:
        ConfigError: If it is not.
    """
    if executor not in EXECUTORS:
        raise ConfigError(
            f"There is no executor {executor!r}; choose {', '.join(EXECUTORS)} with --executor."
        )
    if executor == "openai-batch" and engine.name != "llm":
        raise ConfigError(
            "The executor openai-batch sends the requests of the LLM engine; choose --engine llm, "
            f"or --executor local for {engine.name}."
        )


def build_executor(
    settings: Settings,
    options: NightOptions,
    engine: Engine,
    book: PolicyBook | None,
    queue: BatchQueue,
) -> Executor:
    """The executor that the options ask for.

    Raises:
        ConfigError: If what it needs is not installed.
    """
    from analyzer.batch.executors.local import ProcessExecutor, ThreadExecutor

    if options.executor == "dask":
        from analyzer.batch.executors.dask import DaskExecutor

        return DaskExecutor(
            engine.name, book, settings, workers=options.workers, scheduler=options.scheduler
        )
    if options.executor == "openai-batch":
        from analyzer.batch.executors.openai_batch import OpenAIBatchExecutor

        return OpenAIBatchExecutor(engine, book, settings, queue)
    if engine.name == "embedded":
        n_processes = options.workers or count_cores()
        timeout_s = options.call_timeout_s
        return ProcessExecutor(engine.name, book, n_processes, call_timeout_s=timeout_s)
    return ThreadExecutor(engine, book, options.workers or int(getattr(engine, "concurrency", 1)))


def count_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _made_by(engine: Engine, book: PolicyBook | None) -> str:
    parts = (engine.name, engine.model, engine.prompt_version or "", reader_version())
    policies = "no policies"
    if book is not None:
        versions = "".join(sorted(clause.version for clause in book.clauses))
        policies = hashlib.sha256(versions.encode()).hexdigest()[:12]
    return " ".join(filter(None, (*parts, policies)))


def _told(options: NightOptions) -> dict[str, Any]:
    """The options as they are kept with the run: what was said of the calls is left out."""
    batch = options.batch
    return {
        "executor": options.executor,
        "workers": options.workers,
        "order": batch.order,
        "sample": batch.sample.text,
        "strata": list(batch.sample.strata),
        "seed": batch.sample.seed,
        "until": batch.until.isoformat() if batch.until else None,
        "max_cost": options.max_cost,
        "attempts": batch.attempts,
        "rescore": batch.rescore,
        "since": batch.since.isoformat() if batch.since else None,
    }


def _note_failure(queue: BatchQueue, run_id: int, batch: BatchRun, error: BaseException) -> None:
    reason = str(error) if isinstance(error, AnalyzerError) else type(error).__name__
    try:
        queue.end_run(
            run_id, state="failed", counts=batch.counts.to_record(), report=None, reason=reason
        )
    except AnalyzerError:
        return  # the database is what failed; the next run notes this one as killed


def _tell(
    settings: Settings, options: NightOptions, report: dict[str, Any]
) -> tuple[list[Path], list[str]]:
    """Write and send the report; one way that fails holds up none of the others."""
    files: list[Path] = []
    faults: list[str] = []

    def attempt(act: Callable[[], object]) -> None:
        try:
            act()
        except AnalyzerError as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(f"The run could not be told of ({error.strerror}).")

    if options.report is not None:
        folder = options.report
        attempt(lambda: files.extend(write_report(folder, report)))
    if options.metrics is not None:
        path = options.metrics
        attempt(lambda: write_metrics(path, report))
    if report["state"] == "done":
        attempt(lambda: note_good_run(settings.home, report))
    attempt(lambda: send_mail(settings, report, files))
    attempt(lambda: call_webhook(settings, report))
    return files, faults

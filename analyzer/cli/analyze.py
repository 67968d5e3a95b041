"""``wordbond analyze``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from analyzer.cli.calls import Finished, Refused, Tally, analyze_files, stop
from analyzer.cli.moments import render_call
from analyzer.cli.records import STANDARD_OUTPUT, RecordWriter, is_same_file
from analyzer.cli.sources import Policies, explain_engine, load_policies, tell_notes
from analyzer.cli.terminal import Terminal
from analyzer.config import Settings, load_settings
from analyzer.errors import TranscriptError
from analyzer.pipeline import build_engine
from analyzer.readers.transcripts import ReadOptions, find_transcripts, known_formats

if TYPE_CHECKING:
    from analyzer.results import ResultStore


def run_analyze(
    paths: Sequence[Path],
    options: ReadOptions,
    *,
    policies: Sequence[Path],
    engine_name: str | None,
    json_file: Path | None,
    is_stored: bool,
    is_explained: bool = False,
) -> int:
    """Analyse files and folders.

    Args:
        paths: Transcripts and folders of them.
        options: What the user says about the calls.
        policies: Folders and files of policies; none for those of the library.
        engine_name: What ``--engine`` says.
        json_file: Where records go; ``-`` is standard output.
        is_stored: Whether calls are kept in the database.
        is_explained: Whether to show how each finding came about.

    Returns:
        The exit code: 0, 3 if anything was set aside, 1 if the user ended the run.

    Raises:
        AnalyzerError: If there is nothing to analyse, or the run cannot begin or go on.
    """
    settings = load_settings()
    terminal = Terminal(has_results_only=json_file == STANDARD_OUTPUT)
    _refuse_policy_file(json_file, policies)
    files = _find_files(paths, json_file, terminal)
    engine = build_engine(settings, name=engine_name)
    terminal.show_line(explain_engine(settings, engine_name, engine))
    judged_by = load_policies(settings, policies, terminal)
    terminal.show_line(judged_by.origin)
    terminal.show("")
    tally = Tally()
    with (
        closing(engine),
        _store(settings, is_stored=is_stored) as store,
        _writer(json_file) as writer,
        terminal.progress("analysing") as bar,
    ):
        try:
            work = analyze_files(
                files, options, engine=engine, book=judged_by.book, store=store, bar=bar
            )
            for outcome in _with_refused(judged_by, store, work):
                tally.add(outcome)
                if isinstance(outcome, Refused):
                    terminal.say(str(outcome))
                    continue
                if writer:
                    writer.write(outcome.analysis.to_record())
                if json_file != STANDARD_OUTPUT:
                    speakers = outcome.read.speakers
                    terminal.show(
                        render_call(
                            outcome.analysis, judged_by.book, speakers, is_explained=is_explained
                        ),
                        "",
                    )
        except KeyboardInterrupt:
            return stop(tally, terminal, is_stored=is_stored)
    tell_notes(engine, terminal)
    _show_end(terminal, tally, settings, json_file, is_stored=is_stored)
    return tally.exit_code


def open_store(settings: Settings) -> ResultStore:
    """Open the database of the settings.

    Raises:
        StoreError: If it cannot be opened.
    """
    # Imported here: a run that stores nothing should not wait for SQLAlchemy.
    from analyzer.results import ResultStore

    return ResultStore.open(settings.resolved_database_url)


def _refuse_policy_file(json_file: Path | None, policies: Sequence[Path]) -> None:
    """Records are never written over a policy of the run."""
    if json_file is None or json_file == STANDARD_OUTPUT:
        return
    target = json_file.resolve()
    for path in policies:
        folder = path.resolve()
        if target == folder or (target.is_file() and folder in target.parents):
            raise typer.BadParameter(
                f"{json_file} is one of the policies; write the records to another file.",
                param_hint="'--json'",
            )


def _find_files(paths: Sequence[Path], json_file: Path | None, terminal: Terminal) -> list[Path]:
    if json_file and any(is_same_file(path, json_file) for path in paths):
        raise typer.BadParameter(
            f"{json_file} is one of the transcripts; write the records to another file.",
            param_hint="'--json'",
        )
    there = [path for path in paths if path.exists()]
    if not there:
        raise TranscriptError("there is no such file or folder; check the path", path=paths[0])
    # Records that an earlier run left in a folder are no transcripts of that folder.
    files = [
        file
        for file in find_transcripts(paths)
        if json_file is None or not is_same_file(file, json_file)
    ]
    suffixes = sorted({suffix for form in known_formats() for suffix in form.suffixes})
    empty = f"no transcript is in this folder; put files in it that end in {', '.join(suffixes)}"
    if not files:
        raise TranscriptError(empty, path=there[0])
    for path in there:
        if path.is_dir() and not find_transcripts([path]):
            terminal.say(f"note: {path}: {empty}")
    return files


def _store(settings: Settings, *, is_stored: bool) -> AbstractContextManager[ResultStore | None]:
    return open_store(settings) if is_stored else nullcontext()


def _writer(json_file: Path | None) -> AbstractContextManager[RecordWriter | None]:
    return RecordWriter(json_file) if json_file else nullcontext()


def _with_refused(
    policies: Policies, store: ResultStore | None, work: Iterator[Finished | Refused]
) -> Iterator[Finished | Refused]:
    """The policy documents that were set aside, then the work."""
    for refused in policies.refused:
        if store is not None:
            store.save_set_aside(refused.source, refused.reason)
        yield refused
    yield from work


def _show_end(
    terminal: Terminal, tally: Tally, settings: Settings, json_file: Path | None, *, is_stored: bool
) -> None:
    terminal.show_line(tally.render(), style="bold")
    for line in tally.render_notes():
        terminal.show_line(line)
    if is_stored and tally.n_calls:
        place = settings.home if settings.database_url is None else "WORDBOND_DATABASE_URL"
        same = tally.n_calls - tally.n_new
        unchanged = f", {same} were there already" if same else ""
        terminal.show_line(f"Stored in the database of {place}: {tally.n_new} new{unchanged}.")
    if json_file and json_file != STANDARD_OUTPUT:
        terminal.show_line(f"Records: {json_file}")

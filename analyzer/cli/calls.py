"""Calls on their way: read, analysed, stored; what fails is set aside and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.cli.faults import is_debugging
from analyzer.cli.moments import count_to_review, number
from analyzer.cli.terminal import Bar, Terminal
from analyzer.domain import Analysis
from analyzer.engines import Engine
from analyzer.errors import AnalyzerError, ConfigError, InputError, TranscriptError
from analyzer.pipeline import analyze_call, describe_surprise, work_ahead
from analyzer.policy_book import PolicyBook
from analyzer.readers.transcripts import ReadCall, ReadOptions, read_many

if TYPE_CHECKING:
    from analyzer.results import ResultStore

_NAMED_CALLS = 3


@dataclass(frozen=True)
class Finished:
    """A call that was analysed; ``is_new`` is None where nothing is stored."""

    read: ReadCall
    analysis: Analysis
    is_new: bool | None = None


@dataclass(frozen=True)
class Refused:
    """An input that was set aside, and why."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"set aside: {self.source}: {self.reason}"

    @classmethod
    def of(cls, error: InputError) -> Refused:
        """A file, or a place in it, that could not be read."""
        place = f"{error.path}, line {error.line}" if error.line else f"{error.path}"
        return cls(place, error.message)


def analyze_files(
    files: Sequence[Path],
    options: ReadOptions,
    *,
    engine: Engine,
    book: PolicyBook | None,
    store: ResultStore | None,
    bar: Bar,
) -> Iterator[Finished | Refused]:
    """Read, analyse and store every call of some files.

    Args:
        files: Transcripts.
        options: What the user says about them.
        engine: What reads the calls.
        book: The policies; None where there are none.
        store: Where each call is kept as soon as it is finished, and the reason of each input
            that is not; None keeps nothing.
        bar: Told how many calls there are, as they are found, and each that is done.

    Yields:
        What became of each call and of each file that could not be read, in their order.

    Raises:
        StoreError: If the store fails; what was yielded by then is kept.
        ConfigError: If the engine's settings are wrong; what was yielded by then is kept.
    """
    found = _read(files, options, bar)
    for outcome in work_ahead(found, lambda item: _analyze(item, engine, book), engine=engine):
        done = _keep(outcome, store) if isinstance(outcome, Finished) else outcome
        if store is not None and isinstance(done, Refused):
            store.save_set_aside(done.source, done.reason)
        bar.advance()
        yield done


def _read(
    files: Sequence[Path], options: ReadOptions, bar: Bar
) -> Iterator[ReadCall | TranscriptError]:
    """The calls of files as they are read, and the files that cannot be."""
    expected = len(files)
    bar.expect(expected)
    for path in files:
        items = list(read_many([path], options))
        expected += len(items) - 1
        bar.expect(expected)
        yield from items


def _analyze(
    item: ReadCall | TranscriptError, engine: Engine, book: PolicyBook | None
) -> Finished | Refused:
    if isinstance(item, TranscriptError):
        return Refused.of(item)
    source = f"{item.source}, call {item.call.call_id}"
    try:
        return Finished(item, analyze_call(item.call, engine=engine, book=book))
    except ConfigError:
        # The settings are wrong for every call; the run ends before the next is begun.
        raise
    except AnalyzerError as error:
        return Refused(source, str(error))
    except Exception as error:  # one call's surprise must not cost all others
        if is_debugging():
            raise
        return Refused(source, describe_surprise(error))


def _keep(done: Finished, store: ResultStore | None) -> Finished:
    if store is None:
        return done
    read = done.read
    saved = store.save_analysis(done.analysis, source=read.source, format=read.format)
    return Finished(read, done.analysis, is_new=saved.created)


@dataclass
class Tally:
    """What has come of a run so far."""

    n_calls: int = 0
    n_conflicts: int = 0
    n_stonewalls: int = 0
    n_to_review: int = 0
    n_refused: int = 0
    n_new: int = 0
    n_ungrounded: int = 0
    n_requests: int = 0
    n_tokens_in: int = 0
    n_tokens_cached: int = 0
    n_tokens_out: int = 0
    cost_usd: float = 0.0
    notes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, outcome: Finished | Refused) -> None:
        """Count one more outcome."""
        if isinstance(outcome, Refused):
            self.n_refused += 1
            return
        analysis = outcome.analysis
        self.n_calls += 1
        self.n_conflicts += len(analysis.conflicts)
        self.n_stonewalls += len(analysis.stonewalls)
        self.n_to_review += count_to_review(analysis)
        self.n_ungrounded += len(analysis.set_aside)
        self.n_requests += analysis.usage.requests
        self.n_tokens_in += analysis.usage.tokens_in
        self.n_tokens_cached += analysis.usage.tokens_cached
        self.n_tokens_out += analysis.usage.tokens_out
        self.cost_usd += analysis.usage.cost_usd or 0.0
        self.n_new += bool(outcome.is_new)
        for note in dict.fromkeys((*outcome.read.notes, *analysis.notes)):
            self.notes.setdefault(note, []).append(analysis.call.call_id)

    @property
    def exit_code(self) -> int:
        """3 if anything was set aside, else 0."""
        return 3 if self.n_refused else 0

    def render(self) -> str:
        """The counts in a sentence."""
        counts = ", ".join(
            (
                number(self.n_conflicts, "conflict"),
                number(self.n_stonewalls, "stonewall"),
                f"{self.n_to_review} to review",
            )
        )
        aside = f"; {number(self.n_refused, 'input')} set aside" if self.n_refused else ""
        return f"{number(self.n_calls, 'call')}: {counts}{aside}."

    def render_notes(self) -> list[str]:
        """What a person should know, each thing once with the calls that it is about."""
        lines = []
        for note, calls in self.notes.items():
            named = ", ".join(calls[:_NAMED_CALLS])
            more = len(calls) - _NAMED_CALLS
            told = f"{named} and {more} more" if more > 0 else named
            lines.append(f"note: {note} ({number(len(calls), 'call')}: {told})")
        if self.n_requests:
            lines.append(self._render_usage())
        if self.n_ungrounded:
            lines.append(
                f"note: {number(self.n_ungrounded, 'mark')} left out, not to be found in the call "
                "or its clauses; the records hold each with its reason"
            )
        return lines

    def _render_usage(self) -> str:
        cost = f", {self.cost_usd:.4f} USD" if self.cost_usd else ", price not known"
        return (
            f"Model: {number(self.n_requests, 'request')}, {self.n_tokens_in:,} tokens in "
            f"({self.n_tokens_cached:,} cached), {self.n_tokens_out:,} out{cost}"
        )


def stop(tally: Tally, terminal: Terminal, *, is_stored: bool) -> int:
    """Say how far a run came that the user ended.

    Returns:
        The exit code.
    """
    kept = (
        "what was finished is stored, and the same command stores nothing twice"
        if is_stored
        else "what was finished has been shown or written"
    )
    terminal.say(f"error: Stopped after {number(tally.n_calls, 'call')}; {kept}.")
    return 1

"""The terminal: results to standard output, talk and progress to standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.text import Text

from analyzer.cli.faults import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Longer lines tire the eye, however wide the window.
_WIDEST = 100


class Terminal:
    """Where a command writes; whatever it writes interrupts a bar only for that moment.

    Args:
        has_results_only: Whether standard output carries nothing but what programs read; what
            is meant for people then goes to standard error.
    """

    def __init__(self, *, has_results_only: bool = False) -> None:
        self._out = _console(is_error=has_results_only)
        self._bar: Bar | None = None

    def show(self, *blocks: RenderableType) -> None:
        """Print for people, folded to the window; strings are not read as markup."""
        with self._out.capture() as captured:
            for block in blocks:
                self._out.print(block)
        # What rich fills up with spaces to the edge would be in the way in a file.
        self._write(re.sub(r" +$", "", captured.get(), flags=re.MULTILINE))

    def show_line(self, line: str, *, style: str = "") -> None:
        """Print for people on one line, however long it is."""
        with self._out.capture() as captured:
            self._out.print(Text(printable(line), style=style), soft_wrap=True)
        self._write(captured.get())

    def say(self, sentence: str) -> None:
        """Print a sentence on standard error, on one line."""
        with self._without_bar():
            sys.stderr.write(f"{printable(sentence)}\n")
            sys.stderr.flush()

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Bar]:
        """A bar on standard error while something long is done, if that is a terminal.

        Args:
            what: What is being done, in a few words.
            total: How many steps there are, where that is known.
        """
        bar = Bar(what, total, is_shown=sys.stderr.isatty())
        self._bar = bar
        bar.unhide()
        try:
            yield bar
        finally:
            bar.hide()
            self._bar = None

    def show_table(self, lines: str) -> None:
        """Print lines that are laid out already: none is folded, so columns stay in line."""
        with self._out.capture() as captured:
            self._out.print(Text(lines), soft_wrap=True)
        self._write(captured.get())

    def _write(self, text: str) -> None:
        with self._without_bar():
            self._out.file.write(text)
            self._out.file.flush()

    @contextmanager
    def _without_bar(self) -> Iterator[None]:
        if self._bar is None:
            yield
            return
        self._bar.hide()
        try:
            yield
        finally:
            self._bar.unhide()


class Bar:
    """A progress bar; made by :meth:`Terminal.progress`."""

    def __init__(self, what: str, total: int | None, *, is_shown: bool) -> None:
        self._progress: Progress | None = _progress() if is_shown else None
        self._total = total
        self._done = 0
        self._task: TaskID | None = None
        if self._progress:
            self._task = self._progress.add_task(what, total=total)

    def expect(self, n_steps: int) -> None:
        """Say that there are so many steps in all."""
        self._total = n_steps
        self._update()

    def advance(self) -> None:
        """One step is done."""
        self.reach(self._done + 1)

    def reach(self, n_steps: int) -> None:
        """So many steps are done."""
        self._done = n_steps
        self._update()

    def reach_of(self, n_steps: int, total: int) -> None:
        """So many steps of so many are done."""
        self._total = total
        self.reach(n_steps)

    def hide(self) -> None:
        """Take the bar off the screen."""
        if self._progress:
            self._progress.stop()

    def unhide(self) -> None:
        """Put the bar back, below what was printed."""
        if self._progress:
            self._progress.start()

    def _update(self) -> None:
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=self._done, total=self._total)


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _console(*, is_error: bool) -> Console:
    console = Console(stderr=is_error, markup=False, emoji=False, highlight=False)
    console.width = min(console.width, _WIDEST)
    return console

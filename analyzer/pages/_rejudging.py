"""After a change of the policies: the stored calls that it touches, judged again in the background.

The same work as ``wordbond policies impact --apply``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from analyzer.domain import Analysis, Call
from analyzer.embedders import Embedder
from analyzer.engines import Engine
from analyzer.errors import AnalyzerError
from analyzer.impact import rejudge_touched
from analyzer.pages import _shared
from analyzer.pages._jobs import AnalysisJob, Done, Work
from analyzer.policy_book import PolicyView
from analyzer.policy_library import PolicyLibrary
from analyzer.results import ResultStore


class _InTurn:
    """An engine that several sessions share, one call at a time."""

    def __init__(self, engine: Engine, lock: threading.Lock) -> None:
        self.name, self.model = engine.name, engine.model
        self.prompt_version = engine.prompt_version
        self._engine, self._lock = engine, lock

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        """See :meth:`Engine.analyze`."""
        with self._lock:
            return self._engine.analyze(call, view)

    def close(self) -> None:
        """The engine itself stays open for the others."""


@dataclass
class RejudgingJob(AnalysisJob):
    """Judges again the stored calls that changes of the library touch; see :class:`AnalysisJob`.

    ``prepare`` gives the policies and no calls, since those are found by the way.

    Args:
        library: Tells what changed, and when.
        embedder: Of the library's vectors.
    """

    library: PolicyLibrary | None = None
    embedder: Embedder | None = None

    def _work(self) -> None:
        if self.library is None or self.embedder is None:
            raise ValueError("a job that judges again needs a library and its embedder")
        report = rejudge_touched(
            self.store,
            self.prepare().book,
            self.library.list_adoptions(),
            engine=_InTurn(self.engine, self.lock),
            embedder=self.embedder,
            save=self._save,
            progress=self._note,
        )
        self._done += [
            Done(one.call, one.call.company or "no company", one.reason)
            for one in report.touched
            if one.reason
        ]

    def _save(self, analysis: Analysis) -> None:
        self.store.save_analysis(analysis)
        self._done.append(Done(analysis.call, analysis.call.company or "no company"))

    def _note(self, n_done: int, n_all: int) -> None:
        self._n_all = n_all
        if self._stop.is_set() and n_done < n_all:
            raise AnalyzerError(
                f"Stopped before the last {n_all - n_done} of {n_all}; the rest is stored."
            )


def draw_rejudging(key: str) -> None:
    """That calls keep their verdicts after a change, and the button that judges them again.

    Args:
        key: Begins the keys, since it is drawn in several places.
    """
    if not _shared.store().count_calls():
        return
    st.caption(
        "Calls that were judged before keep their verdicts until those that the changes touch are "
        "judged again: here, or with `wordbond policies impact --apply`."
    )
    job = _shared.current_job()
    is_busy = job is not None and job.look().is_running
    if st.button("Judge touched calls again", key=f"{key}.rejudge", disabled=is_busy):
        _shared.begin(_build)


def _build(engine: Engine, store: ResultStore, lock: threading.Lock) -> AnalysisJob:
    opened = _shared.library()
    prepare: Callable[[], Work] = lambda: Work([], opened.book())  # noqa: E731
    return RejudgingJob(prepare, engine, store, lock, opened, _shared.embedder())

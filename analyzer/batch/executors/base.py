"""The one interface of all executors, and the work that each of them does on a call."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, Protocol

from analyzer.domain import Analysis, Call
from analyzer.engines import Engine
from analyzer.errors import (
    AnalyzerError,
    BadAnswer,
    CallDeferred,
    ConfigError,
    EngineUnavailable,
)
from analyzer.pipeline import analyze_call, describe_surprise
from analyzer.policy_book import PolicyBook
from analyzer.results.batch_queue import Task

#: ``again``: another attempt may help; ``final``: it would not; ``deferred``: the call is left for
#: a later run; ``settings``: no call would fare better.
Failure = Literal["again", "final", "deferred", "settings"]


@dataclass(frozen=True)
class Ended:
    """What became of a call.

    Attributes:
        task: Which one.
        analysis: The grounded analysis; None if there is none.
        seconds: What it took, waiting for a server included.
        failure: Of what kind, where there is no analysis.
        reason: And why, in a sentence.
    """

    task: Task
    analysis: Analysis | None
    seconds: float
    failure: Failure | None = None
    reason: str | None = None


class Executor(Protocol):
    """Takes calls and gives back what became of them, in any order.

    Attributes:
        name: As ``--executor`` names it.
    """

    name: str

    @property
    def capacity(self) -> int:
        """How many calls it wants to hold at once."""
        ...

    @property
    def n_under_way(self) -> int:
        """How many calls it holds."""
        ...

    def submit(self, task: Task, call: Call) -> None:
        """Take a call."""
        ...

    def collect(self, timeout_s: float) -> list[Ended]:
        """What has ended since the last time; waits so long for the first of them."""
        ...

    def close(self, *, is_hasty: bool = False) -> None:
        """End; ``is_hasty`` gives up what is under way."""
        ...


def work_on(task: Task, call: Call, engine: Engine, book: PolicyBook | None) -> Ended:
    """Analyse one call; whatever goes wrong is in what is returned."""
    began = time.perf_counter()

    def ended(analysis: Analysis | None, failure: Failure | None, reason: str | None) -> Ended:
        return Ended(task, analysis, time.perf_counter() - began, failure, reason)

    try:
        return ended(analyze_call(call, engine=engine, book=book), None, None)
    except Exception as error:  # noqa: BLE001 - one call's surprise must not cost all others
        return ended(None, *failure_of(error))


def failure_of(error: Exception) -> tuple[Failure, str]:
    """Of what kind a failure is, and why in a sentence that repeats no word of the call."""
    match error:
        case ConfigError():
            return "settings", str(error)
        case CallDeferred():
            return "deferred", str(error)
        case EngineUnavailable() | BadAnswer():
            return "again", str(error)
        case AnalyzerError():
            return "final", str(error)
    return "again", describe_surprise(error)

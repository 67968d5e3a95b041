"""The cascade: the embedded engine reads every call, the model only those that may hold something.

A call in which no conflict and no stonewall is likely keeps the embedded engine's own reading and
costs nothing. Of the others the model sees the turns that could hold a mark, with those around
them.
"""

from __future__ import annotations

import threading

from analyzer.config import Settings
from analyzer.domain import Analysis, Call
from analyzer.engines.embedded.engine import EmbeddedEngine, Survey
from analyzer.engines.llm.engine import LLMEngine
from analyzer.errors import CallSetAside
from analyzer.policy_book import PolicyView

#: Turns before and after one that could hold a mark.
_AROUND = 4
#: From here a turn could hold a commitment, or be part of a stonewall.
_MARK_LEAST, _WALL_LEAST = 0.1, 0.1
#: Stonewalls stand out more than conflicts do: each of the 16 of the labelled sets peaks above 0.7,
#: while one conflict call in ten stays below 0.3. One threshold serves both when walls count less.
_WALL_WEIGHT = 0.6
#: A call of which more than this share is wanted is shown whole: gaps save little and cost sense.
_WHOLE_FROM = 0.7


class CascadeEngine:
    """Asks the model where the embedded engine is not sure that nothing is wrong.

    Args:
        settings: ``cascade`` is the likelihood of a conflict or a stonewall from which the model
            is asked: 0 asks about every call, 1 about none.
        llm: The LLM engine.
        reader: The embedded engine; built where None.
    """

    name = "cascade"

    def __init__(
        self, settings: Settings, llm: LLMEngine, reader: EmbeddedEngine | None = None
    ) -> None:
        self._least = settings.cascade
        self._llm = llm
        self._reader = reader or EmbeddedEngine()
        # The encoder's threads take the whole machine; two calls at once would only wait longer.
        self._lock = threading.Lock()
        self.model = f"{self._reader.model}+{llm.model}"
        self.prompt_version: str | None = llm.prompt_version

    @property
    def concurrency(self) -> int:
        """How many calls may be under way together."""
        return self._llm.concurrency

    def take_note(self) -> str | None:
        """What the user should know; see :meth:`LLMEngine.take_note`."""
        return self._llm.take_note()

    def stop(self) -> None:
        """Give up what is under way; see :meth:`LLMEngine.stop`."""
        self._llm.stop()

    def close(self) -> None:
        """Close the model's connections."""
        self._llm.close()

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        """Read one call; see :class:`analyzer.engines.Engine`.

        Raises:
            EngineError: As :meth:`LLMEngine.analyze`.
        """
        self.check()
        survey = self.survey(call, view)
        if survey is not None and likeliest(survey) < self._least:
            note = "read by the embedded engine alone: no conflict and no stonewall was likely"
            return survey.analysis.model_copy(
                update={"notes": (*survey.analysis.notes, note), "read_by": "embedded"}
            )
        return self.ask(call, view, survey)

    def check(self) -> None:
        """See that key, model and address are right; see :meth:`LLMEngine.check`."""
        self._llm.check()

    def survey(self, call: Call, view: PolicyView | None) -> Survey | None:
        """The embedded engine's reading; None where it cannot read the call."""
        try:
            with self._lock:
                return self._reader.survey(call, view)
        except CallSetAside:
            return None

    def ask(self, call: Call, view: PolicyView | None, survey: Survey | None) -> Analysis:
        """Have the model read the turns of a call that could hold a mark.

        Args:
            call: The call.
            view: The clauses in force, or None.
            survey: The embedded engine's reading; None has the model read the whole call, in
                another language for one.
        """
        if survey is None:
            return self._llm.analyze(call, view)
        only = turns_to_show(survey, call)
        analysis = self._llm.run(self._llm.analyze_async(call, view, only=only))
        return analysis.model_copy(update={"read_by": "llm"})


def likeliest(survey: Survey) -> float:
    """The likelihood of the likeliest conflict, or a part of that of the likeliest stonewall."""
    conflict = max(survey.conflicts.values(), default=0.0)
    return max(conflict, _WALL_WEIGHT * max(survey.walls.values(), default=0.0))


def turns_to_show(survey: Survey, call: Call) -> list[int] | None:
    """The turns that could hold a mark with those around them; None for the whole call."""
    wanted: set[int] = set()
    for likely, least in ((survey.marks, _MARK_LEAST), (survey.walls, _WALL_LEAST)):
        for turn, p in likely.items():
            if p >= least:
                wanted.update(range(max(0, turn - _AROUND), turn + _AROUND + 1))
    shown = sorted(t for t in wanted if t < len(call.turns))
    if not shown or len(shown) >= _WHOLE_FROM * len(call.turns):
        return None
    # What the record shows can decide anything.
    return sorted({*shown, *(t.turn for t in call.turns if t.role == "system")})

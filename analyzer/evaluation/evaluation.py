"""What an evaluation found: every figure, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.evaluation.matching import CallKey, MatchedCall
from analyzer.evaluation.scores import CallCounts


@dataclass(frozen=True)
class Figure:
    """A score with its interval.

    Attributes:
        value: The score, in [0, 1]; None where there was nothing to count.
        items: What it was counted over.
        low: Lower end of the 95 % interval; None with ``value``.
        high: Upper end of it.
    """

    value: float | None
    items: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Evaluation:
    """An engine's answers, or a file of them, scored against labelled calls.

    Attributes:
        scores: Figures by score, in the order in which they are reported.
        calls: What each gold call contributed, in the order of the gold file.
        matched: The same calls with their marks, for looking at errors; holds the calls' words.
        set_aside: Why a gold call has no prediction, by (company, call id).
        unasked: Predictions of calls that are not in the gold file: not scored.
        engines: Names of the engines that made the predictions; so ``models`` and
            ``prompt_versions``.
        models: What did the reading.
        prompt_versions: Versions of the prompts, where there are any.
        policy_versions: Versions of the clauses in force, by company; one a different day's set.
        seconds: How long the engine took for all calls; None where the predictions were read.
        gold_sha256: Hash of the gold file; None where it is not known.
        draws: Bootstrap draws behind the intervals.
        seed: Seed of those draws.
    """

    scores: Mapping[str, Figure]
    calls: tuple[CallCounts, ...]
    matched: tuple[MatchedCall, ...]
    set_aside: Mapping[CallKey, str]
    unasked: tuple[CallKey, ...]
    engines: tuple[str, ...]
    models: tuple[str, ...]
    prompt_versions: tuple[str, ...]
    policy_versions: Mapping[str, tuple[str, ...]]
    seconds: float | None
    gold_sha256: str | None
    draws: int
    seed: int

    @property
    def n_analysed(self) -> int:
        """How many gold calls have a prediction."""
        return sum(call.is_analysed for call in self.calls)

    @property
    def n_ungrounded(self) -> int:
        """How many marks the engine returned that grounding set aside: they are not counted."""
        return sum(len((call.predicted or {}).get("set_aside") or ()) for call in self.matched)

    @property
    def calls_per_second(self) -> float | None:
        """Analysed calls a second; None where no time was taken."""
        return self.n_analysed / self.seconds if self.seconds else None

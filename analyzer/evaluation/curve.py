"""What the cascade costs and finds, by the likelihood from which it asks the model.

Every call is read by both engines once; which reading counts at a threshold is then a matter of
choosing, so that the whole curve costs one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.domain import Analysis, Call
from analyzer.engines.cascade import CascadeEngine, likeliest
from analyzer.evaluation.matching import CallKey, key_of
from analyzer.evaluation.run import evaluate, predict
from analyzer.policy_book import PolicyBook, PolicyView

THRESHOLDS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 1.01)


@dataclass(frozen=True)
class CurvePoint:
    """The cascade at one threshold.

    Attributes:
        threshold: What ``WORDBOND_CASCADE`` would be; above 1 the model is never asked.
        n_asked: Calls that the model reads.
        tokens: Tokens in and out for them.
        flag_recall: Of the conflicts, how many are found; None where there are none.
        wall_recall: Of the stonewalls, how many; None where there are none.
    """

    threshold: float
    n_asked: int
    tokens: int
    flag_recall: float | None
    wall_recall: float | None


class _BothReadings:
    """The cascade as an engine that asks about every call and keeps the embedded reading, too."""

    def __init__(self, engine: CascadeEngine) -> None:
        self._engine = engine
        self.name = engine.name
        self.model = engine.model
        self.prompt_version = engine.prompt_version
        self.concurrency = engine.concurrency
        self.likely: dict[CallKey, float] = {}
        self.embedded: dict[CallKey, Analysis] = {}

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        self._engine.check()
        survey = self._engine.survey(call, view)
        if survey is not None:
            self.likely[_key(call)] = likeliest(survey)
            self.embedded[_key(call)] = survey.analysis
        return self._engine.ask(call, view, survey)

    def close(self) -> None:
        """Nothing of its own is held open."""


class _Replay:
    """Readings that are there already, as an engine."""

    name = "embedded"
    model = "replay"
    prompt_version: str | None = None

    def __init__(self, readings: Mapping[CallKey, Analysis]) -> None:
        self._readings = readings

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:  # noqa: ARG002
        return self._readings[_key(call)]

    def close(self) -> None:
        """Nothing is held open."""


def cascade_curve(
    gold: Sequence[Mapping[str, Any]],
    *,
    engine: CascadeEngine,
    book: PolicyBook | None,
    thresholds: Sequence[float] = THRESHOLDS,
    progress: Callable[[int, int], None] | None = None,
) -> list[CurvePoint]:
    """Read every call with both engines and score each threshold.

    Args:
        gold: Labelled records.
        engine: The cascade; its own threshold does not matter here.
        book: The policies.
        thresholds: Likelihoods, in [0, 1] or just above.
        progress: Called with (calls done, calls in all) after each call.

    Returns:
        A point a threshold, in their order.
    """
    both = _BothReadings(engine)
    asked = predict(gold, engine=both, book=book, progress=progress).records
    mine = [r for r in gold if key_of(r) in both.embedded]
    alone = predict(mine, engine=_Replay(both.embedded), book=book).records
    return [_point(gold, asked, alone, both.likely, threshold) for threshold in thresholds]


def _point(
    gold: Sequence[Mapping[str, Any]],
    asked: Mapping[CallKey, dict[str, Any]],
    alone: Mapping[CallKey, dict[str, Any]],
    likely: Mapping[CallKey, float],
    threshold: float,
) -> CurvePoint:
    spared = {key for key, p in likely.items() if p < threshold and key in alone}
    chosen = {**asked, **{key: alone[key] for key in spared}}
    paid = [record for key, record in asked.items() if key not in spared]
    evaluation = evaluate(gold, chosen, draws=1)
    walls = [call.wall_spans for call in evaluation.calls]
    n_walls = sum(w.gold for w in walls)
    return CurvePoint(
        threshold=threshold,
        n_asked=len(paid),
        # From the trace, which has the tokens of answers out of the response cache as well.
        tokens=sum(
            step["tokens_in"] + step["tokens_out"] for r in paid for step in r.get("trace") or ()
        ),
        flag_recall=evaluation.scores["flag recall"].value,
        wall_recall=sum(w.hits for w in walls) / n_walls if n_walls else None,
    )


def render_curve(points: Sequence[CurvePoint]) -> str:
    """The curve as an aligned table.

    Returns:
        Lines of plain text, with no line break at the end.
    """
    most = max((p.tokens for p in points), default=0)
    lines = [
        f"{'asked from':>10}  {'calls':>6}  {'tokens':>9}  {'saved':>6}  conflicts  stonewalls"
    ]
    for p in points:
        saved = 1 - p.tokens / most if most else 0.0
        limit = "never" if p.threshold > 1 else f"{p.threshold:.2f}"
        lines.append(
            f"{limit:>10}  {p.n_asked:>6,}  {p.tokens:>9,}  {saved:>6.0%}  "
            f"{_share(p.flag_recall):>9}  {_share(p.wall_recall):>10}"
        )
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _key(call: Call) -> CallKey:
    return (call.company, call.call_id)

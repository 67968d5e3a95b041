"""Scores an engine, or a file of records, against labelled calls.

The command reads like this::

    gold = read_gold(path)
    found = (
        Predictions(read_predictions(file))
        if file
        else predict(gold, engine=engine, book=book, progress=bar)
    )
    evaluation = evaluate(
        gold,
        found.records,
        set_aside=found.set_aside,
        seconds=found.seconds,
        gold_sha256=hash_file(path),
    )
    print(render_table(evaluation))
    print(render_misses(evaluation, misses))
    json.dump(to_json(evaluation), out)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from analyzer.domain import Analysis, Call, Turn
from analyzer.engines import Engine
from analyzer.errors import EngineError
from analyzer.evaluation.evaluation import Evaluation, Figure
from analyzer.evaluation.intervals import DRAWS, SEED, interval
from analyzer.evaluation.matching import CallKey, key_of
from analyzer.evaluation.misses import Miss, worst_misses
from analyzer.evaluation.records import hash_file, read_gold, read_predictions
from analyzer.evaluation.report import render_misses, render_table, to_json
from analyzer.evaluation.scores import count_calls, match_calls, summarise
from analyzer.pipeline import analyze_call, work_ahead
from analyzer.policy_book import PolicyBook

__all__ = [
    "Evaluation",
    "Figure",
    "Miss",
    "Predictions",
    "evaluate",
    "hash_file",
    "predict",
    "read_gold",
    "read_predictions",
    "render_misses",
    "render_table",
    "strip_labels",
    "to_json",
    "worst_misses",
]

_NO_RECORD = "there is no prediction for this call; add its record to the predictions"


class Predictions(NamedTuple):
    """What an engine, or a file, says of the gold calls.

    Attributes:
        records: Predicted records by (company, call id).
        set_aside: Why a call has no record, by the same key.
        seconds: How long the engine took for all calls; None where the records were read.
    """

    records: Mapping[CallKey, dict[str, Any]]
    set_aside: Mapping[CallKey, str] = MappingProxyType({})
    seconds: float | None = None


def strip_labels(record: Mapping[str, Any]) -> Call:
    """The call of a labelled record, as a transcript would give it.

    Only fields that a call or a turn is known to have are taken over, so that no label can slip
    through under a name of its own.

    Args:
        record: A labelled record, as :func:`read_gold` returns it.
    """
    plain = {name: record[name] for name in Call.model_fields if name in record}
    plain["turns"] = [
        {name: turn[name] for name in Turn.model_fields if name in turn} for turn in record["turns"]
    ]
    return Call.model_validate(plain)


def predict(
    gold: Sequence[Mapping[str, Any]],
    *,
    engine: Engine,
    book: PolicyBook | None,
    progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """Let an engine analyse the gold calls, of which it sees no label.

    Args:
        gold: Labelled records, as :func:`read_gold` returns them.
        engine: What reads the calls.
        book: The policies, or None where there are none.
        progress: Called with (calls done, calls in all) after each call.

    Returns:
        The records, the calls that the engine could not judge with the reason, and the time that
        the analysis took.
    """
    records: dict[CallKey, dict[str, Any]] = {}
    set_aside: dict[CallKey, str] = {}
    started = time.perf_counter()

    def read(record: Mapping[str, Any]) -> Analysis | EngineError:
        try:
            return analyze_call(strip_labels(record), engine=engine, book=book)
        except EngineError as error:
            return error

    for done, (record, found) in enumerate(
        zip(gold, work_ahead(gold, read, engine=engine), strict=True), start=1
    ):
        if isinstance(found, EngineError):
            set_aside[key_of(record)] = str(found)
        else:
            records[key_of(record)] = found.to_record()
        if progress is not None:
            progress(done, len(gold))
    return Predictions(records, set_aside, time.perf_counter() - started)


def evaluate(
    gold: Sequence[Mapping[str, Any]],
    predicted: Mapping[CallKey, Mapping[str, Any]],
    *,
    set_aside: Mapping[CallKey, str] | None = None,
    seconds: float | None = None,
    gold_sha256: str | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Evaluation:
    """Score predictions against labelled calls.

    Args:
        gold: Labelled records, as :func:`read_gold` returns them; each call once.
        predicted: Predicted records by (company, call id). A gold call without one misses all.
        set_aside: Why a call has no record, where that is known.
        seconds: How long the engine took, where that was measured.
        gold_sha256: Hash of the gold file, where it came from one.
        draws: Bootstrap draws behind the intervals; at least 1.
        seed: Seed of those draws.

    Returns:
        Every score of the annotation guide with its interval and what it rests on.
    """
    matched = match_calls(gold, predicted)
    calls = count_calls(matched)
    bounds = interval(calls, draws=draws, seed=seed)
    keys = dict.fromkeys(call.key for call in matched)
    reasons = set_aside or {}
    used = [predicted[key] for key in keys if key in predicted]
    return Evaluation(
        scores={
            name: Figure(score.value, score.items, *bounds[name])
            for name, score in summarise(calls).items()
        },
        calls=calls,
        matched=matched,
        set_aside={key: reasons.get(key, _NO_RECORD) for key in keys if key not in predicted},
        unasked=tuple(key for key in predicted if key not in keys),
        engines=_distinct(used, "engine"),
        models=_distinct(used, "model"),
        prompt_versions=_distinct(used, "prompt_version"),
        policy_versions=_policy_versions(used),
        seconds=seconds,
        gold_sha256=gold_sha256,
        draws=draws,
        seed=seed,
    )


def _distinct(records: Sequence[Mapping[str, Any]], name: str) -> tuple[str, ...]:
    return tuple(sorted({str(record[name]) for record in records if record.get(name)}))


def _policy_versions(
    records: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[str, ...]]:
    versions: dict[str, set[str]] = {}
    for record in records:
        if record.get("policy_version"):
            company = str(record.get("company") or "")
            versions.setdefault(company, set()).add(str(record["policy_version"]))
    return {company: tuple(sorted(versions[company])) for company in sorted(versions)}

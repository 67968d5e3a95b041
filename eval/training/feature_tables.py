"""Features of all labelled segments and turns, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from examples import Example
from numpy.typing import NDArray

from analyzer.engines.embedded.commitments import segment_dense
from analyzer.engines.embedded.reading import segment_ngrams, turn_ngrams
from analyzer.engines.embedded.stonewalls import turn_dense

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass
class SegmentTable:
    """Features of all segments of the examples.

    Attributes:
        grams: Word features of each segment.
        dense: Its dense features, ``(segments, d)``.
        owner: The example it is from.
        labels: The mark of that example that it carries, or -1.
    """

    grams: list[list[str]]
    dense: Floats
    owner: Rows
    labels: Rows


def segment_table(examples: Sequence[Example]) -> SegmentTable:
    """Gather the features of every segment."""
    grams, dense, owner, labels = [], [], [], []
    for number, example in enumerate(examples):
        count = len(example.reading.segments)
        if not count:
            continue
        grams += [segment_ngrams(example.reading, i) for i in range(count)]
        dense.append(segment_dense(example.reading))
        owner += [number] * count
        labels.append(example.marks)
    return SegmentTable(grams, np.vstack(dense), np.array(owner), np.concatenate(labels))


@dataclass
class TurnTable:
    """Features of all agent turns.

    Attributes:
        grams: Word features of each turn.
        dense: Its dense features, ``(turns, d)``.
        owner: The example it is from.
        turns: Its number in that call.
        inside: Whether it lies in a stonewalled span.
        tactics: The tactics of the spans that it lies in.
    """

    grams: list[list[str]]
    dense: Floats
    owner: Rows
    turns: Rows
    inside: NDArray[np.bool_]
    tactics: list[tuple[str, ...]]


def turn_table(
    examples: Sequence[Example], probability: NDArray[np.float64], table: SegmentTable
) -> TurnTable:
    """Gather the features of every agent turn; mark probabilities are out of fold."""
    grams, dense, owner, turns, inside, tactics = [], [], [], [], [], []
    for number, example in enumerate(examples):
        rows = np.flatnonzero(table.owner == number)
        marks: dict[int, float] = {}
        for row, item in zip(rows, example.reading.segments, strict=True):
            marks[item.turn] = max(marks.get(item.turn, 0.0), float(probability[row]))
        for turn in example.reading.call.turns:
            if turn.role != "agent" or not example.reading.by_turn[turn.turn]:
                continue
            grams.append(turn_ngrams(example.reading, turn.turn))
            dense.append(turn_dense(example.reading, turn.turn, marks))
            owner.append(number)
            turns.append(turn.turn)
            walls = [w for w in example.record["stonewalls"] if w["start"] <= turn.turn <= w["end"]]
            inside.append(bool(walls))
            tactics.append(tuple(t for w in walls for t in w["tactics"]))
    return TurnTable(
        grams, np.stack(dense), np.array(owner), np.array(turns), np.array(inside), tactics
    )

"""The labelled calls, read as the engine reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import markup
import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Call
from analyzer.embedders import Embedder, packaged_embedder
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.commitments import DraftMark
from analyzer.engines.embedded.engine import match_vectors, query_vectors
from analyzer.engines.embedded.pairs import Promise, describe_promise, rank_features
from analyzer.engines.embedded.reading import CallReading, read_call
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

Floats = NDArray[np.float32]
COMPANIES = Path(__file__).parent / "companies"
#: A segment carries a mark if so much of it lies in the quote, or so much of the quote in it.
OF_SEGMENT, OF_QUOTE = 0.5, 0.6


@dataclass
class Example:
    """A labelled call, read.

    Attributes:
        record: The call with its marks, as the annotation guide has it.
        reading: The call as the engine reads it.
        marks: For each segment the index of the mark that it carries, or -1.
    """

    record: dict[str, Any]
    reading: CallReading
    marks: NDArray[np.int64]


@dataclass
class Pair:
    """A labelled promise with its queries and the clauses of its day.

    Attributes:
        company: Its company's folder.
        mark: The labelled mark.
        promise: The promise as the engine describes it.
        queries: Vectors of its queries and of the customer's answer.
        index: The clauses in force.
        features: Its rank features, ``(clauses, len(RANK_FEATURES))``.
        gold: The decisive clause's row, or -1 where none governs.
        others: Rows of the other clauses that the label names.
    """

    company: str
    mark: dict[str, Any]
    promise: Promise
    queries: Floats
    index: ClauseIndex
    features: Floats
    gold: int
    others: list[int]


def load_examples(
    embedder_of: Callable[[str], Embedder] | None = None,
) -> tuple[list[Example], list[Pair]]:
    """Read every company's calls and pair its promises with its clauses.

    Args:
        embedder_of: The embedder for a company's folder; the packaged one for all where None.
    """
    examples: list[Example] = []
    pairs: list[Pair] = []
    for folder in sorted(p for p in COMPANIES.iterdir() if (p / "calls.txt").is_file()):
        embedder = embedder_of(folder.name) if embedder_of else packaged_embedder()
        book = PolicyBook.from_documents(read_policies(folder / "policies").documents, embedder)
        company = next(iter(book.companies))
        indexes: dict[str, ClauseIndex] = {}
        for record in markup.check(folder):
            call = Call.model_validate(
                {k: v for k, v in record.items() if k not in {"commitments", "stonewalls", "links"}}
            )
            reading = read_call(call, embedder)
            examples.append(Example(record, reading, segment_labels(record, reading)))
            view = book.view(company, dt.date.fromisoformat(record["date"]))
            if view.version not in indexes:
                indexes[view.version] = ClauseIndex(view, embedder)
            pairs += [
                make_pair(folder.name, mark, reading, indexes[view.version], embedder)
                for mark in record["commitments"]
                if mark["strength"] != "hedged" and mark["verdict"]
            ]
    return examples, pairs


def make_pair(
    company: str,
    mark: dict[str, Any],
    reading: CallReading,
    index: ClauseIndex,
    embedder: Embedder,
) -> Pair:
    """A labelled mark as the engine would see it."""
    promise = describe_promise(
        reading.call, mark["turn"], mark["quote"], mark["kind"], mark["strength"]
    )
    draft = draft_of(mark, reading)
    (matching,) = match_vectors([promise], embedder)
    queries = query_vectors(reading, draft, promise, matching)
    ids = [item.clause.id for item in index.items]
    named = [ids.index(c) for c in mark["clauses"] if c in ids]
    return Pair(
        company=company,
        mark=mark,
        promise=promise,
        queries=queries,
        index=index,
        features=rank_features(promise, queries, index),
        gold=named[0] if named else -1,
        others=named[1:],
    )


def quote_range(mark: dict[str, Any], reading: CallReading) -> tuple[int, int]:
    """Where a labelled mark's quote begins and ends in its turn, in characters."""
    start = reading.call.turns[mark["turn"]].text.find(mark["quote"])
    return start, start + len(mark["quote"])


def shared_characters(mark: dict[str, Any], reading: CallReading) -> dict[int, int]:
    """For each segment that a labelled mark's quote touches, how many characters they share."""
    start, end = quote_range(mark, reading)
    shared = {}
    for position in reading.by_turn[mark["turn"]]:
        segment = reading.segments[position].segment
        shared[position] = min(end, segment.end) - max(start, segment.start)
    return {position: count for position, count in shared.items() if count > 0}


def draft_of(mark: dict[str, Any], reading: CallReading) -> DraftMark:
    """A labelled mark as the draft that finding it would have made."""
    start, end = quote_range(mark, reading)
    shared = shared_characters(mark, reading)
    rows, weights = list(shared), list(shared.values())
    mean = (reading.vectors[rows] * np.array(weights, dtype=np.float32)[:, None]).sum(axis=0)
    vector = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return DraftMark(
        turn=mark["turn"],
        start=start,
        end=end,
        quote=mark["quote"],
        segments=tuple(rows),
        probability=1.0,
        kind=mark["kind"],
        strength=mark["strength"],
        vector=vector,
    )


def segment_labels(record: dict[str, Any], reading: CallReading) -> NDArray[np.int64]:
    """For each segment the index of the mark that it carries, or -1.

    A segment carries a mark if half of it lies in the quote, or most of the quote in it; a mark
    that no segment carries so goes to the one that shares most with it.
    """
    labels = np.full(len(reading.segments), -1, dtype=np.int64)
    for number, mark in enumerate(record["commitments"]):
        shared = shared_characters(mark, reading)
        carriers = [
            position
            for position, count in shared.items()
            if count >= OF_SEGMENT * len(reading.segments[position].segment.text)
            or count >= OF_QUOTE * len(mark["quote"])
        ]
        if not carriers and shared:
            carriers = [max(shared, key=shared.__getitem__)]
        labels[carriers] = number
    return labels

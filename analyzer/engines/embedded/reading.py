"""One pass of the encoder over a call: its turns, segments and vectors, as features need them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Call
from analyzer.embedders import Embedder
from analyzer.language.cues import CUE_NAMES, cue_vector, is_question
from analyzer.language.quantities import Quantity, find_quantities
from analyzer.language.segments import Segment, split_segments
from analyzer.language.tokens import feature_tokens, ngrams

Vectors = NDArray[np.float32]

_DIMENSIONS = (
    "money",
    "percent",
    "duration",
    "business_duration",
    "clock",
    "points",
    "count",
    "number",
)
#: Names of the hand-made features of a segment, in order.
SEGMENT_HAND = (
    *(f"cue:{name}" for name in CUE_NAMES),
    *(f"turn:{name}" for name in CUE_NAMES),
    *(f"customer:{name}" for name in CUE_NAMES),
    *(f"has:{name}" for name in _DIMENSIONS),
    "question", "length", "first", "last", "segments", "customer_asks", "customer_short",
    "call_position", "next_customer_short", "turn_question", "customer_length",
)  # fmt: skip
#: Names of the hand-made features of an agent's turn, in order.
TURN_HAND = (
    *(f"cue:{name}" for name in CUE_NAMES),
    *(f"customer:{name}" for name in CUE_NAMES),
    *(f"next:{name}" for name in CUE_NAMES),
    "question", "length", "customer_asks", "customer_length", "call_position", "likest_own",
    "likest_own_2", "customer_likest", "mark", "marks_near", "next_asks", "likeness_to_customer",
    "refusals_near", "customer_heat",
)  # fmt: skip
#: Words up to which an answer is short.
_SHORT = 4
#: Turns back to which a turn is compared with earlier ones, and to each side for marks.
_BACK = 12
_NEAR = 4
_SHORTEST_SHOUT = 3
_REFUSAL = CUE_NAMES.index("refusal")


@dataclass(frozen=True)
class ReadSegment:
    """A segment of an agent's turn with what was worked out about it.

    ``row`` is its row in :attr:`CallReading.vectors`.
    """

    turn: int
    index: int
    segment: Segment
    row: int
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class CallReading:
    """A call with its segments and one vector for each segment and each customer's turn.

    Attributes:
        call: The call.
        segments: Segments of the agents' turns, in order.
        by_turn: For each turn, the indices of its segments in ``segments``; empty for others.
        vectors: float32 ``(n, d)``: first the segments, then the customers' turns.
        turn_vectors: float32 ``(turns, d)``: a customer's own, the mean of an agent's segments.
        last_customer: For each turn the nearest customer's turn before it, or -1.
        next_customer: For each turn the nearest customer's turn after it, or -1.
    """

    call: Call
    segments: tuple[ReadSegment, ...]
    by_turn: tuple[tuple[int, ...], ...]
    vectors: Vectors
    turn_vectors: Vectors
    last_customer: tuple[int, ...]
    next_customer: tuple[int, ...]


def read_call(call: Call, embedder: Embedder) -> CallReading:
    """Cut a call into segments and embed everything in one go.

    Args:
        call: The call.
        embedder: Packaged or other; all vectors of a call are made together.

    Returns:
        The reading; turns without a word in them have zero vectors.
    """
    segments: list[ReadSegment] = []
    by_turn: list[tuple[int, ...]] = []
    for turn in call.turns:
        first = len(segments)
        if turn.role == "agent":
            segments += [
                ReadSegment(turn.turn, index, piece, first + index, find_quantities(piece.text))
                for index, piece in enumerate(split_segments(turn.text))
            ]
        by_turn.append(tuple(range(first, len(segments))))
    customers = [t.turn for t in call.turns if t.role == "customer" and t.text.strip()]
    texts = [s.segment.text for s in segments] + [call.turns[t].text for t in customers]
    vectors = (
        embedder.embed(texts) if texts else np.zeros((0, embedder.dimension), dtype=np.float32)
    )
    turn_vectors = np.zeros((len(call.turns), vectors.shape[1]), dtype=np.float32)
    turn_vectors[customers] = vectors[len(segments) :]
    for t, mine in enumerate(by_turn):
        if mine:
            lengths = np.array([len(segments[i].segment.text) for i in mine], dtype=np.float32)
            mean = (vectors[list(mine)] * lengths[:, None]).sum(axis=0)
            turn_vectors[t] = mean / max(float(np.linalg.norm(mean)), 1e-9)
    said = set(customers)
    count = len(call.turns)
    return CallReading(
        call=call,
        segments=tuple(segments),
        by_turn=tuple(by_turn),
        vectors=vectors,
        turn_vectors=turn_vectors,
        last_customer=tuple(_nearest(range(count), said)),
        next_customer=tuple(_nearest(range(count - 1, -1, -1), said)[::-1]),
    )


def _nearest(turns: range, said: set[int]) -> list[int]:
    """For each turn of a walk the latest turn before it that is in ``said``, or -1."""
    out, nearest = [], -1
    for turn in turns:
        out.append(nearest)
        nearest = turn if turn in said else nearest
    return out


def segment_ngrams(reading: CallReading, position: int) -> list[str]:
    """Word features of a segment: its own runs of words, and how the words around it begin."""
    item = reading.segments[position]
    tokens = feature_tokens(item.segment.text)
    out = ngrams(tokens, 3)
    mine = reading.by_turn[item.turn]
    if item.index > 0:
        out += ngrams(
            feature_tokens(reading.segments[mine[item.index - 1]].segment.text)[-4:],
            1,
            prefix="before:",
        )
    if item.index + 1 < len(mine):
        out += ngrams(
            feature_tokens(reading.segments[mine[item.index + 1]].segment.text)[:4],
            1,
            prefix="after:",
        )
    heard = reading.last_customer[item.turn]
    if heard >= 0:
        asked = feature_tokens(reading.call.turns[heard].text)[-14:]
        out += ngrams(asked, 2, prefix="asked:")
        if len(tokens) <= _SHORT:  # a short answer means what was asked
            out += ngrams(asked, 1, prefix="short:")
    answer = reading.next_customer[item.turn]
    if answer >= 0:
        out += ngrams(feature_tokens(reading.call.turns[answer].text)[:5], 1, prefix="answer:")
    return out


def segment_hand(reading: CallReading, position: int) -> list[float]:
    """The hand-made features of a segment, in the order of :data:`SEGMENT_HAND`."""
    item = reading.segments[position]
    call = reading.call
    text = item.segment.text
    mine = reading.by_turn[item.turn]
    heard = reading.last_customer[item.turn]
    asked = call.turns[heard].text if heard >= 0 else ""
    answer = reading.next_customer[item.turn]
    replied = call.turns[answer].text if answer >= 0 else ""
    found = {q.dimension for q in item.quantities}
    return [
        *cue_vector(text),
        *cue_vector(call.turns[item.turn].text),
        *cue_vector(asked),
        *(1.0 if name in found else 0.0 for name in _DIMENSIONS),
        float(is_question(text)),
        min(len(text.split()), 30) / 15,
        float(item.index == 0),
        float(item.index == len(mine) - 1),
        min(len(mine), 10) / 5,
        float("?" in asked or is_question(asked)),
        float(len(asked.split()) <= _SHORT),
        item.turn / max(len(call.turns) - 1, 1),
        float(0 < len(replied.split()) <= _SHORT),
        float("?" in call.turns[item.turn].text),
        min(len(asked.split()), 60) / 30,
    ]


def turn_ngrams(reading: CallReading, turn: int) -> list[str]:
    """Word features of an agent's turn and of the customer's turns on either side."""
    out = ngrams(feature_tokens(reading.call.turns[turn].text), 2)
    heard, answer = reading.last_customer[turn], reading.next_customer[turn]
    if heard >= 0:
        out += ngrams(feature_tokens(reading.call.turns[heard].text), 2, prefix="asked:")
    if answer >= 0:
        out += ngrams(feature_tokens(reading.call.turns[answer].text)[:12], 2, prefix="answer:")
    return out


def turn_hand(reading: CallReading, turn: int, mark_probability: dict[int, float]) -> list[float]:
    """The hand-made features of an agent's turn, in the order of :data:`TURN_HAND`.

    Args:
        reading: The call.
        turn: An agent's turn.
        mark_probability: For each agent's turn, how likely it holds a commitment.
    """
    call, vectors = reading.call, reading.turn_vectors
    own = call.turns[turn].text
    heard, answer = reading.last_customer[turn], reading.next_customer[turn]
    asked = call.turns[heard].text if heard >= 0 else ""
    replied = call.turns[answer].text if answer >= 0 else ""
    likest = _likeness(reading, turn, "agent", turn)
    again = _likeness(reading, heard, "customer", turn) if heard >= 0 else []
    near = [
        t.turn
        for t in call.turns[max(0, turn - _NEAR) : turn + _NEAR + 1]
        if t.role == "agent" and t.turn != turn
    ]
    return [
        *cue_vector(own),
        *cue_vector(asked),
        *cue_vector(replied),
        float(is_question(own)),
        min(len(own.split()), 60) / 20,
        float("?" in asked or is_question(asked)),
        min(len(asked.split()), 60) / 20,
        turn / max(len(call.turns) - 1, 1),
        likest[0] if likest else 0.0,
        likest[1] if len(likest) > 1 else 0.0,
        again[0] if again else 0.0,
        mark_probability.get(turn, 0.0),
        max((mark_probability.get(t, 0.0) for t in near), default=0.0),
        float("?" in replied or is_question(replied)),
        float(vectors[turn] @ vectors[heard]) if heard >= 0 else 0.0,
        sum(cue_vector(call.turns[t].text)[_REFUSAL] for t in near) / 4,
        min(_heat(asked), 4) / 4,
    ]


def _likeness(reading: CallReading, turn: int, role: str, near: int) -> list[float]:
    """Cosines of a turn with a role's earlier ones, not far back from ``near``; highest first."""
    vectors = reading.turn_vectors
    earlier = reading.call.turns[max(0, near - _BACK) : turn]
    found = [float(vectors[turn] @ vectors[t.turn]) for t in earlier if t.role == role]
    return sorted(found, reverse=True)


def _heat(text: str) -> int:
    """Exclamation and question marks, and words in capitals."""
    shouted = sum(w.isupper() and len(w) >= _SHORTEST_SHOUT for w in text.split())
    return sum(text.count(mark) for mark in "!?") + shouted

"""Spans in which the customer was shut out: agent turns scored one by one, then read as spans."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Severity, Stonewall, Tactic
from analyzer.engines.embedded.commitments import is_threat
from analyzer.engines.embedded.heads import Heads
from analyzer.engines.embedded.reading import CallReading, turn_hand, turn_ngrams

Floats = NDArray[np.float32]

WALL_SCALE = 2.0
_SWITCH_COST = 1.0
_TACTIC_LEAST = 0.22
_MOST_TACTICS = 4
_SURE = 0.5
#: Agent turns after the span from which another agent can be said to take the matter on, and from
#: which a span of one turn was a moment.
_TAKEN_ON, _MOMENT = 3, 4
_LEAST_ODDS = 1e-4
_LOST = re.compile(
    r"\b(?:crying|sobs?|tears|never (?:again|coming back)|cancel(?:ling)? (?:everything|it all)|"
    r"lawyer|ombudsman|i don't know what to do|i can't (?:cope|do this)|leaving you|"
    r"close my account|disgrace\w*|begging)\b",
    re.IGNORECASE,
)
_MEANING = {
    "repeated_position": (
        "the same line is given again with nothing taken in of what the customer adds"
    ),
    "flat_refusal": "a refusal with no reason, alternative or way forward",
    "blame_shifting": "the fault is put on the customer instead of being looked into",
    "non_answer": "a direct question is not answered",
    "runaround": "the customer is sent elsewhere and nobody takes the matter on",
    "denied_escalation": "a request for somebody senior is refused or ignored",
    "dismissal": "the customer's concern is belittled",
    "threat": "a penalty is held out instead of the matter being looked into",
}


def turn_dense(reading: CallReading, turn: int, marks: dict[int, float]) -> Floats:
    """The dense features of an agent's turn."""
    zero = np.zeros(reading.turn_vectors.shape[1], dtype=np.float32)
    heard, answer = reading.last_customer[turn], reading.next_customer[turn]
    return np.concatenate(
        [
            np.array(turn_hand(reading, turn, marks), dtype=np.float32),
            WALL_SCALE * reading.turn_vectors[turn],
            WALL_SCALE * (reading.turn_vectors[heard] if heard >= 0 else zero),
            WALL_SCALE * (reading.turn_vectors[answer] if answer >= 0 else zero),
        ]
    ).astype(np.float32)


@dataclass(frozen=True)
class ScoredTurns:
    """How likely each agent's turn is part of a stonewall.

    Attributes:
        turns: Numbers of the agents' turns that say something, in order.
        inside: float ``(len(turns),)``, the probability that a turn lies inside a span.
        tactics: float ``(len(turns), tactics)``, in the order of the head's classes.
    """

    turns: list[int]
    inside: Floats
    tactics: Floats


def score_turns(reading: CallReading, heads: Heads, marks: dict[int, float]) -> ScoredTurns:
    """Score each agent's turn of a call.

    Args:
        reading: The call.
        heads: Trained heads ``wall`` and ``tactic``.
        marks: For each agent's turn how likely it holds a commitment.
    """
    turns = [t.turn for t in reading.call.turns if t.role == "agent" and reading.by_turn[t.turn]]
    if not turns:
        nothing = np.zeros((0,), dtype=np.float32)
        return ScoredTurns([], nothing, nothing)
    grams = [turn_ngrams(reading, t) for t in turns]
    dense = np.stack([turn_dense(reading, t, marks) for t in turns])
    return ScoredTurns(
        turns,
        heads["wall"].probabilities(grams, dense)[:, 1],
        heads["tactic"].probabilities(grams, dense),
    )


def find_stonewalls(
    reading: CallReading,
    heads: Heads,
    marks: dict[int, float],
    *,
    least: float,
    peak: float,
    scored: ScoredTurns | None = None,
) -> list[Stonewall]:
    """Find the stonewalled spans of a call.

    Args:
        reading: The call.
        heads: Trained heads ``wall`` (is this turn inside a span) and ``tactic``.
        marks: For each agent's turn how likely it holds a commitment.
        least: Probability at which a turn speaks as much for a span as against it.
        peak: The highest turn of a span has to reach this.
        scored: The scores of :func:`score_turns` where they are there already.

    Returns:
        Spans in order, each from an agent's turn to an agent's turn, with the quote that speaks
        most for it.

    Source:
        Viterbi, Error Bounds for Convolutional Codes, 1967, over two states.
    """
    scored = scored or score_turns(reading, heads, marks)
    turns, probability, tactics = scored.turns, scored.inside, scored.tactics
    if not turns:
        return []
    return [
        _span(reading, turns[rows], probability[rows], tactics[rows], heads)
        for rows in _runs(_two_states(probability, least))
        if float(probability[rows].max()) >= peak
    ]


def _runs(inside: list[bool]) -> list[slice]:
    """The longest runs of rows that lie inside."""
    out: list[slice] = []
    for row, here in enumerate(inside):
        if here and out and out[-1].stop == row:
            out[-1] = slice(out[-1].start, row + 1)
        elif here:
            out.append(slice(row, row + 1))
    return out


def _two_states(probability: Floats, least: float) -> list[bool]:
    """Whether each turn lies inside a span, by the likeliest path that pays for every change."""
    clipped = np.clip(probability, _LEAST_ODDS, 1 - _LEAST_ODDS)
    gain = np.log(clipped / (1 - clipped)) - np.log(least / (1 - least))
    change = np.array([[0.0, -_SWITCH_COST], [-_SWITCH_COST, 0.0]])
    score = np.array([0.0, -_SWITCH_COST + float(gain[0])])
    back = [np.array([0, 0])]
    for g in gain[1:]:
        options = score + change
        back.append(options.argmax(axis=1))
        score = options.max(axis=1) + np.array([0.0, float(g)])
    state = int(score.argmax())
    out: list[bool] = []
    for came_from in reversed(back):
        out.append(bool(state))
        state = int(came_from[state])
    return out[::-1]


def _span(
    reading: CallReading, turns: list[int], probability: Floats, tactics: Floats, heads: Heads
) -> Stonewall:
    classes = heads["tactic"].classes
    seen: Counter[str] = Counter()
    for row in tactics:
        for name, p in zip(classes, row, strict=True):
            if p >= _TACTIC_LEAST:
                seen[name] += 1
    if not seen:
        seen[classes[int(tactics.sum(axis=0).argmax())]] = 1
    chosen = [name for name, _ in seen.most_common(_MOST_TACTICS)]
    if "threat" not in chosen and any(is_threat(reading.call.turns[t].text) for t in turns):
        chosen.append("threat")
    typical = turns[int(probability.argmax())]
    confidence = float(probability.mean())
    names = "; ".join(_MEANING[c] for c in chosen)
    return Stonewall(
        start=turns[0],
        end=turns[-1],
        tactics=tuple(cast("Tactic", c) for c in chosen),
        severity=_severity(reading, turns, chosen),
        quote=reading.call.turns[typical].text.strip(),
        why=f"Turns {turns[0]} to {turns[-1]}: {names}.",
        confidence=round(min(max(confidence, 0.0), 1.0), 3),
        needs_review=confidence < _SURE,
    )


def _severity(reading: CallReading, turns: list[int], tactics: list[str]) -> Severity:
    """1 if another agent takes the matter on afterwards, 3 if threatened or in distress, else 2."""
    after = [t for t in reading.call.turns[turns[-1] + 1 :] if t.role == "agent"]
    before = reading.call.turns[turns[-1]]
    handed_over = any(t.name != before.name and t.name is not None for t in after)
    customer = " ".join(t.text for t in reading.call.turns[turns[0] :] if t.role == "customer")
    if handed_over and len(after) >= _TAKEN_ON:
        return 1
    if "threat" in tactics or _LOST.search(customer):
        return 3
    return 1 if len(turns) == 1 and len(after) >= _MOMENT else 2

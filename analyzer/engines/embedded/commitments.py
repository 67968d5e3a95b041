"""From segments to commitments: which carry one, which belong together, how they are said."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.engines.embedded.heads import Heads
from analyzer.engines.embedded.reading import CallReading, segment_hand, segment_ngrams
from analyzer.language.quantities import Quantity
from analyzer.language.tokens import feature_tokens, ngrams

Floats = NDArray[np.float32]

#: How strongly vectors weigh beside words that occur or not; the training uses the same.
OWN_SCALE, CUSTOMER_SCALE = 3.0, 2.0
#: Cosine from which two marks may promise the same thing.
_SAME_THING = 0.80
#: Cosine from which a later turn that takes something back is about the mark.
_SAME_MATTER = 0.35
_JOIN_LEAST = 0.25
_THREAT = re.compile(
    r"\b(?:collections?(?! point)|collection agency|debt collect\w+|bailiffs?|legal action|"
    r"small claims|court)\b",
    re.IGNORECASE,
)
_IF = re.compile(r"(?:and |so |but )?(?:if|unless)\b", re.IGNORECASE)
_SPARED = re.compile(
    r"\b(?:no|not|never|won't|isn't|nobody|nothing|without|stop\w*|off)\b", re.IGNORECASE
)
_TRAILING = ".!,;:… "
_TAKEN_BACK = re.compile(
    r"\b(?:i told you (?:that )?wrong|i was wrong|i got that wrong|that was wrong|i misspoke|"
    r"my mistake|scratch that|correction|i have to correct|let me correct|i gave you the wrong|"
    r"that's not right(?: actually)?|"
    r"actually,? (?:i|it|that|no)\b.{0,30}\b(?:can't|doesn't|isn't|wrong|not)|"
    r"i shouldn't have said|she's jumped the gun|he's jumped the gun|you were told wrong|"
    r"take that back)\b",
    re.IGNORECASE,
)
_PERFECT = re.compile(
    r"\b(?:i've|i have|we've|that's|it's|they're|that has|it has|you're) "
    r"(?:just |now |already |all |been )*"
    r"(?:\w+ed|done|gone|sent|put|set|made|off|booked|through|taken|out)\b|"
    r"^(?:done|gone|sorted|all set)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|once|as long as|as soon as|soon as|unless|provided|when|after|until)\b[^,.;]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class DraftMark:
    """A commitment before its verdict.

    Attributes:
        turn: Its turn.
        start: Where its quote begins in the turn, in characters.
        end: Where it ends, exclusive.
        quote: ``turn_text[start:end]``.
        segments: Indices of its segments in the reading.
        probability: How likely it is a commitment at all.
        kind: promise, assurance or exception.
        strength: firm, conditional or hedged.
        vector: Unit vector of the quote.
    """

    turn: int
    start: int
    end: int
    quote: str
    segments: tuple[int, ...]
    probability: float
    kind: str
    strength: str
    vector: Floats


def segment_dense(reading: CallReading) -> Floats:
    """The dense features of every segment, ``(segments, d)``."""
    rows = []
    for position, item in enumerate(reading.segments):
        heard = reading.last_customer[item.turn]
        asked = reading.turn_vectors[heard] if heard >= 0 else np.zeros_like(reading.vectors[0])
        hand = np.array(segment_hand(reading, position), dtype=np.float32)
        rows.append(
            np.concatenate([hand, OWN_SCALE * reading.vectors[item.row], CUSTOMER_SCALE * asked])
        )
    return np.stack(rows).astype(np.float32)


def join_features(reading: CallReading, position: int) -> tuple[list[str], list[float]]:
    """Word and hand-made features of the joint before a segment that is not its turn's first."""
    before, here = reading.segments[position - 1], reading.segments[position]
    text = reading.call.turns[here.turn].text
    stop = float(text[before.segment.end - 1 : before.segment.end] in {".", "!", "?"})
    named = {q.dimension for q in before.quantities}
    also = {q.dimension for q in here.quantities}
    ahead, behind = feature_tokens(here.segment.text), feature_tokens(before.segment.text)
    grams = [
        *ngrams(ahead[:4], 2, prefix="b:"),
        *ngrams(ahead, 1, prefix="B:"),
        *ngrams(behind[-3:], 1, prefix="a:"),
        *ngrams(behind[:3], 2, prefix="A:"),
        f"stop{stop:.0f}",
    ]
    hand = [
        stop,
        float(reading.vectors[before.row] @ reading.vectors[here.row]),
        float(len(named & also)),
        float(len(named)),
        float(len(also)),
        min(len(before.segment.text.split()), 20) / 10,
        min(len(here.segment.text.split()), 20) / 10,
    ]
    return grams, hand


def is_threat(text: str) -> bool:
    """Whether a penalty is held out: a stonewalling tactic, not a commitment (guide, section 1)."""
    for found in _THREAT.finditer(text):
        # "It won't go to collections" spares; "if it isn't paid, it goes to collections" does not.
        clause = re.split(r"[,.;]", text[: found.start()])[-1]
        if not _SPARED.search(clause):
            return True
    return False


def _belongs_to_threat(reading: CallReading, position: int) -> bool:
    """Whether a segment holds a penalty out, or is the "if" before one in the same turn."""
    here = reading.segments[position]
    if is_threat(here.segment.text):
        return True
    following = reading.segments[position + 1 : position + 2]
    return (
        bool(_IF.match(here.segment.text))
        and bool(following)
        and following[0].turn == here.turn
        and is_threat(following[0].segment.text)
    )


def find_marks(
    reading: CallReading, heads: Heads, *, least: float
) -> tuple[list[DraftMark], dict[int, float]]:
    """Find the commitments of a call.

    Args:
        reading: The call.
        heads: Trained heads ``mark``, ``join``, ``kind`` and ``strength``.
        least: The probability from which a segment counts.

    Returns:
        Marks in order, a promise said again left at its first turn; and for each agent's turn the
        highest probability of its segments.
    """
    if not reading.segments:
        return [], {}
    grams = [segment_ngrams(reading, i) for i in range(len(reading.segments))]
    dense = segment_dense(reading)
    probability = heads["mark"].probabilities(grams, dense)[:, 1]
    by_turn: dict[int, float] = {}
    for item, p in zip(reading.segments, probability, strict=True):
        by_turn[item.turn] = max(by_turn.get(item.turn, 0.0), float(p))
    likely = [
        i for i, p in enumerate(probability) if p >= least and not _belongs_to_threat(reading, i)
    ]
    groups = _groups(reading, heads, likely)
    kinds = heads["kind"].probabilities(grams, dense)
    strengths = heads["strength"].probabilities(grams, dense)
    marks = [_mark(reading, g, probability, kinds, strengths, heads) for g in groups]
    return _first_said(reading, marks), by_turn


def _groups(reading: CallReading, heads: Heads, positions: list[int]) -> list[list[int]]:
    """Segments that carry a commitment, neighbours that carry the same one together."""
    groups: list[list[int]] = []
    for i in positions:
        if groups and groups[-1][-1] == i - 1 and _is_joined(reading, heads, i):
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _is_joined(reading: CallReading, heads: Heads, position: int) -> bool:
    if reading.segments[position - 1].turn != reading.segments[position].turn:
        return False
    words, hand = join_features(reading, position)
    joined = heads["join"].probabilities([words], np.array([hand], dtype=np.float32))
    return bool(joined[0, 1] >= _JOIN_LEAST)


def _mark(
    reading: CallReading,
    group: list[int],
    probability: Floats,
    kinds: Floats,
    strengths: Floats,
    heads: Heads,
) -> DraftMark:
    segments = [reading.segments[i] for i in group]
    turn, start = segments[0].turn, segments[0].segment.start
    text = reading.call.turns[turn].text
    end = start + len(text[start : segments[-1].segment.end].rstrip(_TRAILING))
    lengths = np.array([len(s.segment.text) for s in segments], dtype=np.float32)
    weight = lengths / lengths.sum()
    mean = (reading.vectors[[s.row for s in segments]] * weight[:, None]).sum(axis=0)
    return DraftMark(
        turn=turn,
        start=start,
        end=end,
        quote=text[start:end],
        segments=tuple(group),
        probability=float(probability[group].max()),
        kind=heads["kind"].classes[int(kinds[group].mean(axis=0).argmax())],
        strength=heads["strength"].classes[int(strengths[group].mean(axis=0).argmax())],
        vector=(mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32),
    )


def _terms(reading: CallReading, mark: DraftMark) -> list[Quantity]:
    return [q for i in mark.segments for q in reading.segments[i].quantities if q.unit != "bare"]


def _first_said(reading: CallReading, marks: list[DraftMark]) -> list[DraftMark]:
    """Drop a mark that says an earlier one again and adds no amount, date or number."""
    kept: list[DraftMark] = []
    for mark in marks:
        terms = _terms(reading, mark)
        again = any(
            float(mark.vector @ earlier.vector) >= _SAME_THING
            and mark.turn != earlier.turn
            and all(any(t.agrees_with(e) for e in _terms(reading, earlier)) for t in terms)
            for earlier in kept
        )
        if not again:
            kept.append(mark)
    return kept


def withdrawn_at(reading: CallReading, mark: DraftMark) -> int | None:
    """The later turn in which an agent takes the mark back, or None."""
    for turn in reading.call.turns[mark.turn + 1 :]:
        if turn.role != "agent" or not _TAKEN_BACK.search(turn.text):
            continue
        if float(reading.turn_vectors[turn.turn] @ mark.vector) >= _SAME_MATTER:
            return turn.turn
    return None


def condition_of(mark: DraftMark, turn_text: str) -> str | None:
    """The condition in the agent's own words, for a conditional mark."""
    for text in (mark.quote, turn_text):
        found = _CONDITION.search(text)
        if found:
            return found.group().strip()
    return None


def is_done(mark: DraftMark) -> bool:
    """Whether the words report the thing as done already."""
    return mark.kind != "assurance" and bool(_PERFECT.search(mark.quote))

"""What labels are called on screen: a sign, a word and a sentence for each, in plain English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.domain import Commitment, Resolution, Role, Severity, Stonewall, Tactic, Verdict
from analyzer.results import CallRow, DecisionType, Status

Tone = Literal["conflict", "authority", "wall", "fine", "quiet", "hedged"]


@dataclass(frozen=True)
class Label:
    """How a mark is shown.

    Attributes:
        sign: One character, so that colour never speaks alone; empty for hedged words.
        word: A word or two.
        sentence: What it means, in one sentence.
        tone: The colour, a class of ``style.css``.
        rank: 0 is what a reviewer looks at first.
    """

    sign: str
    word: str
    sentence: str
    tone: Tone
    rank: int


_VERDICTS: Mapping[Verdict, Label] = {
    "contradicted": Label("✕", "Contradicted", "Policy says otherwise.", "conflict", 0),
    "exceeds_authority": Label(
        "▲", "Over authority", "Policy leaves this to somebody else.", "authority", 1
    ),
    "conditions_unverified": Label(
        "?",
        "Conditions not seen",
        "Policy allows it under conditions that the call does not show.",
        "quiet",
        3,
    ),
    "not_addressed": Label(
        "○", "No clause", "No clause in force speaks to it: a gap for its owner.", "quiet", 4
    ),
    "supported": Label("✓", "In line", "Policy allows it as promised.", "fine", 5),
}
_NO_VERDICT = Label("○", "Not judged", "No policy could be held against it.", "quiet", 4)
_HEDGED = Label("", "Hedged", "Said with a hedge, so it is not held against policy.", "hedged", 6)
_WALL = Label("▮", "Stonewalling", "The customer was shut out here.", "wall", 2)

#: What Streamlit calls the colour of a tone in its labels.
LABEL_COLORS: Mapping[Tone, str] = {
    "conflict": "red",
    "authority": "orange",
    "wall": "violet",
    "fine": "green",
    "quiet": "gray",
    "hedged": "gray",
}
TACTIC_WORDS: Mapping[Tactic, str] = {
    "repeated_position": "repeated position",
    "flat_refusal": "flat refusal",
    "blame_shifting": "blame put on the customer",
    "non_answer": "non-answer",
    "runaround": "runaround",
    "denied_escalation": "escalation denied",
    "dismissal": "dismissal",
    "threat": "threat",
}
SEVERITY_WORDS: Mapping[Severity, str] = {
    1: "a moment, put right in the call",
    2: "not put right in the call",
    3: "not put right, and the customer was lost, in distress or threatened",
}
RESOLUTION_WORDS: Mapping[Resolution, tuple[str, str]] = {
    "honour": (
        "honour it.",
        "The customer could rely on it, and the cost is small or it was promised more than once.",
    ),
    "honour_with_disclosure": (
        "honour it this once, and say so.",
        (
            "Tell the customer that it was a mistake, what should have happened and why, that it "
            "is honoured this time, and that next time the policy applies."
        ),
    ),
    "escalate": (
        "let somebody with the authority decide.",
        "The sum, the law or a missing approval asks for more than this review.",
    ),
    "correct": (
        "put it right at once.",
        "With an apology and an alternative, before the customer relies on it.",
    ),
}
ROLE_WORDS: Mapping[Role, str] = {
    "agent": "Agent",
    "customer": "Customer",
    "system": "System",
}
MISSING_WORDS: Mapping[str, str] = {
    "date": "day of the call",
    "company": "company",
    "position": "agent's position",
}
DECISION_WORDS: Mapping[DecisionType, str] = {
    "confirm": "Confirmed",
    "dismiss": "Dismissed",
    "note": "Note",
}
STATUS_WORDS: Mapping[Status, str] = {
    "open": "",
    "confirmed": "confirmed",
    "dismissed": "dismissed",
    "reopened": "open again: the verdict has changed since it was reviewed",
}

#: From this much up, and how sure that is in words.
_SURENESS = (
    (0.85, "quite sure"),
    (0.65, "fairly sure"),
    (0.45, "unsure"),
    (0.0, "little more than a guess"),
)


def label_of(mark: Commitment | Stonewall) -> Label:
    """How a mark is shown: by its verdict, or as hedged, unjudged, or a stonewall."""
    if isinstance(mark, Stonewall):
        return _WALL
    if mark.verdict is not None:
        return _VERDICTS[mark.verdict]
    return _HEDGED if mark.strength == "hedged" else _NO_VERDICT


def say_count(n: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: ``1 call``, ``2 calls``, ``no calls``."""
    word = noun if n == 1 else plural or f"{noun}s"
    return f"{n or 'no'} {word}"


def say_list(parts: Sequence[str]) -> str:
    """Parts as English has them: ``a``, ``a and b``, ``a, b and c``; empty for none."""
    if len(parts) < 2:  # noqa: PLR2004 - one needs no "and"
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def say_day(day: dt.date | None) -> str:
    """A day as people write it: ``18 March 2026``; ``no date`` where it is not known."""
    return f"{day.day} {day:%B %Y}" if day else "no date"


def say_moment(moment: dt.datetime) -> str:
    """A UTC time to the minute, with its zone."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def say_sureness(confidence: float | None) -> str:
    """How sure the engine is, in words with the figure; a blank where it does not say."""
    if confidence is None:
        return ""
    word = next(word for least, word in _SURENESS if confidence >= least)
    return f"{word} ({confidence:.2f})"


def say_tactics(wall: Stonewall) -> str:
    """The tactics of a stonewall: ``non-answer, repeated position``."""
    return ", ".join(TACTIC_WORDS[tactic] for tactic in wall.tactics)


def say_findings(*, n_conflicts: int, n_stonewalls: int, n_to_review: int, n_marks: int) -> str:
    """What was found in a call, in one sentence that blames nobody."""
    parts = []
    if n_conflicts:
        marked = "commitment is marked" if n_conflicts == 1 else "commitments are marked"
        parts.append(f"{n_conflicts} {marked} as against policy")
    if n_stonewalls:
        shut = "stretch is" if n_stonewalls == 1 else "stretches are"
        parts.append(f"{n_stonewalls} {shut} marked as stonewalling")
    if not parts:
        start = "Nothing is marked as against policy or as stonewalling"
        if not n_marks:
            start = "No commitment and no stonewalling was found"
    else:
        start = say_list(parts)
    review = f"; {n_to_review} to review." if n_to_review else "."
    return start + review


def say_call(row: CallRow) -> str:
    """:func:`say_findings` of a call in a list; that it is not analysed yet where it is not."""
    if row.result_id is None:
        return "Not analysed yet."
    return say_findings(
        n_conflicts=row.n_conflicts,
        n_stonewalls=row.n_stonewalls,
        n_to_review=row.n_to_review,
        n_marks=row.n_marks,
    )

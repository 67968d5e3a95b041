"""A call as the model sees it: numbered turns inside a fence that nothing said can close.

Every replacement keeps the length, so that a span of the shown text is the same span of the turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from analyzer.domain import Call, Clause, Turn
from analyzer.policy_book import earlier_id

CALL_OPENS, CALL_CLOSES = "<<<CALL", "CALL>>>"
POLICY_OPENS, POLICY_CLOSES = "<<<POLICY", "POLICY>>>"

#: Line ends, controls, and characters that are not seen but change what is.
_UNSEEN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_FENCE = re.compile(r"[<\uff1c]{2,}|[>\uff1e]{2,}")
_NUMBERED = re.compile(r"[\[\uff3b]\s*\d+\s*[\]\uff3d]")
_LONGEST_NAME = 60
_NOT_IN_NAMES = re.compile(r"[^\w .,'’&/-]")


def fence_text(text: str) -> str:
    """A text on one line that neither closes the fence nor looks like a turn's number.

    Returns:
        Text of the same length.
    """
    text = _UNSEEN.sub(" ", text)
    text = _FENCE.sub(lambda m: ("‹" if m[0][0] in "<\uff1c" else "›") * len(m[0]), text)
    return _NUMBERED.sub(lambda m: f"({m[0][1:-1]})", text)


def _name(text: str) -> str:
    return " ".join(_NOT_IN_NAMES.sub(" ", text).split())[:_LONGEST_NAME]


def fence_call(call: Call) -> Call:
    """The call with every turn's text, name and position as they are shown."""
    turns = tuple(
        turn.model_copy(
            update={
                "text": fence_text(turn.text),
                "name": _name(turn.name) if turn.name and turn.role == "agent" else None,
                "position": _name(turn.position) if turn.position else None,
            }
        )
        for turn in call.turns
    )
    return call.model_copy(update={"turns": turns})


def _line(turn: Turn) -> str:
    head = f"[{turn.turn}] {turn.role}"
    if turn.role == "agent":
        named = f" {turn.name}" if turn.name else ""
        head += f"{named} ({turn.position or 'position unknown'})"
    return f"{head}: {turn.text}"


def render_turns(call: Call, turns: Iterable[int] | None = None) -> str:
    """A fenced call, or some of its turns, in words.

    Args:
        call: A call from :func:`fence_call`.
        turns: Numbers of the turns to show, in order; all where None. A gap is shown as one.

    Returns:
        The day, then the turns, one a line, between the marks of the fence.
    """
    day = f"{call.date:%A} {call.date.isoformat()}" if call.date else "unknown"
    head = f"Day of the call: {day}"
    if call.channel:
        head += f". Channel: {_name(call.channel)}"
    lines: list[str] = []
    last = -1
    for number in range(len(call.turns)) if turns is None else turns:
        if number != last + 1 and lines:
            lines.append("...")
        lines.append(_line(call.turns[number]))
        last = number
    return "\n".join((head, CALL_OPENS, *lines, CALL_CLOSES))


def render_clause(clause: Clause) -> str:
    """A clause with its id, on lines of its own, unable to close its fence."""
    text = _FENCE.sub(lambda m: ("‹" if m[0][0] in "<\uff1c" else "›") * len(m[0]), clause.text)
    path = " / ".join((*clause.heading_path, clause.title))
    named = f"{clause.id} {path}".strip()
    return f"## {named}\n{text}"


def render_policies(
    clauses: Iterable[Clause],
    *,
    earlier: Iterable[Clause] = (),
    readings: Mapping[str, str] | None = None,
) -> str:
    """Clauses between the marks of their fence; one document's stand under its name.

    Args:
        clauses: Clauses in force.
        earlier: Clauses of earlier editions that clauses in force keep for older agreements; each
            under an id of its own (:func:`analyzer.policy_book.earlier_id`).
        readings: By clause id, what the company says that the clause grants.
    """
    lines: list[str] = []
    document = None
    for clause in clauses:
        if clause.document != document:
            document = clause.document
            lines.append(f"# {_name(document)}")
        lines.append(render_clause(clause))
        if readings and clause.id in readings:
            lines.append(f"(Who may grant what by it, says the company: {readings[clause.id]})")
    for clause in earlier:
        lines.append(
            f"# {_name(clause.document)}, earlier edition, no longer in force since "
            f"{clause.effective_to}; it decides only for what a clause in force keeps under it"
        )
        named = clause.model_copy(update={"id": earlier_id(clause)})
        lines.append(render_clause(named))
    return "\n".join((POLICY_OPENS, *lines, POLICY_CLOSES))

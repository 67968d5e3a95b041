"""The stage ``mark``: commitments and stonewalls of a call, each found in its turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.domain import Call, SetAside
from analyzer.engines.llm.answers import MarkAnswer, MarkedCommitment, MarkedStonewall
from analyzer.engines.llm.asking import Asker, CutOff
from analyzer.engines.llm.chat import Message
from analyzer.engines.llm.faults import ContextOverflow
from analyzer.engines.llm.fencing import fence_text, render_turns
from analyzer.engines.llm.windows import cut_windows, halve, merge_answers
from analyzer.errors import BadAnswer, EngineRefused
from analyzer.evidence import find_quote
from analyzer.prompts import get_prompt

MARKS_OPEN, MARKS_CLOSE = "<<<MARKS", "MARKS>>>"
#: Faulty marks that are sent back; an answer with more is not worth mending.
_MOST_FAULTS = 60
_AROUND = 3


@dataclass(frozen=True)
class PlacedCommitment:
    """A commitment with its place: ``shown.turns[turn].text[start:end]`` is its quote."""

    mark: MarkedCommitment
    turn: int
    start: int
    end: int


@dataclass(frozen=True)
class PlacedStonewall:
    """A stonewall with its edges at agents' turns and the place of its quote."""

    mark: MarkedStonewall
    first: int
    last: int
    turn: int
    start: int
    end: int


@dataclass(frozen=True)
class Marks:
    """What the stage found.

    Attributes:
        commitments: In the order of the call.
        stonewalls: Likewise.
        set_aside: What could not be found in the call, the second time either.
        was_cut: Whether an answer was cut off and asked for again in pieces.
    """

    commitments: tuple[PlacedCommitment, ...]
    stonewalls: tuple[PlacedStonewall, ...]
    set_aside: tuple[SetAside, ...]
    was_cut: bool = False


async def mark_call(
    shown: Call, asker: Asker, *, window_tokens: int, only: Sequence[int] | None = None
) -> Marks:
    """Ask for the marks of a call.

    Args:
        shown: The call as the model sees it.
        asker: Asks for this call.
        window_tokens: Estimated tokens of turns that one request may hold.
        only: Turns to ask about, in order; None for the whole call.

    Raises:
        EngineRefused: If the model declined to read the call.
        BadAnswer: If an answer cannot be used, or is cut off even for a single turn.
    """
    todo = cut_windows(shown, window_tokens)
    if only is not None:
        wanted = set(only)
        todo = [window for window in todo if wanted.intersection(window)]
    answers: list[MarkAnswer] = []
    last: tuple[list[Message], str] | None = None
    n_windows = len(todo)
    was_cut = False
    while todo:
        window = todo.pop(0)
        messages = _messages(shown, window, only)
        try:
            answer, reply = await asker.ask(get_prompt("mark"), MarkAnswer, messages)
        except (CutOff, ContextOverflow) as error:
            if len(window) < 2:  # noqa: PLR2004 - cannot be halved
                raise BadAnswer(
                    f"The model's answer about turn {window.start} alone is cut off; use a model "
                    "with longer answers."
                ) from error
            todo = halve(window) + todo
            n_windows += 1
            was_cut = True
            continue
        answers.append(answer)
        last = (messages, reply.text)
    merged = merge_answers(answers)
    placed, faults = place(merged, shown)
    if not faults:
        return Marks(*placed, set_aside=(), was_cut=was_cut)
    conversation = last if n_windows == 1 else None
    fixed = await _mend(shown, asker, faults, conversation)
    return _joined(placed, fixed, faults, shown, was_cut=was_cut)


def _messages(shown: Call, window: range, only: Sequence[int] | None) -> list[Message]:
    prompt = get_prompt("mark")
    turns = window if only is None else [t for t in only if t in window]
    whole = len(turns) == len(shown.turns)
    text = render_turns(shown, None if whole else turns)
    return [Message("system", prompt.system), Message("user", prompt.render(call=text))]


Placed = tuple[tuple[PlacedCommitment, ...], tuple[PlacedStonewall, ...]]
Fault = tuple[MarkedCommitment | MarkedStonewall, str]


def place(answer: MarkAnswer, shown: Call) -> tuple[Placed, list[Fault]]:
    """Find each mark in the call.

    Returns:
        The marks with their places, and those without one, each with what is wrong.
    """
    commitments: list[PlacedCommitment] = []
    stonewalls: list[PlacedStonewall] = []
    faults: list[Fault] = []
    for mark in answer.commitments:
        found = _place_commitment(mark, shown)
        if isinstance(found, str):
            faults.append((mark, found))
        elif not any(
            c.turn == found.turn and c.start < found.end and found.start < c.end
            and (c.start, c.end) == (found.start, found.end)
            for c in commitments
        ):  # fmt: skip
            commitments.append(found)
    for wall in answer.stonewalls:
        where = _place_stonewall(wall, shown)
        if isinstance(where, str):
            faults.append((wall, where))
        elif not any((w.first, w.last) == (where.first, where.last) for w in stonewalls):
            stonewalls.append(where)
    commitments.sort(key=lambda c: (c.turn, c.start))
    stonewalls.sort(key=lambda w: (w.first, w.last))
    return (tuple(commitments), tuple(stonewalls)), faults


def _place_commitment(mark: MarkedCommitment, shown: Call) -> PlacedCommitment | str:
    if 0 <= mark.turn < len(shown.turns):
        turn = shown.turns[mark.turn]
        span = find_quote(mark.quote, turn.text)
        if span and turn.role == "agent":
            return PlacedCommitment(mark, mark.turn, *span)
    # A number that is off is no matter where the words were said once in the call alone.
    places = [
        (turn.turn, span)
        for turn in shown.turns
        if turn.role == "agent" and (span := find_quote(mark.quote, turn.text))
    ]
    if len(places) == 1 and len(mark.quote.split()) > 2:  # noqa: PLR2004 - "yes" is no evidence
        return PlacedCommitment(mark, places[0][0], *places[0][1])
    if not 0 <= mark.turn < len(shown.turns):
        return f"turn {mark.turn} is not in the call"
    if shown.turns[mark.turn].role != "agent":
        return f"turn {mark.turn} is not an agent's"
    return f"the quote was not said in turn {mark.turn}"


def _place_stonewall(wall: MarkedStonewall, shown: Call) -> PlacedStonewall | str:
    if not 0 <= wall.start <= wall.end < len(shown.turns):
        return f"turns {wall.start} to {wall.end} are not a span of the call"
    agents = [t for t in range(wall.start, wall.end + 1) if shown.turns[t].role == "agent"]
    if not agents:
        return f"no turn from {wall.start} to {wall.end} is an agent's"
    for number in agents:
        span = find_quote(wall.quote, shown.turns[number].text)
        if span:
            return PlacedStonewall(wall, agents[0], agents[-1], number, *span)
    return f"the quote was not said by an agent in turns {wall.start} to {wall.end}"


async def _mend(
    shown: Call,
    asker: Asker,
    faults: Sequence[Fault],
    conversation: tuple[list[Message], str] | None,
) -> MarkAnswer | None:
    """All faulty marks once more, in one request; None if that came to nothing."""
    listed = "\n".join(
        f"{fence_text(json.dumps(mark.model_dump(mode='json'), ensure_ascii=False))} - {reason}"
        for mark, reason in faults[:_MOST_FAULTS]
    )
    prompt = get_prompt("repair")
    told = prompt.render(faults=f"{MARKS_OPEN}\n{listed}\n{MARKS_CLOSE}")
    if conversation is not None:
        messages = [
            *conversation[0],
            Message("assistant", conversation[1]),
            Message("user", told),
        ]
    else:
        numbers = sorted(_near(faults, shown))
        text = render_turns(shown, numbers)
        system = get_prompt("mark").system
        messages = [Message("system", system), Message("user", f"{text}\n\n{told}")]
    try:
        answer, _ = await asker.ask(prompt, MarkAnswer, messages)
    except (BadAnswer, EngineRefused, CutOff, ContextOverflow):
        return None
    return answer


def _near(faults: Sequence[Fault], shown: Call) -> set[int]:
    near: set[int] = set()
    for mark, _ in faults[:_MOST_FAULTS]:
        first, last = (
            (mark.turn, mark.turn) if isinstance(mark, MarkedCommitment) else (mark.start, mark.end)
        )
        near.update(
            range(max(0, first - _AROUND), min(len(shown.turns), min(last, first + 40) + _AROUND))
        )
    return near or set(range(min(len(shown.turns), 40)))


def _joined(
    placed: Placed,
    fixed: MarkAnswer | None,
    faults: Sequence[Fault],
    shown: Call,
    *,
    was_cut: bool,
) -> Marks:
    commitments, stonewalls = list(placed[0]), list(placed[1])
    aside: list[SetAside] = []
    if fixed is None:
        still: list[Fault] = list(faults)
    else:
        (more, walls), still = place(fixed, shown)
        known = {(c.turn, c.start, c.end) for c in commitments}
        commitments += [c for c in more if (c.turn, c.start, c.end) not in known]
        spans = {(w.first, w.last) for w in stonewalls}
        stonewalls += [w for w in walls if (w.first, w.last) not in spans]
    for mark, reason in still:
        what = "commitment" if isinstance(mark, MarkedCommitment) else "stonewall"
        aside.append(
            SetAside.model_validate(
                {"what": what, "reason": reason, "mark": mark.model_dump(mode="json")}
            )
        )
    commitments.sort(key=lambda c: (c.turn, c.start))
    stonewalls.sort(key=lambda w: (w.first, w.last))
    return Marks(tuple(commitments), tuple(stonewalls), tuple(aside), was_cut=was_cut)

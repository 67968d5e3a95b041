"""A mark with the words around it: what is asked of the clauses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analyzer.domain import Call
from analyzer.language.quantities import Quantity, find_quantities

#: What each promise is compared with the clauses by. The vectors of the first four are made from
#: those of the call's turns; the last two are the texts that the encoder was trained to match.
QUERY_NAMES = ("quote", "asked", "turn", "around", "near", "wide")
#: Turns before a promise whose quantities count as named near it; one after it does too.
_TURNS_NEAR = 3
#: How much of the conversation goes into the texts that are matched with clauses.
_TURNS_BEFORE = 4
_BEFORE_CHARACTERS, _OWN_CHARACTERS = 160, 300
_ASKED_CHARACTERS, _ANSWER_CHARACTERS = 220, 100


@dataclass(frozen=True)
class Promise:
    """A mark with the words around it, before it has a verdict.

    Attributes:
        call: Its call.
        turn: Its turn.
        quote: Its words.
        kind: promise, assurance or exception.
        strength: firm, conditional or hedged.
        asked: What the customer said last before it.
        answer: What the customer said next after it.
        around: The turns before it and its own, as one text.
        quantities: What the quote names.
        position: The agent's position, or None.
    """

    call: Call
    turn: int
    quote: str
    kind: str
    strength: str
    asked: str
    answer: str
    around: str
    quantities: tuple[Quantity, ...]
    position: str | None

    @cached_property
    def context_quantities(self) -> tuple[Quantity, ...]:
        """Quantities named in the turns before it, its own and the next one."""
        near = self.call.turns[max(0, self.turn - _TURNS_NEAR) : self.turn + 2]
        return find_quantities(" ".join(t.text for t in near if t.role != "system"))

    @property
    def queries(self) -> tuple[str, ...]:
        """The texts that are compared with the clauses, in the order of :data:`QUERY_NAMES`."""
        own = self.call.turns[self.turn].text
        asked = f"{self.asked} {self.quote}".strip()
        return (self.quote, asked, own, self.around, *self.matching_texts)

    @cached_property
    def matching_texts(self) -> tuple[str, str]:
        """What the encoder was trained to match with clauses.

        The promise as an answer to what was asked, and as a part of its conversation; the training
        (``eval/training/finetune.py``) uses the same.
        """
        turns = self.call.turns
        before = " ".join(
            t.text[-_BEFORE_CHARACTERS:]
            for t in turns[max(0, self.turn - _TURNS_BEFORE) : self.turn]
        )
        own = turns[self.turn].text[:_OWN_CHARACTERS]
        return (
            f"{self.asked[-_ASKED_CHARACTERS:]} {self.quote}".strip(),
            f"{before} {own} {self.answer[:_ANSWER_CHARACTERS]}".strip(),
        )


def describe_promise(call: Call, turn: int, quote: str, kind: str, strength: str) -> Promise:
    """Gather what the words around a mark say.

    Args:
        call: Its call.
        turn: Its turn, an agent's.
        quote: Its words, a slice of that turn.
        kind: promise, assurance or exception.
        strength: firm, conditional or hedged.
    """
    before = [t.text for t in call.turns[:turn] if t.role == "customer"]
    asked = before[-1] if before else ""
    said = [t.text for t in call.turns[:turn] if t.role == "agent"]
    own = call.turns[turn]
    around = " ".join(p for p in (*before[-2:-1], *said[-1:], asked, own.text) if p)
    after = next((t.text for t in call.turns[turn + 1 :] if t.role == "customer"), "")
    return Promise(
        call=call,
        turn=turn,
        quote=quote,
        kind=kind,
        strength=strength,
        asked=asked,
        answer=after,
        around=around,
        quantities=find_quantities(quote),
        position=own.position,
    )


def plain_words(text: str) -> list[str]:
    """Lower-case words of a text, punctuation stripped."""
    return [w.strip(".,;:!?\"'") for w in text.lower().split()]

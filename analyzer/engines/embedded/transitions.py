"""Promises about what was agreed before the rules changed, where a clause keeps the old terms."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.domain import Call, Clause
from analyzer.language.dates import find_days
from analyzer.language.references import Transition, find_transitions
from analyzer.policy_book import PolicyView

_MADE = re.compile(
    r"\b(?:book(?:ed|ing)|reserv(?:ed|ation)|order(?:ed)?|bought|purchas(?:ed|e)|signed|joined|"
    r"took (?:it |that |this )?out|taken out|made|placed|enrolled|renewed|started|opened|sold|"
    r"agreed|subscribed|policy (?:began|started))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+")


@dataclass(frozen=True)
class Kept:
    """Earlier terms that a clause in force keeps for what a call is about.

    Attributes:
        rule: The clause in force that keeps them.
        transition: What it says.
        clause: The clause of the earlier edition.
        agreed: The day on which it was agreed, as the call shows it.
    """

    rule: Clause
    transition: Transition
    clause: Clause
    agreed: dt.date


def find_kept(call: Call, clause: Clause, view: PolicyView) -> Kept | None:
    """The earlier version of a clause, if the call's booking is older than its change.

    Args:
        call: The call; a day counts as that of the agreement where the sentence that names it
            says that something was booked, bought, signed or the like.
        clause: The clause in force that a promise is held against.
        view: The clauses in force, with those of earlier editions that they refer to.
    """
    earlier = [c for c in view.earlier if (c.document, c.id) == (clause.document, clause.id)]
    if not earlier or call.date is None:
        return None
    days = _agreed_days(call, call.date)
    for rule in view.clauses:
        if rule.document != clause.document:
            continue
        for transition in find_transitions(f"{rule.title}. {rule.text}"):
            older = [day for day in days if day < transition.before]
            # Where the call speaks of a newer agreement too, nobody can say which is meant.
            if older and len(older) == len(days):
                agreed = max(older)
                return Kept(rule, transition, _edition_of(agreed, transition, earlier), agreed)
    return None


def _edition_of(agreed: dt.date, transition: Transition, earlier: Sequence[Clause]) -> Clause:
    """Of several earlier editions the one of that day, else the one that the rule keeps."""
    for day in (agreed, transition.before - dt.timedelta(days=1)):
        for clause in earlier:
            if clause.is_in_force(day):
                return clause
    return earlier[0]


def _agreed_days(call: Call, anchor: dt.date) -> list[dt.date]:
    days: list[dt.date] = []
    for turn in call.turns:
        for sentence in _SENTENCE.finditer(turn.text):
            if _MADE.search(sentence.group()):
                days += [
                    named.day for named in find_days(sentence.group(), anchor) if named.day < anchor
                ]
    return days

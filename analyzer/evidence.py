"""Grounding: the one place that checks every mark, whatever engine made it.

A mark is a finding only if its quote is verbatim in its turn, the turn is an agent's, its clauses
were in force on the day of the call, and the clause quote is verbatim in the decisive clause. What
fails is set aside with its reason.
"""

from __future__ import annotations

import re
from typing import Literal

from analyzer.domain import Analysis, Call, Commitment, Link, SetAside, Span, Stonewall
from analyzer.policy_book import PolicyView

_What = Literal["commitment", "stonewall", "link"]
_LOOSE = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "}


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """Locate a quoted passage in a text.

    Case, runs of whitespace and typographic quotes and dashes are ignored while matching, but the
    words have to be the same; the slice indexes the original text.

    Args:
        quote: The words that are said to stand there.
        text: A turn or a clause.

    Returns:
        Half-open character range of the first place, or None.
    """
    words = quote.split()
    if not words:
        return None
    start = text.find(quote)
    if start >= 0:
        return start, start + len(quote)
    loose = "".join(_LOOSE.get(ch, ch) for ch in text)
    pattern = r"\s+".join(re.escape("".join(_LOOSE.get(ch, ch) for ch in word)) for word in words)
    found = re.search(pattern, loose, re.IGNORECASE)
    return found.span() if found else None


def locate(call: Call, turn: int, quote: str) -> Span | None:
    """The span of a quote in a turn of a call, or None if it was not said there."""
    if not 0 <= turn < len(call.turns):
        return None
    found = find_quote(quote, call.turns[turn].text)
    return Span(turn=turn, start=found[0], end=found[1]) if found else None


def ground(analysis: Analysis, view: PolicyView | None) -> Analysis:
    """Keep what can be shown in the call and in the clauses in force; set the rest aside.

    Quotes that match but for case or white space are replaced by the text's own words.

    Args:
        analysis: What an engine returned.
        view: The clauses in force on the day of the call, or None where none can be named.

    Returns:
        The analysis with only grounded marks, the others in ``set_aside`` with their reasons.
    """
    call = analysis.call
    aside = list(analysis.set_aside)
    commitments: list[Commitment] = []
    for mark in analysis.commitments:
        checked = _commitment(mark, call, view)
        if isinstance(checked, str):
            aside.append(_set_aside("commitment", checked, mark))
        else:
            commitments.append(checked)
    stonewalls: list[Stonewall] = []
    for wall in analysis.stonewalls:
        grounded = _stonewall(wall, call)
        if isinstance(grounded, str):
            aside.append(_set_aside("stonewall", grounded, wall))
        else:
            stonewalls.append(grounded)
    links: list[Link] = []
    for link in analysis.links:
        if link.turn < len(call.turns):
            links.append(link)
        else:
            aside.append(_set_aside("link", f"turn {link.turn} is not in the call", link))
    return analysis.model_copy(
        update={
            "commitments": tuple(commitments),
            "stonewalls": tuple(stonewalls),
            "links": tuple(links),
            "set_aside": tuple(aside),
        }
    )


def _set_aside(what: _What, reason: str, mark: Commitment | Stonewall | Link) -> SetAside:
    return SetAside(what=what, reason=reason, mark=mark.model_dump(mode="json"))


def _commitment(mark: Commitment, call: Call, view: PolicyView | None) -> Commitment | str:
    """The mark in the words of the call and of the clause, or why it cannot be shown."""
    span = locate(call, mark.turn, mark.quote)
    if span is None:
        return f"the quote was not said in turn {mark.turn}"
    if call.turns[mark.turn].role != "agent":
        return f"turn {mark.turn} is not an agent's"
    wrong = _wrong_turn(mark, call) or _wrong_clause(mark, call, view)
    if wrong:
        return wrong
    update = {"quote": call.turns[span.turn].text[span.start : span.end]}
    if mark.clause_quote is not None:
        own = _own_words(mark.clause_quote, mark, view)
        if own is None:
            return "the clause quote does not stand in the decisive clause"
        update["clause_quote"] = own
    if mark.verdict is not None and mark.verdict != "not_addressed":
        if not mark.clauses:
            return f"the verdict {mark.verdict} names no clause"
        if mark.clause_quote is None:
            return f"the verdict {mark.verdict} quotes no clause"
    return mark.model_copy(update=update)


def _wrong_turn(mark: Commitment, call: Call) -> str | None:
    """What a mark says of a turn that the call does not have."""
    named = [("withdrawn_at", mark.withdrawn_at)]
    named += [("a condition's turn", condition.turn) for condition in mark.conditions]
    for name, turn in named:
        if turn is not None and turn >= len(call.turns):
            return f"{name} names turn {turn}, which is not in the call"
    return None


def _wrong_clause(mark: Commitment, call: Call, view: PolicyView | None) -> str | None:
    """What a mark says of a clause that was not in force."""
    named = (*mark.clauses, *mark.policy_conflict)
    if view is None:
        return "clauses are named though none can be said to be in force" if named else None
    for clause_id in named:
        if view.find_clause(clause_id) is None:
            return f"clause {clause_id} was not in force on {call.date}"
    return None


def _own_words(quote: str, mark: Commitment, view: PolicyView | None) -> str | None:
    """The decisive clause's own words for a quote of it, or None if it does not say so."""
    clause = view.find_clause(mark.clauses[0]) if view and mark.clauses else None
    found = find_quote(quote, clause.text) if clause else None
    return clause.text[found[0] : found[1]] if clause and found else None


def _stonewall(wall: Stonewall, call: Call) -> Stonewall | str:
    if wall.end >= len(call.turns):
        return f"turn {wall.end} is not in the call"
    for edge, turn in (("begins", wall.start), ("ends", wall.end)):
        if call.turns[turn].role != "agent":
            return f"the span {edge} at turn {turn}, which is not an agent's"
    if wall.quote is None:
        return "no words of the call are quoted"
    for turn in range(wall.start, wall.end + 1):
        if call.turns[turn].role == "agent":
            found = find_quote(wall.quote, call.turns[turn].text)
            if found:
                own = call.turns[turn].text[found[0] : found[1]]
                return wall.model_copy(update={"quote": own})
    return f"the quote was not said by an agent in turns {wall.start} to {wall.end}"

"""A call as a person reads it: one line, then what was promised, what policy says, and why.

Every sign stands beside its word, since colour and shape alone say nothing to many. The words of
a call are put on the screen as they are: no markup of theirs is read, no control code obeyed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from analyzer.cli.explaining import render_trace
from analyzer.cli.faults import printable
from analyzer.domain import Analysis, Call, Clause, Commitment, Resolution, Stonewall
from analyzer.explanation import explain_commitment
from analyzer.policy_book import PolicyBook
from analyzer.readers.transcripts import Speaker

#: For each sort of moment its sign, its word and its colour, the gravest first.
SIGNS: Mapping[str, tuple[str, str, str]] = {
    "contradicted": ("✕", "contradicted", "red"),
    "exceeds_authority": ("▲", "over authority", "yellow"),
    "stonewall": ("▮", "stonewalled", "magenta"),
}
_FINE = ("✓", "nothing marked", "green")
_UNJUDGED = ("?", "no verdict", "")
_PROPOSALS: Mapping[Resolution, str] = {
    "honour": "honour it",
    "honour_with_disclosure": "honour it this once, and tell the customer that it was a mistake",
    "escalate": "let somebody decide who has the authority",
    "correct": "put it right at once, with an apology and an alternative",
}
_INDENT = 2


@dataclass(frozen=True)
class Moment:
    """A conflict or a stonewall, at the turn where it begins."""

    turn: int
    sort: str
    mark: Commitment | Stonewall


def find_moments(analysis: Analysis) -> list[Moment]:
    """The conflicts and stonewalls of a call, in the order of the call."""
    moments = [Moment(mark.turn, mark.verdict or "", mark) for mark in analysis.conflicts]
    moments += [Moment(wall.start, "stonewall", wall) for wall in analysis.stonewalls]
    return sorted(moments, key=lambda moment: moment.turn)


def count_to_review(analysis: Analysis) -> int:
    """How many marks of a call a person should look at."""
    n_commitments = sum(mark.needs_review for mark in analysis.commitments)
    n_walls = sum(wall.needs_review for wall in analysis.stonewalls)
    # A call that is to be looked at as a whole counts once.
    return n_commitments + n_walls + analysis.needs_review


def number(count: int, what: str) -> str:
    """A count with its noun: ``1 call``, ``2 calls``."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def name_call(call: Call) -> str:
    """How a call is named on the screen: company and id."""
    return printable(f"{call.company}/{call.call_id}" if call.company else call.call_id)


def render_call(
    analysis: Analysis,
    book: PolicyBook | None,
    speakers: Sequence[Speaker] = (),
    *,
    is_explained: bool = False,
) -> RenderableType:
    """A call: its line, roles that were guessed, and its moments.

    Args:
        analysis: The call with its marks.
        book: Where the titles of clauses are looked up.
        speakers: Its speakers as they were read; those whose role is sure are not shown.
        is_explained: Whether to show how each mark came about, and every answer of the model.
    """
    blocks: list[RenderableType] = [_summary(analysis)]
    if guessed := [speaker for speaker in speakers if speaker.confidence < 1]:
        blocks.append(_indented(_guesses(guessed)))
    blocks += [
        _indented(render_moment(moment, analysis.call, book, is_explained=is_explained))
        for moment in find_moments(analysis)
    ]
    if is_explained:
        blocks.append(_indented(render_trace(analysis)))
    return Group(*blocks)


def render_moment(
    moment: Moment, call: Call, book: PolicyBook | None, *, is_explained: bool = False
) -> RenderableType:
    """One moment: what was said, what policy says, why it is marked, what is proposed."""
    sign, word, colour = SIGNS[moment.sort]
    mark = moment.mark
    head = Text.assemble((f"{sign} {word}", f"bold {colour}"))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, min_width=8, style="dim")
    facts.add_column(overflow="fold")
    if isinstance(mark, Commitment):
        head.append(f"  {_place(call, mark.turn)}, {mark.strength} {mark.kind}")
        rows = _commitment_rows(mark, call, book)
        if is_explained:
            rows = itertools.chain(rows, explain_commitment(mark))
    else:
        head.append(f"  {_span(call, mark)}")
        rows = _stonewall_rows(mark)
    for label, words in rows:
        facts.add_row(Text(label), Text(printable(words)))
    return Group(Text(), head, Padding(facts, (0, 0, 0, _INDENT)))


def _commitment_rows(
    mark: Commitment, call: Call, book: PolicyBook | None
) -> Iterator[tuple[str, str]]:
    yield "said", f"“{mark.quote}”"
    if mark.clauses and mark.clause_quote:
        clause = _find_clause(mark.clauses[0], call, book)
        yield "policy", f"{mark.clauses[0]}{_titled(clause)}: “{mark.clause_quote}”"
    if mark.why:
        yield "why", mark.why
    if mark.withdrawn_at is not None:
        yield "later", f"taken back in turn {mark.withdrawn_at}"
    if mark.resolution:
        yield "proposed", _PROPOSALS[mark.resolution]
    if mark.needs_review:
        yield "review", "a person should look before anybody relies on this"


def _stonewall_rows(wall: Stonewall) -> Iterator[tuple[str, str]]:
    if wall.quote:
        yield "said", f"“{wall.quote}”"
    yield "how", ", ".join(tactic.replace("_", " ") for tactic in wall.tactics)
    if wall.why:
        yield "why", wall.why
    if wall.needs_review:
        yield "review", "a person should look before anybody relies on this"


def _summary(analysis: Analysis) -> RenderableType:
    call = analysis.call
    sign, word, colour = _gravest(analysis)
    line = Text.assemble((name_call(call), "bold"))
    agents = dict.fromkeys(turn.name for turn in call.turns if turn.role == "agent" and turn.name)
    facts = [
        str(call.date) if call.date else "no date",
        printable(", ".join(agents) or call.agent_id or "agent not named"),
        f"score {'not given' if analysis.score is None else analysis.score}",
    ]
    counts = [
        number(len(analysis.conflicts), "conflict") if analysis.conflicts else "",
        number(len(analysis.stonewalls), "stonewall") if analysis.stonewalls else "",
        f"{count_to_review(analysis)} to review" if count_to_review(analysis) else "",
    ]
    marks = number(len(analysis.commitments) + len(analysis.stonewalls), "mark")
    told = ", ".join(count for count in counts if count)
    line.append(f"  {' · '.join((*facts, marks))}{f': {told}' if told else ''}")
    if analysis.policy_version is None:
        line.append(f" · {_UNJUDGED[1]}")
    elif not find_moments(analysis):
        line.append(f" · {word} against policy", style=colour)
    row = Table.grid(padding=(0, 1))
    row.add_column()
    row.add_column(overflow="fold")
    row.add_row(Text(sign, style=f"bold {colour}"), line)
    return row


def _gravest(analysis: Analysis) -> tuple[str, str, str]:
    there = {moment.sort for moment in find_moments(analysis)}
    for sort, sign in SIGNS.items():
        if sort in there:
            return sign
    return _FINE if analysis.policy_version is not None else _UNJUDGED


def _guesses(speakers: Sequence[Speaker]) -> Text:
    told = [
        f"{printable(speaker.label)} is taken for the {speaker.role} "
        f"({speaker.confidence:.0%} sure: {printable(speaker.how)})"
        for speaker in speakers
    ]
    return Text(f"roles: {'; '.join(told)}; set one with --role", style="dim")


def _place(call: Call, turn: int) -> str:
    said = call.turns[turn]
    who = f"{said.name} ({said.position})" if said.name and said.position else ""
    return printable(f"turn {turn}, {who or said.name or said.position or said.role}")


def _span(call: Call, wall: Stonewall) -> str:
    agents = dict.fromkeys(
        turn.name or turn.position or turn.role
        for turn in call.turns[wall.start : wall.end + 1]
        if turn.role == "agent"
    )
    turns = f"turn {wall.start}" if wall.start == wall.end else f"turns {wall.start} to {wall.end}"
    return printable(f"{turns}, {', '.join(agents)}, severity {wall.severity} of 3")


def _find_clause(clause_id: str, call: Call, book: PolicyBook | None) -> Clause | None:
    company = book.find_company(call.company) if book else None
    if book is None or company is None or call.date is None:
        return None
    return book.view(company, call.date).find_clause(clause_id)


def _titled(clause: Clause | None) -> str:
    if clause is None:
        return ""
    return f" {clause.title} ({clause.document})" if clause.title else f" ({clause.document})"


def _indented(block: RenderableType) -> Padding:
    return Padding(block, (0, 0, 0, _INDENT))

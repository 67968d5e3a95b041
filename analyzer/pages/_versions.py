"""Versions of a policy document on screen: what changed, as a redline with every word escaped."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import (
    ClauseChange,
    compare_editions,
    compare_words,
    redate,
    standing_before,
)
from analyzer.pages._escaping import as_html
from analyzer.pages._wording import say_count, say_day

#: Changes shown in full; words kept on each side of a change.
_SHOWN, _AROUND = 60, 12
_RULE_ROW = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_CELL_BAR = re.compile(r"\s*(?<!\\)\|\s*")
_HEADING_SIGN = re.compile(r"^\s*#{1,6}\s+")
#: Of a change: its sign, its word, its tone.
_KINDS = {
    "added": ("+", "new", "fine"),
    "changed": ("±", "changed", "authority"),
    "removed": ("−", "removed", "conflict"),  # noqa: RUF001 - a minus sign is what is meant
}
_MINUS = "−"  # noqa: RUF001 - a minus sign is what is meant


def date_documents(
    documents: Sequence[PolicyDocument],
    clauses: Sequence[Clause],
    undated: Sequence[PolicyDocument],
    *,
    begins: dt.date | None,
) -> list[PolicyDocument]:
    """Documents as they will be added: those that name no day of force given theirs.

    Args:
        documents: All documents, as they were read.
        clauses: What the library holds.
        undated: Those that name no day and change what is there.
        begins: First day of ``undated``; None where they correct the newest version that is there,
            whose day they then take.
    """
    chosen = {id(document) for document in undated}
    return [
        _date(document, clauses, begins) if id(document) in chosen else document
        for document in documents
    ]


def _date(
    document: PolicyDocument, clauses: Sequence[Clause], begins: dt.date | None
) -> PolicyDocument:
    if begins is None:
        days = [
            clause.effective_from or dt.date.min
            for clause in clauses
            if (clause.company, clause.document) == (document.company, document.document)
        ]
        newest = max(days, default=dt.date.min)
        begins = None if newest == dt.date.min else newest
    return document if begins is None else redate(document, begins)


def preview_changes(
    clauses: Sequence[Clause], document: PolicyDocument
) -> tuple[ClauseChange, ...] | None:
    """What adding a document would change, clause by clause; None if it is new altogether.

    Args:
        clauses: What the library holds.
        document: The document with its day of force.
    """
    before = standing_before(clauses, document)
    return compare_editions(before, document.clauses) if before else None


def trace_changes(
    clauses: Sequence[Clause], document: tuple[str, str, dt.date | None]
) -> dict[str, tuple[ClauseChange, ...]]:
    """How each clause of an edition came to its words, the newest change first.

    Args:
        clauses: What the library holds.
        document: Company, name and first day of the edition.

    Returns:
        Changes from one edition to the next, by the id of the clause in this edition; clauses that
        never changed are not in it.
    """
    editions: dict[dt.date, list[Clause]] = {}
    for clause in clauses:
        begins = clause.effective_from or dt.date.min
        is_no_later = begins <= (document[2] or dt.date.min)
        if (clause.company, clause.document) == document[:2] and is_no_later:
            editions.setdefault(begins, []).append(clause)
    days = sorted(editions)
    known: dict[str, tuple[ClauseChange, ...]] = {}
    for earlier, later in zip(days, days[1:], strict=False):
        now = {clause.id for clause in editions[later]}
        changes = compare_editions(editions[earlier], editions[later])
        after = {clause_id: known[clause_id] for clause_id in known if clause_id in now}
        for change in changes:
            if change.after is not None:
                was = known.get(change.before.id, ()) if change.before else ()
                after[change.id] = (change, *was)
        known = after
    return known


def find_removed(
    clauses: Sequence[Clause], document: tuple[str, str, dt.date | None]
) -> tuple[Clause, ...]:
    """Clauses of the edition before that are not in this one.

    Args:
        clauses: What the library holds.
        document: Company, name and first day of the edition.
    """
    begins = document[2] or dt.date.min
    mine = [c for c in clauses if (c.company, c.document) == document[:2]]
    now = [c for c in mine if (c.effective_from or dt.date.min) == begins]
    earlier = [d for c in mine if (d := c.effective_from or dt.date.min) < begins]
    if not earlier:
        return ()
    before = [c for c in mine if (c.effective_from or dt.date.min) == max(earlier)]
    changes = compare_editions(before, now)
    return tuple(c.before for c in changes if c.kind == "removed" and c.before)


def say_changes(changes: Sequence[ClauseChange]) -> str:
    """How many clauses changed, in one line: ``2 clauses changed, 1 new, 1 removed``."""
    kinds = [change.kind for change in changes]
    counted = [(kinds.count(kind), kind) for kind in ("changed", "added", "removed")]
    words = [f"{n} {_KINDS[kind][1]}" for n, kind in counted if n]
    if not words:
        return "No clause changes."
    return f"{say_count(len(changes), 'clause')}: {', '.join(words)}."


def render_changes(changes: Sequence[ClauseChange]) -> str:
    """Changes of a document, a card each, the words that went and came marked."""
    cards = "".join(_card(change) for change in changes[:_SHOWN])
    more = len(changes) - _SHOWN
    rest = f'<p class="wb-note">and {say_count(more, "more change")}</p>' if more > 0 else ""
    return f'<div class="wb-changes">{cards}{rest}</div>'


def _card(change: ClauseChange) -> str:
    sign, word, tone = _KINDS[change.kind]
    clause = change.after or change.before
    if clause is None:
        return ""
    was = ""
    if change.before and change.after and change.before.id != change.after.id:
        was = f" (was {change.before.id})"
    title = "" if clause.title == clause.id else clause.title
    head = as_html(f"{title}{was}")
    return (
        f'<article class="wb-change"><header><span class="wb-tag wb-tone-{tone}">'
        f'<i class="wb-sign">{sign}</i> {word}</span> <b>{as_html(clause.id)}</b> {head}</header>'
        f"{render_redline(change)}</article>"
    )


def render_redline(change: ClauseChange) -> str:
    """One change as HTML: words gone struck through, words new underlined, each with its sign."""
    before, after = change.before, change.after
    title = ""
    if before and after and before.title != after.title:
        title = f'<p class="wb-redline">{_redline(before.title, after.title)}</p>'
    old, new = before.text if before else "", after.text if after else ""
    return f'{title}<p class="wb-redline">{_redline(old, new)}</p>'


@lru_cache(maxsize=2048)
def _redline(before: str, after: str) -> str:
    words = compare_words(_plain(before), _plain(after))
    out = []
    for index, (kind, text) in enumerate(words):
        if kind == "gone":
            out.append(f'<del><i class="wb-sign">{_MINUS}</i><s>{as_html(text)}</s></del>')
        elif kind == "new":
            out.append(f'<ins><i class="wb-sign">+</i><u>{as_html(text)}</u></ins>')
        else:
            is_last = index == len(words) - 1
            out.append(as_html(_shorten(text, is_first=index == 0, is_last=is_last)))
    return " ".join(out)


def _plain(text: str) -> str:
    """Markdown without the signs that only lay it out, so that they do not count as words."""
    lines = []
    for line in text.splitlines():
        if line.strip() and _RULE_ROW.fullmatch(line):
            continue
        if line.lstrip().startswith("|"):
            inner = line.strip().removeprefix("|").removesuffix("|")
            lines.append(_CELL_BAR.sub(" · ", inner.strip()))
        else:
            lines.append(_HEADING_SIGN.sub("", line))
    return "\n".join(lines)


def _shorten(text: str, *, is_first: bool, is_last: bool) -> str:
    """Words that stayed: those next to a change, the rest as an ellipsis."""
    words = text.split()
    if len(words) <= 2 * _AROUND + 3:
        return text
    left = [] if is_first else words[:_AROUND]
    right = [] if is_last else words[-_AROUND:]
    return " ".join([*left, "…", *right])


def render_history(changes: Sequence[ClauseChange]) -> str:
    """ "What changed" of one clause, closed until it is asked for; empty where nothing did."""
    if not changes:
        return ""
    steps = "".join(
        f"<h6>{as_html(_say_step(change))}</h6>{render_redline(change)}"
        for change in changes
        if change.before is not None
    )
    if not steps:
        first = changes[-1].after
        since = say_day(first.effective_from) if first else ""
        return f'<small class="wb-note">New in the version of {as_html(since)}.</small>'
    return f"<details><summary>What changed</summary>{steps}</details>"


def _say_step(change: ClauseChange) -> str:
    now = say_day(change.after.effective_from) if change.after else ""
    was = say_day(change.before.effective_from) if change.before else ""
    before = (
        f"against the version of {was}"
        if change.before and change.before.effective_from
        else ("against the version before")
    )
    name = ""
    if change.before and change.after and change.before.id != change.after.id:
        name = f", there {change.before.id}"
    return f"Since {now}, {before}{name}"

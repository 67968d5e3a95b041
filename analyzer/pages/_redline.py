"""What changed from one version of a clause to the next, on screen."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import ClauseChange, compare_editions, compare_words, standing_before
from analyzer.pages._escaping import as_html
from analyzer.pages._wording import say_count, say_day
from analyzer.policy_library import StoredDocument

#: Changes shown in full; words that stayed kept on each side of a change.
_MOST, _AROUND = 60, 12
_TAGS = {"gone": "del", "new": "ins"}
_KINDS = {"changed": "changed", "added": "new", "removed": "removed"}
_RULE_ROW = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_BAR = re.compile(r"\s*(?<!\\)\|\s*")
_HEADING = re.compile(r"^\s*#{1,6}\s+")


def render_changes(changes: Sequence[ClauseChange]) -> str:
    """Changes as HTML: words that went are struck through, words that came underlined.

    Args:
        changes: Of one document; beyond sixty only how many more there are.
    """
    shown = "".join(_change(change) for change in changes[:_MOST])
    more = len(changes) - _MOST
    tail = f"<p>and {say_count(more, 'more change')}</p>" if more > 0 else ""
    return f'<div class="wb-clauses">{shown}{tail}</div>'


def _change(change: ClauseChange) -> str:
    before, after = change.before, change.after
    clause = after or before
    title = clause.title if clause and clause.title != change.id else ""
    was = f" (was {as_html(before.id)})" if before and after and before.id != after.id else ""
    return (
        f'<article class="wb-clause-card"><header><b>{as_html(change.id)}</b> '
        f"{as_html(title)}{was}</header><small>{_KINDS[change.kind]}</small>"
        f'<div class="wb-clause">{_redline_of(change)}</div></article>'
    )


def _redline_of(change: ClauseChange) -> str:
    before, after = change.before, change.after
    title = ""
    if before and after and before.title != after.title:
        title = f'<p class="wb-redline">{_redline(before.title, after.title)}</p>'
    words = _redline(before.text if before else "", after.text if after else "")
    return f'{title}<p class="wb-redline">{words}</p>'


@lru_cache(maxsize=2048)
def _redline(before: str, after: str) -> str:
    words = compare_words(_plain(before), _plain(after))
    out = []
    for index, (kind, text) in enumerate(words):
        if kind in _TAGS:
            out.append(f"<{_TAGS[kind]}>{as_html(text)}</{_TAGS[kind]}>")
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
            lines.append(f"• {_BAR.sub(' · ', inner.strip())}")
        else:
            lines.append(_HEADING.sub("", line))
    return "\n".join(lines)


def _shorten(text: str, *, is_first: bool, is_last: bool) -> str:
    """Words that stayed: those next to a change, the rest as an ellipsis."""
    words = text.split()
    if len(words) <= 2 * _AROUND + 1:
        return text
    left = [] if is_first else words[:_AROUND]
    right = [] if is_last else words[-_AROUND:]
    return " ".join([*left, "…", *right])


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


def say_changes(changes: Sequence[ClauseChange] | None) -> str:
    """How many clauses change, in one line: ``It would change 2 clauses: 1 changed, 1 new.``."""
    if changes is None:
        return "It is new in the library."
    kinds = [change.kind for change in changes]
    counted = [f"{kinds.count(kind)} {word}" for kind, word in _KINDS.items() if kind in kinds]
    if not counted:
        return "It says what the library says already."
    return f"Against the version that is there: {', '.join(counted)}."


def trace_changes(
    clauses: Sequence[Clause], document: StoredDocument
) -> tuple[dict[str, tuple[ClauseChange, ...]], tuple[Clause, ...]]:
    """How each clause of an edition came to its words.

    Args:
        clauses: What the library holds.
        document: The edition.

    Returns:
        Changes from one edition to the next, the newest first, by the clause's id in this edition;
        and the clauses of the edition before that are not in this one.
    """
    editions: dict[str, list[Clause]] = {}
    for clause in clauses:
        if (clause.company, clause.document) == (document.company, document.document):
            editions.setdefault(_day(clause), []).append(clause)
    days = sorted(day for day in editions if day <= _day(document))
    known: dict[str, tuple[ClauseChange, ...]] = {}
    removed: tuple[Clause, ...] = ()
    for earlier, later in itertools.pairwise(days):
        changes = compare_editions(editions[earlier], editions[later])
        after = {c.id: known[c.id] for c in editions[later] if c.id in known}
        for change in changes:
            if change.after is not None:
                was = known.get(change.before.id, ()) if change.before else ()
                after[change.id] = (change, *was)
        known = after
        removed = tuple(c.before for c in changes if c.before and c.kind == "removed")
    return known, removed


def _day(dated: Clause | StoredDocument) -> str:
    return dated.effective_from.isoformat() if dated.effective_from else ""


def render_history(changes: Sequence[ClauseChange]) -> str:
    """What changed in one clause, closed until it is asked for; empty where nothing did.

    Args:
        changes: Of the clause, the newest first.
    """
    if not changes:
        return ""
    steps = "".join(
        f'<h6>{as_html(_say_step(change))}</h6><div class="wb-clause">{_redline_of(change)}</div>'
        for change in changes
        if change.before is not None
    )
    if not steps:
        first = changes[-1].after
        day = say_day(first.effective_from) if first else ""
        return f"<small>New with the version of {as_html(day)}.</small>"
    return f"<details><summary>What changed</summary>{steps}</details>"


def _say_step(change: ClauseChange) -> str:
    before, after = change.before, change.after
    now = say_day(after.effective_from) if after else ""
    day = before.effective_from if before else None
    was = f"the version of {say_day(day)}" if day else "the version before"
    name = f", there {before.id}" if before and after and before.id != after.id else ""
    return f"Since {now}, against {was}{name}"

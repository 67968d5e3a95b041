"""What changed from one version of a clause to the next, on screen."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.editions import ClauseChange, compare_words
from analyzer.pages._escaping import as_html

_MOST = 60
_TAGS = {"gone": "del", "new": "ins"}


def render_changes(changes: Sequence[ClauseChange]) -> str:
    """Changes as HTML: words that went are struck through, words that came underlined.

    Args:
        changes: Of one document; beyond sixty only how many more there are.
    """
    shown = "".join(_change(change) for change in changes[:_MOST])
    more = len(changes) - _MOST
    tail = f"<p>and {more} more changes</p>" if more > 0 else ""
    return f'<div class="wb-clauses">{shown}{tail}</div>'


def _change(change: ClauseChange) -> str:
    before, after = change.before, change.after
    clause = after or before
    title = clause.title if clause and clause.title != change.id else ""
    was = f" (was {as_html(before.id)})" if before and after and before.id != after.id else ""
    words = " ".join(
        f"<{_TAGS[kind]}>{as_html(text)}</{_TAGS[kind]}>" if kind in _TAGS else as_html(text)
        for kind, text in compare_words(before.text if before else "", after.text if after else "")
    )
    return (
        f'<article class="wb-clause-card"><header><b>{as_html(change.id)}</b> '
        f"{as_html(title)}{was}</header><small>{as_html(change.kind)}</small>"
        f'<div class="wb-clause"><p>{words}</p></div></article>'
    )

"""Clauses on screen: found again in the library, and their text laid out with a quote marked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from analyzer.domain import Call, Clause, Commitment
from analyzer.pages._escaping import as_html
from analyzer.pages._wording import say_count, say_day
from analyzer.policy_book import PolicyBook, earlier_id
from analyzer.policy_library import StoredDocument

Found = Literal["same", "redated", "changed", "gone"]

_ITEM = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+")
_HEADING = re.compile(r"\s*#{1,6}\s+")
_BAR = re.compile(r"(?<!\\)\|")
_RULE_CELL = re.compile(r"\s*:?-{2,}:?\s*")
_EARLIER = (
    "An earlier edition decides: a clause in force keeps its terms for what was agreed before."
)


@dataclass(frozen=True)
class ClauseFound:
    """What the library has of the clause that a verdict names.

    Attributes:
        clause: The clause; None if the library holds none with this id for the company.
        found: ``same`` version as judged; ``redated`` if its words hold the quote but it is
            another version (the days of its force moved when a newer edition came); ``changed``
            if the quote is no longer in it; ``gone``.
        is_earlier: Whether the verdict names a clause of an edition that was over on the day of
            the call (:func:`analyzer.policy_book.earlier_id`).
    """

    clause: Clause | None
    found: Found
    is_earlier: bool = False

    @property
    def note(self) -> str:
        """What a reader should know, in a sentence or two; empty for the very same version."""
        return " ".join(part for part in (_EARLIER if self.is_earlier else "", self._state) if part)

    @property
    def _state(self) -> str:
        return {
            "same": "",
            "redated": "The edition's days or wording have changed since; the quote still stands.",
            "changed": "The library's wording has changed since; this is the quote as it was.",
            "gone": "This clause is no longer in the policy library; this is the quote as it was.",
        }[self.found]


def look_up_clause(book: PolicyBook, call: Call, mark: Commitment) -> ClauseFound:
    """Find the decisive clause of a commitment again.

    Args:
        book: Everything in the library.
        call: The call, for its company and day.
        mark: A commitment that names a clause.
    """
    company = book.find_company(call.company)
    wanted = mark.clauses[0] if mark.clauses else ""
    mine = [c for c in book.clauses if c.company == company]
    same_id = [c for c in mine if c.id == wanted]
    is_earlier = not same_id and "@" in wanted
    if is_earlier:
        base = wanted.rpartition("@")[0]
        same_id = [c for c in mine if c.id == base]
        same_id.sort(key=lambda c: earlier_id(c) != wanted)
    else:
        same_id.sort(key=lambda c: not (call.date and c.is_in_force(call.date)))
    version = mark.clause_versions[0] if mark.clause_versions else None
    for clause in same_id:
        if clause.version == version:
            return ClauseFound(clause, "same", is_earlier)
    quote = mark.clause_quote or ""
    for clause in same_id:
        if quote and quote in clause.text:
            return ClauseFound(clause, "redated", is_earlier)
    if same_id:
        return ClauseFound(same_id[0], "changed", is_earlier)
    return ClauseFound(None, "gone", is_earlier)


def say_force(clause: Clause, *, on: dt.date | None = None) -> str:
    """The days of a clause's force: ``in force from 1 April 2025``, ``until …``, ``always``.

    Args:
        clause: The clause.
        on: The day of a call; said shorter if the clause was in force then.
    """
    begins, ends = clause.effective_from, clause.effective_to
    if on and clause.is_in_force(on):
        return f"edition of {say_day(begins)}, in force that day" if begins else "in force that day"
    if begins and ends:
        return f"in force {say_day(begins)} to {say_day(ends)}"
    if begins:
        return f"in force from {say_day(begins)}"
    return f"in force until {say_day(ends)}" if ends else "in force on every day"


def say_place(clause: Clause) -> str:
    """Where a clause stands in its source: ``page 3``, ``line 12``, or nothing."""
    if clause.page:
        return f"page {clause.page}"
    return f"line {clause.line}" if clause.line else ""


def say_edition(document: StoredDocument) -> str:
    """An edition of a document in one line: name, clauses, days, and whether it is whole."""
    begins, ends = document.effective_from, document.effective_to
    days = f"from {say_day(begins)}" if begins else "from any day"
    days += f" to {say_day(ends)}" if ends else ""
    whole = "" if document.is_complete else " · incomplete and not used: add it again"
    return f"{document.document} · {say_count(document.n_clauses, 'clause')} · {days}{whole}"


@dataclass(frozen=True)
class _Line:
    """A line of a clause: where it begins in the text, and its words."""

    start: int
    text: str


def render_clause(text: str, *, quote: str | None = None, tone: str = "quiet") -> str:
    """A clause's text as HTML: paragraphs, lists and tables laid out, every word escaped.

    Args:
        text: The clause as it was written, Markdown or plain.
        quote: A verbatim slice to mark; not marked if it does not stand there.
        tone: Colour of the mark, a class of ``style.css``.
    """
    start = text.find(quote) if quote else -1
    span = (start, start + len(quote or "")) if start >= 0 else (0, 0)
    return "".join(_block(text, lines, span, tone) for lines in _blocks(text))


def _blocks(text: str) -> Iterator[list[_Line]]:
    """Runs of lines of one kind: a table, a list item, a heading, or a paragraph."""
    block: list[_Line] = []
    at = 0
    for raw in text.splitlines(keepends=True):
        line = _Line(at, raw.rstrip("\r\n"))
        at += len(raw)
        if not line.text.strip():
            if block:
                yield block
            block = []
            continue
        if block and _starts_block(line, block[-1]):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _starts_block(line: _Line, before: _Line) -> bool:
    if _is_row(line) != _is_row(before):
        return True
    return bool(_ITEM.match(line.text) or _HEADING.match(line.text) or _HEADING.match(before.text))


def _is_row(line: _Line) -> bool:
    return line.text.lstrip().startswith("|")


def _block(text: str, lines: list[_Line], span: tuple[int, int], tone: str) -> str:
    if _is_row(lines[0]):
        return _table(text, lines, span, tone)
    first = lines[0]
    lead = _ITEM.match(first.text) or _HEADING.match(first.text)
    start = first.start + (lead.end() if lead else 0)
    end = lines[-1].start + len(lines[-1].text)
    words = _marked(text, start, end, span, tone)
    if _HEADING.match(first.text):
        return f"<h6>{words}</h6>"
    if lead:
        bullet = as_html(lead.group().strip())
        shown = bullet if bullet[0].isdigit() else "•"
        return f'<p class="wb-item"><span>{shown}</span><span>{words}</span></p>'
    return f"<p>{words}</p>"


def _table(text: str, lines: list[_Line], span: tuple[int, int], tone: str) -> str:
    rows = []
    is_head = len(lines) > 1 and _is_rule(lines[1])
    for line in lines:
        if _is_rule(line):
            continue
        tag = "th" if is_head and line is lines[0] else "td"
        cells = "".join(
            f"<{tag}>{_marked(text, start, end, span, tone)}</{tag}>" for start, end in _cells(line)
        )
        rows.append(f"<tr>{cells}</tr>")
    return f'<div class="wb-table"><table>{"".join(rows)}</table></div>'


def _is_rule(line: _Line) -> bool:
    cells = line.text.strip().strip("|").split("|")
    return _is_row(line) and all(_RULE_CELL.fullmatch(cell) for cell in cells)


def _cells(line: _Line) -> Iterator[tuple[int, int]]:
    """Where each cell of a row stands in the clause, blanks around it left out."""
    inner = line.text.rstrip().removesuffix("|")
    at = line.text.index("|") + 1
    for cell in _BAR.split(inner[at:]):
        lead = len(cell) - len(cell.lstrip())
        yield line.start + at + lead, line.start + at + lead + len(cell.strip())
        at += len(cell) + 1


def _marked(text: str, start: int, end: int, span: tuple[int, int], tone: str) -> str:
    first, last = max(start, span[0]), min(end, span[1])
    if first >= last:
        return as_html(text[start:end])
    return (
        f"{as_html(text[start:first])}"
        f'<mark class="wb-tone-{as_html(tone)}">{as_html(text[first:last])}</mark>'
        f"{as_html(text[last:end])}"
    )

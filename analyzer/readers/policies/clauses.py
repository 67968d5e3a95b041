"""Where the clauses of a laid-out document begin: at ids, at headings, at clause numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.readers.policies.blocks import Block
from analyzer.readers.policies.sections import (
    Section,
    says_something,
    split_heading,
    split_number,
)

_MAX_HEADING = 100
#: A number with more than one part, which starts a clause wherever it stands.
_PARTS = re.compile(r"[.(]")
#: A number that says what it is one of: "Article 3 - Returns", "Section 4.2. Returns".
_NAMED = re.compile(
    r"(?:Article|Section|Clause|Chapter|Rule|Part|ARTICLE|SECTION|CLAUSE|CHAPTER|RULE|PART)\s+"
    r"(\d+(?:\.\d+)*(?:\([a-z]{1,4}\))*|[IVXLC]{1,7}(?:\.\d+)*)"
    r"(?:\s*[.:)\u2013\u2014-]\s*|\s+(?=[^\Wa-z\d_])|\s*$)"
)
_SENTENCE_END = re.compile(r"(?<=[^\W\d])[.!?:]\s+(?=[^\Wa-z_])")
_SHORT_TITLE = 60
#: A line of a table of contents: dots that lead to a page.
_LEADERS = re.compile(r"(?:\.\s?){4,}\s*\d+\s*$")


@dataclass(frozen=True)
class _Start:
    """A block that starts a section.

    Attributes:
        index: Its place among the blocks.
        level: Depth of its heading; deeper than any heading for a paragraph.
        id: The id that it carries, or None.
        title: Its heading.
        rest: Words of the block that are text of the clause.
    """

    index: int
    level: int
    id: str | None
    title: str
    rest: str


def split_blocks(blocks: Sequence[Block]) -> list[Section]:
    """Cut a laid-out document into sections.

    Where blocks carry ids (``RET-4 Sale items``), those start the clauses and other headings
    stand above them, or in the text of the clause that they lie deeper than. Elsewhere every
    heading starts one, and so does a paragraph that begins with a clause number of several parts
    (``4.2``, ``1.2.3(a)``), or of one where nothing else is a start. What stands before the first
    start, and a document without any, gives a section a paragraph.

    Args:
        blocks: In reading order.

    Returns:
        Sections in order, each with some text and the page on which it begins.
    """
    blocks = [block for block in blocks if not _LEADERS.search(block.text)]
    starts = _without_contents(_starts(blocks), blocks)
    out = _unheaded(blocks[: starts[0].index] if starts else blocks)
    path: list[_Start] = []
    for position, start in enumerate(starts):
        following = starts[position + 1] if position + 1 < len(starts) else None
        body = blocks[start.index + 1 : following.index if following else None]
        text = "\n\n".join(part for part in (start.rest, render_blocks(body)) if part)
        path = [above for above in path if above.level < start.level]
        above = tuple(one.title for one in path if one.title)
        is_chapter = following is not None and following.level > start.level
        page = blocks[start.index].page
        if says_something(text):
            out.append(Section(start.id, start.title, above, text, 0, page))
        elif start.title and start.title != start.id and not is_chapter:
            # The whole clause stands in its heading.
            out.append(Section(start.id, "", above, start.title, 0, page))
        path.append(start)
    return out


def render_blocks(blocks: Sequence[Block]) -> str:
    """Blocks as the text of a clause: blank lines between them, none between list items."""
    out: list[str] = []
    previous: Block | None = None
    for block in blocks:
        if previous is not None:
            tight = previous.kind == block.kind == "item"
            out.append("\n" if tight else "\n\n")
        out.append(f"#### {block.text}" if block.kind == "heading" else block.text)
        previous = block
    return "".join(out)


def _starts(blocks: Sequence[Block]) -> list[_Start]:
    deepest = 1 + max((b.level for b in blocks if b.kind == "heading"), default=0)
    with_ids = [_id_start(i, b, deepest) for i, b in enumerate(blocks)]
    ids = [start for start in with_ids if start is not None]
    headings = [
        _Start(i, b.level, None, b.text, "") for i, b in enumerate(blocks) if b.kind == "heading"
    ]
    if ids:
        return _among_ids(ids, headings)
    numbers = _number_starts(blocks, deepest)
    several = [start for start, n_parts in numbers if n_parts > 1]
    chosen = several if headings or several else [start for start, _ in numbers]
    chosen += _chapters(numbers, chosen)
    # A lone number ("2.0 apologies") is no numbering.
    if len(chosen) == 1 and headings:
        chosen = []
    if chosen and not headings:
        whole = {start.index for start in chosen}
        chosen += [start for start, _ in numbers if start.index not in whole]
    return sorted([*headings, *chosen], key=lambda start: start.index)


def _without_contents(starts: list[_Start], blocks: Sequence[Block]) -> list[_Start]:
    """Leave out starts whose id comes again with its text: a table of contents, or "continued"."""
    sizes: dict[int, int] = {}
    for position, start in enumerate(starts):
        end = starts[position + 1].index if position + 1 < len(starts) else len(blocks)
        body = blocks[start.index + 1 : end]
        sizes[start.index] = len(start.rest) + sum(len(block.text) for block in body)
    largest: dict[str, _Start] = {}
    for start in starts:
        if start.id:
            best = largest.setdefault(start.id, start)
            if sizes[start.index] > sizes[best.index]:
                largest[start.id] = start
    return [s for s in starts if not s.id or largest[s.id] is s or sizes[s.index]]


def _id_start(index: int, block: Block, deepest: int) -> _Start | None:
    if block.kind not in {"heading", "paragraph"}:
        return None
    clause_id, words = split_heading(block.text)
    if clause_id is None:
        return None
    if block.kind == "heading":
        return _Start(index, block.level, clause_id, words, "")
    if words[:1].islower():
        # "RET-4 applies here too." is a sentence about a clause, not its heading.
        return None
    title, rest = _title_and_rest("" if words == clause_id else words)
    return _Start(index, deepest, clause_id, title, rest)


def _among_ids(ids: list[_Start], headings: list[_Start]) -> list[_Start]:
    """Ids with the headings that stand above them; deeper headings stay in a clause's text."""
    taken = {start.index for start in ids}
    out: list[_Start] = []
    for start in sorted([*ids, *(h for h in headings if h.index not in taken)], key=_place):
        clause = out[-1] if out and out[-1].id else None
        if start.id or clause is None or start.level <= clause.level:
            out.append(start)
    return out


def _chapters(numbers: list[tuple[_Start, int]], chosen: list[_Start]) -> list[_Start]:
    """Starts with a number of one part, where the next one goes on with it: "1", then "1.1"."""
    taken = {start.index for start in chosen}
    return [
        start
        for (start, n_parts), (following, _) in itertools.pairwise(numbers)
        if n_parts == 1
        and start.index not in taken
        and following.title.startswith(f"{start.title.split(' ')[0]}.")
    ]


def _place(start: _Start) -> int:
    return start.index


def _number_starts(blocks: Sequence[Block], deepest: int) -> list[tuple[_Start, int]]:
    """Paragraphs that begin with a clause number, each with how many parts it has."""
    out: list[tuple[_Start, int]] = []
    for index, block in enumerate(blocks):
        if block.kind not in {"paragraph", "item"}:
            continue
        text = block.text.strip()
        number, words = split_number(text)
        named = _NAMED.match(text) if number is None else None
        if named is not None:
            number, words = named[1], text[named.end() :].strip()
        if number is None:
            continue
        title, rest = _title_and_rest(words)
        parts = 1 + len(_PARTS.findall(number))
        # The items of a list within a list count anew under each of its items.
        if parts == 1 and block.kind == "item" and block.level:
            continue
        start = _Start(index, deepest + parts, None, f"{number} {title}".strip(), rest)
        out.append((start, parts))
    return out


def _title_and_rest(words: str) -> tuple[str, str]:
    """Tell the title from the text in a line such as ``Returns. Goods may be …``."""
    if len(words) <= _MAX_HEADING and not words.endswith((".", ";", "!", "?")):
        return words.rstrip(":"), ""
    sentence = _SENTENCE_END.search(words)
    if sentence and sentence.start() < _SHORT_TITLE and words[sentence.start()] in ".:":
        return words[: sentence.start()], words[sentence.end() :]
    return "", words


def _unheaded(blocks: Sequence[Block]) -> list[Section]:
    """What stands under no heading: a section a paragraph, with the list or table after it."""
    out: list[Section] = []
    group: list[Block] = []
    for block in [*blocks, None]:
        goes_on = (
            block is not None
            and bool(group)
            and (block.kind in {"item", "table"} or group[-1].text.endswith(":"))
        )
        if not goes_on:
            text = render_blocks(group)
            if says_something(text):
                out.append(Section(None, "", (), text, 0, group[0].page))
            group = []
        if block is not None:
            group.append(block)
    return out

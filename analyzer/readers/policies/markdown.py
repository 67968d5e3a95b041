"""Markdown: a heading starts a clause; tables and lists stay as they are written."""

from __future__ import annotations

from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from analyzer.readers.policies.sections import Section, says_something, split_heading

SUFFIXES = (".md", ".markdown")


@dataclass(frozen=True)
class _Heading:
    """A heading; ``first`` and ``end`` are its lines, 0-based and half-open."""

    first: int
    end: int
    level: int
    id: str | None
    title: str


def split_sections(body: str) -> list[Section]:
    """Cut a Markdown body at its headings.

    A heading with an id starts a clause that runs to the next heading of its level or above, or to
    the next one with an id; headings below it without an id stay in its text. In a document
    without ids every heading starts a clause. Text that stands under no clause's heading (before
    the first heading, or between a chapter's heading and its first clause) is a section without
    an id.

    Args:
        body: The document after its front matter.

    Returns:
        Sections in order, each with some text.
    """
    lines = body.split("\n")
    headings = _clause_headings(_headings(body))
    out: list[Section] = []
    preamble = "\n".join(lines[: headings[0].first] if headings else lines).strip("\n")
    if says_something(preamble):
        start = next(i for i, line in enumerate(lines) if line.strip())
        out.append(Section(None, "", (), preamble.strip(), start + 1))
    path: list[tuple[int, str]] = []
    for index, heading in enumerate(headings):
        following = headings[index + 1] if index + 1 < len(headings) else None
        text = "\n".join(lines[heading.end : following.first if following else None]).strip()
        path = [(level, title) for level, title in path if level < heading.level]
        above = tuple(title for _, title in path)
        line = heading.first + 1
        is_chapter = following is not None and following.level > heading.level
        if says_something(text):
            out.append(Section(heading.id, heading.title, above, text, line))
        elif heading.id and heading.title != heading.id and not is_chapter:
            # The whole clause stands in its heading.
            out.append(Section(heading.id, "", above, heading.title, line))
        path.append((heading.level, heading.title))
    return out


def _headings(body: str) -> list[_Heading]:
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    out: list[_Heading] = []
    for index, token in enumerate(tokens):
        # Level 0 leaves out headings inside quotations and lists.
        if token.type == "heading_open" and token.map and token.level == 0:
            clause_id, title = split_heading(_plain(tokens[index + 1]))
            first, end = token.map
            out.append(_Heading(first, end, int(token.tag[1]), clause_id, title))
    return out


def _plain(inline: Token) -> str:
    """The words of a heading without its markup."""
    words = [
        " " if child.type in {"softbreak", "hardbreak"} else child.content
        for child in inline.children or ()
        if child.type in {"text", "code_inline", "softbreak", "hardbreak"}
    ]
    return "".join(words)


def _clause_headings(headings: list[_Heading]) -> list[_Heading]:
    """The headings that start a section; the others stay in the text of the clause above."""
    if all(heading.id is None for heading in headings):
        return headings
    out: list[_Heading] = []
    for heading in headings:
        clause = out[-1] if out and out[-1].id else None
        if heading.id or clause is None or heading.level <= clause.level:
            out.append(heading)
    return out

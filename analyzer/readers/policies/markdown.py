"""Markdown: a heading starts a clause; tables and lists stay as they are written."""

from __future__ import annotations

from markdown_it import MarkdownIt

from analyzer.readers.policies.sections import Section, split_heading

SUFFIXES = (".md", ".markdown")


def split_sections(body: str) -> list[Section]:
    """Cut a Markdown body at its headings.

    A heading with an id starts a clause that runs to the next heading of its level or above, or to
    the next one with an id; headings below it without an id stay in its text. In a document
    without ids every heading starts a clause. Text before the first heading is a section of its
    own if the document has no other.

    Args:
        body: The document after its front matter.

    Returns:
        Sections in order; a section may have no text of its own.
    """
    lines = body.splitlines()
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    heads: list[tuple[int, int, str]] = []  # line, level, heading
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            heads.append((token.map[0], int(token.tag[1]), tokens[index + 1].content))
    if not heads:
        text = "\n".join(lines).strip()
        return [Section(None, "", (), text, 1)] if text else []
    has_ids = any(split_heading(title)[0] for _, _, title in heads)
    out: list[Section] = []
    path: list[tuple[int, str]] = []
    open_level: int | None = None
    starts: list[tuple[int, int, Section]] = []
    for line, level, heading in heads:
        clause_id, title = split_heading(heading)
        if has_ids and clause_id is None and open_level is not None and level > open_level:
            continue
        path = [(depth, name) for depth, name in path if depth < level]
        section = Section(clause_id, title, tuple(name for _, name in path), "", line + 1)
        starts.append((line, level, section))
        open_level = level if clause_id else None
        if clause_id is None:
            path.append((level, title))
    for index, (line, _, section) in enumerate(starts):
        end = starts[index + 1][0] if index + 1 < len(starts) else len(lines)
        first = line + 1
        # A setext heading is underlined on the line after it.
        if first < end and lines[first].strip() and not lines[first].strip().strip("=-"):
            first += 1
        text = "\n".join(lines[first:end]).strip()
        if has_ids and section.id is None:
            continue  # a chapter heading between clauses, whose words are in their heading path
        out.append(Section(section.id, section.title, section.path, text, section.line))
    return out

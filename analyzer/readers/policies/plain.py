"""Plain text: a clause starts at an id, a number, or a heading that stands by itself."""

from __future__ import annotations

import re

from analyzer.readers.policies.sections import Section, split_heading, split_number

SUFFIXES = (".txt", ".text")

_MAX_HEADING = 80


def split_sections(body: str) -> list[Section]:
    """Cut a plain text into sections.

    A line starts a section if it begins with a clause id (``RET-4``), or with a clause number
    (``4.2``) after a blank line, or if it is a short line in capitals or ending in a colon between
    blank lines. A text with none of these is cut at its blank lines, one clause a paragraph.

    Args:
        body: The document.

    Returns:
        Sections in order.
    """
    lines = body.splitlines()
    starts: list[tuple[int, str | None, str, str]] = []
    for index, raw in enumerate(lines):
        line = raw.strip()
        if not line:
            continue
        fresh = index == 0 or not lines[index - 1].strip()
        clause_id, title = split_heading(line)
        if clause_id:
            starts.append((index, clause_id, *_title_and_rest(title)))
            continue
        number, title = split_number(line)
        if number and fresh:
            starts.append((index, None, *_title_and_rest(f"{number} {title}")))
        elif fresh and _is_heading(line, lines, index):
            starts.append((index, None, line.rstrip(":"), ""))
    if not starts:
        return _paragraphs(lines)
    out: list[Section] = []
    for position, (index, clause_id, title, rest) in enumerate(starts):
        end = starts[position + 1][0] if position + 1 < len(starts) else len(lines)
        under = "\n".join(lines[index + 1 : end]).strip()
        text = f"{rest}\n{under}".strip() if rest else under
        if not text:
            # The whole clause stands in its first line.
            text, title = title, ""
        out.append(Section(clause_id, title, (), text, index + 1))
    return out


def _title_and_rest(line: str) -> tuple[str, str]:
    """A first line that goes on after its heading: ``Returns. Goods may be …``."""
    if len(line) <= _MAX_HEADING and not re.search(r"[.!?]\s+\S", line):
        return line.rstrip(".:"), ""
    head, _, rest = line.partition(". ")
    if rest and len(head) <= _MAX_HEADING // 2:
        return head, rest
    return "", line


def _is_heading(line: str, lines: list[str], index: int) -> bool:
    if len(line) > _MAX_HEADING or not re.search(r"[A-Za-z]", line):
        return False
    followed = index + 1 < len(lines)
    return followed and (line.isupper() or line.endswith(":"))


def _paragraphs(lines: list[str]) -> list[Section]:
    out: list[Section] = []
    start: int | None = None
    for index, raw in enumerate([*lines, ""]):
        if raw.strip():
            start = index if start is None else start
        elif start is not None:
            text = "\n".join(lines[start:index]).strip()
            out.append(Section(None, f"paragraph {len(out) + 1}", (), text, start + 1))
            start = None
    return out

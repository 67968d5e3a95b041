"""A section of a policy document, before it becomes a clause."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: ``RET-4``, ``AIR-12``, ``HR-2.1``: letters, a hyphen, and a part with a digit in it.
_ID = re.compile(r"^([A-Z][A-Z0-9]{0,11}(?:-[A-Z0-9]{1,8})*-\d[\w.]*|[A-Z]{1,6}\d[\w.-]*)(?:[.:)]|\s|$)\s*")
_NUMBER = re.compile(r"^(?:§\s*)?(\d+(?:\.\d+)*(?:\([a-z]\))?)[.):]?\s+")


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Attributes:
        id: The id that the heading carries, or None.
        title: The heading without the id.
        path: Headings above it, outermost first.
        text: What stands under it, as written, without blank lines at the edges.
        line: 1-based line of the heading in the body.
    """

    id: str | None
    title: str
    path: tuple[str, ...]
    text: str
    line: int


def split_heading(heading: str) -> tuple[str | None, str]:
    """``"RET-4 Sale items"`` into id and title; no id where the heading carries none."""
    heading = heading.strip().strip("*").strip()
    found = _ID.match(heading)
    if found:
        return found.group(1).rstrip("."), heading[found.end() :].strip(" -–:") or found.group(1)
    return None, heading


def split_number(heading: str) -> tuple[str | None, str]:
    """``"4.2 Sale items"`` into number and title."""
    found = _NUMBER.match(heading)
    return (found.group(1), heading[found.end() :].strip()) if found else (None, heading)

"""A section of a policy document, before it becomes a clause."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: ``RET-4``, ``AIR-12``, ``HR-2.1``, ``R4``: capitals, then a part that begins with a digit.
#: A hyphen may be one that does not break the line.
_ID = re.compile(
    r"^[\[(]?("
    r"[A-Z][A-Z0-9]{0,11}(?:[\u2010\u2011-][A-Z0-9]{1,8})*[\u2010\u2011-]\d[\w.]*"
    r"|[A-Z]{1,6}\d[\w.-]*)"
    r"(?:[\]).:]|\s|$)\s*"
)
#: ``4``, ``4.2``, ``§ 4.2(b)``, before a title: a quantity ("30 days") goes on in small letters.
_NUMBER = re.compile(r"^(?:§\s*)?(\d+(?:\.\d+)*(?:\([a-z]{1,4}\))*)(?:[.):]\s+|\s+(?=[^\Wa-z\d_]))")
_EDGES = " \t-\u2013\u2014:"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Attributes:
        id: The id that the heading carries, or None.
        title: The heading without the id.
        path: Headings above it, outermost first.
        text: What stands under it, as written, without blank lines at the edges.
        line: 1-based line of the heading in the body; 0 in formats that have no lines.
        page: 1-based page on which it begins, in formats that have pages.
    """

    id: str | None
    title: str
    path: tuple[str, ...]
    text: str
    line: int
    page: int | None = None


def split_heading(heading: str) -> tuple[str | None, str]:
    """``"RET-4 Sale items"`` into id and title; no id where the heading carries none.

    A heading that is nothing but an id has it as its title, too.
    """
    heading = heading.strip().strip("*").strip()
    found = _ID.match(heading)
    if found is None:
        return None, heading
    clause_id = re.sub("[\u2010\u2011]", "-", found.group(1)).rstrip(".")
    return clause_id, heading[found.end() :].strip(_EDGES) or clause_id


def split_number(heading: str) -> tuple[str | None, str]:
    """``"4.2 Sale items"`` into number and title; no number where it carries none."""
    found = _NUMBER.match(heading)
    return (found.group(1), heading[found.end() :].strip()) if found else (None, heading)


def says_something(text: str) -> bool:
    """Whether a text holds words, and not only rules, marks or comments."""
    return any(ch.isalnum() for ch in _COMMENT.sub("", text))

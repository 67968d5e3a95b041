"""Plain text: a clause starts at an id, a number, or a heading that stands by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from analyzer.readers.policies.sections import (
    Section,
    says_something,
    split_heading,
    split_number,
)

SUFFIXES = (".txt", ".text")

_MAX_HEADING = 80
_MAX_TITLE_WORDS = 10
_MAX_LABEL_WORDS = 4
_TABLE_ROW = re.compile(r"\||\t| {2}|^[-*+\u2022]")
#: Not the full stop of a number ("4. Sale items") or an abbreviation ("e.g. shoes").
_SENTENCE_END = re.compile(r"(?<=[^\W\d])[.!?]\s+(?=[^\Wa-z_])")


@dataclass(frozen=True)
class _Start:
    """A line that starts a section; ``words`` is what it says beside the id."""

    index: int
    kind: Literal["id", "number", "heading"]
    id: str | None
    words: str


def split_sections(body: str) -> list[Section]:
    """Cut a plain text into sections.

    A line starts a section if it begins with a clause id (``RET-4``); where no line does, if it
    begins with a clause number (``4.2``) after a blank line; where neither stands, if it is a
    label of a few words that ends in a colon, after a blank line. A short line in capitals after a
    blank line is a heading in all of them, and a chapter's heading if clauses follow it at once. A
    text with none of these is cut at its blank lines. A short line at the very top is the title of
    the document and stands in every heading path.

    Args:
        body: The document after its front matter.

    Returns:
        Sections in order, each with some text.
    """
    lines = body.split("\n")
    starts = _starts(lines)
    out = _paragraphs(lines[: starts[0].index] if starts else lines)
    title: tuple[str, ...] = ()
    if out and (len(out) > 1 or starts) and _is_title(out[0].text):
        title = (out.pop(0).text,)
        out = [Section(None, "", title, part.text, part.line) for part in out]
    chapter: tuple[str, ...] = ()
    is_chapter = False
    for position, start in enumerate(starts):
        following = starts[position + 1].index if position + 1 < len(starts) else len(lines)
        under = "\n".join(lines[start.index + 1 : following]).strip()
        if start.kind == "heading":
            heading, text = start.words.rstrip(":"), under
            above = chapter if is_chapter else ()
            is_chapter = not says_something(under)
            chapter = (*above, start.words) if is_chapter else ()
        else:
            is_chapter = False
            heading, text = _heading_and_text(start.words, under)
        if says_something(text):
            out.append(Section(start.id, heading, (*title, *chapter), text, start.index + 1))
    return out


def _starts(lines: list[str]) -> list[_Start]:
    ids: list[_Start] = []
    numbers: list[_Start] = []
    capitals: list[_Start] = []
    labels: list[_Start] = []
    for index, raw in enumerate(lines):
        line = raw.strip()
        above = lines[index - 1].strip() if index else ""
        clause_id, words = split_heading(line)
        number, _ = split_number(line)
        if clause_id:
            at_start = bool(ids) and ids[-1].index == index - 1
            if not above or ((at_start or _ends(above)) and not words[:1].islower()):
                ids.append(_Start(index, "id", clause_id, "" if words == clause_id else words))
        elif not line or above or not _has_words_below(lines, index, number):
            continue
        elif number:
            numbers.append(_Start(index, "number", None, line))
        elif len(line) <= _MAX_HEADING and line.isupper() and not _TABLE_ROW.search(line):
            capitals.append(_Start(index, "heading", None, line))
        elif line.endswith(":") and len(line.split()) <= _MAX_LABEL_WORDS:
            labels.append(_Start(index, "heading", None, line))
    clauses = ids or numbers or labels
    return sorted([*clauses, *capitals], key=lambda start: start.index)


def _has_words_below(lines: list[str], index: int, number: str | None) -> bool:
    """A heading needs something to stand over; a numbered line may be the whole clause."""
    return number is not None or any(line.strip() for line in lines[index + 1 :])


def _ends(line: str) -> bool:
    return line[-1:] in set(".!?:;|)")


def _heading_and_text(words: str, under: str) -> tuple[str, str]:
    """Tell the heading from the clause in a first line such as ``Returns. Goods may be …``."""
    sentence = _SENTENCE_END.search(words)
    if under and sentence is None and len(words) <= _MAX_HEADING:
        return words.rstrip(".:"), under
    if sentence and sentence.start() < _MAX_HEADING // 2 and words[sentence.start()] == ".":
        return words[: sentence.start()], f"{words[sentence.end() :]}\n{under}".strip()
    return "", f"{words}\n{under}".strip()


def _is_title(text: str) -> bool:
    return (
        len(text) <= _MAX_HEADING
        and "\n" not in text
        and len(text.split()) <= _MAX_TITLE_WORDS
        and text[-1] not in ".!?:;,|"
    )


def _paragraphs(lines: list[str]) -> list[Section]:
    out: list[Section] = []
    start: int | None = None
    for index, raw in enumerate([*lines, ""]):
        if raw.strip():
            start = index if start is None else start
        elif start is not None:
            text = "\n".join(lines[start:index]).strip()
            if says_something(text):
                out.append(Section(None, "", (), text, start + 1))
            start = None
    return out

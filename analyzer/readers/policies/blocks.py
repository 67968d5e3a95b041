"""A document as its format lays it out, before anybody asks where its clauses begin.

Formats with a layout of their own (PDF, DOCX, HTML) give a :class:`LaidOut`;
:mod:`analyzer.readers.policies.clauses` cuts it into sections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
BlockKind = Literal["heading", "paragraph", "item", "table"]


@dataclass(frozen=True)
class Block:
    r"""A heading, a paragraph, a list item or a table.

    Attributes:
        kind: What it is; ``heading`` only where the layout says so (a style, a tag, larger type).
        text: Its words, blanks collapsed. A list item begins with its marker (``- ``, ``1. ``,
            ``(a) ``), indented by two blanks for each level below the first. A table is Markdown
            rows (``| a | b |``) with a rule after the first row; a bar within a cell is ``\|``.
        level: Of a heading, 1 the outermost; of an item, 0 the outermost; otherwise 0.
        page: 1-based page on which it begins, where the format has pages.
    """

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True)
class LaidOut:
    """What a reader of a format gives.

    Attributes:
        blocks: In reading order, none blank.
        title: The title that the format carries beside the text, or None.
        margins: Running headers and footers, each once; they are no part of any clause.
        notes: What could not be read, a sentence each ("Pages 3 and 7 hold no text.").
    """

    blocks: tuple[Block, ...]
    title: str | None = None
    margins: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def raise_digits(text: str) -> str:
    """Digits as a superscript shows them, so that "$50" with a note 1 is not read as $501."""
    return text if any(ch.isalpha() for ch in text) else text.translate(_RAISED)

"""DOCX: paragraphs by their styles and numbering, tables, headers and footers."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyzer.errors import PolicyError
from analyzer.readers.policies.blocks import Block, LaidOut
from analyzer.readers.policies.bold_lines import may_be_heading, settle_headings
from analyzer.readers.policies.tables import is_grid, render_table
from analyzer.readers.policies.word_numbering import Numbering
from analyzer.readers.policies.word_text import (
    FALLBACK,
    Pages,
    Styles,
    W,
    Words,
    children,
    switch_of,
    value_of,
)

SUFFIXES = (".docx",)

_LARGEST = 200 * 1024 * 1024
_LARGE_MEMBER, _MOST_RATIO = 1024 * 1024, 200
_OLE = b"\xd0\xcf\x11\xe0"
_CONTENT_TYPES = "[Content_Types].xml"
_DAMAGED = (
    "this is no DOCX document or a damaged one; open it in a word processor and save it again"
)
_WIDEST = 63
#: Level of a heading that is one by its bold type alone, at the deepest.
_DEEPEST_HEADING = 9
_OWN_TITLES = frozenset({"", "word document", "document", "untitled", "microsoft word"})


def read_layout(path: Path) -> LaidOut:
    """Lay out a DOCX document.

    Insertions that are tracked count, deletions, comments, field codes and hidden text do not.

    Raises:
        PolicyError: If it is locked, an older format, damaged, a bomb, or holds no words.
        OSError: If it cannot be opened.
    """
    _check(path)
    import docx
    from docx.exceptions import PythonDocxError
    from docx.opc.exceptions import OpcError
    from lxml import etree

    try:
        document = docx.Document(str(path))
        has_entities = _has_entities(document)
        walker = _Walker(document)
        walker.walk()
        margins = _margins(document, walker.words)
        title = " ".join((document.core_properties.title or "").split())
    except (
        OpcError, PythonDocxError, etree.LxmlError, zipfile.BadZipFile, zlib.error, OSError,
        EOFError, LookupError, ValueError, AttributeError, TypeError, RuntimeError, AssertionError,
    ) as error:  # fmt: skip
        # The library trusts what it opens, and fails in every one of these ways where it may not.
        raise PolicyError(_DAMAGED, path=path) from error
    if has_entities:
        raise PolicyError(
            "this document defines entities, which no word processor writes, and was not read; "
            "check where it comes from, or open it in a word processor and save it again",
            path=path,
        )
    blocks = settle_headings(walker.blocks, walker.doubtful)
    if not blocks:
        raise PolicyError(
            "this document holds no words; if it holds pictures of pages, run them through text "
            "recognition (OCR) and add the result",
            path=path,
        )
    return LaidOut(tuple(blocks), None if title.lower() in _OWN_TITLES else title, margins)


def _check(path: Path) -> None:
    """Refuse what must not be unpacked."""
    with path.open("rb") as file:
        first = file.read(len(_OLE))
    if not first:
        raise PolicyError("the file is empty; save the document again", path=path)
    if first == _OLE:
        raise PolicyError(
            "this document is locked with a password or is of an older Word format; save it as an "
            "unlocked .docx",
            path=path,
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise PolicyError(_DAMAGED, path=path) from error
    is_bomb = sum(m.file_size for m in members) > _LARGEST or any(
        m.file_size > _LARGE_MEMBER and m.file_size > _MOST_RATIO * max(m.compress_size, 1)
        for m in members
    )
    if is_bomb:
        raise PolicyError(
            "this document unpacks to far more than any policy holds and was not opened; check "
            "where it comes from, or save it anew without its pictures",
            path=path,
        )
    if all(member.filename != _CONTENT_TYPES for member in members):
        raise PolicyError(
            "this is a ZIP archive and no DOCX document; unpack it and give the documents in it",
            path=path,
        )


def _has_entities(document: Any) -> bool:
    """Entities are left unresolved, so that the words that they stand for would be missing."""
    parts = (part for part in document.part.package.iter_parts() if hasattr(part, "element"))
    return any(part.element.getroottree().docinfo.internalDTD is not None for part in parts)


@dataclass
class _Walker:
    """Turns the body of a document into blocks.

    Attributes:
        blocks: In reading order.
        doubtful: By their place, what the headings by bold type are if they are none.
    """

    document: Any
    blocks: list[Block] = field(default_factory=list)
    doubtful: dict[int, Block] = field(default_factory=dict)
    #: Level of the last heading that has a style; lines in bold type stand below it.
    _styled: int = 0

    def __post_init__(self) -> None:
        self.styles = Styles(self.document)
        self.words = Words(self.document, self.styles)
        self._numbering = Numbering(self.document, self.styles)
        self._pages = Pages(self.document.element.body)

    def walk(self) -> None:
        """Add the blocks of the whole body."""
        self._walk_parts(self.document.element.body)

    def _walk_parts(self, parent: Any) -> None:
        for part in children(parent, "p", "tbl"):
            if part.tag == f"{W}p":
                self._paragraph(part)
            else:
                self._table(part)

    def _paragraph(self, paragraph: Any) -> None:
        page = self._pages.turn(paragraph)
        words = self.words.of(paragraph)
        marker = self._marker(paragraph, words)
        notes = self.words.notes(paragraph)
        if words:
            level = self.styles.level(paragraph)
            if level:
                self._styled = level
                self._heading(words, level, marker, page)
            else:
                self._text(paragraph, words, marker, page)
            last = self.blocks[-1]
            if notes and last.kind != "heading":
                self.blocks[-1] = Block(last.kind, f"{last.text} {notes}", last.level, page)
                notes = ""
        if notes:
            self.blocks.append(Block("paragraph", notes, 0, page))
        for box in paragraph.iter(f"{W}txbxContent"):
            is_own = next(box.iterancestors(f"{W}p"), None) is paragraph
            if is_own and next(box.iterancestors(FALLBACK), None) is None:
                self._walk_parts(box)

    def _marker(self, paragraph: Any, words: str) -> tuple[str, int] | None:
        properties = paragraph.find(f"{W}pPr/{W}rPr")
        is_gone = properties is not None and any(
            properties.find(f"{W}{name}") is not None for name in ("del", "moveFrom")
        )
        # A paragraph whose deletion is tracked has given its number up.
        return None if is_gone and not words else self._numbering.marker(paragraph)

    def _heading(
        self, words: str, level: int, marker: tuple[str, int] | None, page: int | None
    ) -> None:
        is_numbered = marker is not None and marker[0] != "-"
        text = f"{marker[0]} {words}" if marker is not None and is_numbered else words
        self.blocks.append(Block("heading", text, level, page))

    def _text(
        self, paragraph: Any, words: str, marker: tuple[str, int] | None, page: int | None
    ) -> None:
        plain = _plain_block(words, marker, page)
        is_bullet = marker is not None and marker[0] == "-"
        if not is_bullet and may_be_heading(words) and self.words.is_bold(paragraph):
            depth = marker[1] if marker else 0
            self.doubtful[len(self.blocks)] = plain
            self._heading(words, min(self._styled + 1 + depth, _DEEPEST_HEADING), marker, page)
        else:
            self.blocks.append(plain)

    def _table(self, table: Any) -> None:
        rows = [
            list(children(row, "tc"))
            for row in children(table, "tr")
            if row.find(f"{W}trPr/{W}del") is None and not switch_of(row, "trPr/hidden")
        ]
        if all(len(cells) <= 1 for cells in rows):
            # A frame around text rather than a table.
            for cell in (cell for cells in rows for cell in cells):
                self._walk_parts(cell)
            return
        page = self._pages.turn(table)
        grid = self._grid(rows)
        if rendered := render_table(grid):
            self.blocks.append(Block("table" if is_grid(grid) else "paragraph", rendered, 0, page))

    def _grid(self, rows: list[list[Any]]) -> list[list[str]]:
        """Cells by row; one that spans rows stands in each, one that spans columns in the first."""
        grid: list[list[str]] = []
        for row in rows:
            before = value_of(row[0].getparent(), "trPr/gridBefore") if row else None
            cells = [""] * _width(before, 0)
            for cell in row:
                merge = cell.find(f"{W}tcPr/{W}vMerge")
                goes_on = merge is not None and merge.get(f"{W}val") != "restart"
                if goes_on and grid and len(cells) < len(grid[-1]):
                    words = grid[-1][len(cells)]
                else:
                    words = self._cell(cell)
                cells += [words, *[""] * (_width(value_of(cell, "tcPr/gridSpan"), 1) - 1)]
            grid.append(cells)
        return grid

    def _cell(self, cell: Any) -> str:
        out: list[str] = []
        for paragraph in cell.iter(f"{W}p"):
            if next(paragraph.iterancestors(FALLBACK), None) is not None:
                continue
            words = self.words.with_notes(paragraph)
            marker = self._marker(paragraph, words)
            if words:
                out += [marker[0], words] if marker else [words]
        return " ".join(out)


def _plain_block(words: str, marker: tuple[str, int] | None, page: int | None) -> Block:
    if marker is None:
        return Block("paragraph", words, 0, page)
    text, depth = marker
    if depth == 0 and text[:1].isdigit() and "." in text.rstrip("."):
        # "4.2" is a clause number, not the second item of a list.
        return Block("paragraph", f"{text} {words}", 0, page)
    return Block("item", f"{'  ' * depth}{text} {words}", depth, page)


def _width(text: str | None, default: int) -> int:
    return min(int(text), _WIDEST) if text and text.isdecimal() and len(text) < 4 else default  # noqa: PLR2004 - no table has a thousand columns


def _margins(document: Any, words_of: Words) -> tuple[str, ...]:
    out: dict[str, None] = {}
    for section in document.sections:
        for part in (
            section.header, section.first_page_header, section.even_page_header,
            section.footer, section.first_page_footer, section.even_page_footer,
        ):  # fmt: skip
            # One that is linked says what an earlier section's says, or nothing.
            if part.is_linked_to_previous:
                continue
            for paragraph in part._element.iter(f"{W}p"):  # noqa: SLF001 - text boxes and all
                in_fallback = next(paragraph.iterancestors(FALLBACK), None) is not None
                if not in_fallback and (words := words_of.of(paragraph)):
                    out[words] = None
    return tuple(out)

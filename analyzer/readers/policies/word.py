"""DOCX: paragraphs by their styles and numbering, tables, headers and footers."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyzer.errors import PolicyError
from analyzer.readers.policies.blocks import Block, LaidOut
from analyzer.readers.policies.tables import render_table
from analyzer.readers.policies.word_numbering import Numbering

SUFFIXES = (".docx",)

_LARGEST = 200 * 1024 * 1024
_LARGE_MEMBER, _MOST_RATIO = 1024 * 1024, 200
_OLE = b"\xd0\xcf\x11\xe0"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAX_HEADING_WORDS = 12
#: Level of a heading that is one by its bold type alone, at the deepest.
_DEEPEST_HEADING = 8
_MOSTLY_HEADINGS, _FEW = 0.8, 4
_OWN_TITLES = frozenset({"", "word document", "document", "untitled", "microsoft word"})


def read_layout(path: Path) -> LaidOut:
    """Lay out a DOCX document.

    Insertions that are tracked count, deletions, comments and hidden text do not.

    Raises:
        PolicyError: If it is locked, an older format, damaged, a bomb, or holds no words.
    """
    _check(path)
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml import etree

    try:
        document = docx.Document(str(path))
        walker = _Walker(document)
        walker.walk()
        blocks = tuple(_tamed(walker.blocks))
        margins = _margins(document)
        title = (document.core_properties.title or "").strip()
    except (
        PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, AttributeError,
        etree.XMLSyntaxError, IndexError, NotImplementedError, EOFError,
    ) as error:  # fmt: skip
        raise PolicyError(
            "this is no DOCX document or a damaged one; open it in a word processor and save it "
            "again",
            path=path,
        ) from error
    if not blocks:
        raise PolicyError(
            "this document holds no words; if it holds pictures of pages, run them through text "
            "recognition (OCR) and add the result",
            path=path,
        )
    return LaidOut(blocks, None if title.lower() in _OWN_TITLES else title, margins)


def _check(path: Path) -> None:
    """Refuse what must not be unpacked."""
    with path.open("rb") as file:
        first = file.read(4)
    if first == _OLE:
        raise PolicyError(
            "this document is locked with a password or is of an older Word format; save it as an "
            "unlocked .docx",
            path=path,
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise PolicyError(
            "this is no DOCX document or a damaged one; open it in a word processor and save it "
            "again",
            path=path,
        ) from error
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


@dataclass
class _Walker:
    """Turns the body of a document into blocks."""

    document: Any
    blocks: list[Block] = field(default_factory=list)
    page: int = 1
    styled: int = 0

    def walk(self) -> None:
        """Add the blocks of the whole body."""
        self.numbering = Numbering(self.document)
        self.levels = _heading_levels(self.document)
        body = self.document.element.body
        self.has_pages = next(body.iter(f"{_W}lastRenderedPageBreak"), None) is not None
        self._walk_parts(body)

    def _walk_parts(self, parent: Any) -> None:
        for part in _parts(parent):
            if part.tag == f"{_W}p":
                self._paragraph(part)
            else:
                self._table(part)

    @property
    def _here(self) -> int | None:
        return self.page if self.has_pages else None

    def _paragraph(self, paragraph: Any) -> None:
        begins, n_breaks = self._here, 0
        for element in paragraph.iter(f"{_W}lastRenderedPageBreak"):
            n_breaks += 1
            if n_breaks == 1 and not _text_before(paragraph, element):
                begins = self.page + 1
        words = _words(paragraph)
        style = _style_of(paragraph)
        level = self.levels.get(style, 0) or _outline_level(paragraph)
        marker = self.numbering.marker(paragraph, style)
        if words:
            self.blocks.append(self._block(paragraph, words, level, marker, begins))
        self.page += n_breaks
        for box in paragraph.iter(f"{_W}txbxContent"):
            self._walk_parts(box)

    def _block(
        self,
        paragraph: Any,
        words: str,
        level: int,
        marker: tuple[str, int] | None,
        page: int | None,
    ) -> Block:
        if level:
            self.styled = level
            return Block("heading", f"{marker[0]} {words}" if marker else words, level, page)
        if marker is None:
            if _is_bold_line(paragraph, words):
                # Lines in bold type are of one level, below the last heading that has a style.
                return Block("heading", words, min(self.styled + 1, _DEEPEST_HEADING), page)
            return Block("paragraph", words, 0, page)
        text, depth = marker
        if depth == 0 and text[:1].isdigit() and "." in text.rstrip("."):
            # "4.2" is a clause number, not the second item of a list.
            return Block("paragraph", f"{text} {words}", 0, page)
        return Block("item", f"{'  ' * depth}{text} {words}", depth, page)

    def _table(self, table: Any) -> None:
        rendered = render_table(_grid(table))
        if rendered:
            kind = "table" if rendered.startswith("| ") else "paragraph"
            self.blocks.append(Block(kind, rendered, 0, self._here))  # type: ignore[arg-type] # one of two
        self.page += sum(1 for _ in table.iter(f"{_W}lastRenderedPageBreak"))


def _parts(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables of a part in order, those in content controls and insertions too."""
    stack = [iter(parent)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in {f"{_W}p", f"{_W}tbl"}:
            yield child
        elif child.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"}:
            stack.append(iter(child))


def _words(paragraph: Any) -> str:
    """The words of a paragraph that a reader sees, white space collapsed."""
    out: list[str] = []
    for element in paragraph.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}noBreakHyphen", f"{_W}cr"):
        if not _is_shown(element, paragraph):
            continue
        if element.tag == f"{_W}t":
            out.append(element.text or "")
        else:
            out.append("-" if element.tag == f"{_W}noBreakHyphen" else " ")
    return " ".join("".join(out).replace("\xad", "").split())


def _is_shown(element: Any, paragraph: Any) -> bool:
    for above in element.iterancestors():
        if above is paragraph:
            return True
        if above.tag in {f"{_W}del", f"{_W}moveFrom", f"{_W}txbxContent"}:
            return False
        hides = above.find(f"{_W}rPr/{_W}vanish") if above.tag == f"{_W}r" else None
        if hides is not None and _is_on(hides):
            return False
    return True


def _is_on(toggle: Any) -> bool:
    return toggle.get(f"{_W}val") not in {"0", "false", "off"}


def _text_before(paragraph: Any, place: Any) -> bool:
    for element in paragraph.iter():
        if element is place:
            return False
        if element.tag == f"{_W}t" and (element.text or "").strip():
            return True
    return False


def _style_of(paragraph: Any) -> str | None:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return style.get(f"{_W}val") if style is not None else None


def _outline_level(paragraph: Any) -> int:
    outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
    value = outline.get(f"{_W}val") if outline is not None else None
    return int(value) + 1 if value and value.isdigit() and int(value) < 9 else 0  # noqa: PLR2004


def _heading_levels(document: Any) -> dict[str | None, int]:
    """Levels of the styles that make headings, by id; a style takes its level from its base."""
    styles = {s.get(f"{_W}styleId"): s for s in document.styles.element.iter(f"{_W}style")}
    out: dict[str | None, int] = {}
    for style_id, style in styles.items():
        seen: set[Any] = set()
        level, current = 0, style
        while current is not None and not level and id(current) not in seen:
            seen.add(id(current))
            level = _level_of_style(current)
            base = current.find(f"{_W}basedOn")
            current = styles.get(base.get(f"{_W}val")) if base is not None else None
        if level:
            out[style_id] = level
    return out


def _level_of_style(style: Any) -> int:
    outline = style.find(f"{_W}pPr/{_W}outlineLvl")
    if outline is not None and (outline.get(f"{_W}val") or "").isdigit():
        level = int(outline.get(f"{_W}val")) + 1
        return level if level < 10 else 0  # noqa: PLR2004 - nine means body text
    name = style.find(f"{_W}name")
    words = (name.get(f"{_W}val") or "").lower().split() if name is not None else []
    if words == ["title"]:
        return 1
    is_heading = len(words) == 2 and words[0] == "heading" and words[1].isdigit()  # noqa: PLR2004
    return int(words[1]) if is_heading else 0


def _is_bold_line(paragraph: Any, words: str) -> bool:
    if len(words.split()) > _MAX_HEADING_WORDS or words[-1] in ".;!?,":
        return False
    runs = [
        r for r in paragraph.iter(f"{_W}r") if any((t.text or "").strip() for t in r.iter(f"{_W}t"))
    ]
    bold = [r.find(f"{_W}rPr/{_W}b") for r in runs]
    return bool(runs) and all(b is not None and _is_on(b) for b in bold)


def _tamed(blocks: list[Block]) -> list[Block]:
    """Where nearly every line is styled as a heading, the long ones are text."""
    n_headings = sum(b.kind == "heading" for b in blocks)
    if len(blocks) < _FEW or n_headings <= _MOSTLY_HEADINGS * len(blocks):
        return blocks
    return [
        Block("paragraph", b.text, 0, b.page)
        if b.kind == "heading"
        and (len(b.text.split()) > _MAX_HEADING_WORDS or b.text[-1] in ".;!?")
        else b
        for b in blocks
    ]


def _grid(table: Any) -> list[list[str]]:
    """Cells by row; one that spans rows stands in each, one that spans columns in the first."""
    grid: list[list[str]] = []
    for row in table.iterchildren(f"{_W}tr"):
        cells: list[str] = []
        for cell in row.iter(f"{_W}tc"):
            if next(cell.iterancestors(f"{_W}tr")) is not row:
                continue
            merge = cell.find(f"{_W}tcPr/{_W}vMerge")
            goes_on = merge is not None and merge.get(f"{_W}val") != "restart"
            if goes_on and grid and len(cells) < len(grid[-1]):
                words = grid[-1][len(cells)]
            else:
                words = " ".join(w for p in cell.iter(f"{_W}p") if (w := _words(p)))
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            width = span.get(f"{_W}val") if span is not None else "1"
            cells += [words, *[""] * (min(int(width), 63) - 1 if width.isdigit() else 0)]
        grid.append(cells)
    return grid


def _margins(document: Any) -> tuple[str, ...]:
    out: dict[str, None] = {}
    for section in document.sections:
        for part in (
            section.header,
            section.footer,
            section.first_page_header,
            section.first_page_footer,
        ):
            for paragraph in part._element.iter(f"{_W}p"):  # noqa: SLF001 - text boxes and all
                if words := _words(paragraph):
                    out[words] = None
    return tuple(out)

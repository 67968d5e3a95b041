"""HTML: headings, paragraphs, lists and tables of the page's main part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyzer.errors import PolicyError
from analyzer.readers.policies.blocks import Block, LaidOut, raise_digits
from analyzer.readers.policies.tables import is_grid, render_table
from analyzer.readers.policies.word_numbering import render_number
from analyzer.readers.text_files import NotTextError, read_text_file

SUFFIXES = (".html", ".htm")

_LARGEST = 20 * 1024 * 1024
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_SILENT = frozenset(
    ("script", "style", "noscript", "template", "button", "select", "svg", "iframe", "head",
     "object", "audio", "video", "canvas", "input", "textarea", "del", "s", "strike")
)  # fmt: skip
#: Around the text rather than of it.
_MARGINS = frozenset(("nav", "header", "footer", "aside"))
_BLOCKS = frozenset(
    ("p", "div", "section", "article", "main", "blockquote", "pre", "address", "figure",
     "figcaption", "dl", "dt", "dd", "ul", "ol", "li", "table", "caption", "hr", "body", "fieldset",
     "details", "summary", "center", "tr", "td", "th", *_HEADINGS, *_MARGINS)
)  # fmt: skip
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|text-decoration[\w-]*\s*:[^;]*line-through",
    re.IGNORECASE,
)
_LIST_STYLE = re.compile(
    r"list-style(?:-type)?\s*:[^;]*?\b(lower|upper)-(alpha|latin|roman)", re.IGNORECASE
)
_MOST_OF = 0.5
_BOLD = frozenset(("b", "strong"))
_FORMS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_MAX_HEADING_WORDS = 12
#: The parts of a table, and what stands in them.
_ROWS = {
    "table": frozenset(("caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr")),
    **dict.fromkeys(("thead", "tbody", "tfoot"), frozenset(("tr",))),
    "tr": frozenset(("td", "th")),
}
_MAX_SPAN = 100
_DEEPEST = 250
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.-]+)", re.IGNORECASE)


def read_layout(path: Path) -> LaidOut:
    """Lay out an HTML page. Nothing that it links to is fetched.

    Raises:
        PolicyError: If it is too large, is no text, or holds no words.
    """
    import lxml.html
    from lxml import etree

    if path.stat().st_size > _LARGEST:
        raise PolicyError(
            "this page is larger than 20 MB; split it into one file a document", path=path
        )
    text = _read(path)
    parser = lxml.html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise PolicyError(
            "this page holds no words; check that it is the document itself", path=path
        ) from error
    title = " ".join((root.findtext(".//title") or "").split()) or None
    margins = [
        words
        for element in root.iter(*_MARGINS)
        if not _inside_main(element) and (words := _words(element))
    ]
    walker = _Walker()
    walker.walk(_main_part(root))
    if not walker.blocks:
        # The parser drops what lies too deep, and says nothing of it.
        is_deep = text.lower().count("<div") > _DEEPEST
        found = "is nested too deeply to be read" if is_deep else "holds no words"
        raise PolicyError(
            f"this page {found}; check that it is the document itself, or save it as text",
            path=path,
        )
    return LaidOut(tuple(walker.blocks), title, tuple(dict.fromkeys(margins)))


def _read(path: Path) -> str:
    named = _CHARSET.search(path.read_bytes()[:4096])
    if named:
        try:
            return path.read_bytes().decode(named.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    try:
        return read_text_file(path).text
    except NotTextError as error:
        raise PolicyError(f"{error}; save the page again as HTML", path=path) from None


def _words(element: Any) -> str:
    """The words of an element that a reader sees, as one line."""
    out: list[str] = []
    stack: list[tuple[Any, Iterator[Any]]] = [(element, iter(element))]
    out.append(_shown(element.text, element))
    while stack:
        above, following = stack[-1]
        child = next(following, None)
        if child is None:
            stack.pop()
            if stack:
                out += (_gap(above), _shown(above.tail, stack[-1][0]))
        elif _is_unseen(child):
            out.append(_shown(child.tail, above))
        else:
            out += (_gap(child), _shown(child.text, child))
            stack.append((child, iter(child)))
    return " ".join("".join(out).replace("\xad", "").split())


def _gap(element: Any) -> str:
    return " " if element.tag == "br" or element.tag in _BLOCKS else ""


def _shown(text: str | None, element: Any) -> str:
    if not text or not text.strip():
        return text or ""
    is_raised = element.tag == "sup" or any(above.tag == "sup" for above in _near(element))
    return raise_digits(text) if is_raised else text


def _is_unseen(element: Any) -> bool:
    """Whether it is no part of the words: a script, what is hidden, what is struck out."""
    return (
        not isinstance(element.tag, str)
        or element.tag in _SILENT
        or element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or _HIDDEN.search(element.get("style") or "") is not None
    )


def _inside_main(element: Any) -> bool:
    return any(above.tag in {"main", "article"} for above in element.iterancestors())


def _main_part(root: Any) -> Any:
    """The part of the page that is the document: its only ``main`` or ``article``, or all."""
    body = root.find(".//body")
    body = root if body is None else body
    whole = len(_words(body))
    for tag in ("main", "article"):
        found = list(body.iter(tag))
        if len(found) == 1 and len(_words(found[0])) >= _MOST_OF * whole:
            return found[0]
    return body


@dataclass
class _Walker:
    """Turns elements into blocks, without recursion: pages may be nested without end."""

    blocks: list[Block] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _kind: tuple[str, int, str] = ("paragraph", 0, "")
    _bold: int = 0
    _plain: int = 0
    #: Level of the last heading that has a tag; lines in bold type stand below it.
    _tagged: int = 0
    #: A form with fewer characters is one to fill in, not the page.
    _least_form: float = 0
    #: The elements that are open, with their children to come, and what text in them is.
    _open: list[tuple[Any, Iterator[Any], tuple[str, int, str]]] = field(default_factory=list)
    #: Number of the latest item of each list.
    _counts: dict[Any, int] = field(default_factory=dict)

    def walk(self, root: Any) -> None:
        """Add the blocks of an element and of all in it."""
        self._least_form = _MOST_OF * len(_words(root))
        stack = self._open
        self._begin(root, None)
        stack.append((root, iter(root), self._kind))
        self._say(root.text, root)
        while stack:
            element, children, kind = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                if element.tag in _BLOCKS:
                    self._flush()
                if stack:
                    self._kind = stack[-1][2]
                    self._say(element.tail, stack[-1][0])
                continue
            if self._is_passed_over(child):
                self._say(child.tail, element)
                continue
            if child.tag == "table" and not _is_frame(child):
                self._flush()
                self._table(child)
                self._say(child.tail, element)
                continue
            self._kind = kind
            self._begin(child, element)
            stack.append((child, iter(child), self._kind))
            self._say(child.text, child)
        self._flush()

    def _is_passed_over(self, element: Any) -> bool:
        if _is_unseen(element):
            return True
        # Some servers put the whole page into one form.
        if element.tag == "form":
            return len(_words(element)) < self._least_form
        return element.tag in _MARGINS and not _inside_main(element)

    def _begin(self, element: Any, parent: Any) -> None:
        if element.tag == "br":
            self._text.append("\n")
        if element.tag not in _BLOCKS:
            return
        self._flush()
        if element.tag in _HEADINGS:
            self._kind = ("heading", _HEADINGS[element.tag], "")
        elif element.tag == "li":
            depth = min(sum(a.tag in {"ul", "ol"} for a in element.iterancestors()) - 1, 6)
            self._kind = ("item", max(depth, 0), self._marker(element, parent))
        elif element.tag in {"ul", "ol", "dl", "dt", "table", "td", "th"}:
            self._kind = ("paragraph", 0, "")

    def _marker(self, item: Any, parent: Any) -> str:
        if parent is None or parent.tag != "ol":
            return "- "
        step = -1 if parent.get("reversed") is not None else 1
        if parent in self._counts:
            number = self._counts[parent] + step
        else:
            number = _whole(parent.get("start"), len(parent.findall("li")) if step < 0 else 1)
        self._counts[parent] = _whole(item.get("value"), number)
        return _written(self._counts[parent], item, parent)

    def _say(self, text: str | None, element: Any) -> None:
        if not text:
            return
        text = _shown(text, element)
        is_bold = element.tag in _BOLD or any(a.tag in _BOLD for a in _near(element))
        self._text.append(text if element.tag == "pre" else re.sub(r"\s+", " ", text))
        if text.strip():
            if is_bold:
                self._bold += len(text.strip())
            else:
                self._plain += len(text.strip())

    def _flush(self) -> None:
        words = "\n".join(" ".join(line.split()) for line in "".join(self._text).split("\n"))
        words = words.replace("\xad", "").strip()
        kind, level, marker = self._kind
        if words:
            is_heading = (
                kind == "paragraph"
                and self._bold
                and not self._plain
                and len(words.split()) <= _MAX_HEADING_WORDS
                and words[-1] not in ".;!?,"
                and "\n" not in words
            )
            if is_heading:
                kind, level = "heading", self._tagged + 1
            elif kind == "heading":
                self._tagged = level
            if kind == "item":
                words = f"{'  ' * level}{marker}{words}"
                # What follows within the item belongs to it, without a second marker.
                item = self._kind
                self._kind = ("item", level, "  ")
                self._open[:] = [
                    (element, rest, self._kind if kind_of is item else kind_of)
                    for element, rest, kind_of in self._open
                ]
            self.blocks.append(Block(kind, words, level))  # type: ignore[arg-type] # one of four
        self._text, self._bold, self._plain = [], 0, 0

    def _table(self, table: Any) -> None:
        caption = table.find("caption")
        if caption is not None and _words(caption):
            self.blocks.append(Block("paragraph", _words(caption)))
        grid = _grid(table)
        rendered = render_table(grid)
        if rendered:
            self.blocks.append(Block("table" if is_grid(grid) else "paragraph", rendered))


def _is_frame(table: Any) -> bool:
    """Whether a table only places parts of a page: blocks in cells that are no rows and columns."""
    if _depth(table) > _DEEPEST or _has_strays(table):
        return True
    parts = [part.tag for cell in table.iter("td") for part in cell.iterchildren()]
    if any(tag in _HEADINGS for tag in parts):
        return True
    return any(tag in _BLOCKS for tag in parts) and not is_grid(_grid(table))


def _has_strays(table: Any) -> bool:
    """Whether words stand in a table and in none of its cells, as a row of it would lose them."""
    stack = [table]
    while stack:
        part = stack.pop()
        if (part.text or "").strip() or any((child.tail or "").strip() for child in part):
            return True
        for child in part:
            if child.tag in _ROWS[part.tag]:
                stack += [child] if child.tag in _ROWS else []
            elif not _is_unseen(child) and _words(child):
                return True
    return False


def _near(element: Any) -> Iterator[Any]:
    """Ancestors up to the block that an element stands in."""
    for above in element.iterancestors():
        if above.tag in _BLOCKS:
            return
        yield above


def _depth(element: Any) -> int:
    return sum(1 for _ in element.iterancestors())


def _written(number: int, item: Any, parent: Any) -> str:
    named = _LIST_STYLE.search(parent.get("style") or "")
    style = _FORMS.get(item.get("type") or parent.get("type") or "1", "decimal")
    if named:
        is_roman = named[2].lower() == "roman"
        style = f"{named[1].lower()}{'Roman' if is_roman else 'Letter'}"
    written = render_number(number, style)
    return f"{written}. " if written.lstrip("-").isdigit() else f"({written}) "


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"-?\d{1,6}", text.strip(), re.ASCII) else default


def _grid(table: Any) -> list[list[str]]:
    """Cells by row; one that spans rows stands in each, one that spans columns in the first."""
    grid: list[list[str]] = []
    held: dict[int, tuple[int, str]] = {}
    for row in table.iter("tr"):
        if next((a for a in row.iterancestors("table")), None) is not table:
            continue
        cells: list[str] = []
        for cell in (c for c in row if c.tag in {"td", "th"}):
            _fill(cells, held)
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            words = _words(cell)
            for offset in range(width):
                if height > 1:
                    held[len(cells)] = (height - 1, words if offset == 0 else "")
                cells.append(words if offset == 0 else "")
        _fill(cells, held)
        grid.append(cells)
    return grid


def _fill(cells: list[str], held: dict[int, tuple[int, str]]) -> None:
    """Add the cells of earlier rows that reach into this one at its next place."""
    while len(cells) in held:
        column = len(cells)
        left, words = held.pop(column)
        if left > 1:
            held[column] = (left - 1, words)
        cells.append(words)


def _span(cell: Any, name: str) -> int:
    try:
        return min(max(int(cell.get(name) or 1), 1), _MAX_SPAN)
    except ValueError:
        return 1

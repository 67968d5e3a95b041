"""What of a DOCX document's XML a reader sees as text, and what its styles say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyzer.readers.policies.blocks import raise_digits

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
#: Second drawing of what stands in an ``mc:Choice`` beside it, for older programs.
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"

_UNSEEN = frozenset({f"{W}del", f"{W}moveFrom", f"{W}txbxContent", FALLBACK})
_WRAPPERS = frozenset({f"{W}sdt", f"{W}sdtContent", f"{W}ins", f"{W}moveTo", f"{W}customXml"})
_BLANKS = frozenset({f"{W}tab", f"{W}ptab", f"{W}br", f"{W}cr"})
#: Hidden, and struck out by hand rather than by a tracked change.
_GONE = ("vanish", "strike", "dstrike")
_NOTES = {f"{W}footnoteReference": "footnotes", f"{W}endnoteReference": "endnotes"}
_SAID = (f"{W}t", f"{W}noBreakHyphen", f"{W}fldChar", *_BLANKS, *_NOTES)
_BODY_TEXT = 9
#: Level of the title, above all headings.
_TITLE = 1


def children(parent: Any, *names: str) -> Iterator[Any]:
    """Children of these names in order, those in content controls and insertions too."""
    wanted = {f"{W}{name}" for name in names}
    stack = [iter(parent)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in wanted:
            yield child
        elif child.tag in _WRAPPERS:
            stack.append(iter(child))


def value_of(element: Any, path: str) -> str | None:
    """The ``w:val`` of what a path such as ``pPr/pStyle`` leads to; None if it is not there."""
    found = element.find("/".join(f"{W}{name}" for name in path.split("/")))
    return found.get(f"{W}val") if found is not None else None


def switch_of(element: Any, path: str) -> bool | None:
    """Whether a property that can be switched (``rPr/b``) is on; None if nothing is said of it."""
    found = element.find("/".join(f"{W}{name}" for name in path.split("/")))
    return None if found is None else found.get(f"{W}val") not in {"0", "false", "off"}


class Styles:
    """The styles of a document, each with those that it is based on.

    Args:
        document: The document, of python-docx.
    """

    def __init__(self, document: Any) -> None:
        self._styles: dict[str | None, Any] = {}
        self._default: str | None = None
        for style in document.styles.element.iter(f"{W}style"):
            style_id = style.get(f"{W}styleId")
            self._styles[style_id] = style
            is_default = style.get(f"{W}default") in {"1", "true", "on"}
            if is_default and style.get(f"{W}type") == "paragraph":
                self._default = style_id

    def of(self, paragraph: Any) -> list[Any]:
        """A paragraph's style and those that it is based on, the nearest first."""
        return self.based(value_of(paragraph, "pPr/pStyle") or self._default)

    def based(self, style_id: str | None) -> list[Any]:
        """A style and those that it is based on, the nearest first."""
        out: list[Any] = []
        style = self._styles.get(style_id)
        while style is not None and style not in out:
            out.append(style)
            style = self._styles.get(value_of(style, "basedOn"))
        return out

    def level(self, paragraph: Any) -> int:
        """Level of a paragraph as a heading, the title's 1; 0 if it is none."""
        for element in (paragraph, *self.of(paragraph)):
            outline = value_of(element, "pPr/outlineLvl")
            if outline and outline.isdigit():
                return _TITLE + int(outline) + 1 if int(outline) < _BODY_TEXT else 0
            words = (value_of(element, "name") or "").lower().split()
            if words == ["title"]:
                return _TITLE
            match words:
                case ["heading", number] if number.isdigit() and 0 < int(number) <= _BODY_TEXT:
                    return _TITLE + int(number)
        return 0

    def has(self, run: Any, paragraph: Any, name: str) -> bool:
        """Whether a run has a property, by itself or through its style or its paragraph's."""
        said = switch_of(run, f"rPr/{name}")
        styles = (*self.based(value_of(run, "rPr/rStyle")), *self.of(paragraph))
        for style in styles:
            if said is not None:
                break
            said = switch_of(style, f"rPr/{name}")
        return bool(said)


class Words:
    """Reads the words of paragraphs.

    Args:
        document: The document, of python-docx.
        styles: Its styles.
    """

    def __init__(self, document: Any, styles: Styles) -> None:
        self._styles = styles
        self._notes = dict(_read_notes(document))

    def of(self, paragraph: Any) -> str:
        """The words of a paragraph that a reader sees, white space collapsed."""
        return self._read(paragraph)[0]

    def notes(self, paragraph: Any) -> str:
        """The words of its footnotes and endnotes, each in parentheses."""
        texts = [self._note(reference) for reference in self._read(paragraph)[1]]
        return " ".join(f"({text})" for text in texts if text)

    def with_notes(self, paragraph: Any) -> str:
        """Its words and after them its footnotes and endnotes."""
        return " ".join(part for part in (self.of(paragraph), self.notes(paragraph)) if part)

    def is_bold(self, paragraph: Any) -> bool:
        """Whether all of its words stand in bold type."""
        runs = [
            run
            for run in paragraph.iter(f"{W}r")
            if any(
                (text.text or "").strip() and self._is_shown(text, paragraph)
                for text in run.iter(f"{W}t")
            )
        ]
        return bool(runs) and all(self._styles.has(run, paragraph, "b") for run in runs)

    def _note(self, reference: Any) -> str:
        note = self._notes.get((_NOTES[reference.tag], reference.get(f"{W}id")))
        if note is None:
            return ""
        return " ".join(words for one in note.iter(f"{W}p") if (words := self.of(one)))

    def _read(self, paragraph: Any) -> tuple[str, list[Any]]:
        out: list[str] = []
        references: list[Any] = []
        # Whether each field that is open here still says its code, rather than its result.
        codes: list[bool] = []
        for element in paragraph.iter(*_SAID):
            if not self._is_shown(element, paragraph):
                continue
            if element.tag == f"{W}fldChar":
                _follow_field(element.get(f"{W}fldCharType"), codes)
            elif any(codes):
                continue
            elif element.tag in _NOTES:
                references.append(element)
            elif element.tag == f"{W}t":
                out.append(_text(element))
            else:
                out.append(" " if element.tag in _BLANKS else "-")
        return " ".join("".join(out).replace("\xad", "").split()), references

    def _is_shown(self, element: Any, paragraph: Any) -> bool:
        for above in element.iterancestors():
            if above is paragraph:
                return True
            # A tab stop that the paragraph's properties define is no tab.
            if above.tag in _UNSEEN or above.tag == f"{W}pPr":
                return False
            if above.tag == f"{W}r" and any(
                self._styles.has(above, paragraph, name) for name in _GONE
            ):
                return False
        return True


def _text(element: Any) -> str:
    run = next(element.iterancestors(f"{W}r"), None)
    is_raised = run is not None and value_of(run, "rPr/vertAlign") == "superscript"
    return raise_digits(element.text or "") if is_raised else element.text or ""


def _follow_field(kind: str | None, codes: list[bool]) -> None:
    if kind == "begin":
        codes.append(True)
    elif kind == "separate" and codes:
        codes[-1] = False
    elif kind == "end" and codes:
        codes.pop()


def _read_notes(document: Any) -> Iterator[tuple[tuple[str, str | None], Any]]:
    """Footnotes and endnotes by their kind and id."""
    from docx.oxml.parser import parse_xml

    for relation in document.part.rels.values():
        kind = relation.reltype.rsplit("/", 1)[-1]
        if kind in _NOTES.values() and not relation.is_external:
            root = parse_xml(relation.target_part.blob)
            for note in root:
                if isinstance(note.tag, str):
                    yield (kind, note.get(f"{W}id")), note


class Pages:
    """Counts pages, by the breaks that the program which wrote the document saw, or by those set.

    Args:
        body: The body of the document.
    """

    def __init__(self, body: Any) -> None:
        self._page = 1
        self._is_begun = False
        self._rendered = next(body.iter(f"{W}lastRenderedPageBreak"), None) is not None
        self._known = self._rendered or any(
            self._is_set(element) for element in body.iter(f"{W}br", f"{W}pageBreakBefore")
        )

    def turn(self, element: Any) -> int | None:
        """Page on which a paragraph or table begins; goes on to that on which it ends.

        Returns:
            None in a document without page breaks.
        """
        begins, is_said = self._page, False
        for part in element.iter():
            if part.tag == f"{W}t":
                is_said = is_said or bool((part.text or "").strip())
            elif self._is_break(part) and next(part.iterancestors(*_UNSEEN), None) is None:
                self._page += 1
                begins = begins if is_said else self._page
        self._is_begun = self._is_begun or is_said
        return begins if self._known else None

    def _is_break(self, element: Any) -> bool:
        if self._rendered:
            return bool(element.tag == f"{W}lastRenderedPageBreak")
        # The first paragraph stands on the first page whatever it asks for.
        is_idle = element.tag == f"{W}pageBreakBefore" and not self._is_begun
        return self._is_set(element) and not is_idle

    def _is_set(self, element: Any) -> bool:
        if element.tag == f"{W}br":
            return bool(element.get(f"{W}type") == "page")
        is_before = element.tag == f"{W}pageBreakBefore"
        return is_before and element.get(f"{W}val") not in {"0", "false", "off"}

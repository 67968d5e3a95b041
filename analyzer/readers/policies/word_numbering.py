"""The numbers that Word shows before paragraphs and does not write into them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PLACE = re.compile(r"%(\d)")
_DEEPEST = 8
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
          (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_MOST_ROMAN = 3999


@dataclass(frozen=True)
class _Level:
    """One level of a list: where it starts, how it counts, and how its number is written."""

    start: int
    form: str
    text: str


class Numbering:
    """Counts a document's numbered paragraphs, in order.

    Args:
        document: The document, of python-docx.
    """

    def __init__(self, document: Any) -> None:
        self._lists: dict[str, str] = {}
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._of_style: dict[str, tuple[str, int]] = {}
        try:
            part = document.part.numbering_part.element
        except (KeyError, NotImplementedError):
            return
        for abstract in part.iter(f"{_W}abstractNum"):
            self._levels[abstract.get(f"{_W}abstractNumId")] = {
                _whole(level.get(f"{_W}ilvl")): _read_level(level)
                for level in abstract.iter(f"{_W}lvl")
            }
        for one in part.iter(f"{_W}num"):
            target = one.find(f"{_W}abstractNumId")
            if target is not None:
                self._lists[one.get(f"{_W}numId")] = target.get(f"{_W}val")
        for style in document.styles.element.iter(f"{_W}style"):
            found = _number_of(style)
            if found:
                self._of_style[style.get(f"{_W}styleId")] = found

    def marker(self, paragraph: Any, style: str | None) -> tuple[str, int] | None:
        """The number or bullet of a paragraph and its depth from 0; None if it has none."""
        found = _number_of(paragraph) or (self._of_style.get(style) if style else None)
        if found is None:
            return None
        list_id, depth = found
        levels = self._levels.get(self._lists.get(list_id, ""), {})
        level = levels.get(depth)
        if level is None:
            return None
        if level.form == "bullet":
            return "-", depth
        if level.form == "none":
            return None
        # Lists of one kind go on counting, whatever their own numbers.
        counts = self._counts[self._lists[list_id]]
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [d for d in counts if d > depth]:
            del counts[deeper]

        def number(match: re.Match[str]) -> str:
            at = int(match.group(1)) - 1
            one = levels.get(at)
            if one is None:
                return ""
            return _render(
                counts.get(at, one.start),
                "decimal" if at != depth and one.form == "bullet" else one.form,
            )

        return _PLACE.sub(number, level.text).strip() or "-", depth


def _read_level(level: Any) -> _Level:
    def value(name: str, default: str) -> str:
        found = level.find(f"{_W}{name}")
        return (found.get(f"{_W}val") or default) if found is not None else default

    return _Level(_whole(value("start", "1"), 1), value("numFmt", "decimal"), value("lvlText", ""))


def _number_of(element: Any) -> tuple[str, int] | None:
    """List and depth of a paragraph or a style; None where it has none, or is taken out of one."""
    numbered = element.find(f"{_W}pPr/{_W}numPr")
    if numbered is None:
        return None
    list_id, depth = numbered.find(f"{_W}numId"), numbered.find(f"{_W}ilvl")
    if list_id is None or list_id.get(f"{_W}val") in {None, "0"}:
        return None
    return list_id.get(f"{_W}val"), min(
        _whole(depth.get(f"{_W}val")) if depth is not None else 0, _DEEPEST
    )


def _whole(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.isdigit() else default


def _render(number: int, form: str) -> str:
    if form in {"lowerLetter", "upperLetter"} and number > 0:
        times, place = divmod(number - 1, 26)
        letter = chr(ord("a") + place) * min(times + 1, 4)
        return letter if form == "lowerLetter" else letter.upper()
    if form in {"lowerRoman", "upperRoman"} and 0 < number <= _MOST_ROMAN:
        out = ""
        for value, sign in _ROMAN:
            while number >= value:
                out, number = out + sign, number - value
        return out if form == "lowerRoman" else out.upper()
    return f"{number:02d}" if form == "decimalZero" else str(number)

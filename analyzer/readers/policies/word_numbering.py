"""The numbers that Word shows before paragraphs and does not write into them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from analyzer.readers.policies.word_text import Styles, W, switch_of, value_of

_PLACE = re.compile(r"%(\d)")
_DEEPEST = 8
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
          (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_MOST_ROMAN = 3999


@dataclass(frozen=True)
class _Level:
    """One level of a list: where it starts, how it counts, and how its number is written.

    ``restart`` is how many levels above it make it start anew; ``is_legal`` turns the numbers of
    the levels above into digits; ``style`` is the paragraph style that stands for the level.
    """

    start: int
    form: str
    text: str
    restart: int
    is_legal: bool
    style: str | None


@dataclass(frozen=True)
class _List:
    """A list: the key under which it counts, its levels, and where its levels start anew."""

    key: str
    levels: dict[int, _Level]
    starts: dict[int, int]


class Numbering:
    """Counts a document's numbered paragraphs, in order.

    Args:
        document: The document, of python-docx.
        styles: Its styles.
    """

    def __init__(self, document: Any, styles: Styles) -> None:
        self._styles = styles
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._begun: set[tuple[str, int]] = set()
        if any(one.reltype.endswith("/numbering") for one in document.part.rels.values()):
            self._read(document.part.numbering_part.element)

    def _read(self, part: Any) -> None:
        kinds = {kind.get(f"{W}abstractNumId"): kind for kind in part.iter(f"{W}abstractNum")}
        numbers = {one.get(f"{W}numId"): one for one in part.iter(f"{W}num")}
        for list_id, number in numbers.items():
            kind = kinds.get(value_of(number, "abstractNumId"))
            # A kind may only name a style, whose list then holds the levels.
            linked = value_of(kind, "numStyleLink") if kind is not None else None
            for style in self._styles.based(linked):
                target = numbers.get(value_of(style, "pPr/numPr/numId"))
                if target is not None:
                    kind = kinds.get(value_of(target, "abstractNumId"))
            if kind is None:
                continue
            levels, starts = _read_levels(kind), {}
            for override in number.iter(f"{W}lvlOverride"):
                depth = _whole(override.get(f"{W}ilvl"))
                levels |= _read_levels(override)
                start = value_of(override, "startOverride")
                if start is not None:
                    starts[depth] = _whole(start)
            self._lists[list_id] = _List(kind.get(f"{W}abstractNumId"), levels, starts)

    def marker(self, paragraph: Any) -> tuple[str, int] | None:
        """The number or bullet of a paragraph and its depth from 0; None if it shows none."""
        found = self._number_of(paragraph)
        if found is None:
            return None
        list_id, depth = found
        numbered = self._lists.get(list_id)
        level = numbered.levels.get(depth) if numbered else None
        if numbered is None or level is None:
            return None
        counts = self._count(list_id, numbered, depth)
        if level.form == "bullet":
            return "-", depth
        if level.form == "none":
            return None

        def number(match: re.Match[str]) -> str:
            at = int(match.group(1)) - 1
            one = numbered.levels.get(at)
            if one is None or one.form == "none":
                return ""
            is_digits = at != depth and (level.is_legal or one.form == "bullet")
            return render_number(counts.get(at, one.start), "decimal" if is_digits else one.form)

        text = _PLACE.sub(number, level.text).strip()
        return (text, depth) if text else None

    def _count(self, list_id: str, numbered: _List, depth: int) -> dict[int, int]:
        # Lists of one kind go on counting, unless one says where it starts anew.
        counts = self._counts[numbered.key]
        if depth in numbered.starts and (list_id, depth) not in self._begun:
            self._begun.add((list_id, depth))
            counts[depth] = numbered.starts[depth] - 1
        counts[depth] = counts.get(depth, numbered.levels[depth].start - 1) + 1
        for deeper in [at for at in counts if at > depth]:
            below = numbered.levels.get(deeper)
            if below is None or depth < below.restart:
                del counts[deeper]
        return counts

    def _number_of(self, paragraph: Any) -> tuple[str, int] | None:
        """List and depth of a paragraph; None where it has none, or is taken out of one."""
        list_id = value_of(paragraph, "pPr/numPr/numId")
        depth = value_of(paragraph, "pPr/numPr/ilvl")
        for style in self._styles.of(paragraph):
            if list_id is not None:
                break
            list_id = value_of(style, "pPr/numPr/numId")
            if list_id is not None and depth is None:
                depth = self._depth_of_style(style, paragraph, list_id)
        if list_id in {None, "0"}:
            return None
        return str(list_id), min(_whole(depth), _DEEPEST)

    def _depth_of_style(self, style: Any, paragraph: Any, list_id: str) -> str | None:
        """The level that a style stands for; what the list says of that goes first."""
        numbered = self._lists.get(list_id)
        names = [one.get(f"{W}styleId") for one in self._styles.of(paragraph)]
        if numbered is not None:
            for name in names:
                for depth, level in numbered.levels.items():
                    if level.style is not None and level.style == name:
                        return str(depth)
        return value_of(style, "pPr/numPr/ilvl")


def _read_levels(parent: Any) -> dict[int, _Level]:
    return {_whole(level.get(f"{W}ilvl")): _read_level(level) for level in parent.iter(f"{W}lvl")}


def _read_level(level: Any) -> _Level:
    return _Level(
        start=_whole(value_of(level, "start"), 0),
        form=value_of(level, "numFmt") or "decimal",
        text=value_of(level, "lvlText") or "",
        restart=_whole(value_of(level, "lvlRestart"), _whole(level.get(f"{W}ilvl"))),
        is_legal=bool(switch_of(level, "isLgl")),
        style=value_of(level, "pStyle"),
    )


def _whole(text: str | None, default: int = 0) -> int:
    # Far larger numbers are refused by int() itself, and no document counts so far.
    return int(text) if text and text.isdecimal() and len(text) < _DEEPEST else default


def render_number(number: int, form: str) -> str:
    """Write a number as Word does in a form such as ``lowerLetter``; unknown forms as digits."""
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

"""Words with places on a page: into lines, columns, and then headings and paragraphs."""

from __future__ import annotations

import itertools
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analyzer.readers.policies.blocks import Block
from analyzer.readers.policies.sections import split_heading, split_number

#: Stands where a line ended in a hyphen, until all words of the document are known.
_BREAK = "\x02"
_SOFT_HYPHEN = "\xad"
_LIGATURES = str.maketrans(
    {"ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st",
     _SOFT_HYPHEN: "", "\u00a0": " ", "\x00": "", _BREAK: ""}
)  # fmt: skip
_BULLET = re.compile(r"^[•·▪●○◦‣∙\uf0b7\uf0a7–—*o-]\s+(?=\S)")
_ITEM = re.compile(r"^(?:\(?(?:[a-z]|[ivx]{1,4}|\d{1,2})[.)])\s+(?=\S)")
_ENDS = re.compile(r"[.:;!?][)\]\"”’']*$")
_LARGER = 1.12
_MAX_HEADING_WORDS = 16
_LEVELS = 4
#: A gap between lines that is so much larger than the usual one parts paragraphs.
_GAP = 1.45
_CENTRE = (0.3, 0.7)
_GUTTER = 10
_CROSSING = 0.2
_LEAST_LINES, _LEAST_SIDE = 6, 0.25
_FULL = 0.55
#: Places that are no further apart are one indentation.
_SAME_PLACE = 4.0


@dataclass(frozen=True)
class Line:
    """A line of words; places in points from the page's top left corner."""

    text: str
    page: int
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    is_bold: bool
    height: float


@dataclass(frozen=True)
class Table:
    """A table in Markdown with its place on the page."""

    text: str
    page: int
    x0: float
    top: float
    x1: float
    bottom: float


def clean(text: str) -> str:
    """Text in composed form, without ligatures and soft hyphens, blanks collapsed."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_LIGATURES)).split())


def clean_line(words: Sequence[str]) -> str:
    """Words of a line as one text; a soft hyphen at its end stays, as the word goes on."""
    text = " ".join(filter(None, map(clean, words)))
    return text + _SOFT_HYPHEN if words and words[-1].endswith(_SOFT_HYPHEN) else text


def join_lines(lines: Sequence[str]) -> str:
    """Lines of one paragraph or cell as one text; :func:`join_blocks` mends its broken words."""
    out = lines[0] if lines else ""
    for line in lines[1:]:
        if out.endswith(_SOFT_HYPHEN):
            out = out[:-1] + line
        elif out.endswith("-") and line[:1].islower():
            out = f"{out[:-1]}{_BREAK}{line}"
        else:
            out = f"{out} {line}"
    return out.replace(_SOFT_HYPHEN, "")


def order_lines(words: Sequence[Any], width: float) -> list[list[Any]]:
    """Words into lines in reading order: two columns one after the other, between full lines.

    Args:
        words: Words of pdfplumber with ``x0``, ``x1``, ``top``, ``bottom``, ``text``.
        width: Width of the page.
    """
    rows = _rows(words)
    gutter = _find_gutter(rows, width)
    if gutter is None:
        return rows
    out: list[list[Any]] = []
    left: list[list[Any]] = []
    right: list[list[Any]] = []
    for row in rows:
        if any(word["x0"] < gutter < word["x1"] for word in row) or _spans(row, gutter):
            out += [*left, *right, row]
            left, right = [], []
            continue
        mine = [word for word in row if word["x1"] <= gutter]
        theirs = [word for word in row if word["x0"] >= gutter]
        left += [mine] if mine else []
        right += [theirs] if theirs else []
    return [*out, *left, *right]


def _rows(words: Sequence[Any]) -> list[list[Any]]:
    """Words on one height, top to bottom, each row from left to right."""
    rows: list[list[Any]] = []
    for word in sorted(words, key=lambda w: (w["bottom"], w["x0"])):
        height = word["bottom"] - word["top"]
        if rows and abs(rows[-1][0]["bottom"] - word["bottom"]) < 0.5 * max(height, 1):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [sorted(row, key=lambda w: w["x0"]) for row in rows]


def _spans(row: list[Any], gutter: float) -> bool:
    """Whether words go on over the gutter with no more than a blank between them."""
    for one, other in itertools.pairwise(row):
        if one["x1"] <= gutter <= other["x0"]:
            return bool(other["x0"] - one["x1"] < _GUTTER * 0.7)
    return False


def _find_gutter(rows: list[list[Any]], width: float) -> float | None:
    """The middle of the white band between two columns, or None where there is one column."""
    if len(rows) < _LEAST_LINES:
        return None
    first, last = (int(share * width) for share in _CENTRE)
    crossing = [0] * (last - first + 1)
    for row in rows:
        for word in row:
            for x in range(max(first, int(word["x0"])), min(last, int(word["x1"])) + 1):
                crossing[x - first] += 1
    allowed = _CROSSING * len(rows)
    best, begin = (0, 0), None
    for x in range(len(crossing) + 1):
        is_free = x < len(crossing) and crossing[x] <= allowed
        if is_free and begin is None:
            begin = x
        elif not is_free and begin is not None:
            best = max(best, (x - begin, begin))
            begin = None
    if best[0] < _GUTTER:
        return None
    gutter = first + best[1] + best[0] / 2
    return gutter if _are_columns(rows, gutter) else None


def _are_columns(rows: list[list[Any]], gutter: float) -> bool:
    """Whether both sides are running text: cells of a table without rules are short."""
    sides = (
        [w for r in rows for w in r if w["x1"] <= gutter],
        [w for r in rows for w in r if w["x0"] >= gutter],
    )
    n_words = sum(map(len, rows))
    if min(map(len, sides)) < _LEAST_SIDE * n_words:
        return False
    for side in sides:
        begin, end = min(w["x0"] for w in side), max(w["x1"] for w in side)
        lengths = [row[-1]["x1"] - row[0]["x0"] for row in _rows(side)]
        if statistics.median(lengths) < _FULL * (end - begin):
            return False
    return True


def join_blocks(parts: Sequence[Line | Table]) -> list[Block]:
    """Lines and tables of a document, in reading order, into blocks."""
    style = _Style.of([part for part in parts if isinstance(part, Line)])
    parts = _without_bold_openings(parts, style)
    indents = _Indents()
    out: list[Block] = []
    group: list[Line] = []
    for part in parts:
        if isinstance(part, Table):
            out += _block(group, style, indents)
            group = []
            _add_table(out, part)
        elif group and style.goes_on(group, part):
            group.append(part)
        else:
            out += _block(group, style, indents)
            group = [part]
    return _mend_words([*out, *_block(group, style, indents)])


def _without_bold_openings(parts: Sequence[Line | Table], style: _Style) -> list[Line | Table]:
    """A bold line whose sentence goes on in plain type is the opening of a paragraph."""
    out: list[Line | Table] = []
    following: Line | Table | None = None
    for part in reversed(parts):
        if (
            isinstance(part, Line)
            and isinstance(following, Line)
            and part.is_bold
            and not following.is_bold
            and part.size == following.size
            and following.text[:1].islower()
            and style.is_next_line(part, following)
        ):
            part = replace(part, is_bold=False)  # noqa: PLW2901
        out.append(part)
        following = part
    return out[::-1]


class _Indents:
    """How deep the items of a list lie, from where their markers stand."""

    def __init__(self) -> None:
        self._places: list[float] = []
        self._last: Line | None = None

    def end(self) -> None:
        """Forget the list: what comes next is another one."""
        self._places = []

    def depth(self, line: Line) -> int:
        """Depth of the item that begins with a line, 0 the outermost."""
        last, self._last = self._last, line
        if last is not None and line.page == last.page and line.top < last.top:
            # The next column has its own places.
            self._places = []
        while self._places and line.x0 < self._places[-1] - _SAME_PLACE:
            self._places.pop()
        if not self._places or line.x0 > self._places[-1] + _SAME_PLACE:
            self._places.append(line.x0)
        return min(len(self._places) - 1, 6)


@dataclass(frozen=True)
class _Style:
    """What is usual in a document.

    Attributes:
        body: Size of most of its characters.
        pitch: Usual distance from line to line, in sizes of type.
        sizes: Sizes of headings, the largest first.
    """

    body: float
    pitch: float
    sizes: tuple[float, ...]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Style:
        if not lines:
            return cls(10.0, 1.2, ())
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[line.size] += len(line.text)
        body = sizes.most_common(1)[0][0]
        steps = Counter(
            round((after.top - before.top) / body, 1)
            for before, after in itertools.pairwise(lines)
            if after.page == before.page
            and after.size == before.size == body
            and 0 < after.top - before.top < 3 * body
        )
        # Where a gap is as common as a step within paragraphs, the smaller is the step.
        pitch = min(steps, key=lambda step: (-steps[step], step)) if steps else 1.2
        larger = sorted({line.size for line in lines if line.size >= _LARGER * body}, reverse=True)
        return cls(body, pitch, tuple(larger))

    def level(self, line: Line) -> int:
        """Level of the heading that a line is, or 0."""
        words = line.text.split()
        if line.size >= _LARGER * self.body and len(words) <= 2 * _MAX_HEADING_WORDS:
            return min(self.sizes.index(line.size) + 1, _LEVELS)
        is_short = len(words) <= _MAX_HEADING_WORDS and not line.text.endswith((".", ";", ","))
        if line.is_bold and is_short and _BULLET.match(line.text) is None:
            return min(len(self.sizes) + 1, _LEVELS)
        return 0

    def is_next_line(self, last: Line, line: Line) -> bool:
        """Whether a line stands right below another, in its own size of type."""
        return line.page == last.page and 0 < line.top - last.top < _GAP * self.pitch * line.size

    def goes_on(self, group: Sequence[Line], line: Line) -> bool:
        """Whether a line is of one block with the lines before it."""
        last = group[-1]
        level = self.level(group[0])
        if level or self.level(line):
            same = level == self.level(line) and line.size == last.size
            return same and self.is_next_line(last, line) and not _starts(line.text)
        if _starts(line.text):
            return False
        if line.page != last.page or line.top < last.top:
            # On to the next page or column: the sentence goes on, or a new paragraph begins.
            return not _ENDS.search(last.text) and not line.text[:1].isupper()
        is_outside = line.x0 < group[0].x0 - _SAME_PLACE and line.text[:1].isupper()
        if is_outside and _is_item(group[0].text) and _ENDS.search(last.text):
            # A paragraph under a list, without a gap.
            return False
        return line.top - last.top <= _GAP * self.pitch * self.body


def _starts(text: str) -> bool:
    """Whether a line begins a block by its first words: a marker, a clause id or number."""
    clause_id, words = split_heading(text)
    if clause_id is not None:
        return not words[:1].islower()
    number, _ = split_number(text)
    return number is not None or bool(_BULLET.match(text) or _ITEM.match(text))


def _block(group: Sequence[Line], style: _Style, indents: _Indents) -> list[Block]:
    if not group:
        return []
    first = group[0]
    text = join_lines([line.text for line in group])
    level = style.level(first)
    if level:
        indents.end()
        return [Block("heading", text, level, first.page)]
    if _is_item(text):
        depth = indents.depth(first)
        bullet = _BULLET.match(text)
        words = f"- {text[bullet.end() :]}" if bullet else text
        return [Block("item", f"{'  ' * depth}{words}", depth, first.page)]
    return [Block("paragraph", text, 0, first.page)]


def _is_item(text: str) -> bool:
    if _BULLET.match(text):
        return True
    return _ITEM.match(text) is not None and not _is_clause_number(text)


def _is_clause_number(text: str) -> bool:
    number, words = split_number(text)
    return (
        number is not None
        and words[:1].isupper()
        and "(" not in text[:2]
        and not text[:1].isalpha()
    )


def _mend_words(blocks: list[Block]) -> list[Block]:
    """Words that were broken at a line's end, whole again; real hyphens stay."""
    known = Counter(
        word.lower()
        for block in blocks
        for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", block.text)
    )

    def mend(found: re.Match[str]) -> str:
        one, other = found.group(1), found.group(2)
        hyphened, whole = f"{one}-{other}".lower(), f"{one}{other}".lower()
        return f"{one}-{other}" if known[hyphened] > known[whole] else f"{one}{other}"

    broken = re.compile(rf"([^\W\d_]+){_BREAK}([^\W\d_]+)")
    return [
        Block(
            b.kind,
            broken.sub(mend, b.text).replace(_BREAK, "-"),
            b.level,
            b.page,
        )
        for b in blocks
    ]


def _add_table(out: list[Block], table: Table) -> None:
    """Add a table, or its rows to the one that it goes on from the page before."""
    last = out[-1] if out else None
    rows = table.text.split("\n")
    if last is not None and last.kind == "table" and last.page != table.page:
        before = last.text.split("\n")
        if _n_cells(before[0]) == _n_cells(rows[0]):
            more = rows[2:] if rows[0] == before[0] else [rows[0], *rows[2:]]
            out[-1] = Block("table", "\n".join([*before, *more]), 0, last.page)
            return
    out.append(Block("table", table.text, 0, table.page))


def _n_cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))

"""The words on each page of a PDF, put back into lines, columns, paragraphs and tables.

Runs in :mod:`analyzer.readers.policies.pdf_process`; nothing else imports it, as :func:`lay_out`
may take any amount of memory and time over a file made to take them.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pdfplumber
from pdfminer.pdfdocument import PDFPasswordIncorrect

from analyzer.errors import PolicyError
from analyzer.readers.policies.blocks import LaidOut
from analyzer.readers.policies.pdf_lines import (
    Line,
    Table,
    clean,
    clean_line,
    join_blocks,
    join_lines,
    order_lines,
)
from analyzer.readers.policies.pdf_sight import SeenPage
from analyzer.readers.policies.sections import split_heading, split_number
from analyzer.readers.policies.tables import render_table

_MOST_PAGES = 2000
#: Characters of one page above which it is no page of a document.
_MOST_CHARACTERS = 60_000
#: Characters of a document above which its answer would burden who asked.
_MOST_TEXT = 16_000_000
_LEAST_RULES = 4
_MOST_NAMED = 20
_SLANT = 0.05
_PAGE_NUMBER = re.compile(
    r"[\W\s]*(?:page|p\.|seite)?[\W\s]*#(?:\s*(?:of|/)\s*#)?(?!\s*[.,;:!?])[\W\s]*"
)
_MARGIN = 0.11
_BOLD = ("bold", "black", "heavy", "semibold", "demi")
_DAMAGED = "this is no PDF or a damaged one; open it in a viewer and save it again"
_UNSEEN = "invisible, white on white, too small, or off the page"


def lay_out(path: Path, *, allow: Callable[[int], None] | None = None) -> LaidOut:
    """Lay out a PDF, without any limit on memory and time.

    Words that a reader of the page does not see are left out, and a note says so; see
    :mod:`analyzer.readers.policies.pdf_sight`.

    Args:
        path: The file.
        allow: Told the number of pages once it is known.

    Raises:
        PolicyError: If it is locked, damaged, too large, or holds no text.
        MemoryError: If it takes more than there is.
    """
    pages: list[list[Line | Table]] = []
    silent: list[int] = []
    unseen: list[int] = []
    recognised: list[int] = []
    n_characters = 0
    with _quiet(), _opened(path) as pdf:
        _check_pages(len(pdf.pages), path)
        if allow is not None:
            allow(len(pdf.pages))
        title = clean(str((pdf.metadata or {}).get("Title") or "")) or None
        for number, plain in enumerate(pdf.pages, start=1):
            page = SeenPage(pdf, plain.page_obj, number, plain.initial_doctop)
            parts = _read_page(page, number, path)
            pages.append(parts)
            n_characters += sum(len(part.text) for part in parts)
            _check_text(n_characters, path)
            if not parts:
                silent.append(number)
            if page.n_unseen:
                unseen.append(number)
            if page.n_recognised:
                recognised.append(number)
            page.close()
    if not any(pages):
        raise PolicyError(_why_silent(unseen), path=path)
    margins = _take_margins(pages)
    blocks = join_blocks([part for page in pages for part in page])
    return LaidOut(tuple(blocks), _own_title(title), margins, _notes(silent, unseen, recognised))


def _check_pages(n_pages: int, path: Path) -> None:
    if not n_pages:
        raise PolicyError(_DAMAGED, path=path)
    if n_pages > _MOST_PAGES:
        raise PolicyError(
            f"this PDF has {n_pages} pages, more than {_MOST_PAGES}; split it by document",
            path=path,
        )


def _check_text(n_characters: int, path: Path) -> None:
    if n_characters > _MOST_TEXT:
        raise PolicyError(
            f"this PDF holds more than {_MOST_TEXT:,} characters; split it by document", path=path
        )


def _why_silent(unseen: list[int]) -> str:
    if unseen:
        return (
            f"this PDF holds only words that no reader sees ({_UNSEEN}); run it through text "
            "recognition (OCR) and add the result"
        )
    return (
        "this PDF holds pictures of pages and no text; run it through text recognition (OCR) "
        "and add the result"
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The open file; whatever its parser raises, then or later, as a sentence."""
    try:
        with pdfplumber.open(path) as pdf:
            yield pdf
    except PolicyError:
        raise
    except Exception as error:
        # pdfminer raises whatever a damaged file makes it stumble over.
        causes = _causes(error)
        if any(isinstance(one, MemoryError) for one in causes):
            raise MemoryError from error
        is_locked = any(isinstance(one, PDFPasswordIncorrect) for one in causes)
        message = (
            "this PDF is locked with a password; save a copy without one" if is_locked else _DAMAGED
        )
        raise PolicyError(message, path=path) from error


def _causes(error: BaseException) -> list[BaseException]:
    """An error with those that it was raised from; pdfplumber carries them as arguments."""
    found: list[BaseException] = []
    ahead: list[Any] = [error]
    while ahead:
        one = ahead.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            ahead += [*one.args, one.__cause__, one.__context__]
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pdfminer's remarks on odd files, which quote them, out of the logs."""
    logger = logging.getLogger("pdfminer")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _read_page(page: Any, number: int, path: Path) -> list[Line | Table]:
    """Lines and tables of a page in reading order."""
    if len(page.chars) > _MOST_CHARACTERS:
        raise PolicyError(
            f"page {number} of this PDF holds {len(page.chars)} characters, which no page does; "
            "check where it comes from",
            path=path,
        )
    if any(_is_slanted(char) for char in page.chars):
        page = page.filter(lambda item: not _is_slanted(item))
    words = page.extract_words(extra_attrs=["fontname", "size"], keep_blank_chars=False)
    if not words:
        return []
    tables: list[Table] = []
    if len(page.lines) + len(page.rects) + len(page.curves) >= _LEAST_RULES:
        for found in page.find_tables():
            rendered = render_table(_filled(found.extract()))
            if rendered.startswith("| "):
                tables.append(Table(rendered, number, *found.bbox))
    boxes = [(t.x0, t.top, t.x1, t.bottom) for t in tables]
    free = [word for word in words if not any(_lies_in(word, box) for box in boxes)]
    lines = [
        Line(
            text=clean_line([word["text"] for word in row]),
            page=number,
            x0=float(row[0]["x0"]),
            x1=float(row[-1]["x1"]),
            top=min(float(word["top"]) for word in row),
            bottom=max(float(word["bottom"]) for word in row),
            size=_size(row),
            is_bold=_is_bold(row),
            height=float(page.height),
        )
        for row in order_lines(free, float(page.width))
    ]
    return _with_tables([line for line in lines if line.text.strip()], tables)


def _is_slanted(item: Any) -> bool:
    """Whether a character is turned: a watermark, or a note along the edge."""
    matrix = item.get("matrix")
    return matrix is not None and abs(matrix[1]) > _SLANT * (abs(matrix[0]) + 1e-9)


def _filled(rows: list[list[str | None]]) -> list[list[str]]:
    """Cells as text; one that a merged cell above reaches into takes its words."""
    out: list[list[str]] = []
    for row in rows:
        cells = [
            join_lines([clean_line([line]) for line in cell.split("\n")]) if cell else ""
            for cell in row
        ]
        if out and row and row[0] is None:
            cells[0] = out[-1][0]
        out.append(cells)
    return out


def _lies_in(word: Any, box: tuple[float, float, float, float]) -> bool:
    x, y = (word["x0"] + word["x1"]) / 2, (word["top"] + word["bottom"]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _size(words: list[Any]) -> float:
    sizes: Counter[float] = Counter()
    for word in words:
        sizes[round(float(word["size"]) * 2) / 2] += len(word["text"])
    return sizes.most_common(1)[0][0]


def _is_bold(words: list[Any]) -> bool:
    return all(any(sign in word["fontname"].lower() for sign in _BOLD) for word in words)


def _with_tables(lines: list[Line], tables: list[Table]) -> list[Line | Table]:
    """Each table before the first line that stands below it, in the order of reading."""
    out: list[Line | Table] = list(lines)
    for table in sorted(tables, key=lambda t: -t.top):
        place = next(
            (
                i
                for i, line in enumerate(out)
                if line.top >= table.bottom - 1
                and line.x0 < table.x1
                and (line.x1 > table.x0 or line.x0 >= table.x0)
            ),
            len(out),
        )
        out.insert(place, table)
    return out


def _take_margins(pages: list[list[Line | Table]]) -> tuple[str, ...]:
    """Remove running headers, footers and page numbers; each once, as first seen."""
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_shape(part.text) for part in page if _is_marginal(part)})
    least = max(3, (len(pages) + 1) // 2)
    margins: dict[str, str] = {}
    for page in pages:
        for part in [p for p in page if _is_marginal(p)]:
            shape = _shape(part.text)
            is_number = _PAGE_NUMBER.fullmatch(shape) is not None
            if is_number or seen[shape] >= least:
                page.remove(part)
                if not is_number:
                    margins.setdefault(shape, part.text)
    return tuple(margins.values())


def _is_marginal(part: Line | Table) -> bool:
    if isinstance(part, Table):
        return False
    return part.top < _MARGIN * part.height or part.bottom > (1 - _MARGIN) * part.height


def _shape(text: str) -> str:
    """A line without its digits, but for those of a clause that it begins.

    Clauses that begin a page each are alike but for their numbers, and are no running lines.
    """
    clause_id, _ = split_heading(text)
    number, _ = split_number(text)
    is_clause = number is not None and (
        not number.isdigit() or text[len(number) : len(number) + 1] in {".", ")"}
    )
    lead = clause_id or (number if is_clause else None) or ""
    return lead + re.sub(r"\d+", "#", text.removeprefix(lead).lower())


def _own_title(title: str | None) -> str | None:
    """The title, unless a program left a file name or its own name there."""
    if title is None or title.lower().endswith((".doc", ".docx", ".pdf", ".indd", ".txt")):
        return None
    return None if title.lower().startswith(("microsoft word", "untitled")) else title


def _notes(silent: list[int], unseen: list[int], recognised: list[int]) -> tuple[str, ...]:
    out: list[str] = []
    if silent:
        out.append(f"{_pages(silent)} no text.")
    if unseen:
        out.append(f"{_pages(unseen)} words that no reader sees ({_UNSEEN}); they are left out.")
    if recognised:
        out.append(
            f"{_pages(recognised)} words that text recognition (OCR) put behind a picture; check "
            "them against it."
        )
    return tuple(out)


def _pages(numbers: list[int]) -> str:
    """``Page 3 holds``, ``Pages 3 and 7 hold``."""
    named = [str(number) for number in numbers[:_MOST_NAMED]]
    if len(numbers) > _MOST_NAMED:
        named.append(f"{len(numbers) - _MOST_NAMED} more")
    if len(named) == 1:
        return f"Page {named[0]} holds"
    return f"Pages {', '.join(named[:-1])} and {named[-1]} hold"

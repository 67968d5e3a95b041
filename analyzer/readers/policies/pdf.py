"""PDF: the words on each page, put back into lines, columns, paragraphs and tables."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from analyzer.readers.policies.sections import split_heading, split_number
from analyzer.readers.policies.tables import render_table

SUFFIXES = (".pdf",)

_LARGEST = 100 * 1024 * 1024
_MOST_PAGES = 2000
#: Characters of one page above which it is no page of a document.
_MOST_CHARACTERS = 60_000
_LEAST_RULES = 4
_MOST_NAMED = 20
_SLANT = 0.05
_PAGE_NUMBER = re.compile(
    r"[\W\s]*(?:page|p\.|seite)?[\W\s]*#(?:\s*(?:of|/)\s*#)?(?!\s*[.,;:!?])[\W\s]*"
)
_MARGIN = 0.11
_BOLD = ("bold", "black", "heavy", "semibold", "demi")
_DAMAGED = "this is no PDF or a damaged one; open it in a viewer and save it again"


def read_layout(path: Path) -> LaidOut:
    """Lay out a PDF.

    Raises:
        PolicyError: If it is locked, damaged, too large, or holds no text.
    """
    if path.stat().st_size > _LARGEST:
        raise PolicyError("this PDF is larger than 100 MB; split it by document", path=path)
    pages: list[list[Line | Table]] = []
    silent: list[int] = []
    with _quiet(), _opened(path) as pdf:
        if len(pdf.pages) > _MOST_PAGES:
            raise PolicyError(
                f"this PDF has {len(pdf.pages)} pages, more than {_MOST_PAGES}; split it by "
                "document",
                path=path,
            )
        title = clean(str((pdf.metadata or {}).get("Title") or "")) or None
        for number, page in enumerate(pdf.pages, start=1):
            parts = _read_page(page, number, path)
            pages.append(parts)
            if not parts:
                silent.append(number)
            page.close()
    if not any(pages):
        raise PolicyError(
            "this PDF holds pictures of pages and no text; run it through text recognition (OCR) "
            "and add the result",
            path=path,
        )
    margins = _take_margins(pages)
    blocks = join_blocks([part for page in pages for part in page])
    return LaidOut(tuple(blocks), _own_title(title), margins, _notes(silent))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The open file; whatever its parser raises, then or later, as a sentence."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect

    try:
        with pdfplumber.open(path) as pdf:
            yield pdf
    except PolicyError:
        raise
    except MemoryError as error:
        raise PolicyError("this PDF unpacks to more than fits into memory", path=path) from error
    except Exception as error:
        # pdfminer raises whatever a damaged file makes it stumble over.
        is_locked = any(
            isinstance(one, PDFPasswordIncorrect) for one in (error, *error.args, error.__cause__)
        )
        message = (
            "this PDF is locked with a password; save a copy without one" if is_locked else _DAMAGED
        )
        raise PolicyError(message, path=path) from error


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


def _notes(silent: list[int]) -> tuple[str, ...]:
    if not silent:
        return ()
    numbers = [str(number) for number in silent[:_MOST_NAMED]]
    if len(silent) > _MOST_NAMED:
        numbers.append(f"{len(silent) - _MOST_NAMED} more")
    if len(numbers) == 1:
        return (f"Page {numbers[0]} holds no text.",)
    return (f"Pages {', '.join(numbers[:-1])} and {numbers[-1]} hold no text.",)

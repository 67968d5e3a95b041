"""Tables (CSV, TSV, semicolons): a row a turn, or a row a call with the transcript in a cell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from analyzer.errors import TranscriptError
from analyzer.readers.transcripts import plain
from analyzer.readers.transcripts.assembly import build_call
from analyzer.readers.transcripts.fields import (
    CALL_FIELDS,
    TURN_FIELDS,
    Unit,
    find_call_field,
    find_turn_field,
)
from analyzer.readers.transcripts.labels import read_label
from analyzer.readers.transcripts.ordering import in_order
from analyzer.readers.transcripts.reading import (
    Parsed,
    RawCall,
    RawTurn,
    ReadCall,
    ReadOptions,
    TranscriptFormat,
)
from analyzer.readers.transcripts.times import read_times

_DELIMITERS = (",", ";", "\t", "|")
_SUFFIXES = (".csv", ".tsv")
_EXCEL_HINT = re.compile(r'"?sep=(?P<delimiter>[,;|\t])"?')
#: A transcript of many hours in one cell is longer than the module allows by itself.
_LARGEST_CELL = 2**30
_SHOWN_COLUMNS = 12
_SURE, _LIKELY, _BY_SUFFIX, _BY_SHAPE = 0.9, 0.8, 0.3, 0.15
#: So many lines with the same number of separators are a table.
_ALIKE = 3
_EITHER = frozenset({"speaker", "role", "name"})
_FIELDS = frozenset(CALL_FIELDS) | frozenset(TURN_FIELDS)


@dataclass(frozen=True)
class _Header:
    """The columns of a table.

    Attributes:
        delimiter: What separates the cells.
        cells: The columns' names as in the file.
        of_field: Our field to the index of its column; fields of calls and of turns.
        unit: Unit of time that a column's name gives.
        line: 1-based line of the header.
    """

    delimiter: str
    cells: Sequence[str]
    of_field: Mapping[str, int]
    unit: Unit | None
    line: int


@dataclass(frozen=True)
class _Row:
    """One row under the header with the 1-based line at which it begins."""

    cells: Sequence[str]
    line: int


def recognises(text: str, name: str) -> float:
    """How sure it is that the text is a table of turns; see ``TranscriptFormat``."""
    if text.lstrip()[:1] in {"{", "["}:
        return 0.0  # JSON: its long first line would be searched for column names
    try:
        header = _read_header(text, {})
    except csv.Error:
        return 0.0
    if header is None:
        return 0.0
    found = header.of_field.keys()
    is_named = name.lower().endswith(_SUFFIXES)
    if "text" in found and found & _EITHER:
        return _SURE
    if "text" in found and (len(found) > 1 or is_named):
        return _LIKELY
    if is_named:
        return _BY_SUFFIX
    lines = [line for line in text.split("\n", _ALIKE * 2) if line.strip()][:_ALIKE]
    counts = {line.count(header.delimiter) for line in lines}
    return _BY_SHAPE if len(lines) == _ALIKE and len(counts) == 1 and counts != {0} else 0.0


def parse(text: str, source: str, options: ReadOptions) -> Parsed:
    """Read the calls of a table, grouped by company and call id.

    Raises:
        TranscriptError: If a column that is needed is not there, or the quotes do not match.
    """
    try:
        header = _read_header(text, options.columns)
        rows = list(_rows(text, header, source)) if header else []
    except csv.Error as error:
        message = f"the header cannot be read as a table ({error}); export the table again"
        raise TranscriptError(message, path=source, line=1) from error
    if header is None or not rows:
        message = "the table has no rows under its header; export it again"
        raise TranscriptError(message, path=source, line=1)
    _refuse_wrong_columns(header, options.columns, source)
    text_column = header.of_field["text"]
    if header.of_field.keys() & _EITHER:
        return _calls_of_turns(header, rows, source, options)
    if any(plain.has_turns(_cell(row, text_column)) for row in rows[:50]):
        return _calls_of_rows(header, rows, source, options)
    raise TranscriptError(
        f"no column says who speaks; the columns are {_shown(header)}; map one, as in "
        f"speaker={_unused(header)}, or write 'Agent: …' and 'Customer: …' lines in "
        f"{header.cells[text_column]!r}",
        path=source,
        line=header.line,
    )


def _read_header(text: str, columns: Mapping[str, str]) -> _Header | None:
    """The header under the delimiter by which most columns are known; None if there is none."""
    lines = text.split("\n")
    at = next((number for number, line in enumerate(lines) if line.strip()), None)
    if at is None:
        return None
    delimiters: Sequence[str] = _DELIMITERS
    if hint := _EXCEL_HINT.fullmatch(lines[at].strip(" \r")):
        delimiters = (hint["delimiter"],)
        at = next((n for n in range(at + 1, len(lines)) if lines[n].strip()), at)
    best: tuple[int, int, _Header] | None = None
    for delimiter in delimiters:
        cells = next(csv.reader([lines[at]], delimiter=delimiter), [])
        header = _header(delimiter, [cell.strip() for cell in cells], columns, at + 1)
        rank = (len(header.of_field), len(cells))
        if best is None or rank > best[:2]:
            best = (*rank, header)
    return best[2] if best else None


def _header(delimiter: str, cells: Sequence[str], columns: Mapping[str, str], line: int) -> _Header:
    of_field: dict[str, int] = {}
    unit: Unit | None = None
    index = {cell.casefold(): number for number, cell in reversed(list(enumerate(cells)))}
    for field, column in columns.items():
        number = index.get(column.strip().casefold())
        if number is not None:
            of_field[field] = number
            timed = find_turn_field(column)
            unit = unit or (timed[1] if timed else None)
    mapped = set(of_field.values())
    for number, cell in enumerate(cells):
        if number in mapped:
            continue
        if found := find_turn_field(cell):
            if found[0] not in of_field:
                of_field[found[0]] = number
                unit = unit or found[1]
        elif (name := find_call_field(cell)) and name not in of_field:
            of_field[name] = number
    return _Header(delimiter, cells, of_field, unit, line)


def _refuse_wrong_columns(header: _Header, columns: Mapping[str, str], source: str) -> None:
    have = {cell.casefold() for cell in header.cells}
    for field, column in columns.items():
        if field not in _FIELDS:
            message = (
                f"there is no field {field!r} to map a column to; fields are {_names(_FIELDS)}"
            )
            raise TranscriptError(message, path=source, line=header.line)
        if column.strip().casefold() not in have:
            message = f"there is no column {column!r} for {field}; the columns are {_shown(header)}"
            raise TranscriptError(message, path=source, line=header.line)
    if "text" not in header.of_field:
        message = (
            f"no column says what was said; the columns are {_shown(header)}; map one, as in "
            f"text={_unused(header)}"
        )
        raise TranscriptError(message, path=source, line=header.line)


def _unused(header: _Header) -> str:
    """A column that no field is read from, as an example."""
    used = set(header.of_field.values())
    free = [cell for number, cell in enumerate(header.cells) if number not in used and cell]
    return free[0][:40] if free else "COLUMN"


def _names(fields: frozenset[str]) -> str:
    return ", ".join(sorted(fields))


def _shown(header: _Header) -> str:
    cells = [repr(cell[:40]) for cell in header.cells[:_SHOWN_COLUMNS]]
    more = len(header.cells) - len(cells)
    return ", ".join(cells) + (f" and {more} more" if more else "")


def _rows(text: str, header: _Header, source: str) -> Iterator[_Row]:
    body = text.split("\n", header.line)[header.line :]
    csv.field_size_limit(_LARGEST_CELL)
    reader = csv.reader(
        io.StringIO(body[0] if body else "", newline=""), delimiter=header.delimiter, strict=True
    )
    line = header.line + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = (
                f"the row that begins here cannot be read ({error}); put quotes round a cell that "
                "holds quotes, line ends or the separator, and double the quotes within it"
            )
            raise TranscriptError(message, path=source, line=line) from error
        if any(cell.strip() for cell in cells):
            yield _Row(_fitted(cells, header, source, line), line)
        line = header.line + reader.line_num + 1


def _fitted(cells: list[str], header: _Header, source: str, line: int) -> list[str]:
    """The row's cells; a text in the last column that was not quoted gets its commas back."""
    n = len(header.cells)
    extra = cells[n:]
    if not any(cell.strip() for cell in extra):
        return cells[:n]
    if header.of_field.get("text") == n - 1:
        return [*cells[: n - 1], header.delimiter.join(cells[n - 1 :])]
    raise TranscriptError(
        f"this row has {len(cells)} cells where the header names {n}; put quotes round a text that "
        f"holds {header.delimiter!r}",
        path=source,
        line=line,
    )


def _cell(row: _Row, column: int | None) -> str:
    return row.cells[column].strip() if column is not None and column < len(row.cells) else ""


def _calls_of_turns(
    header: _Header, rows: Sequence[_Row], source: str, options: ReadOptions
) -> Parsed:
    of_field = header.of_field
    groups: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        key = (_cell(row, of_field.get("company")), _cell(row, of_field.get("call_id")))
        groups.setdefault(key, []).append(row)
    out: list[ReadCall | TranscriptError] = []
    for group in groups.values():
        try:
            raw = _call_of_turns(header, group, source)
            out.append(build_call(raw, source=source, options=options))
        except TranscriptError as error:
            out.append(error)
    return out


def _call_of_turns(header: _Header, rows: Sequence[_Row], source: str) -> RawCall:
    of_field = header.of_field
    texts = [_cell(row, of_field["text"]) for row in rows]
    times = read_times(
        [_cell(row, of_field.get("start")) for row in rows],
        [_cell(row, of_field.get("end")) for row in rows],
        unit=header.unit,
        n_words=sum(len(text.split()) for text in texts),
    )
    turns = []
    for row, text, start, end in zip(rows, texts, times.starts, times.ends, strict=True):
        said_role = _cell(row, of_field.get("role"))
        role = read_label(said_role).role if said_role else None
        speaker, name = _cell(row, of_field.get("speaker")), _cell(row, of_field.get("name"))
        label = speaker or said_role or name or None
        position = _cell(row, of_field.get("position")) or None
        turns.append(RawTurn(label, text, role, name or None, position, start, end))
    ordered = in_order(
        turns,
        [_cell(row, of_field.get("turn")) for row in rows],
        source=source,
        line=rows[0].line,
        lines=[row.line for row in rows],
    )
    fields = _call_fields(header, rows)
    fields.pop("position", None)
    if times.began:
        fields.setdefault("started_at", times.began)
    return RawCall(ordered.turns, fields, rows[0].line, (*times.notes, *ordered.notes))


def _call_fields(header: _Header, rows: Sequence[_Row]) -> dict[str, str]:
    """Fields of the call, from the first row that has them."""
    fields: dict[str, str] = {}
    for name in CALL_FIELDS:
        column = header.of_field.get(name)
        value = next((cell for row in rows if (cell := _cell(row, column))), "")
        if value:
            fields[name] = value
    return fields


def _calls_of_rows(
    header: _Header, rows: Sequence[_Row], source: str, options: ReadOptions
) -> Parsed:
    out: list[ReadCall | TranscriptError] = []
    for row in rows:
        try:
            read = plain.read_turns(
                _cell(row, header.of_field["text"]), source=source, line=row.line
            )
            fields = {**read.fields, **_call_fields(header, [row])}
            start = _cell(row, header.of_field.get("start"))
            if start:
                fields.setdefault("started_at", start)
            raw = RawCall(read.turns, fields, row.line, read.notes)
            out.append(build_call(raw, source=source, options=options))
        except TranscriptError as error:
            out.append(error)
    return out


FORMAT = TranscriptFormat(
    name="CSV",
    suffixes=_SUFFIXES,
    recognises=recognises,
    parse=parse,
    shape="a table with a header that names a speaker and a text column",
)

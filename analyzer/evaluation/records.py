"""Reads labelled calls and predictions from files of one JSON record a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analyzer.domain import Analysis
from analyzer.errors import InputError
from analyzer.evaluation.matching import CallKey, key_of

_LABELS = ("commitments", "stonewalls")


def read_gold(path: Path | str) -> list[dict[str, Any]]:
    """Read labelled calls.

    Args:
        path: A JSONL file: one record of the annotation guide a line; blank lines are skipped.

    Returns:
        The records in order, each complete, with plain JSON types.

    Raises:
        InputError: If the file cannot be read, a line is not a record that holds together, carries
            no labels, or repeats a call; with path and line.
    """
    return _read(Path(path), needs_labels=True)


def read_predictions(path: Path | str) -> dict[CallKey, dict[str, Any]]:
    """Read an engine's records, as ``wordbond analyze --json`` writes them.

    Args:
        path: A JSONL file: one record a line; blank lines are skipped.

    Returns:
        Records by (company, call id), in order.

    Raises:
        InputError: If the file cannot be read, a line is not a record that holds together, or
            repeats a call; with path and line.
    """
    return {key_of(record): record for record in _read(Path(path), needs_labels=False)}


def hash_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hex: which gold a figure was measured on.

    Raises:
        InputError: If the file cannot be read.
    """
    return hashlib.sha256(_bytes_of(Path(path))).hexdigest()


def _read(path: Path, *, needs_labels: bool) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    line_of: dict[CallKey, int] = {}
    for line, text in _lines(path):
        record = _parse(text, path, line, needs_labels=needs_labels)
        key = key_of(record)
        if key in line_of:
            raise InputError(
                f"call {key[1]!r} of company {key[0]!r} already stands in line {line_of[key]}; "
                "keep one of the two, or give this one another call_id",
                path=path,
                line=line,
            )
        line_of[key] = line
        records.append(record)
    if not records:
        raise InputError("the file holds no record; write one JSON record a line", path=path)
    return records


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except IsADirectoryError as error:
        raise InputError("this is a folder; name the .jsonl file in it", path=path) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"the file cannot be read ({reason}); check its name and rights", path=path
        ) from error


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = _bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start} is not UTF-8; save the file as UTF-8", path=path
        ) from error
    # Not splitlines(): JSON allows a bare U+2028 within a string, where no line ends.
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            yield line, content


def _parse(text: str, path: Path, line: int, *, needs_labels: bool) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(
            f"this is not one whole JSON object{place}; write each record on a line of its own",
            path=path,
            line=line,
        ) from error
    if not isinstance(data, dict):
        raise InputError(
            f"this is a JSON {type(data).__name__}, not an object; write one record a line",
            path=path,
            line=line,
        )
    if needs_labels and not any(name in data for name in _LABELS):
        raise InputError(
            "the record carries no labels; add commitments and stonewalls, as empty lists where "
            "there is nothing to mark",
            path=path,
            line=line,
        )
    try:
        analysis = Analysis.from_record(_without_nulls(data))
    except ValueError as error:
        raise InputError(
            f"{error}; correct the record as docs/annotation-guide.md has it",
            path=path,
            line=line,
        ) from error
    fault = _find_fault(analysis)
    if fault:
        raise InputError(fault, path=path, line=line)
    return analysis.to_record()


def _without_nulls(record: dict[str, Any]) -> dict[str, Any]:
    # Labellers write null for what a mark does not have; the domain knows it by its absence.
    plain = {name: value for name, value in record.items() if value is not None}
    for name in (*_LABELS, "links"):
        if isinstance(plain.get(name), list):
            plain[name] = [_drop_nulls(mark) for mark in plain[name]]
    return plain


def _drop_nulls(mark: Any) -> Any:
    if not isinstance(mark, dict):
        return mark
    return {name: value for name, value in mark.items() if value is not None}


def _find_fault(analysis: Analysis) -> str | None:
    n_turns = len(analysis.call.turns)
    seen: set[str] = set()
    for mark in analysis.commitments:
        if mark.id in seen:
            return f"two commitments have the id {mark.id!r}; give each one of its own"
        seen.add(mark.id)
    places = [(f"commitment {mark.id!r}", mark.turn) for mark in analysis.commitments]
    places += [("a stonewall", wall.end) for wall in analysis.stonewalls]
    places += [("a link", link.turn) for link in analysis.links]
    for what, turn in places:
        if turn >= n_turns:
            return (
                f"{what} names turn {turn}, but the call ends with turn {n_turns - 1}; "
                "count turns from 0"
            )
    return None

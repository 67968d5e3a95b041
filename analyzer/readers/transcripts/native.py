"""The native record in JSON: one object, a list of records, one a line, or a bare list of turns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.domain import Analysis, Call
from analyzer.errors import TranscriptError
from analyzer.readers.transcripts.assembly import build_call, clean_text
from analyzer.readers.transcripts.fields import find_call_field, find_turn_field
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
from analyzer.readers.transcripts.times import read_clock, read_times

_JSON_LIKE = re.compile(r"\s*(?:\{\s*(?:[\"'}]|\Z)|\[\s*(?:[{\[\"\]]|\Z))")
_HAS_TURNS = re.compile(r'"turns"\s*:')
_SPACE = re.compile(r"\s*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BETWEEN = re.compile(r"[\s,]*")
_TURN_LISTS = ("turns", "messages", "transcript", "conversation")
_LINE_SUFFIXES = (".jsonl", ".ndjson")
#: Marks of an earlier analysis stand beside the call in a record and are not read here.
_MARKS = frozenset(Analysis.model_fields) - {"call"}
_OF_CALL = frozenset(Call.model_fields) - {"turns"}
_OF_TURN = frozenset({"turn", "role", "speaker", "text", "content", "name", "position"})
_RECORD, _BARE, _BROKEN, _OTHER_JSON = 0.95, 0.6, 0.3, 0.1
_SCALAR = (str, int, float)


@dataclass(frozen=True)
class _Value:
    """A value of the file and the 1-based line at which it begins."""

    value: Any
    line: int


def recognises(text: str, name: str) -> float:
    """How sure it is that the text is a record in JSON; see ``TranscriptFormat``."""
    del name
    if not _JSON_LIKE.match(text):
        return 0.0
    try:
        first = _first_object(text)
    except (ValueError, RecursionError):
        return _RECORD if _HAS_TURNS.search(text[:100_000]) else _BROKEN
    if isinstance(first, dict):
        if isinstance(first.get("turns"), list):
            return _RECORD
        if _turn_list(first) is not None or _is_turn(first):
            return _BARE
    return _OTHER_JSON


def _first_object(text: str) -> Any:
    """The first object of the text, inside at most two lists."""
    at = _end_of(_SPACE, text, 0)
    for _ in range(2):
        if text[at : at + 1] == "[":
            at = _end_of(_SPACE, text, at + 1)
    return _DECODER.raw_decode(text, at)[0]


def parse(text: str, source: str, options: ReadOptions) -> Parsed:
    """Read the calls of a JSON file; marks beside the turns are ignored.

    A record that cannot be read, or a broken line of JSON Lines, is an error in its place. In a
    list that breaks off, the records before the break are read.

    Raises:
        TranscriptError: If the file is broken before any record is complete, or is JSON of a kind
            that holds no turns.
    """
    items = list(_values(text, source))
    errors = [item for item in items if isinstance(item, TranscriptError)]
    values = [item for item in items if isinstance(item, _Value)]
    if values and all(_is_turn(item.value) for item in values):
        if errors:
            raise errors[0]
        return _read_loose([item.value for item in values], values[0].line, source, options)
    out: list[ReadCall | TranscriptError] = []
    for item in items:
        if isinstance(item, TranscriptError):
            out.append(item)
        else:
            out.extend(_read_value(item, source, options))
    return out


def _reject_constant(word: str) -> float:
    message = f"{word} is no number of JSON"
    raise ValueError(message)


_DECODER = json.JSONDecoder(parse_constant=_reject_constant)


def _decode_at(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends."""
    value, end = _DECODER.raw_decode(text, at)
    if _SURROGATE.search(text, at, end):
        value = _without_surrogates(value)
    return value, end


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _values(text: str, source: str) -> Iterator[_Value | TranscriptError]:
    """The values of the file, those of a list one by one, broken ones as errors."""
    if _is_lines(text, source):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield _decoded(line, source, number)
        return
    at = _end_of(_SPACE, text, 0)
    if text[at] == "[":
        yield from _items(text, at + 1, source, closing="]")
    else:
        yield from _items(text, at, source, closing="")


def _is_lines(text: str, source: str) -> bool:
    """Whether every line is a value of its own."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if source.lower().endswith(_LINE_SUFFIXES) and len(lines[0]) > 1:
        return True
    whole = [line for line in lines if line[0] + line[-1] in {"{}", "[]"}]
    if len(lines) < 2 or len(whole) * 2 < len(lines):  # noqa: PLR2004 - two lines make a list
        return False
    return all(line[0] in "{[" and len(line) > 1 for line in lines)


def _decoded(line: str, source: str, number: int) -> _Value | TranscriptError:
    try:
        at = _end_of(_SPACE, line, 0)
        value, end = _decode_at(line, at)
        if line[end:].strip(" \t,"):
            raise json.JSONDecodeError("Extra data", line, end)
    except (ValueError, RecursionError) as error:
        return _broken(error, line, 0, source, number - 1)
    return _Value(value, number)


def _items(text: str, at: int, source: str, *, closing: str) -> Iterator[_Value | TranscriptError]:
    """The values from a place on, up to the closing bracket or else the end of the text."""
    line, counted = 1, 0
    while True:
        at = _end_of(_BETWEEN, text, at)
        line, counted = line + text.count("\n", counted, at), at
        if at >= len(text):
            if closing:
                message = "the JSON breaks off before its list is closed; export the file again"
                yield TranscriptError(message, path=source, line=line)
            return
        if text[at] == closing:
            return
        try:
            value, at = _decode_at(text, at)
        except (ValueError, RecursionError) as error:
            yield _broken(error, text, at, source)
            return
        yield _Value(value, line)


def _broken(
    error: Exception, text: str, at: int, source: str, lines_before: int = 0
) -> TranscriptError:
    what, place = "holds a number that JSON does not have", at
    if isinstance(error, RecursionError):
        what = "is nested too deeply"
    elif isinstance(error, json.JSONDecodeError):
        place = error.pos
        what = f"is not valid here ({error.msg[0].lower()}{error.msg[1:]})"
        if error.msg.startswith("Unterminated string"):
            what = "breaks off in the middle of a text"
        elif not text[place:].strip():
            what = "breaks off before it is complete"
    return TranscriptError(
        f"the JSON {what}; export it again, or correct this line",
        path=source,
        line=_line_of(text, min(place, len(text.rstrip()))) + lines_before,
    )


def _is_turn(value: object) -> bool:
    if not isinstance(value, dict) or _turn_list(value) is not None:
        return False
    names = {found[0] for key in value if (found := find_turn_field(key))}
    return "text" in names and bool(names & {"speaker", "role", "name"})


def _turn_list(value: Mapping[str, Any]) -> str | None:
    """The key under which an object holds a list of turns."""
    if isinstance(value.get("turns"), list):
        return "turns"
    for key in _TURN_LISTS:
        turns = value.get(key)
        if isinstance(turns, list) and turns and all(_is_turn(turn) for turn in turns[:5]):
            return key
    return None


def _read_value(item: _Value, source: str, options: ReadOptions) -> Parsed:
    if isinstance(item.value, list) and item.value and all(map(_is_turn, item.value)):
        return _read_loose(item.value, item.line, source, options)
    try:
        return [build_call(_raw_call(item, source), source=source, options=options)]
    except TranscriptError as error:
        return [error]


def _raw_call(item: _Value, source: str) -> RawCall:
    if not isinstance(item.value, dict):
        message = "a record has to be an object with a list 'turns'; correct or leave out this one"
        raise TranscriptError(message, path=source, line=item.line)
    key = _turn_list(item.value)
    if key == "turns":
        return _record(item.value, item.line, source)
    if key is None:
        keys = ", ".join(repr(name[:40]) for name in list(item.value)[:8]) or "none"
        message = (
            "a record needs a list 'turns' whose items have 'role' and 'text'; "
            f"the keys found are {keys}"
        )
        raise TranscriptError(message, path=source, line=item.line)
    fields = _loose_fields([{name: v for name, v in item.value.items() if name != key}])
    return _loose_call(item.value[key], fields, item.line, source)


def _record(record: Mapping[str, Any], line: int, source: str) -> RawCall:
    fields = {key: value for key, value in record.items() if key not in _MARKS and key != "turns"}
    for key, value in fields.items():
        if key in _OF_CALL and value is not None and not isinstance(value, _SCALAR):
            message = f"field {key} has to be a text; correct it in the file"
            raise TranscriptError(message, path=source, line=line)
    fields.pop("call", None)
    for key in ("position", "agent_name", "customer_name"):
        if not isinstance(fields.get(key), str | None):
            del fields[key]
    turns = [_turn(turn, n, line, source) for n, turn in enumerate(record["turns"])]
    return RawCall(turns, fields, line, keeps_empty=True)


def _turn(turn: object, number: int, line: int, source: str) -> RawTurn:
    if not isinstance(turn, dict):
        message = f"turn {number} has to be an object with 'role' and 'text'; correct it"
        raise TranscriptError(message, path=source, line=line)
    text = turn.get("text", turn.get("content"))
    if not isinstance(text, str):
        message = f"turn {number} has no text; give it a 'text', empty if nothing was said"
        raise TranscriptError(message, path=source, line=line)
    said_role, speaker = _name_of(turn.get("role")), _name_of(turn.get("speaker"))
    role = read_label(said_role).role if said_role else None
    extra = {k: v for k, v in turn.items() if k not in _OF_TURN | {"start", "end"}}
    if "turn" in turn:
        extra["turn"] = turn["turn"]
    return RawTurn(
        speaker or said_role,
        text,
        role,
        _name_of(turn.get("name")),
        _name_of(turn.get("position")),
        _seconds(turn, "start", number, line, source),
        _seconds(turn, "end", number, line, source),
        extra,
    )


def _name_of(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)[:200].strip() or None


def _seconds(
    turn: Mapping[str, Any], key: str, number: int, line: int, source: str
) -> float | None:
    value = turn.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str) and (reading := read_clock(value)) is not None:
        return reading
    known = read_times([value], [], unit="s", is_offset=True).starts[0]
    if known is None:
        message = f"turn {number}: {key} has to be seconds from the call's beginning; correct it"
        raise TranscriptError(message, path=source, line=line)
    return known


def _read_loose(
    turns: Sequence[Mapping[str, Any]], line: int, source: str, options: ReadOptions
) -> Parsed:
    """A bare list of turns: one call, or several told apart by a call id on the turns."""
    calls: dict[str | None, list[Mapping[str, Any]]] = {}
    for turn in turns:
        ids = [value for key, value in turn.items() if find_call_field(key) == "call_id"]
        calls.setdefault(_name_of(ids[0]) if ids else None, []).append(turn)
    out: list[ReadCall | TranscriptError] = []
    for of_call in calls.values():
        try:
            raw = _loose_call(of_call, _loose_fields(of_call), line, source)
            out.append(build_call(raw, source=source, options=options))
        except TranscriptError as error:
            out.append(error)
    return out


def _loose_fields(turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Fields of the call in their usual spellings, from the first turn that has them."""
    fields: dict[str, Any] = {}
    for turn in turns:
        for key, value in turn.items():
            name = find_call_field(key)
            is_text = isinstance(value, _SCALAR) and not isinstance(value, bool) and value != ""
            if name and name not in {"position", "agent_name"} and is_text:
                fields.setdefault(name, str(value))
    return fields


def _loose_call(
    turns: Sequence[Mapping[str, Any]], fields: Mapping[str, Any], line: int, source: str
) -> RawCall:
    rows: list[dict[str, Any]] = []
    unit = None
    for number, turn in enumerate(turns):
        row: dict[str, Any] = {}
        for key, value in turn.items() if isinstance(turn, dict) else ():
            found = find_turn_field(key)
            if found and value is not None:
                row.setdefault(found[0], value)
                unit = unit or found[1]
            elif find_call_field(key) == "position":
                row["position"] = value
        if not isinstance(row.get("text"), str):
            message = f"turn {number} has no text; give it a 'text', empty if nothing was said"
            raise TranscriptError(message, path=source, line=line)
        rows.append(row)
    times = read_times(
        [row.get("start") for row in rows],
        [row.get("end") for row in rows],
        unit=unit,
        n_words=sum(len(row["text"].split()) for row in rows),
    )
    read = []
    for row, start, end in zip(rows, times.starts, times.ends, strict=True):
        said_role, speaker = _name_of(row.get("role")), _name_of(row.get("speaker"))
        role = read_label(said_role).role if said_role else None
        name, position = _name_of(row.get("name")), _name_of(row.get("position"))
        label = speaker or said_role or name
        read.append(RawTurn(label, row["text"], role, name, position, start, end))
    ordered = in_order(read, [row.get("turn") for row in rows], source=source, line=line)
    began = {"started_at": times.began} if times.began else {}
    return RawCall(ordered.turns, {**began, **fields}, line, (*times.notes, *ordered.notes))


FORMAT = TranscriptFormat(
    name="native record",
    suffixes=(".json", *_LINE_SUFFIXES),
    recognises=recognises,
    parse=parse,
    shape='JSON with "turns", each with "role" and "text"',
)

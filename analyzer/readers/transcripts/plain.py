"""Plain text: ``Agent: …`` lines, with or without times, names, headers and system lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from analyzer.errors import TranscriptError
from analyzer.readers.transcripts.assembly import build_call
from analyzer.readers.transcripts.fields import find_call_field, find_turn_field, is_unused_header
from analyzer.readers.transcripts.labels import read_label
from analyzer.readers.transcripts.reading import (
    Parsed,
    RawCall,
    RawTurn,
    ReadCall,
    ReadOptions,
    TranscriptFormat,
)
from analyzer.readers.transcripts.spoken_lines import (
    SpokenLine,
    choose_labels,
    split_line,
    split_stamp,
)
from analyzer.readers.transcripts.times import read_moment, read_times

_HEADER = re.compile(
    r"\s{0,8}(?:[#*•-]{1,3}\s?)?(?P<key>[A-Za-z][^:\uff1a\n]{0,39}?)\s*[:\uff1a]\s?(?P<value>.*)"
)
_RULE = re.compile(r"\s*([-=*_~#])(?:\s*\1){2,}\s*")
_BETWEEN_RULES = re.compile(r"\s*[-=*~]{2,}\s*(?P<text>[^-=*~].*?)\s*[-=*~]{2,}\s*")
_EVENT = re.compile(r"\s*(?:\[[^\[\]]+\]|\([^()]+\)|\*[^*]+\*|<[^<>]+>)\s*")
#: What a transcriber marks within somebody's speech; anything else in brackets is an event.
_SPEECH_MARK = re.compile(
    r"\W*(?:inaudible|unintelligible|unclear|indistinct|crosstalk|overlap\w*|laugh\w*|chuckl\w*|"
    r"sigh\w*|cough\w*|pause|silence|sic|redacted|[A-Z_]{2,}\d*|\d+)\b[^a-z]{0,12}\W*",
)
_LIST_ITEM = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s")
_INLINE = re.compile(
    r"(?<=\s)(?=(?:\*\*)?(?:Agent|Customer|Caller|Client|CSR|Rep|Representative|Advisor|Operator|"
    r"Supervisor|Manager|System|IVR)(?: \d)?(?:\*\*)?:)"
)
_SHORT_NAME = re.compile(r"[A-Z][\w'\u2019-]+(?: [A-Z][\w'\u2019.-]*){0,2}")
_GREETINGS = frozenset({"hello", "hi", "hey", "yes", "no", "ok", "okay", "thanks", "sure", "right"})
#: Times may run back this far between turns, where people talk at once.
_OVERLAP_S = 60.0
_SURE, _LIKELY, _POSSIBLE = 0.7, 0.5, 0.3
_FEW = 2
_LOOKED_AT = 400
_LONGEST_EVENT = 300


@dataclass(frozen=True)
class PlainTurns:
    """What a plain-text transcript holds, before roles are found.

    Attributes:
        turns: The turns; empty if nobody is named.
        fields: Fields of the call from its header.
        notes: What had to be inferred or was left out.
    """

    turns: Sequence[RawTurn]
    fields: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass
class _Open:
    """A turn that is being read."""

    label: str | None
    line: int
    start: str | None = None
    end: str | None = None
    pieces: list[str] = field(default_factory=list)
    is_system: bool = False

    def add(self, text: str, *, keeps_line: bool) -> None:
        """Continue the turn: wrapped lines run on, list items and paragraphs keep their line."""
        if self.pieces:
            self.pieces.append("\n" if keeps_line or _LIST_ITEM.match(text) else " ")
        self.pieces.append(text.strip())


@dataclass(frozen=True)
class _Section:
    """The lines of one call; ``line`` is the 1-based number of the first."""

    lines: Sequence[str]
    line: int


def recognises(text: str, name: str) -> float:
    """How sure it is that the text is a transcript in plain lines; see ``TranscriptFormat``."""
    del name
    lines = [line for line in _split_inline(text[:200_000]).split("\n") if line.strip()]
    lines = lines[:_LOOKED_AT]
    pairs = [(line, split_line(line)) for line in lines]
    chosen = choose_labels(pairs)
    spoken = [s for _, s in pairs if s is not None and s.label.casefold() in chosen]
    n_roles = sum(1 for s in spoken if read_label(s.label).role is not None)
    if n_roles >= _FEW:
        return _SURE
    if len(spoken) >= _FEW:
        return _LIKELY
    return _POSSIBLE if spoken else 0.0


def parse(text: str, source: str, options: ReadOptions) -> Parsed:
    """Read the calls of a plain-text file; a header with a call id begins each but the first.

    Raises:
        TranscriptError: If no turn is found in the whole file.
    """
    out: list[ReadCall | TranscriptError] = []
    for section in _sections(text):
        try:
            read = _read_section(section, source)
            raw = RawCall(read.turns, read.fields, section.line, read.notes)
            out.append(build_call(raw, source=source, options=options))
        except TranscriptError as error:
            out.append(error)
    return out


def read_turns(text: str, *, source: str, line: int = 1) -> PlainTurns:
    """Read the turns of one call, as a table's cell may hold them too.

    Args:
        text: The lines ``Agent: …``, or one line in which they follow each other.
        source: The file, for the messages.
        line: 1-based line of the file at which ``text`` begins.

    Raises:
        TranscriptError: If the times run back, so that turns are not in the order spoken.
    """
    return _read_section(_Section(_split_inline(text).split("\n"), line), source)


def has_turns(text: str) -> bool:
    """Whether a text holds at least two lines that name who speaks."""
    return recognises(text, "") >= _LIKELY


def _split_inline(text: str) -> str:
    """Gives each turn its line where all of a call stands in one."""
    if not _INLINE.search(text):
        return text
    n_lines = sum(1 for line in text.split("\n") if (s := split_line(line)) and _has_role(s))
    return _INLINE.sub("\n", text) if n_lines <= 1 else text


def _has_role(line: SpokenLine) -> bool:
    return read_label(line.label).role is not None


def _sections(text: str) -> list[_Section]:
    """Cut the file where a block of header lines with a call id follows turns."""
    lines = _split_inline(text).split("\n")
    cuts = [0]
    block: int | None = None
    has_id = has_turn = False
    for number, line in enumerate(lines):
        if not line.strip() or _RULE.fullmatch(line):
            block, has_id = None, False
            continue
        starts_block = (
            number == 0 or not lines[number - 1].strip() or _RULE.fullmatch(lines[number - 1])
        )
        if starts_block:
            block = number
        key = _header_field(line)
        if key is None:
            block = None
            has_turn = has_turn or split_line(line) is not None
        elif block is not None and key == "call_id" and has_turn and not has_id:
            cuts.append(block)
            has_id, has_turn = True, False
    cuts.append(len(lines))
    return [_Section(lines[a:b], a + 1) for a, b in pairwise(cuts) if a < b]


def _header_field(line: str) -> str | None:
    """The field that a header line gives; ``""`` if it gives one that is not needed."""
    found = _HEADER.fullmatch(line.strip())
    if not found:
        return None
    key = found["key"].strip(" *#")
    name = find_call_field(key)
    if name is None and read_label(key).role is None:
        timed = find_turn_field(key)
        if timed and timed[0] == "start" and read_moment(found["value"].strip(" *")):
            return "started_at"
        return "" if is_unused_header(key) else None
    return name


def _read_section(section: _Section, source: str) -> PlainTurns:
    fields, n_header = _read_header(section.lines)
    body = section.lines[n_header:]
    split = [split_line(line) if line.strip() else None for line in body]
    chosen = choose_labels(
        (line, spoken) for line, spoken in zip(body, split, strict=True) if line.strip()
    )
    kept = [s if s is not None and s.label.casefold() in chosen else None for s in split]
    opened, n_before = _open_turns(body, kept, section.line + n_header)
    notes = []
    if n_before:
        notes.append(f"Lines before the first speaker that were not used: {n_before}.")
    turns, began, time_notes = _timed(opened, source)
    if began:
        fields.setdefault("started_at", began)
    return PlainTurns(turns, fields, (*notes, *time_notes))


def _read_header(lines: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Fields from the lines above the first turn, and how many lines they take."""
    fields: dict[str, Any] = {}
    n_used = 0
    for number, line in enumerate(lines):
        if not line.strip() or _RULE.fullmatch(line):
            continue
        found = _HEADER.fullmatch(line.strip())
        name = _header_field(line)
        if found is None or name is None:
            named = _header_name(lines, number) if fields else None
            if named is None and not (number == 0 and _is_title(lines)):
                break
            fields.update(named or {})
        elif name:
            fields.setdefault(name, found["value"].strip(" *"))
        n_used = number + 1
    return fields, n_used


def _is_title(lines: Sequence[str]) -> bool:
    """Whether the first line is a title: no speaker, and header lines come right after."""
    if split_line(lines[0]) is not None or _EVENT.fullmatch(lines[0]):
        return False
    following = next((line for line in lines[1:] if line.strip() and not _RULE.fullmatch(line)), "")
    return _header_field(following) is not None


def _header_name(lines: Sequence[str], number: int) -> dict[str, str] | None:
    """``Agent: Dana Lee`` in a block of header lines names a person and says nothing."""
    spoken = split_line(lines[number])
    if spoken is None or not _SHORT_NAME.fullmatch(spoken.text):
        return None
    role = read_label(spoken.label).role
    if role not in {"agent", "customer"} or spoken.text.split()[0].casefold() in _GREETINGS:
        return None
    rest = lines[number + 1 :]
    block = list(rest[: next((i for i, line in enumerate(rest) if not line.strip()), len(rest))])
    ends_block = all(_header_field(line) is not None or _is_person(line) for line in block)
    has_turns_after = any(split_line(line) for line in rest[len(block) :])
    return {f"{role}_name": spoken.text} if ends_block and has_turns_after else None


def _is_person(line: str) -> bool:
    spoken = split_line(line)
    return spoken is not None and _SHORT_NAME.fullmatch(spoken.text) is not None


def _open_turns(
    lines: Sequence[str], spoken: Sequence[SpokenLine | None], first: int
) -> tuple[list[_Open], int]:
    """Gather lines into turns; also the number of lines before the first that were not used."""
    turns: list[_Open] = []
    person: _Open | None = None
    waiting: tuple[str | None, str | None] = (None, None)
    n_before = 0
    after_blank = False
    for number, (line, begins) in enumerate(zip(lines, spoken, strict=True), first):
        if not line.strip() or _RULE.fullmatch(line):
            after_blank = True
            continue
        stamp = split_stamp(line.strip())
        if begins is not None:
            person = _begin(begins, number, waiting)
            turns.append(person)
            waiting = (None, None)
        elif stamp.start and not stamp.rest:
            waiting = (stamp.start, stamp.end)
        elif (event := _event(stamp.rest)) is not None:
            turns.append(_Open(None, number, stamp.start, stamp.end, [event], is_system=True))
        elif person is None:
            n_before += 1
        elif turns[-1] is person:
            keeps_line = after_blank or split_line(line) is not None
            person.add(line, keeps_line=keeps_line)
        else:
            person = replace(person, line=number, start=None, end=None, pieces=[line.strip()])
            turns.append(person)
        after_blank = False
    return turns, n_before


def _begin(spoken: SpokenLine, number: int, waiting: tuple[str | None, str | None]) -> _Open:
    start, end = (spoken.start, spoken.end) if spoken.start else waiting
    return _Open(spoken.label, number, start, end, [spoken.text] if spoken.text else [])


def _event(line: str) -> str | None:
    """What happened on the line, such as a hold or a transfer; None if it is speech."""
    if len(line) > _LONGEST_EVENT:
        return None
    if found := _BETWEEN_RULES.fullmatch(line):
        return found["text"]
    if _EVENT.fullmatch(line) and not _SPEECH_MARK.fullmatch(line):
        return line.strip()
    return None


def _timed(opened: Sequence[_Open], source: str) -> tuple[list[RawTurn], str | None, list[str]]:
    texts = ["".join(turn.pieces) for turn in opened]
    times = read_times(
        [turn.start for turn in opened],
        [turn.end for turn in opened],
        unit="s",
        n_words=sum(len(text.split()) for text in texts),
    )
    notes = list(times.notes)
    last: tuple[float, int] | None = None
    for turn, start in zip(opened, times.starts, strict=True):
        if start is None:
            continue
        if last is not None and last[0] - start > _OVERLAP_S:
            raise TranscriptError(
                f"the turns are out of order: the time of this one lies {last[0] - start:.0f} "
                f"seconds before that of line {last[1]}; put them in the order spoken, or save two "
                "calls as two files",
                path=source,
                line=turn.line,
            )
        last = (start, turn.line)
    turns = [
        RawTurn(turn.label, text, "system" if turn.is_system else None, start=start, end=end)
        for turn, text, start, end in zip(opened, texts, times.starts, times.ends, strict=True)
    ]
    return turns, times.began, notes


FORMAT = TranscriptFormat(
    name="plain text",
    suffixes=(".txt", ".text", ".log"),
    recognises=recognises,
    parse=parse,
    shape="lines such as 'Agent: …' and 'Customer: …'",
)

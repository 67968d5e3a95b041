"""WebVTT, with and without voice tags, and SubRip, which differs in its commas."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from analyzer.errors import TranscriptError
from analyzer.readers.transcripts.assembly import build_call
from analyzer.readers.transcripts.fields import find_call_field
from analyzer.readers.transcripts.reading import (
    Parsed,
    RawCall,
    RawTurn,
    ReadOptions,
    TranscriptFormat,
)
from analyzer.readers.transcripts.spoken_lines import choose_labels, split_line

_STAMP = r"(?:\d{1,4}:)?[0-5]?\d:[0-5]?\d[.,]\d{1,3}"
_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?!\d).*")
#: The same line where nothing but settings follows, which no other format has.
_PURE_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s+[a-z]{{4,8}}:\S+)*\s*")
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_VOICE = re.compile(r"<v(?:\.[\w.-]*)?(?:\s+(?P<name>[^<>]*))?>|</v>")
_TAG = re.compile(r"</?(?:[bciu]|ruby|rt|lang)(?:[.\s][^<>]*)?>|<\d[\d:.]*>")
_METADATA = re.compile(r"(?P<key>[A-Za-z][^:\n]{0,39}?)\s*:\s*(?P<value>\S.*)")
_LONGEST_NOTE = 300
_LOOKED_AT = 50_000


@dataclass(frozen=True)
class _Captions:
    """The cues in order of time, the comments, and whether the file had another order."""

    captions: Sequence[webvtt.Caption]
    comments: Sequence[str]
    was_unsorted: bool


@dataclass(frozen=True)
class _Cue:
    """A stretch of a cue by one voice; ``voice`` is None where no tag names it."""

    voice: str | None
    lines: Sequence[str]
    start: float
    end: float


def recognises(text: str, name: str) -> float:
    """How sure it is that the text is WebVTT or SubRip; see ``TranscriptFormat``."""
    del name
    if re.match(r"WEBVTT(?:[ \t\n]|\Z)", text):
        return 1.0
    head = text[:_LOOKED_AT].split("\n")
    return 0.9 if any(_PURE_TIMING.fullmatch(line) for line in head) else 0.0


def parse(text: str, source: str, options: ReadOptions) -> Parsed:
    """Read the one call of a WebVTT or SubRip file.

    Cues of one speaker that follow each other are one turn. A speaker is a voice tag, or where the
    file has none, the name before a colon; a cue without one continues the speaker before.

    Raises:
        TranscriptError: If a timing line is broken, there is no cue, or no speaker is named.
    """
    read = _read_captions(text, source)
    cues = [cue for caption in read.captions for cue in _split_voices(caption)]
    if not cues:
        message = (
            "no cue with words was found; a cue is a line of times, as in "
            "00:00:01.000 --> 00:00:04.200, with the words under it"
        )
        raise TranscriptError(message, path=source, line=1)
    has_voices = any(cue.voice for cue in cues)
    turns = _joined(_by_voice(cues) if has_voices else _by_label(cues))
    if all(turn.label is None for turn in turns):
        message = (
            "no speaker can be told apart: no cue has a voice tag (<v Agent>) or a name before a "
            "colon; export the captions with the speakers' names, or write them into the cues"
        )
        raise TranscriptError(message, path=source)
    notes = ("Cues were sorted by their times.",) if read.was_unsorted else ()
    raw = RawCall(turns, _metadata(read.comments), 1, notes)
    return [build_call(raw, source=source, options=options)]


def _read_captions(text: str, source: str) -> _Captions:
    lines = text.split("\n")
    n_cues = 0
    for number, line in enumerate(lines, 1):
        if "-->" not in line:
            continue
        n_cues += 1
        if not _TIMING.fullmatch(line):
            message = (
                "this line should give the times of a cue, as in 00:00:01.000 --> 00:00:04.200, "
                "and does not; correct it"
            )
            raise TranscriptError(message, path=source, line=number)
        lines[number - 1] = _COMMA.sub(".", line)
    lines = [line if line.strip() else "" for line in lines]
    if not lines[0].startswith("WEBVTT"):
        lines = ["WEBVTT", "", *lines]
    try:
        read = webvtt.from_string("\n".join(lines))
    except (MalformedFileError, MalformedCaptionError) as error:
        message = f"the captions cannot be read ({error}); correct the times of the cues"
        raise TranscriptError(message, path=source) from error
    if len(read.captions) < n_cues:
        lost = n_cues - len(read.captions)
        message = f"{lost} of {n_cues} cues cannot be read; put a blank line before each cue"
        raise TranscriptError(message, path=source)
    comments = [
        *read.metadata,
        *read.header_comments,
        *(comment for caption in read.captions for comment in caption.comments),
        *read.footer_comments,
    ]
    captions = sorted(read.captions, key=_start_ms)
    return _Captions(captions, comments, captions != list(read.captions))


def _start_ms(caption: webvtt.Caption) -> int:
    return caption.start_time.in_milliseconds()


def _split_voices(caption: webvtt.Caption) -> Iterator[_Cue]:
    """The stretches of one cue, by the voice tags in it; tags are taken off, entities resolved."""
    start = caption.start_time.in_milliseconds() / 1000
    end = caption.end_time.in_milliseconds() / 1000
    raw = caption.raw_text
    voice: str | None = None
    begin = 0
    for tag in [*_VOICE.finditer(raw), None]:
        piece = raw[begin : tag.start() if tag else len(raw)]
        lines = [line for line in map(_spoken_words, piece.split("\n")) if line]
        if lines:
            yield _Cue(voice, lines, start, end)
        if tag:
            voice = _spoken_words(tag["name"] or "") or None
            begin = tag.end()


def _spoken_words(line: str) -> str:
    return html.unescape(_TAG.sub("", line)).replace("\xa0", " ").strip()


def _by_voice(cues: Sequence[_Cue]) -> Iterator[RawTurn]:
    for cue in cues:
        yield RawTurn(cue.voice, " ".join(cue.lines), start=cue.start, end=cue.end)


def _by_label(cues: Sequence[_Cue]) -> Iterator[RawTurn]:
    chosen = choose_labels((line, split_line(line)) for cue in cues for line in cue.lines)
    for cue in cues:
        for line in cue.lines:
            spoken = split_line(line)
            if spoken is not None and spoken.label.casefold() in chosen:
                yield RawTurn(spoken.label, spoken.text, start=cue.start, end=cue.end)
            else:
                yield RawTurn(None, line, start=cue.start, end=cue.end)


def _joined(spoken: Iterator[RawTurn]) -> list[RawTurn]:
    """Cues of one speaker that follow each other are one turn; a nameless one continues it."""
    out: list[RawTurn] = []
    texts: list[list[str]] = []
    for turn in spoken:
        if out and (turn.label is None or turn.label == out[-1].label):
            texts[-1].append(turn.text)
            out[-1] = replace(out[-1], end=turn.end)
        else:
            out.append(turn)
            texts.append([turn.text])
    return [
        replace(turn, text=" ".join(text for text in said if text))
        for turn, said in zip(out, texts, strict=True)
    ]


def _metadata(comments: Sequence[str]) -> dict[str, Any]:
    """Fields of the call from ``NOTE key: value`` and from the lines under ``WEBVTT``."""
    fields: dict[str, Any] = {}
    for line in (line for comment in comments for line in comment.split("\n")):
        found = _METADATA.fullmatch(line[:_LONGEST_NOTE].strip())
        name = find_call_field(found["key"]) if found else None
        if found and name:
            fields.setdefault(name, found["value"])
    return fields


FORMAT = TranscriptFormat(
    name="WebVTT",
    suffixes=(".vtt", ".srt"),
    recognises=recognises,
    parse=parse,
    shape="a line WEBVTT, then cues with <v Agent> or 'Agent: …'",
)

"""Uploaded transcripts: read at once, corrected by the user, and shown as read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analyzer.domain import Role
from analyzer.errors import TranscriptError
from analyzer.pages._escaping import as_html
from analyzer.pages._wording import MISSING_WORDS, ROLE_WORDS, say_count, say_day, say_list
from analyzer.readers.transcripts import ReadCall, ReadOptions, Speaker, scan_bytes

#: Below this much sureness a role is shown as a guess.
SURE_ENOUGH = 0.75
_SHOWN = 200


@dataclass(frozen=True)
class Upload:
    """One uploaded file; ``key`` stays the same while it lies in the drop zone."""

    key: str
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Correction:
    """What the user says about calls; None and empty leave things as they were read.

    Attributes:
        roles: Role of each speaker by label.
        date: Day of the call.
        company: Key or name of the company.
        position: Position of agents who carry none.
        agent_id: The agent's id.
        team: The agent's team.
    """

    roles: tuple[tuple[str, Role], ...] = ()
    date: dt.date | None = None
    company: str | None = None
    position: str | None = None
    agent_id: str | None = None
    team: str | None = None

    def over(self, general: Correction) -> Correction:
        """This correction, filled up from one for all calls."""
        return Correction(
            roles=tuple((dict(general.roles) | dict(self.roles)).items()),
            date=self.date or general.date,
            company=self.company or general.company,
            position=self.position or general.position,
            agent_id=self.agent_id or general.agent_id,
            team=self.team or general.team,
        )

    def as_options(self) -> ReadOptions:
        """As the readers take it: roles win, the rest fills what a file does not say."""
        return ReadOptions(
            roles=dict(self.roles),
            date=self.date,
            company=self.company,
            position=self.position,
            agent_id=self.agent_id,
            team=self.team,
        )


@dataclass(frozen=True)
class Item:
    """One call of the uploaded files; ``key`` names its file and its place in it."""

    key: str
    read: ReadCall

    @property
    def doubts(self) -> tuple[str, ...]:
        """What to look at before analysing: what is missing, and roles that are a guess."""
        missing = tuple(MISSING_WORDS[name] for name in self.read.missing if name in MISSING_WORDS)
        guessed = any(speaker.confidence < SURE_ENOUGH for speaker in self.read.speakers)
        return (*missing, *(("sure roles",) if guessed else ()))


@dataclass(frozen=True)
class Reading:
    """What the uploaded files gave: calls, and why a file or a call could not be read."""

    items: tuple[Item, ...] = ()
    failures: tuple[TranscriptError, ...] = ()


class UploadReader:
    """Reads uploads and remembers what it read, so that a rerun of the page reads nothing twice."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Correction], tuple[ReadCall | TranscriptError, ...]] = {}

    def read(
        self,
        uploads: Sequence[Upload],
        general: Correction,
        own: Mapping[str, Correction],
    ) -> Reading:
        """Read uploads with the corrections that the user gave.

        Args:
            uploads: The files that lie in the drop zone now.
            general: For all calls: fills in what they do not say; its roles win.
            own: By :attr:`Item.key`, for single calls: what it says wins over the file.
        """
        present = {upload.key for upload in uploads}
        self._kept = {key: value for key, value in self._kept.items() if key[0] in present}
        items: list[Item] = []
        failures: list[TranscriptError] = []
        for upload in uploads:
            for index, found in enumerate(self._scan(upload, general)):
                if isinstance(found, TranscriptError):
                    failures.append(found)
                    continue
                key = f"{upload.key}/{index}"
                if key in own:
                    found = self._corrected(upload, index, found, own[key], general)  # noqa: PLW2901
                items.append(Item(key, found))
        return Reading(tuple(items), tuple(failures))

    def _scan(
        self, upload: Upload, correction: Correction
    ) -> tuple[ReadCall | TranscriptError, ...]:
        key = (upload.key, correction)
        if key not in self._kept:
            options = correction.as_options()
            self._kept[key] = tuple(scan_bytes(upload.name, upload.data, options))
        return self._kept[key]

    def _corrected(
        self, upload: Upload, index: int, read: ReadCall, own: Correction, general: Correction
    ) -> ReadCall:
        again = self._scan(upload, own.over(general))
        corrected = again[index] if index < len(again) else read
        if isinstance(corrected, TranscriptError):
            return read
        said: dict[str, Any] = {
            name: value
            for name in ("date", "company", "agent_id", "team")
            if (value := getattr(own, name)) is not None
        }
        return replace(corrected, call=corrected.call.model_copy(update=said))


def summarise(reading: Reading) -> str:
    """The reading in one sentence: how many calls, and what they lack."""
    n_lacking = sum(1 for item in reading.items if item.doubts)
    parts = [f"{say_count(len(reading.items), 'call')} read"]
    if reading.failures:
        parts[0] += f", {len(reading.failures)} could not be"
    if n_lacking:
        lacks = dict.fromkeys(doubt for item in reading.items for doubt in item.doubts)
        verb = "lacks" if n_lacking == 1 else "lack"
        parts.append(f"{n_lacking} {verb} something: {say_list(tuple(lacks))}")
    return "; ".join(parts).capitalize() + "."


def render_items(items: Iterable[Item], *, chosen: str | None = None) -> str:
    """The calls as read, as HTML, those that lack something first; every word escaped.

    Args:
        items: The calls.
        chosen: Key of the one that is being corrected.
    """
    ordered = sorted(items, key=lambda item: not item.doubts)
    rows = "".join(_item(item, is_chosen=item.key == chosen) for item in ordered[:_SHOWN])
    more = len(ordered) - _SHOWN
    tail = f'<p class="wb-aside">and {more} more, all read.</p>' if more > 0 else ""
    return f'<div class="wb-items">{rows}{tail}</div>'


def _item(item: Item, *, is_chosen: bool) -> str:
    read, call = item.read, item.read.call
    facts = [read.format, say_count(len(call.turns), "turn"), say_day(call.date)]
    facts += [call.company] if call.company else []
    speakers = "".join(_speaker(speaker) for speaker in read.speakers)
    lacks = "".join(f"<li>{as_html(doubt)}</li>" for doubt in item.doubts)
    lacking = f'<ul class="wb-lacks"><li>to give:</li>{lacks}</ul>' if lacks else ""
    notes = "".join(f'<p class="wb-aside">{as_html(note)}</p>' for note in read.notes)
    chosen = " wb-chosen" if is_chosen else ""
    return (
        f'<div class="wb-read{chosen}"><b>{as_html(call.call_id)}</b> '
        f'<span class="wb-mute">{as_html(read.source)}</span>'
        f'<div class="wb-mute">{as_html(" · ".join(facts))}</div>'
        f'<ul class="wb-speakers">{speakers}</ul>{lacking}{notes}</div>'
    )


def _speaker(speaker: Speaker) -> str:
    sure = "sure" if speaker.confidence >= SURE_ENOUGH else "a guess"
    figure = f"{sure}, {speaker.confidence:.2f}" if speaker.confidence < 1 else speaker.how
    guess = "" if speaker.confidence >= SURE_ENOUGH else ' class="wb-tone-authority"'
    return (
        f"<li{guess}><b>{as_html(speaker.label)}</b> {ROLE_WORDS[speaker.role].lower()} "
        f'<span class="wb-mute" title="{as_html(speaker.how)}">{as_html(figure)} · '
        f"{say_count(speaker.n_turns, 'turn')}</span></li>"
    )

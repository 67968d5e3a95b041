"""What reading a transcript takes and gives, and what a format declares of itself.

A format is one module of this package with a constant ``FORMAT``, a :class:`TranscriptFormat`. Its
``parse`` cuts the text into :class:`RawCall` objects and hands each to
:func:`analyzer.readers.transcripts.assembly.build_call`, which finds the roles, fills in what the
user said about the calls, and checks the result.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyzer.domain import Call, Role
from analyzer.errors import TranscriptError


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about transcripts that do not say it themselves.

    Attributes:
        roles: Role of a speaker by the label in the file, or by name; it wins over everything.
            Case does not matter; labels that a file does not have are ignored.
        columns: Our field to the user's column, for tables: ``{"text": "what_was_said"}``.
        date: Day of the call, where it took place.
        company: Key or display name of the company.
        position: Position of agents whose turns carry none, such as ``representative``.
        agent_id: The agent's id.
        team: The agent's team.
        customer_id: The customer's id.
    """

    roles: Mapping[str, Role] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    date: dt.date | None = None
    company: str | None = None
    position: str | None = None
    agent_id: str | None = None
    team: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True)
class Speaker:
    """One speaker of a call and the role found.

    Attributes:
        label: As in the file.
        role: The role found or set.
        confidence: How sure the role is, in [0, 1]; 1 where the file or the user says it.
        how: Why this role, in a few words.
        n_turns: Number of turns in the call.
    """

    label: str
    role: Role
    confidence: float
    how: str
    n_turns: int


@dataclass(frozen=True)
class ReadCall:
    """One call as it was read, with what a person should know about the reading.

    Attributes:
        call: The call.
        source: The file, as it was named.
        format: Name of the format that recognised the file.
        encoding: The encoding that it was read as.
        speakers: The speakers in the order in which they are first heard.
        missing: Which of ``date``, ``company``, ``position`` and ``customer_id`` neither the file
            nor the options say; ``position`` if any agent's turn lacks one.
        notes: What was inferred or left out, a sentence each; no words of the call.
    """

    call: Call
    source: str
    format: str = ""
    encoding: str = ""
    speakers: tuple[Speaker, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RawTurn:
    """One turn as the file has it.

    Attributes:
        label: The speaker's label as in the file; None continues the turn before.
        text: What was said, verbatim.
        role: The role, where a field of its own says it.
        name: The speaker's name, where a field of its own says it.
        position: The agent's position, where a field of its own says it.
        start: Seconds from the beginning of the call.
        end: Seconds from the beginning of the call.
        extra: Further fields to keep with the turn.
    """

    label: str | None
    text: str
    role: Role | None = None
    name: str | None = None
    position: str | None = None
    start: float | None = None
    end: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RawCall:
    """One call as the file has it.

    Attributes:
        turns: In the order spoken.
        fields: Fields of :class:`analyzer.domain.Call` but the turns, as they stand in the file;
            also ``position`` (of agents), ``agent_name`` and ``customer_name``.
        line: 1-based line at which the call begins.
        notes: What the format had to infer or leave out.
        keeps_empty: Whether turns without words are kept, because marks count turns.
    """

    turns: Sequence[RawTurn]
    fields: Mapping[str, Any] = field(default_factory=dict)
    line: int | None = None
    notes: tuple[str, ...] = ()
    keeps_empty: bool = False


#: What a format makes of a file: its calls, and in the place of a call that is broken, why.
Parsed = Sequence[ReadCall | TranscriptError]


@dataclass(frozen=True)
class TranscriptFormat:
    """A transcript format, as its module declares it.

    Attributes:
        name: Short name that people see, such as ``WebVTT``.
        suffixes: File suffixes that are looked at in folders, with their dot, in lower case.
        recognises: ``(text, name)`` to how sure the format is that the text is of its kind, in
            [0, 1], by the text's shape; the file's name breaks ties only. 0 is "not mine". It never
            raises.
        parse: ``(text, source, options)`` to the calls. A call of many that is broken is a
            :class:`TranscriptError` in its place; a file that is broken as a whole raises one.
            Format and encoding of the calls are filled in by the registry.
        shape: What the user would have to write, in a few words, for the message that says that
            no format fits.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[str, str], float]
    parse: Callable[[str, str, ReadOptions], Parsed]
    shape: str

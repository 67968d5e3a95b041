"""From what a format cut out of a file to a checked call with roles, days and notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from analyzer.domain import Call, Role, describe
from analyzer.errors import TranscriptError
from analyzer.readers.transcripts.fields import DayError, read_day
from analyzer.readers.transcripts.labels import is_generic, read_label
from analyzer.readers.transcripts.reading import RawCall, RawTurn, ReadCall, ReadOptions, Speaker
from analyzer.readers.transcripts.roles import Finding, find_roles
from analyzer.readers.transcripts.times import read_moment

#: Below this a role is a guess, and the notes say so.
SURE_ENOUGH = 0.75
_KEPT_CONTROLS = frozenset("\t\n")
_FIRST_PRINTABLE = 32
_FROM_OPTIONS = ("company", "customer_id", "agent_id", "team")
_NAME_FIELDS: Mapping[Role, str] = {"agent": "agent_name", "customer": "customer_name"}
_MISSABLE = ("date", "company", "position", "customer_id")


@dataclass(frozen=True)
class _Part:
    """A turn with the spelling under which its speaker is known."""

    label: str
    turn: RawTurn


def build_call(raw: RawCall, *, source: str, options: ReadOptions) -> ReadCall:
    """Find the roles, fill in what the options say, and check the call.

    Args:
        raw: The call as the file has it.
        source: The file, for the messages.
        options: What the user says about it.

    Returns:
        The call; its format and encoding are left for the registry.

    Raises:
        TranscriptError: If there are no turns, only one speaker, or a field breaks its rule.
    """
    notes = list(raw.notes)
    turns = _joined(raw, notes)
    if not turns:
        message = (
            "no turn was found in this call; write the speaker before each, as in 'Agent: …' and "
            "'Customer: …'"
        )
        raise TranscriptError(message, path=source, line=raw.line)
    if not any(turn.text.strip() for turn in turns):
        message = "there are no words in any turn; check that the right column or field was read"
        raise TranscriptError(message, path=source, line=raw.line)
    parts = _with_labels(turns)
    chosen = _chosen_roles(parts, options.roles)
    roles = _roles(parts, chosen, raw, options)
    speakers = _speakers(parts, roles)
    _refuse_one_voice(speakers, chosen, source, raw.line)
    fields = _call_fields(raw.fields, options, notes)
    position = _text(raw.fields.get("position")) or options.position
    names = _names_by_role(raw.fields, speakers)
    fields["turns"] = [
        _turn_fields(part, roles[_key(part)].role, position, names) for part in parts
    ]
    call = _checked(fields, source, raw.line)
    notes.extend(_doubts(speakers))
    return ReadCall(call, source, speakers=speakers, missing=_missing(call), notes=tuple(notes))


def clean_text(text: str) -> str:
    """Text without what no store can keep: lone surrogates and control characters."""
    if text.isprintable():
        return text
    kept = "".join(
        letter for letter in text if ord(letter) >= _FIRST_PRINTABLE or letter in _KEPT_CONTROLS
    )
    return kept.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _joined(raw: RawCall, notes: list[str]) -> list[RawTurn]:
    """The turns with words; one without a speaker is said by the person who spoke last."""
    out: list[RawTurn] = []
    person: RawTurn | None = None
    n_joined = n_empty = n_before = 0
    for given in raw.turns:
        turn = replace(given, text=clean_text(given.text))
        if not turn.text.strip() and not raw.keeps_empty:
            n_empty += 1
        elif turn.label is None and turn.role is None:
            if person is None:
                n_before += 1
                out.append(replace(turn, role="system"))
            elif out[-1] is person:
                n_joined += 1
                end = person.end if turn.end is None else turn.end
                person = replace(person, text=f"{person.text} {turn.text}", end=end)
                out[-1] = person
            else:
                n_joined += 1
                person = replace(person, text=turn.text, start=turn.start, end=turn.end)
                out.append(person)
        else:
            out.append(turn)
            person = person if _is_system(turn) else turn
    if n_joined:
        notes.append(f"{_count(n_joined, 'turn')} without a speaker given to whoever spoke before.")
    if n_before:
        notes.append(f"{_count(n_before, 'turn')} with no speaker before it is kept as system's.")
    if n_empty:
        notes.append(f"{_count(n_empty, 'turn')} without words left out.")
    return out


def _is_system(turn: RawTurn) -> bool:
    role = turn.role or (read_label(turn.label).role if turn.label else None)
    return role == "system"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _with_labels(turns: Sequence[RawTurn]) -> list[_Part]:
    """Spellings of a label that differ in case or white space alone are one speaker's.

    So is a bare label after the same one with a name: ``Agent (Dana): …`` and then ``Agent: …``.
    """
    labels = [clean_text(" ".join((turn.label or "").split())) for turn in turns]
    first: dict[str, str] = {}
    fuller: dict[str, list[str]] = {}
    for label in labels:
        key = label.casefold()
        bare = key.split(" (")[0].split(" [")[0]
        if key not in first and bare != key and read_label(bare).role is not None:
            fuller.setdefault(bare, [] if bare not in first else [label]).append(label)
        first.setdefault(key, label)
    for bare, full in fuller.items():
        if len(full) == 1:
            first[bare] = full[0]
    return [_Part(first[label.casefold()], turn) for label, turn in zip(labels, turns, strict=True)]


_SpeakerKey = tuple[str, Role | None]


def _key(part: _Part) -> _SpeakerKey:
    return part.label, part.turn.role


def _chosen_roles(parts: Sequence[_Part], roles: Mapping[str, Role]) -> dict[str, Role]:
    wanted = {" ".join(label.split()).casefold(): role for label, role in roles.items()}
    out: dict[str, Role] = {}
    for part in parts:
        for spelling in (part.label, read_label(part.label).name):
            role = wanted.get(spelling.casefold()) if spelling else None
            if role is not None and part.turn.label is not None:
                out.setdefault(part.label, role)
    return out


def _roles(
    parts: Sequence[_Part], chosen: Mapping[str, Role], raw: RawCall, options: ReadOptions
) -> dict[_SpeakerKey, Finding]:
    out: dict[_SpeakerKey, Finding] = {}
    spoken: dict[str, list[str]] = {}
    known: dict[str, Finding] = {}
    for part in parts:
        if part.label in chosen:
            known[part.label] = Finding(chosen[part.label], 1.0, "set by the user")
        elif part.turn.role is not None:
            known[part.label] = Finding(part.turn.role, 1.0, "the file says so")
        if part.label in known:
            out[_key(part)] = known[part.label]
        spoken.setdefault(part.label, []).append(part.turn.text)
    company = _text(raw.fields.get("company")) or options.company
    found = find_roles(spoken, known=known, company=company)
    for part in parts:
        out.setdefault(_key(part), found[part.label])
    return out


def _speakers(parts: Sequence[_Part], roles: Mapping[_SpeakerKey, Finding]) -> tuple[Speaker, ...]:
    counts: dict[_SpeakerKey, int] = {}
    for part in parts:
        if part.turn.label is not None:
            counts[_key(part)] = counts.get(_key(part), 0) + 1
    return tuple(
        Speaker(key[0], roles[key].role, roles[key].confidence, roles[key].how, n)
        for key, n in counts.items()
    )


def _refuse_one_voice(
    speakers: Sequence[Speaker], chosen: Mapping[str, Role], source: str, line: int | None
) -> None:
    people = [speaker for speaker in speakers if speaker.role != "system"]
    if len(people) > 1 or any(speaker.label in chosen for speaker in people):
        return
    if not people:
        message = (
            "no turn says who speaks, so customer and agent cannot be told apart; write the "
            "speaker before each turn, as in 'Agent: …' and 'Customer: …'"
        )
        raise TranscriptError(message, path=source, line=line)
    only = people[0]
    raise TranscriptError(
        f"only one speaker is heard, {only.label!r} in {_count(only.n_turns, 'turn')}; check that "
        f"the file holds both sides of the call, or set the role of {only.label!r} if it is meant",
        path=source,
        line=line,
    )


def _call_fields(
    given: Mapping[str, Any], options: ReadOptions, notes: list[str]
) -> dict[str, Any]:
    fields = {
        name: clean_text(value).strip() if isinstance(value, str) else value
        for name, value in given.items()
        if name not in {"position", *_NAME_FIELDS.values()}
    }
    fields = {name: value for name, value in fields.items() if value not in ("", None)}
    for name in _FROM_OPTIONS:
        value = getattr(options, name)
        if value is not None:
            fields.setdefault(name, value)
    _set_date(fields, options, notes)
    return fields


def _set_date(fields: dict[str, Any], options: ReadOptions, notes: list[str]) -> None:
    """The day where the call took place, from the date or else from the moment it began."""
    written = fields.get("date")
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written)
    if isinstance(written, str):
        moment = read_moment(written)
        try:
            fields["date"] = moment.day if moment else read_day(written)
        except DayError as error:
            notes.append(f"The date was left out: {error}; give it as 2026-03-04.")
            del fields["date"]
        if moment:
            fields.setdefault("started_at", moment.text)
    if "date" not in fields and options.date is not None:
        fields["date"] = options.date
    elif "date" not in fields and isinstance(fields.get("started_at"), str):
        day = _local_day(fields["started_at"], fields.get("timezone"))
        if day is not None:
            fields["date"] = day
            notes.append("The date was taken from the time at which the call began.")


def _local_day(started_at: str, zone: object) -> dt.date | None:
    moment = read_moment(started_at)
    if moment is None:
        return None
    try:
        began = dt.datetime.fromisoformat(moment.text)
        if began.tzinfo is not None and isinstance(zone, str):
            return began.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return moment.day
    return moment.day


def _turn_fields(
    part: _Part, role: Role, position: str | None, names: Mapping[Role, str]
) -> dict[str, Any]:
    turn = part.turn
    said = read_label(part.label)
    name = turn.name or (None if turn.label is None or is_generic(part.label) else said.name)
    out: dict[str, Any] = {**turn.extra, "role": role, "text": turn.text}
    out["name"] = _text(name) or names.get(role)
    if role == "agent":
        out["position"] = turn.position or said.position or position
    elif turn.position:
        out["position"] = turn.position
    out["start"], out["end"] = turn.start, turn.end
    if turn.start is not None and turn.end is not None and turn.end < turn.start:
        out["end"] = None
    return {key: value for key, value in out.items() if value is not None}


def _names_by_role(fields: Mapping[str, Any], speakers: Sequence[Speaker]) -> dict[Role, str]:
    """Names that the call's fields give; not where several speakers share the role."""
    out: dict[Role, str] = {}
    for role, key in _NAME_FIELDS.items():
        name = _text(fields.get(key))
        if name and sum(1 for speaker in speakers if speaker.role == role) == 1:
            out[role] = name
    return out


def _text(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    return clean_text(str(value)).strip() or None


def _checked(fields: dict[str, Any], source: str, line: int | None) -> Call:
    try:
        call = Call.model_validate(fields)
        _ = call.content_hash
    except ValidationError as error:
        message = f"{describe(error)}; correct it in the file"
        raise TranscriptError(message, path=source, line=line) from error
    except (ValueError, RecursionError) as error:
        message = "a field beside the turns is nested too deeply to be kept; leave it out"
        raise TranscriptError(message, path=source, line=line) from error
    return call


def _missing(call: Call) -> tuple[str, ...]:
    has_position = all(turn.position for turn in call.turns if turn.role == "agent")
    known = {name: getattr(call, name, None) for name in _MISSABLE} | {"position": has_position}
    return tuple(name for name in _MISSABLE if not known[name])


def _doubts(speakers: Sequence[Speaker]) -> list[str]:
    notes = []
    unsure = [speaker.label for speaker in speakers if speaker.confidence < SURE_ENOUGH]
    if unsure:
        shown = ", ".join(repr(label) for label in unsure)
        notes.append(f"Who is agent and who is customer is a guess for {shown}; check and set it.")
    heard = {speaker.role for speaker in speakers}
    notes.extend(
        f"No {role} was found among the speakers; check the roles."
        for role in ("agent", "customer")
        if role not in heard
    )
    return notes

"""The usual spellings of the fields of a call and of a turn, and of days."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Literal

Unit = Literal["s", "ms", "us"]

#: Field of a call -> its usual spellings, without case and punctuation.
CALL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "call_id": (
        "callid", "call", "callref", "callreference", "conversationid", "conversation", "contactid",
        "interactionid", "sessionid", "chatid", "dialogueid", "dialogid", "transcriptid", "ucid",
    ),
    "date": ("date", "calldate", "day", "dateofcall", "conversationdate", "contactdate"),
    "started_at": (
        "startedat", "calldatetime", "datetime", "callstart", "callstarttime", "callstartedat",
    ),
    "timezone": ("timezone", "tz"),
    "company": (
        "company", "companyname", "companyid", "companykey", "brand", "organisation",
        "organization", "business", "merchant",
    ),
    "customer_id": (
        "customerid", "customernumber", "customerno", "clientid", "clientnumber", "callerid",
        "memberid", "membernumber",
    ),
    "account_id": ("accountid", "accountnumber", "accountno", "account"),
    "phone": ("phone", "phonenumber", "telephone", "ani", "callernumber", "customerphone"),
    "agent_id": (
        "agentid", "repid", "representativeid", "employeeid", "advisorid", "operatorid", "csrid",
    ),
    "team": ("team", "teamname", "agentteam"),
    "channel": ("channel", "medium", "contactchannel", "media", "mediatype"),
    "language": ("language", "lang", "locale"),
    "position": (
        "position", "agentposition", "agentrole", "agenttitle", "jobtitle", "repposition",
        "agentlevel",
    ),
    "agent_name": ("agentname", "repname", "representativename", "advisorname", "csrname"),
    "customer_name": ("customername", "callername", "clientname"),
}  # fmt: skip

#: Field of a turn -> its usual spellings, without case, punctuation and unit.
TURN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "turn": (
        "turn", "turnid", "turnindex", "turnno", "turnnumber", "index", "idx", "seq", "sequence",
        "sequenceid", "sequencenumber", "order", "line", "lineno", "utteranceid", "utteranceindex",
        "utteranceno", "sentenceindex", "segmentid",
    ),
    "speaker": (
        "speaker", "speakerlabel", "speakerid", "participant", "participantid", "who", "from",
        "sender", "author", "party", "talker", "voice", "spokenby", "saidby",
    ),
    "role": (
        "role", "speakerrole", "participantrole", "speakertype", "participanttype", "senderrole",
        "sendertype", "authorrole", "authortype", "partytype",
    ),
    "name": ("name", "speakername", "participantname", "sendername", "displayname"),
    "text": (
        "text", "utterance", "content", "message", "transcript", "transcription", "sentence",
        "words", "body", "dialogue", "speech", "msg", "turntext", "messagetext", "utterancetext",
        "transcripttext", "said", "what",
    ),
    "start": (
        "start", "starttime", "starttimestamp", "timestamp", "time", "offset", "begin", "begintime",
        "startoffset", "beginoffset", "stime", "tsoffset", "messagetime", "at", "sentat",
    ),
    "end": (
        "end", "endtime", "endtimestamp", "stop", "stoptime", "endoffset", "etime", "finish",
    ),
}  # fmt: skip

#: What stands above a transcript and says nothing that a call needs.
UNUSED_HEADERS = frozenset(
    {
        "duration", "length", "queue", "topic", "subject", "title", "recording", "recordingid",
        "participants", "transcript", "file", "filename", "source", "disposition", "department",
        "handletime", "calltype", "direction", "reason", "category", "location", "site", "status",
        "created", "generated", "transcribedby", "version", "kind", "time", "starttime", "endtime",
    }
)  # fmt: skip

_UNITS: Mapping[str, Unit] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "usec", "usecs", "micros", "microseconds"), "us"),
}
_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def _index(fields: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {spelling: name for name, spellings in fields.items() for spelling in spellings}


_CALL_INDEX = _index(CALL_FIELDS)
_TURN_INDEX = _index(TURN_FIELDS)


def find_call_field(key: str) -> str | None:
    """The field of a call that a column, a header line or a key means, or None."""
    return _CALL_INDEX.get("".join(_tokens(key)))


def find_turn_field(key: str) -> tuple[str, Unit | None] | None:
    """The field of a turn that a column or key means, with the unit of time that it names.

    ``start_ms`` is ``("start", "ms")``; ``Speaker`` is ``("speaker", None)``.
    """
    tokens = _tokens(key)
    if not tokens:
        return None
    whole = _TURN_INDEX.get("".join(tokens))
    if whole:
        return whole, None
    unit = _UNITS.get(tokens[-1])
    timed = _TURN_INDEX.get("".join(tokens[:-1])) if unit else None
    return (timed, unit) if timed in {"start", "end"} and timed else None


def is_unused_header(key: str) -> bool:
    """Whether a header line of this name is known to say nothing that a call needs."""
    return "".join(_tokens(key)) in UNUSED_HEADERS


def _tokens(key: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(key)]


class DayError(ValueError):
    """What stands for a day is none, or could be two; the message says which."""


_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_ISO_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SLASH_DAY = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_DOT_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s.-]+(?:of\s+)?([a-z]{3,9})\.?[\s,-]+(\d{4})")
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+")
_LAST_MONTH = 12


def read_day(text: str) -> dt.date:
    """Read a day in one of its usual spellings.

    ``2026-03-04``, ``20260304``, ``4 March 2026``, ``Wednesday, March 4, 2026``, ``4.3.2026``, and
    ``3/25/2026`` where one of the two numbers can only be the day.

    Raises:
        DayError: If it is no day, or ``3/4/2026``, which is two.
    """
    plain = _WEEKDAY.sub("", text.strip().lower(), count=1)
    year, month, day = _year_month_day(plain, text)
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise DayError(f"{text!r} is no day of the calendar") from None


def _year_month_day(plain: str, text: str) -> tuple[int, int, int]:
    if found := _ISO_DAY.fullmatch(plain) or _COMPACT_DAY.fullmatch(plain):
        year, month, day = map(int, found.groups())
        return year, month, day
    if found := _DOT_DAY.fullmatch(plain):
        day, month, year = map(int, found.groups())
        return year, month, day
    if found := _SLASH_DAY.fullmatch(plain):
        first, second, year = map(int, found.groups())
        if first > _LAST_MONTH or first == second:
            return year, second, first
        if second > _LAST_MONTH:
            return year, first, second
        raise DayError(f"{text!r} can be read as two days")
    if found := _DAY_MONTH.fullmatch(plain):
        return int(found[3]), _month(found[2], text), int(found[1])
    if found := _MONTH_DAY.fullmatch(plain):
        return int(found[3]), _month(found[1], text), int(found[2])
    raise DayError(f"{text!r} is no day")


def _month(word: str, text: str) -> int:
    for number, month in enumerate(_MONTHS, 1):
        if month.startswith(word) or (word == "sept" and month == "september"):
            return number
    raise DayError(f"{text!r} is no day")

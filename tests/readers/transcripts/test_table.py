"""Tables: a row a turn, a row a call, columns in many spellings."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import TranscriptError
from analyzer.readers.transcripts import (
    ReadCall,
    ReadOptions,
    read_bytes,
    read_transcripts,
    scan_bytes,
)

DATA = Path(__file__).parents[2] / "data" / "transcripts"


def read(text: str, **options: Any) -> list[ReadCall]:
    return read_bytes("calls.csv", text.encode(), ReadOptions(**options))


def said(call: ReadCall) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in call.call.turns]


def test_a_row_a_turn_with_many_calls_semicolons_and_milliseconds():
    first, second = read_transcripts(DATA / "turns.csv")
    assert (first.call.call_id, first.call.date) == ("K-1", dt.date(2026, 3, 4))
    assert [(t.role, t.name, t.start, t.text) for t in first.call.turns] == [
        ("customer", "Sam", 0.0, "I was charged a fee."),
        ("agent", "Dana", 4.1, "It is waived; just this once."),
    ]
    assert first.notes == ("Turns were sorted by their numbers.",)
    assert (second.call.call_id, second.call.date, second.notes) == ("K-2", None, ())


def test_a_row_a_call():
    first, second = read_transcripts(DATA / "calls.csv")
    assert (first.call.call_id, first.call.agent_id) == ("C-1", "A-42")
    assert (first.call.date, first.call.started_at) == (
        dt.date(2026, 1, 5),
        "2026-01-05T10:00:00Z",
    )
    assert said(first) == [
        ("agent", "Hello."),
        ("customer", "I was promised a refund."),
        ("agent", "You get it by Friday."),
    ]
    assert [t.name for t in first.call.turns] == ["Dana Lee", None, "Dana Lee"]
    assert said(second) == [("agent", "Hello there."), ("customer", "Hi."), ("agent", "Bye.")]


@pytest.mark.parametrize(
    "header",
    [
        "speaker,text",
        "Role,Utterance",
        "PARTICIPANT,Content",
        "who,message",
        "SpeakerLabel,transcript",
        "participant_role,Message Text",
        "From,Body",
        "Sender;Message",
        "speaker\ttext",
        "speaker|text",
        "sep=;\nspeaker;text",
        '"speaker","text"',
        "\nspeaker,text",
    ],
)
def test_columns_in_their_usual_spellings(header):
    sign = next(sign for sign in "\t|;," if sign in header.split("\n")[-1])
    (call,) = read(f"{header}\nAgent{sign}Hello.\nCustomer{sign}Hi.\n")
    assert said(call) == [("agent", "Hello."), ("customer", "Hi.")]


def test_role_name_position_and_company_columns():
    (call,) = read(
        "call_id,company,role,speaker,position,text,customer_id\n"
        "1,bm,agent,Dana,representative,Hello.,C-1\n"
        "1,bm,customer,Sam,,Hi.,\n"
        "1,bm,agent,Omar,supervisor,Yes.,\n"
    )
    assert [(t.role, t.name, t.position) for t in call.call.turns] == [
        ("agent", "Dana", "representative"),
        ("customer", "Sam", None),
        ("agent", "Omar", "supervisor"),
    ]
    assert (call.call.company, call.call.customer_id) == ("bm", "C-1")
    assert call.missing == ("date",)


def test_columns_mapped_by_the_user():
    text = "ref,wer,was,sek\n9,Agent,Hallo.,0\n9,Customer,Hi.,2.5\n"
    with pytest.raises(TranscriptError, match="the columns are 'ref', 'wer', 'was', 'sek'"):
        read(text)
    columns = {"call_id": "ref", "speaker": "WER", "text": "was", "start": "sek"}
    (call,) = read(text, columns=columns)
    assert call.call.call_id == "9"
    assert [t.start for t in call.call.turns] == [0.0, 2.5]
    assert said(call) == [("agent", "Hallo."), ("customer", "Hi.")]


def test_a_mapping_wins_over_a_usual_spelling():
    text = "speaker,text,clean_text\nAgent,uh hello,Hello.\nCustomer,uh hi,Hi.\n"
    (call,) = read(text, columns={"text": "clean_text"})
    assert said(call) == [("agent", "Hello."), ("customer", "Hi.")]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"speaker": "nobody"}, "there is no column 'nobody' for speaker; the columns are"),
        ({"speeker": "who"}, "there is no field 'speeker' to map a column to; fields are"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(columns, says):
    with pytest.raises(TranscriptError, match=says):
        read("who,text\nAgent,a\nCustomer,b\n", columns=columns)


@pytest.mark.parametrize(
    ("column", "cells", "starts"),
    [
        ("start", ("0.0", "3.9"), [0.0, 3.9]),
        ("start", ("0", "4"), [0.0, 4.0]),
        ("start", ("0", "3900"), [0.0, 3.9]),
        ("start_ms", ("0", "12"), [0.0, 0.012]),
        ("Start time (s)", ("10", "3900"), [10.0, 3900.0]),
        ("timestamp_usec", ("1000000", "3500000"), [1.0, 3.5]),
        ("timestamp", ("00:00:01", "00:01:02.5"), [1.0, 62.5]),
        ("time", ("2026-03-04T10:00:00Z", "2026-03-04T10:00:05Z"), [0.0, 5.0]),
        ("time", ("2026-03-04 23:59:58", "2026-03-05 00:00:03"), [0.0, 5.0]),
        ("timestamp", ("1767607200000", "1767607203500"), [0.0, 3.5]),
        ("offset", ("3.2s", "4.5s"), [3.2, 4.5]),
        ("start", ("soon", "later"), [None, None]),
    ],
)
def test_times_in_their_usual_units(column, cells, starts):
    words = "and so this is what was said on the phone"
    (call,) = read(
        f"speaker,{column},text\nAgent,{cells[0]},{words}\nCustomer,{cells[1]},{words}\n"
    )
    assert [turn.start for turn in call.call.turns] == starts


def test_rows_without_numbers_are_sorted_by_their_times():
    (call,) = read("speaker,start,text\nCustomer,4.5,Hi.\nAgent,1.0,Hello.\n")
    assert said(call) == [("agent", "Hello."), ("customer", "Hi.")]
    assert call.notes == ("Turns were sorted by their times.",)


def test_two_turns_with_one_number_are_an_error_with_the_line():
    with pytest.raises(TranscriptError, match=r"line 4.*number 0 stands twice.*line 2"):
        read("speaker,turn,text\nAgent,0,a\nCustomer,1,b\nAgent,0,c\n")


def test_one_call_of_many_that_is_broken_does_not_stop_the_rest():
    text = "call_id,speaker,text\n1,Agent,a\n1,Customer,b\n2,Agent,c\n3,Agent,d\n3,Customer,e\n"
    items = list(scan_bytes("a.csv", text.encode()))
    assert [item.line if isinstance(item, TranscriptError) else 0 for item in items] == [0, 4, 0]
    with pytest.raises(TranscriptError, match="only one speaker"):
        read(text)


def test_rows_without_speaker_or_words():
    (call,) = read("speaker,text\nAgent,Hello\n,and welcome.\nCustomer,\nCustomer,Hi.\n")
    assert said(call) == [("agent", "Hello and welcome."), ("customer", "Hi.")]
    assert call.notes == (
        "1 turn without a speaker given to whoever spoke before.",
        "1 turn without words left out.",
    )


def test_a_row_without_speaker_after_a_system_row_is_the_persons():
    (call,) = read("speaker,text\nAgent,Wait.\nSystem,[hold]\n,Back.\nCustomer,Hi.\n")
    assert [role for role, _ in said(call)] == ["agent", "system", "agent", "customer"]


def test_an_unquoted_comma_in_the_last_text_column_is_kept():
    (call,) = read("speaker,text\nAgent,Yes, sure, of course.\nCustomer,Hi.\n")
    assert said(call)[0] == ("agent", "Yes, sure, of course.")


def test_a_cell_may_hold_line_ends_and_quotes():
    (call,) = read('speaker,text\nAgent,"He said ""no"",\nthen left."\nCustomer,Hi.\n')
    assert said(call)[0] == ("agent", 'He said "no",\nthen left.')


def test_a_very_long_cell_is_read():
    lines = "\n".join(f"{who}: word {n}" for n in range(9000) for who in ("Agent", "Customer"))
    (call,) = read(f'call_id,transcript\n1,"{lines}"\n')
    assert len(call.call.turns) == 18000


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("speaker,text\n", 1, "no rows under its header"),
        ("text,start\nhello,0\n", 1, "no column says who speaks; the columns are 'text', 'start'"),
        ("speaker,start\nAgent,0\n", 1, "no column says what was said"),
        ("text,speaker\na,b,Agent\n", 2, "3 cells where the header names 2"),
        ('speaker,text\nAgent,a\nCustomer,"b\n', 3, "put quotes round"),
        ("id,transcript\n1,Agent: a Customer: b\n2,nothing\n", 3, "no turn was found"),
    ],
)
def test_tables_that_cannot_be_read(text, line, says):
    with pytest.raises(TranscriptError, match=says) as caught:
        read(text)
    assert caught.value.line == line

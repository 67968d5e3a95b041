"""The native record and its relatives in JSON."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from analyzer.domain import Analysis
from analyzer.errors import TranscriptError
from analyzer.readers.transcripts import ReadCall, read_bytes, read_many, scan_bytes

DATA = Path(__file__).parents[2] / "data" / "transcripts"
TWO = [{"role": "agent", "text": "Hello."}, {"role": "customer", "text": "Hi."}]


def read(value: object) -> ReadCall:
    (call,) = read_bytes("call.json", json.dumps(value).encode())
    return call


def test_a_record_comes_back_as_it_was_written():
    record = {
        "call_id": "c-1",
        "company": "brightmoor",
        "date": "2026-03-04",
        "started_at": "2026-03-04T09:30:00",
        "timezone": "America/New_York",
        "customer_id": "BM-1",
        "account_id": "77",
        "phone": "555",
        "agent_id": "A-1",
        "team": "north",
        "channel": "phone",
        "language": "en",
        "survey": {"stars": 4},
        "turns": [
            {"turn": 0, "role": "agent", "name": "Dana", "position": "representative",
             "start": 0.5, "end": 2.0, "text": " I'll waive  it. ", "mood": "calm"},
            {"turn": 1, "role": "customer", "text": ""},
            {"turn": 2, "role": "customer", "text": "Thanks."},
        ],
    }  # fmt: skip
    found = read(record)
    written = Analysis(call=found.call).to_record()
    assert {key: written[key] for key in record} == record
    assert found.missing == ()
    assert found.notes == ()


def test_marks_of_an_earlier_analysis_are_ignored():
    items = [item for item in read_many([DATA / "records.jsonl"]) if isinstance(item, ReadCall)]
    first = items[0].call
    assert (first.call_id, first.date) == ("r-1", dt.date(2026, 3, 4))
    assert not {"commitments", "stonewalls", "links"} & set(first.model_dump())


@pytest.mark.parametrize(
    ("agent", "customer"),
    [
        ("AGENT", "CUSTOMER"),
        ("assistant", "user"),
        ("HUMAN_AGENT", "END_USER"),
        ("Rep", "Caller"),
    ],
)
def test_roles_are_read_in_their_usual_spellings(agent, customer):
    turns = [{"role": agent, "text": "a"}, {"role": customer, "text": "b"}]
    for value in ({"turns": turns}, [{"turns": turns}], turns, [turns], {"messages": turns}):
        assert [turn.role for turn in read(value).call.turns] == ["agent", "customer"]


def test_a_bare_list_of_turns_with_times_and_names():
    found = read(
        [
            {"speaker": "Sam", "content": "I was charged twice.", "stime": 4.5, "etime": 6},
            {"speaker": "Dana", "content": "Thanks for calling, how can I help?", "stime": 1},
        ]
    )
    assert [(t.role, t.name, t.start, t.end) for t in found.call.turns] == [
        ("agent", "Dana", 1.0, None),
        ("customer", "Sam", 4.5, 6.0),
    ]
    assert "Turns were sorted by their times." in found.notes


def test_turns_in_json_lines_are_grouped_by_their_call():
    rows = [
        {"conversation_id": call, "speaker": who, "text": f"{who} {call}"}
        for call in ("a", "b")
        for who in ("Agent", "Customer")
    ]
    data = "\n".join(json.dumps(row) for row in rows)
    calls = read_bytes("turns.jsonl", data.encode())
    assert [(c.call.call_id, len(c.call.turns)) for c in calls] == [("a", 2), ("b", 2)]


def test_records_one_after_the_other_without_a_list():
    pretty = "\n".join(json.dumps({"call_id": str(n), "turns": TWO}, indent=1) for n in range(3))
    assert [c.call.call_id for c in read_bytes("a.json", pretty.encode())] == ["0", "1", "2"]


def test_a_list_that_breaks_off_gives_the_records_before_the_break():
    text = json.dumps([{"call_id": str(n), "turns": TWO} for n in range(3)], indent=1)
    items = list(scan_bytes("a.json", text[: text.rindex("customer")].encode()))
    assert [isinstance(item, ReadCall) for item in items] == [True, True, False]
    error = items[-1]
    assert isinstance(error, TranscriptError)
    assert error.line == text[: text.rindex("customer")].count("\n") + 1


def test_a_list_of_turns_that_breaks_off_is_not_half_a_call():
    text = json.dumps(TWO * 3)
    (item,) = scan_bytes("a.json", text[:-20].encode())
    assert isinstance(item, TranscriptError)


def test_a_broken_record_among_good_ones_is_named_by_its_line():
    lines = [
        json.dumps({"call_id": "a", "turns": TWO}),
        json.dumps({"call_id": "b", "turns": TWO[:1]}),
        "{oops}",
        json.dumps({"call_id": "d", "turns": [{"role": "agent"}]}),
        json.dumps({"call_id": "e", "turns": [*TWO, 3]}),
        json.dumps({"call_id": "f", "dialog": []}),
        json.dumps(7),
        json.dumps({"call_id": "h", "turns": TWO}),
    ]
    items = list(scan_bytes("a.jsonl", "\n".join(lines).encode()))
    assert [item.line if isinstance(item, TranscriptError) else 0 for item in items] == [
        0, 2, 3, 4, 5, 6, 7, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("{}", 1, "needs a list 'turns'"),
        ("[]", None, "holds no call"),
        ('{"turns": []}', 1, "no turn was found"),
        ('{"results": {"channels": []}}', 1, "the keys found are 'results'"),
        ('{"turns": [{"role": "agent", "text": ""}]}', 1, "no words in any turn"),
        ('{\n"turns": [\n{"role": "agent", "text": "a"', 3, "breaks off"),
        ('{\n"turns": [\n{"role" "agent"}]}', 3, "is not valid here"),
        ("[" * 5000, 1, "nested too deeply"),
        ('{"turns": [{"role": "agent", "text": "a", "start": NaN}]}', 1, "number that JSON"),
        ('{"turns": [{"role": "agent", "text": "a", "start": 1e999}]}', 1, "turn 0: start has to"),
        ('{"turns": [{"role": "agent", "text": "a", "start": "soon"}]}', 1, "turn 0: start has to"),
        ('{"turns": [{"role": "agent", "text": 5}]}', 1, "turn 0 has no text"),
        ('{"date": ["x"], "turns": [{"role": "agent", "text": "a"}]}', 1, "field date has to be"),
    ],
)
def test_json_that_holds_no_call(text, line, says):
    with pytest.raises(TranscriptError, match=says) as caught:
        read_bytes("a.json", text.encode())
    assert caught.value.line == line


def test_turns_numbered_out_of_order_are_an_error():
    turns = [{"turn": 1 - n, **turn} for n, turn in enumerate(TWO)]
    with pytest.raises(TranscriptError, match="number turns from 0 in order"):
        read({"turns": turns})


def test_a_lone_surrogate_and_control_characters_do_no_harm():
    turns = [
        {"role": "agent", "text": "a\ud800b\u0000c"},
        {"role": "customer", "text": "\U0001f600"},
    ]
    found = read({"turns": turns, "tag\udfff": "x\udfff"})
    assert [turn.text for turn in found.call.turns] == ["a\ufffdbc", "\U0001f600"]
    assert found.call.content_hash


def test_a_field_that_is_nested_without_end_is_refused():
    deep: object = 1
    for _ in range(600):
        deep = [deep]
    with pytest.raises(TranscriptError, match="nested too deeply"):
        read({"turns": TWO, "extra": deep})


def test_the_date_comes_from_the_local_time_at_which_the_call_began():
    record = {"started_at": "2026-03-05T02:30:00Z", "timezone": "America/New_York", "turns": TWO}
    assert read(record).call.date == dt.date(2026, 3, 4)
    assert read(record | {"timezone": "Nowhere/Land"}).call.date == dt.date(2026, 3, 5)
    assert read(record | {"date": "2026-03-06"}).call.date == dt.date(2026, 3, 6)
    assert read({"date": 20260304, "turns": TWO}).call.date == dt.date(2026, 3, 4)


def test_a_day_that_does_not_exist_is_left_out_and_noted():
    found = read({"date": "2026-02-30", "turns": TWO})
    assert found.call.date is None
    assert "'2026-02-30' is no day of the calendar" in found.notes[0]


def test_roles_that_the_record_does_not_know_are_found():
    turns = [
        {"role": "speaker_0", "text": "Thank you for calling. How may I help you?"},
        {"role": "speaker_1", "text": "My order never came."},
    ]
    found = read({"turns": turns})
    assert [(s.label, s.role) for s in found.speakers] == [
        ("speaker_0", "agent"),
        ("speaker_1", "customer"),
    ]
    assert [turn.name for turn in found.call.turns] == [None, None]

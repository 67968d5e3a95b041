"""Plain-text transcripts: labels, times, headers, system lines, continuation lines."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from analyzer.errors import TranscriptError
from analyzer.readers.transcripts import ReadCall, read_bytes, read_transcripts, scan_bytes

DATA = Path(__file__).parents[2] / "data" / "transcripts"


def read(text: str) -> ReadCall:
    (call,) = read_bytes("call.txt", text.encode())
    return call


def turns(text: str) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in read(text).call.turns]


def test_a_full_transcript_with_header_times_and_events():
    (found,) = read_transcripts(DATA / "header.txt")
    call = found.call
    assert (call.call_id, call.company, call.customer_id) == ("FH-17", "Fernhall", "C-9")
    assert (call.date, call.channel) == (dt.date(2026, 3, 4), "phone")
    assert [(t.role, t.name, t.position, t.start, t.text) for t in call.turns] == [
        ("agent", None, "representative", 1.0, "Fernhall Insurance, good morning."),
        ("customer", "Grant Abbott", None, 5.0, "Morning. Here's the thing: it lapsed."),
        ("system", None, None, None, "[hold 2 min]"),
        ("agent", None, "representative", 130.0,
         "Back with you. You can choose\n- monthly\n- yearly"),
        ("customer", "Grant Abbott", None, 140.0, "[inaudible] yearly, please."),
        ("agent", "Omar", "supervisor", 151.0, "Omar here."),
        ("system", None, None, None, "call ended"),
    ]  # fmt: skip
    assert found.missing == ()


def test_the_header_names_the_agent_where_there_is_one():
    found = read("Date: 2026-03-04\nAgent: Lorna Hale\n\nAgent: Hello.\nCustomer: Hi.\n")
    assert [turn.name for turn in found.call.turns] == ["Lorna Hale", None]


def test_a_first_turn_right_under_the_header_is_no_name():
    assert turns("Date: 2026-03-04\nAgent: Hello\nCustomer: Hi\n") == [
        ("agent", "Hello"),
        ("customer", "Hi"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Agent: Hello.\nCustomer: Hi.",
        "AGENT: Hello.\nCALLER: Hi.",
        "CSR: Hello.\nClient: Hi.",
        "Dana (Agent): Hello.\nSam (Customer): Hi.",
        "Agent (Dana): Hello.\nCustomer (Sam): Hi.",
        "Agent Dana: Hello.\nCustomer Sam: Hi.",
        "Dana - Agent: Hello.\nSam - Caller: Hi.",
        "Customer Service Representative: Hello.\nCustomer: Hi.",
        "agent_1: Hello.\ncustomer_1: Hi.",
        "**Agent:** Hello.\n**Customer:** Hi.",
        "- Agent: Hello.\n- Customer: Hi.",
        "A: Hello.\nC: Hi.",
        "[00:01:12] Agent: Hello.\n[00:01:15] Customer: Hi.",
        "00:12 Agent: Hello.\n00:15 Customer: Hi.",
        "(00:12) Agent: Hello.\n(00:15) Customer: Hi.",
        "Agent (00:12): Hello.\nCustomer (00:15): Hi.",
        "Agent 00:12: Hello.\nCustomer 00:15: Hi.",
        "00:12 - Agent: Hello.\n00:15 - Customer: Hi.",
        "[16.5 - 17.2] Agent: Hello.\n[17.2 - 18.0] Customer: Hi.",
        "00:00:01.0 --> 00:00:02.0 Agent: Hello.\n00:00:02.0 --> 00:00:03.0 Customer: Hi.",
        "[turn=1 | 00:00:07.6 | AGENT]: Hello.\n[turn=2 | 00:00:09.6 | CUSTOMER]: Hi.",
        "[2026-03-04 10:32:15] Agent: Hello.\n[2026-03-04 10:32:20] Customer: Hi.",
        "[04/03/2026, 10:32:15] Agent: Hello.\n[04/03/2026, 10:32:20] Customer: Hi.",
        "10:59 AM Agent: Hello.\n11:01 AM Customer: Hi.",
        "(Agent)\nHello.\n(Customer)\n Hi.",
        "Agent  0:12\nHello.\n\nCustomer  0:15\nHi.",
        "[00:12]\nAgent: Hello.\n[00:15]\nCustomer: Hi.",
        "Agent:\nHello.\nCustomer:\nHi.",
        "Agent: Hello. Customer: Hi.",
        "\n\n  Agent :  Hello.\n\n\n  Customer :  Hi.  \n\n",
    ],
)
def test_the_usual_ways_to_write_a_turn(text):
    assert turns(text) == [("agent", "Hello."), ("customer", "Hi.")]


@pytest.mark.parametrize(
    ("first", "second", "starts"),
    [
        ("[00:01:12]", "[00:01:15]", [72.0, 75.0]),
        ("[16.5 - 17.2]", "[17.2 - 18]", [16.5, 17.2]),
        ("59:58", "00:03", [3598.0, 3603.0]),
        ("23:59:58", "00:00:03", [0.0, 5.0]),
        ("14:05", "14:06", [0.0, 60.0]),
        ("11:59 AM", "12:01 PM", [0.0, 120.0]),
        ("[2026-03-04T10:32:15Z]", "[2026-03-04T10:32:20Z]", [0.0, 5.0]),
    ],
)
def test_times_become_seconds_of_the_call(first, second, starts):
    found = read(f"{first} Agent: Hello.\n{second} Customer: Hi.")
    assert [turn.start for turn in found.call.turns] == starts


def test_a_dated_time_gives_the_day_and_says_so():
    found = read("[2026-03-04 10:32:15] Agent: Hello.\n[2026-03-04 10:32:20] Customer: Hi.")
    assert found.call.date == dt.date(2026, 3, 4)
    assert found.call.started_at == "2026-03-04T10:32:15"
    assert "The date was taken from the time at which the call began." in found.notes


def test_a_date_that_can_be_two_days_is_not_guessed():
    found = read("Date: 03/04/2026\n\nAgent: Hello.\nCustomer: Hi.")
    assert found.call.date is None
    assert any("can be read as two days" in note for note in found.notes)


def test_names_without_roles_are_told_apart_by_their_words():
    found = read(
        "Petra: Thank you for calling Brightmoor, how can I help?\n"
        "Joel Ames: I was charged twice, and my card\n is empty.\n"
        "Petra: Let me check that.\n"
    )
    assert [(s.label, s.role) for s in found.speakers] == [
        ("Petra", "agent"),
        ("Joel Ames", "customer"),
    ]
    assert all(0.9 < speaker.confidence < 1 for speaker in found.speakers)
    assert found.call.turns[1].text == "I was charged twice, and my card is empty."


def test_words_before_a_colon_within_speech_are_no_speakers():
    text = (
        "Agent: Here is what I found:\n"
        "- Total: $66.00\n"
        "Refund: $20\n"
        "Note: it takes five days\n"
        "See https://example.com/terms\n"
        "Customer: Here's my question: when?\n"
        "so tell me: when\n"
    )
    found = turns(text)
    assert [role for role, _ in found] == ["agent", "customer"]
    assert found[0][1].split("\n")[1:3] == ["- Total: $66.00", "Refund: $20"]


def test_a_supervisor_who_speaks_once_by_name_is_a_speaker():
    found = read("Caller: I want a manager.\nCSR: One moment.\nOmar: Hi, Omar here, let me see.")
    assert [(t.role, t.name) for t in found.call.turns] == [
        ("customer", None),
        ("agent", None),
        ("agent", "Omar"),
    ]


def test_a_bare_label_continues_the_one_with_the_name():
    found = read("Agent (Dana, supervisor): Hello.\nCustomer: Hi.\nAgent: Bye.")
    assert [(t.name, t.position) for t in found.call.turns if t.role == "agent"] == [
        ("Dana", "supervisor"),
        ("Dana", "supervisor"),
    ]
    mixed = read("Agent: Hello.\nCustomer: Hi.\nAgent (Omar, supervisor): Yes.\nAgent: Bye.")
    assert [t.name for t in mixed.call.turns if t.role == "agent"] == [None, "Omar", None]


@pytest.mark.parametrize("event", ["[hold 2 min]", "(transferred)", "*** call dropped ***"])
def test_events_are_the_systems_and_speech_goes_on_after_them(event):
    found = turns(f"Agent: One moment.\n{event}\nand here I am.\nCustomer: Fine.")
    assert [role for role, _ in found] == ["agent", "system", "agent", "customer"]
    assert found[2] == ("agent", "and here I am.")


@pytest.mark.parametrize("mark", ["[inaudible]", "(laughs)", "[crosstalk]", "[NAME]", "[PHONE_1]"])
def test_marks_within_speech_stay_in_it(mark):
    assert turns(f"Agent: Hello.\n{mark}\nCustomer: Hi.")[0] == ("agent", f"Hello. {mark}")


def test_many_calls_in_a_file_begin_with_their_headers():
    text = (
        "Call ID: 1\nDate: March 4, 2026\n\nAgent: Hello.\nCustomer: Hi.\n\n"
        "-----\nDate: 5 March 2026\nCall ID: 2\nAgent: Good day.\n\n"
        "Call ID: 3\nAgent: Well.\nCustomer: Yes.\n"
    )
    items = list(scan_bytes("calls.txt", text.encode()))
    assert [getattr(item, "line", None) for item in items] == [None, 8, None]
    calls = [item.call for item in items if isinstance(item, ReadCall)]
    assert [(call.call_id, call.date) for call in calls] == [
        ("1", dt.date(2026, 3, 4)),
        ("3", None),
    ]


def test_lines_before_the_first_speaker_are_counted():
    found = read("This call was recorded in the north office\n\nAgent: Hello.\nCustomer: Hi.")
    assert found.notes == ("Lines before the first speaker that were not used: 1.",)


def test_times_that_run_back_are_an_error_but_crosstalk_is_not():
    assert len(turns("[00:20] Agent: Hello.\n[00:18] Customer: Hi.")) == 2
    with pytest.raises(TranscriptError, match=r"line 3: the turns are out of order"):
        read("[00:10:00] Agent: Hello.\n\n[00:01:00] Customer: Hi.")


def test_two_agents_without_a_customer_are_noted():
    found = read("Agent 1: Hello.\nAgent 2: Hi.")
    assert "No customer was found among the speakers; check the roles." in found.notes

"""WebVTT and SubRip captions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from analyzer.errors import TranscriptError
from analyzer.readers.transcripts import ReadCall, ReadOptions, read_bytes, read_transcripts

DATA = Path(__file__).parents[2] / "data" / "transcripts"


def read(text: str) -> ReadCall:
    (call,) = read_bytes("call.vtt", text.encode())
    return call


def test_names_before_a_colon_and_cues_that_continue():
    (found,) = read_transcripts(DATA / "names.vtt")
    assert [(t.role, t.name, t.start, t.end, t.text) for t in found.call.turns] == [
        ("agent", "Petra Lind", 1.0, 4.2, "Thank you for calling Brightmoor, this is Petra."),
        ("customer", "Joel Ames", 4.9, 9.48, "Hi, I was charged twice: can you look?"),
        ("agent", "Petra Lind", 10.01, 14.0, "Let me check. Yes, I can see it here."),
    ]


def test_voice_tags_notes_markup_and_entities():
    (found,) = read_transcripts(DATA / "voices.vtt")
    call = found.call
    assert (call.date, call.company) == (dt.date(2026, 3, 4), "Brightmoor")
    assert (call.customer_id, call.language) == ("BM-7", "en")
    assert [(t.role, t.name, t.start, t.end, t.text) for t in call.turns] == [
        ("agent", "Petra Lind", 1.0, 2.5, "Thanks for calling, how can I help?"),
        ("customer", "Joel Ames", 2.5, 4.0, "My bill is wrong & late."),
        ("agent", "Petra Lind", 2.5, 5.0, "Oh. Let me look."),
    ]
    assert found.missing == ("position",)


def test_a_cue_without_voice_after_one_with_it_continues():
    found = read(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>Hello.\n\n00:02.000 --> 00:03.000\n"
        "and welcome: come in.\n\n00:03.000 --> 00:04.000\n<v Customer>Hi.\n"
    )
    assert [t.text for t in found.call.turns] == ["Hello. and welcome: come in.", "Hi."]


def test_words_before_the_first_name_are_the_systems():
    found = read(
        "WEBVTT\n\n00:01.000 --> 00:02.000\nThis call may be recorded.\n\n"
        "00:02.000 --> 00:03.000\nAgent: Hello.\n\n00:03.000 --> 00:04.000\nCustomer: Hi.\n"
    )
    assert [t.role for t in found.call.turns] == ["system", "agent", "customer"]


@pytest.mark.parametrize(
    "text",
    [
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\n(Agent)\nHello.\n\n"
            "00:02.000 --> 00:03.000\n(Customer)\nHi.\n"
        ),
        "WEBVTT\n\n00:01.000 --> 00:03.000\nAgent: Hello.\nCustomer: Hi.\n",
        "00:01.000 --> 00:02.000\nAgent: Hello.\n\n00:02.000 --> 00:03.000\nCustomer: Hi.\n",
        (
            "1\n00:00:01,000 --> 00:00:02,000\nAgent: Hello.\n\n"
            "2\n00:00:02,000 --> 00:00:03,000\nCustomer: Hi.\n"
        ),
        (
            "WEBVTT\n   \n00:01.000 --> 00:02.000\nAgent: Hello.\n \n"
            "00:02.000 --> 00:03.000\nCustomer: Hi."
        ),
    ],
)
def test_variants_in_the_wild(text):
    found = read(text)
    assert [(t.role, t.text) for t in found.call.turns] == [
        ("agent", "Hello."),
        ("customer", "Hi."),
    ]


def test_cues_out_of_order_are_sorted_by_their_times_and_noted():
    found = read(
        "WEBVTT\n\n00:05.000 --> 00:06.000\n<v Customer>Hi.\n\n"
        "00:01.000 --> 00:02.000\n<v Agent>Hello.\n"
    )
    assert [t.text for t in found.call.turns] == ["Hello.", "Hi."]
    assert found.notes == ("Cues were sorted by their times.",)


def test_what_only_looks_like_a_tag_is_kept():
    found = read(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>if it is a < b, or &lt;i&gt;, fine\n\n"
        "00:02.000 --> 00:03.000\n<v Customer>Hi.\n"
    )
    assert found.call.turns[0].text == "if it is a < b, or <i>, fine"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("WEBVTT\n", 1, "no cue with words was found"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n\n", 1, "no cue with words was found"),
        ("WEBVTT\n\n00:01.000 --> 00:02\nAgent: Hello.\n", 3, "should give the times of a cue"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n", None, "no speaker can be told apart"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Dana>Hello.\n", 1, "only one speaker is heard"),
        ("WEBVTT\n\n00:99.000 --> 00:99.999\nAgent: Hi\n", 3, "should give the times of a cue"),
    ],
)
def test_captions_that_cannot_be_read(text, line, says):
    with pytest.raises(TranscriptError, match=says) as caught:
        read(text)
    assert caught.value.line == line


def test_one_voice_is_read_if_its_role_is_set():
    data = b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Dana>Hello.\n"
    (found,) = read_bytes("a.vtt", data, ReadOptions(roles={"Dana": "agent"}))
    assert found.call.turns[0].role == "agent"

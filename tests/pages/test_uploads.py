"""Uploaded transcripts: read, corrected for one call or for all, and told in words."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from analyzer.pages._uploads import Correction, Upload, UploadReader, render_items, summarise

TEXT = """Speaker 1: Thank you for calling Harbour Books, how may I help you today?
Speaker 2: I bought a book from you and I want to send it back.
Speaker 1: Let me pull up your order. May I have your account number?
Speaker 2: It is four four one, my order came late.
"""


def upload(name="call.txt", data=TEXT, key="k1"):
    return Upload(key, name, data.encode())


def two_calls():
    turns = [{"role": "agent", "text": "Hello."}, {"role": "customer", "text": "Hi."}]
    records = [
        {"call_id": "a", "company": "harbour", "date": "2026-01-02", "turns": turns},
        {"call_id": "b", "turns": turns},
    ]
    return upload("two.jsonl", "\n".join(json.dumps(record) for record in records), "k2")


def read(*uploads, general=None, own=None):
    return UploadReader().read(uploads, general or Correction(), own or {})


def test_a_call_is_read_at_once_with_what_it_lacks():
    (item,) = read(upload()).items
    assert item.read.format == "plain text"
    assert len(item.read.call.turns) == 4
    assert set(item.doubts) >= {"day of the call", "company", "agent's position"}


def test_a_correction_for_all_fills_only_what_is_not_said():
    general = Correction(date=dt.date(2026, 5, 6), company="other", position="representative")
    first, second = read(two_calls(), general=general).items
    assert (first.read.call.company, first.read.call.date) == ("harbour", dt.date(2026, 1, 2))
    assert (second.read.call.company, second.read.call.date) == ("other", dt.date(2026, 5, 6))
    assert second.doubts == ()
    assert second.read.call.turns[0].position == "representative"


def test_a_correction_for_one_call_wins_over_the_file_and_touches_no_other():
    own = {"k2/0": Correction(company="other", date=dt.date(2026, 7, 8), team="blue")}
    first, second = read(two_calls(), own=own).items
    assert (first.read.call.company, first.read.call.date) == ("other", dt.date(2026, 7, 8))
    assert first.read.call.team == "blue"
    assert (second.read.call.company, second.read.call.date) == (None, None)


def test_roles_set_by_the_user_win():
    own = {"k1/0": Correction(roles=(("Speaker 1", "customer"), ("Speaker 2", "agent")))}
    (item,) = read(upload(), own=own).items
    assert [turn.role for turn in item.read.call.turns] == ["customer", "agent"] * 2
    assert "sure roles" not in item.doubts


def test_own_and_general_corrections_add_up():
    general = Correction(roles=(("A", "agent"), ("B", "customer")), team="red", company="c1")
    own = Correction(roles=(("B", "system"),), company="c2")
    both = own.over(general)
    assert dict(both.roles) == {"A": "agent", "B": "system"}
    assert (both.team, both.company) == ("red", "c2")


def test_a_bad_file_is_told_in_one_sentence_and_the_rest_goes_on():
    reading = read(upload(), Upload("k9", "noise.txt", b"\x00\x01\x02"), Upload("k8", "e.txt", b""))
    assert len(reading.items) == 1
    assert [str(failure).split(":")[0] for failure in reading.failures] == ["noise.txt", "e.txt"]
    assert summarise(reading).startswith("1 call read, 2 could not be; 1 lacks something: day of")


def test_nothing_is_read_twice_and_what_left_the_drop_zone_is_forgotten():
    reader = UploadReader()
    first = reader.read([upload()], Correction(), {})
    again = reader.read([upload()], Correction(), {})
    assert again.items[0].read is first.items[0].read
    assert reader.read([], Correction(), {}).items == ()
    fresh = reader.read([upload()], Correction(), {})
    assert fresh.items[0].read is not first.items[0].read


def test_calls_are_shown_escaped_with_speakers_and_those_that_lack_something_first():
    table = "speaker,text\n<img src=x>,How may I help you?\nCustomer,My order came late.\n"
    hostile = upload("<b>.csv", table, "k3")
    complete = {"k2/0": Correction(position="representative")}
    reading = read(two_calls(), hostile, own=complete)
    out = render_items(reading.items, chosen="k3/0")
    assert "<img" not in out
    assert "&lt;img src=x&gt;" in out
    assert "&lt;b&gt;.csv" in out
    assert out.index("<b>a</b>") > out.rindex("to give:")
    assert out.count("wb-read wb-chosen") == 1
    assert "2 turns" in out


def test_many_calls_are_counted_not_all_listed():
    items = read(upload()).items * 250
    assert "and 50 more, all read." in render_items(items)


@pytest.mark.parametrize("n", [1, 3])
def test_the_summary_counts(n):
    uploads = [upload(key=f"k{i}") for i in range(n)]
    said = summarise(read(*uploads))
    assert said.startswith(f"{n} call{'s' if n > 1 else ''} read; {n} lack")

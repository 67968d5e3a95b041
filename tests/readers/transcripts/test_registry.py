"""Finding transcripts, finding their format, and what happens to the ones that are broken."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.errors import TranscriptError
from analyzer.readers import transcripts
from analyzer.readers.transcripts import (
    ReadCall,
    ReadOptions,
    find_transcripts,
    known_formats,
    read_bytes,
    read_many,
    read_transcripts,
    scan_bytes,
)

DATA = Path(__file__).parents[2] / "data" / "transcripts"
GOOD = "Agent: Hello.\nCustomer: Hi.\n"


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("empty.txt", None, "the file is empty; export the transcript again"),
        ("binary.txt", None, "binary, not text; export the call as"),
        ("prose.txt", None, "no transcript format fits this file; tried CSV"),
        ("half_written.json", 5, "the JSON breaks off before it is complete"),
        ("one_speaker.txt", 1, "only one speaker is heard, 'Agent' in 2 turns"),
        ("out_of_order.txt", 2, "540 seconds before that of line 1"),
        ("no_speaker.csv", 1, "no column says who speaks; the columns are 'call', 'when',"),
        ("open_quote.csv", 3, "the row that begins here cannot be read"),
        ("no_speaker.vtt", None, "no speaker can be told apart"),
        ("broken_time.vtt", 6, "should give the times of a cue"),
    ],
)
def test_a_broken_file_gets_one_sentence_with_its_place_and_the_mend(name, line, says):
    path = DATA / name
    with pytest.raises(TranscriptError) as caught:
        read_transcripts(path)
    error = caught.value
    assert error.line == line
    assert says in error.message
    assert str(error).startswith(f"{path}" + (f", line {line}: " if line else ": "))
    assert "\n" not in str(error)
    assert ";" in error.message, "the mend is missing"


def test_a_file_that_is_not_there_and_a_folder_say_so(tmp_path):
    with pytest.raises(TranscriptError, match=r"no such file; check the path"):
        read_transcripts(tmp_path / "gone.txt")
    with pytest.raises(TranscriptError, match="folder"):
        read_transcripts(tmp_path)


@pytest.mark.parametrize(
    ("name", "format_name", "encoding", "n_calls"),
    [
        ("header.txt", "plain text", "utf-8", 1),
        ("cp1252.txt", "plain text", "cp1252", 1),
        ("utf16.txt", "plain text", "utf-16", 1),
        ("names.vtt", "WebVTT", "utf-8", 1),
        ("voices.vtt", "WebVTT", "utf-8", 1),
        ("turns.csv", "CSV", "utf-8", 2),
        ("calls.csv", "CSV", "utf-8", 2),
    ],
)
def test_the_format_is_found_by_shape_under_any_name(name, format_name, encoding, n_calls):
    for called in (name, "upload", "upload.bin"):
        calls = read_bytes(called, (DATA / name).read_bytes())
        assert len(calls) == n_calls
        assert {call.format for call in calls} == {format_name}
        assert {call.encoding for call in calls} == {encoding}
        assert {call.source for call in calls} == {called}


def test_text_in_a_western_code_page_is_read_right_and_noted():
    (read,) = read_transcripts(DATA / "cp1252.txt")
    assert read.call.turns[0].text == "That will be £ 20, café included."
    assert read.call.turns[1].text == "It\u2019s fine."
    assert "The encoding was guessed to be cp1252." in read.notes


def test_one_bad_file_among_a_hundred_does_not_stop_the_rest(tmp_path):
    for number in range(100):
        (tmp_path / f"call{number:03}.txt").write_text(f"Agent: Hello {number}.\nCustomer: Hi.\n")
    (tmp_path / "call050.txt").write_bytes(b"")
    items = list(read_many([tmp_path]))
    assert len(items) == 100
    errors = [item for item in items if isinstance(item, TranscriptError)]
    assert [error.path for error in errors] == [str(tmp_path / "call050.txt")]
    assert items.index(errors[0]) == 50


def test_one_bad_line_of_json_lines_does_not_stop_the_rest_of_the_file():
    items = list(read_many([DATA / "records.jsonl"]))
    assert [getattr(item, "line", None) for item in items] == [None, 2, None]
    good = [item.call.call_id for item in items if isinstance(item, ReadCall)]
    assert good == ["r-1", "r-3"]
    assert len(list(scan_bytes("r.jsonl", (DATA / "records.jsonl").read_bytes()))) == 3
    with pytest.raises(TranscriptError, match="line 2"):
        read_transcripts(DATA / "records.jsonl")


def test_folders_are_searched_and_what_is_no_transcript_is_passed_over(tmp_path):
    wanted = ["a.txt", "b.vtt", "deep/er/c.JSONL", "deep/d.csv", "z.json"]
    unwanted = [
        ".hidden.txt",
        ".git/x.txt",
        "README.txt",
        "notice.txt",
        "policies/returns.txt",
        "deep/Policies/more.txt",
        "sound.wav",
        "notes.md",
    ]
    for name in [*wanted, *unwanted]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(GOOD)
    found = find_transcripts([tmp_path])
    assert sorted(p.relative_to(tmp_path).as_posix() for p in found) == sorted(wanted)


def test_a_file_named_itself_is_always_tried_and_none_twice(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(GOOD)
    call = tmp_path / "call.txt"
    call.write_text(GOOD)
    gone = tmp_path / "gone.txt"
    assert find_transcripts([call, tmp_path, readme, gone]) == [call, readme, gone]
    items = list(read_many([readme, gone]))
    assert isinstance(items[0], ReadCall)
    assert isinstance(items[1], TranscriptError)


def test_reading_twice_gives_the_same_ids(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(GOOD)
    other = tmp_path / "b.txt"
    other.write_text(GOOD)
    first, second = (read_transcripts(p)[0].call for p in (path, other))
    assert first.call_id == second.call_id
    assert first.call_id.startswith("h-")


def test_options_fill_only_what_is_missing():
    options = ReadOptions(
        date=dt.date(2026, 5, 1),
        company="brightmoor",
        position="advisor",
        agent_id="A-9",
        team="billing",
        customer_id="C-1",
    )
    (filled,) = read_bytes("a.txt", GOOD.encode(), options)
    assert filled.missing == ()
    assert filled.call.date == dt.date(2026, 5, 1)
    assert (filled.call.company, filled.call.customer_id) == ("brightmoor", "C-1")
    assert (filled.call.agent_id, filled.call.team) == ("A-9", "billing")
    assert [turn.position for turn in filled.call.turns] == ["advisor", None]

    (kept,) = read_transcripts(DATA / "header.txt", options=options)
    assert kept.call.date == dt.date(2026, 3, 4)
    assert (kept.call.company, kept.call.customer_id) == ("Fernhall", "C-9")
    assert kept.call.team == "billing"
    positions = {turn.name: turn.position for turn in kept.call.turns if turn.role == "agent"}
    assert positions == {None: "representative", "Omar": "supervisor"}


def test_what_neither_file_nor_options_say_is_listed():
    (read,) = read_bytes("a.txt", GOOD.encode())
    assert read.missing == ("date", "company", "position", "customer_id")
    (dated,) = read_bytes("a.txt", GOOD.encode(), ReadOptions(date=dt.date(2026, 5, 1)))
    assert dated.missing == ("company", "position", "customer_id")


def test_a_role_set_by_the_user_wins():
    data = b"Dana: Thank you for calling, how can I help?\nSam: My bill is wrong.\n"
    (found,) = read_bytes("a.txt", data)
    assert [turn.role for turn in found.call.turns] == ["agent", "customer"]
    options = ReadOptions(roles={"dana": "customer", "SAM": "agent", "nobody": "system"})
    (turned,) = read_bytes("a.txt", data, options)
    assert [turn.role for turn in turned.call.turns] == ["customer", "agent"]
    assert [(s.label, s.confidence, s.how) for s in turned.speakers] == [
        ("Dana", 1.0, "set by the user"),
        ("Sam", 1.0, "set by the user"),
    ]


def test_one_speaker_is_read_if_the_user_says_who_it_is():
    options = ReadOptions(roles={"Agent": "agent"})
    (read,) = read_transcripts(DATA / "one_speaker.txt", options=options)
    assert [turn.role for turn in read.call.turns] == ["agent", "agent"]
    assert "No customer was found among the speakers; check the roles." in read.notes


def test_notes_hold_no_words_of_the_call():
    data = "Kim: Xylophone.\nLee: Zeppelin.\n[00:99] odd\n".encode("utf-16")
    (read,) = read_bytes("a.txt", data)
    assert not any(word in " ".join(read.notes) for word in ("Xylophone", "Zeppelin", "odd"))
    assert any("is a guess for 'Kim', 'Lee'" in note for note in read.notes)


def test_a_new_format_is_one_new_file(tmp_path, monkeypatch):
    module = tmp_path / "arrows.py"
    module.write_text(
        "from analyzer.readers.transcripts.assembly import build_call\n"
        "from analyzer.readers.transcripts.reading import RawCall, RawTurn, TranscriptFormat\n"
        "def parse(text, source, options):\n"
        "    cut = [line.split(' => ') for line in text.strip().split('\\n')]\n"
        "    raw = RawCall([RawTurn(who, said) for who, said in cut])\n"
        "    return [build_call(raw, source=source, options=options)]\n"
        "FORMAT = TranscriptFormat('arrows', ('.arr',),\n"
        "    lambda text, name: float(' => ' in text), parse, 'who => words')\n"
    )
    monkeypatch.setattr(transcripts, "__path__", [*transcripts.__path__, str(tmp_path)])
    (tmp_path / "call.arr").write_text("Agent => Hello.\nCustomer => Hi.\n")
    try:
        assert "arrows" in {declared.name for declared in known_formats()}
        (read,) = read_many([tmp_path])
    finally:
        sys.modules.pop("analyzer.readers.transcripts.arrows", None)
    assert isinstance(read, ReadCall)
    assert read.format == "arrows"
    assert [turn.role for turn in read.call.turns] == ["agent", "customer"]


def test_every_format_says_what_it_is():
    names = [declared.name for declared in known_formats()]
    assert names == sorted(names)
    assert set(names) >= {"CSV", "WebVTT", "native record", "plain text"}
    for declared in known_formats():
        assert all(suffix.startswith(".") for suffix in declared.suffixes)
        assert declared.shape


def _long_call() -> list[tuple[str, str]]:
    words = "I was told last week that the fee would come back and nothing has come so far"
    return [("Agent" if n % 2 else "Customer", f"{words}, number {n}.") for n in range(6000)]


@pytest.mark.parametrize("kind", ["txt", "vtt", "csv"])
def test_a_call_of_five_hours_is_read_whole(kind):
    turns = _long_call()
    clock = [f"{n // 1200:02}:{n // 20 % 60:02}:{n % 20 * 3:02}" for n in range(6000)]
    if kind == "txt":
        lines = [f"[{at}] {who}: {said}" for at, (who, said) in zip(clock, turns, strict=True)]
    elif kind == "vtt":
        lines = ["WEBVTT\n"]
        for at, (who, said) in zip(clock, turns, strict=True):
            lines += [f"{at}.000 --> {at}.900", f"<v {who}>{said}", ""]
    else:
        lines = ["speaker,start,text"]
        lines += [f'{who},{at},"{said}"' for at, (who, said) in zip(clock, turns, strict=True)]
    (read,) = read_bytes(f"long.{kind}", "\n".join(lines).encode())
    assert len(read.call.turns) == 6000
    assert read.call.turns[-1].start == 4 * 3600 + 59 * 60 + 57


PIECES = st.sampled_from(
    [
        "Agent: ",
        "Customer: ",
        "Dana",
        ":",
        "\n",
        "\n\n",
        "[00:01] ",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        '"',
        ",",
        ";",
        "\t",
        "WEBVTT\n\n",
        "00:01.000 --> 00:02.000\n",
        "-->",
        "<v Dana>",
        "</v>",
        '{"turns": [',
        '{"role": "agent", "text": "a"}',
        '{"role": "customer", "text": ""}',
        "]}",
        "speaker,text\n",
        "Agent,hi\n",
        "Customer,yo\n",
        "call_id,transcript\n",
        "Date: 2026-03-04\n",
        "Call ID: 7\n",
        "NOTE date: x\n",
        "---\n",
        "=== x ===\n",
        "*",
        "- ",
        "\\ud800",
        "\u2028",
        "é",
        "\x00",
        "1e999",
        "NaN",
        "null",
        "true",
        "\ufeff",
        "10:59 PM ",
        "99:99:99",
        "sep=;\n",
        "|",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=25).map("".join).map(
    lambda text: text.encode("utf-8", "surrogatepass"))))  # fmt: skip
def test_any_bytes_give_calls_or_an_error_of_ours(data):
    for item in scan_bytes("upload", data):
        if isinstance(item, TranscriptError):
            assert item.path == "upload"
        else:
            assert item.call.turns
            assert item.call.content_hash

"""What is written in a format comes back with the same roles and the same words."""

from __future__ import annotations

import csv
import html
import io
import json
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.readers.transcripts import read_bytes

Turns = list[tuple[str, str]]

_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"])
_ANY_TEXT = st.text(_LETTERS, min_size=1, max_size=60).filter(str.strip)
_LINE = _ANY_TEXT.map(lambda text: " ".join(text.split())).filter(bool)
_PROSE = st.lists(
    st.sampled_from(
        ["I'll", "waive", "the fee:", "$25.00", "—", "today,", '"yes"', "café", "Dana:", "a<b", "&",
         "10:30", "(really)", "[sic]", "Agent", "it's", "50%", "Date:", "1.", "->", "#", "*", ";"]
    ),
    min_size=1,
    max_size=12,
).map(" ".join)  # fmt: skip


def calls(text: st.SearchStrategy[str]) -> st.SearchStrategy[Turns]:
    """Lists of turns in which both sides speak."""
    turn = st.tuples(st.sampled_from(["agent", "customer", "system"]), text)
    pair = st.tuples(text, text).map(lambda two: [("agent", two[0]), ("customer", two[1])])
    return st.tuples(pair, st.lists(turn, max_size=8)).map(lambda parts: parts[0] + parts[1])


def _read(name: str, text: str) -> Turns:
    (read,) = read_bytes(name, text.encode())
    return [(turn.role, turn.text) for turn in read.call.turns]


@settings(max_examples=80, deadline=None)
@given(calls(_ANY_TEXT))
def test_native(turns):
    record = {"call_id": "x", "turns": [{"role": role, "text": text} for role, text in turns]}
    for ascii_only in (True, False):
        for indent in (None, 2):
            written = json.dumps(record, ensure_ascii=ascii_only, indent=indent)
            assert _read("a.json", written) == turns
    bare = json.dumps([{"speaker": role.upper(), "content": text} for role, text in turns])
    assert _read("a.json", bare) == turns


@settings(max_examples=80, deadline=None)
@given(calls(_PROSE | _LINE))
def test_plain_text(turns):
    lines = [f"{role.title()}: {text}" for role, text in turns]
    assert _read("a.txt", "\n".join(lines)) == turns
    assert _read("a.txt", "\n\n".join(lines)) == turns
    timed = [f"[00:00:{n:02}] {line}" for n, line in enumerate(lines)]
    assert _read("a.txt", "\n".join(timed)) == turns


@settings(max_examples=80, deadline=None)
@given(calls(_PROSE | _LINE))
def test_webvtt(turns):
    cues = ["WEBVTT", ""]
    for number, (role, text) in enumerate(turns):
        said = html.escape(text, quote=False)
        cues += [f"00:{number:02}.000 --> 00:{number:02}.900", f"<v {role.title()}>{said}</v>", ""]
    joined = [
        (role, " ".join(text for _, text in of_role))
        for role, of_role in groupby(turns, key=lambda turn: turn[0])
    ]
    assert _read("a.vtt", "\n".join(cues)) == joined


@settings(max_examples=80, deadline=None)
@given(calls(_PROSE | _LINE), st.sampled_from(",;\t"), st.booleans())
def test_csv(turns, delimiter, quotes_all):
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=delimiter, quoting=csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL
    )
    writer.writerow(["call_id", "turn", "speaker", "text"])
    writer.writerows(["x", n, role, text] for n, (role, text) in enumerate(turns))
    assert _read("a.csv", out.getvalue()) == turns

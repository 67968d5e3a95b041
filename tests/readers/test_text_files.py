"""Bytes to text: which encoding, and is it text at all."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.readers.text_files import NotTextError, decode, read_text_file

RUSSIAN = "Добрый день, оператор слушает вас. " * 4


@pytest.mark.parametrize(
    ("data", "text", "encoding", "guessed"),
    [
        (b"Agent: hi", "Agent: hi", "utf-8", False),
        ("café".encode(), "café", "utf-8", False),
        (codecs.BOM_UTF8 + b"Agent: hi", "Agent: hi", "utf-8-sig", False),
        ("Agent: café".encode("utf-16"), "Agent: café", "utf-16", False),
        ("Agent: café".encode("utf-32"), "Agent: café", "utf-32", False),
        ("Agent: café".encode("utf-16-le"), "Agent: café", "utf-16-le", True),
        ("Agent: café".encode("utf-16-be"), "Agent: café", "utf-16-be", True),
        (
            "Agent: that\u2019s £20, café".encode("cp1252"),
            "Agent: that\u2019s £20, café",
            "cp1252",
            True,
        ),
        ("Größe".encode("latin-1"), "Größe", "cp1252", True),
        (RUSSIAN.encode("cp1251"), RUSSIAN, "cp1251", True),
        (b"a\r\nb\rc\n", "a\nb\nc\n", "utf-8", False),
    ],
)
def test_text_is_read_in_the_encoding_that_it_has(data, text, encoding, guessed):
    decoded = decode(data)
    assert (decoded.text, decoded.encoding, decoded.guessed) == (text, encoding, guessed)


def test_utf8_cut_off_in_mid_letter_is_still_utf8():
    decoded = decode("Agent: un café, s\u2019il vous plaît".encode()[:-2])
    assert decoded.text == "Agent: un café, s\u2019il vous pla"
    assert (decoded.encoding, decoded.guessed) == ("utf-8", True)


def test_a_broken_byte_among_good_utf8_costs_one_letter():
    decoded = decode("déjà été là où".encode() + b" \xff end")
    assert decoded.text == "déjà été là où \ufffd end"
    assert decoded.encoding == "utf-8"


@pytest.mark.parametrize("data", [b"", b"  \n\t ", codecs.BOM_UTF8 + b"\n", codecs.BOM_UTF16_LE])
def test_an_empty_file_says_so(data):
    with pytest.raises(NotTextError, match="empty"):
        decode(data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (b"ID3\x03\x00\x00", "MP3"),
        (b"RIFF\x24\x00\x00\x00WAVE", "WAV"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"SQLite format 3\x00", "SQLite"),
        (bytes(range(32)) * 8, "binary"),
        (b"\x00\x01\x02\x03" * 50, "binary"),
        (codecs.BOM_UTF8 + b"caf\xe9", "says it is utf-8-sig but byte"),
    ],
)
def test_what_is_no_text_is_named(data, what):
    with pytest.raises(NotTextError, match=what):
        decode(data)


@pytest.mark.parametrize("text", ["RIFFAT: hello", "ID3 is a tag", "OggSpeaker: hi"])
def test_text_that_begins_like_a_recording_is_text(text):
    assert decode(text.encode()).text == text


def test_a_file_is_read_from_disk(tmp_path):
    path = tmp_path / "call.txt"
    path.write_bytes("Agent: café".encode("cp1252"))
    assert read_text_file(path).text == "Agent: café"


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_utf8_text_comes_back(text):
    if not text.strip() or text.startswith("\ufeff"):
        return
    assert decode(text.encode()).text == text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_text_or_said_to_be_none(data):
    try:
        decoded = decode(data)
    except NotTextError:
        return
    assert decoded.text.strip()

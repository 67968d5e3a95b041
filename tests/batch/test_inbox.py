"""Where a batch finds its files: folders, globs, manifests, object stores."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import fsspec  # type: ignore[import-untyped] # has no types
import pytest

import analyzer.batch.inbox as inboxes
from analyzer.batch.inbox import Listed, is_changed, open_inbox, read_input, reader_version
from analyzer.errors import ConfigError
from analyzer.readers.transcripts import ReadOptions
from analyzer.results.batch_queue import KnownInput, ReadInput
from tests.batch.doubles import TEXT, write_calls


def names(place: str) -> list[str]:
    return [Path(one.name).name for one in open_inbox(place).find()]


def test_a_folder_a_glob_and_a_file_are_inboxes(tmp_path: Path) -> None:
    write_calls(tmp_path / "in", 3)
    (tmp_path / "in" / "README.md").write_text("about")
    (tmp_path / "in" / ".hidden.txt").write_text("Agent: no")
    assert names(str(tmp_path / "in")) == ["call-000.txt", "call-001.txt", "call-002.txt"]
    assert names(f"{tmp_path}/in/*-00[12].txt") == ["call-001.txt", "call-002.txt"]
    assert names(str(tmp_path / "in" / "call-002.txt")) == ["call-002.txt"]


def test_one_inbox_has_one_address_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_inbox("in").address == open_inbox(f"{tmp_path}/./in/").address


def test_a_place_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r"no inbox /nowhere/calls; name a folder, a glob"):
        open_inbox("/nowhere/calls")
    with pytest.raises(ConfigError, match=r"cannot be reached from here"):
        open_inbox("gopher2://host/calls")


def test_a_manifest_names_files_and_says_what_they_lack(tmp_path: Path) -> None:
    write_calls(tmp_path, 2)
    manifest = tmp_path / "night.csv"
    manifest.write_text(
        "Path,date,company,team,colour\n"
        "call-000.txt,2026-03-04,shop,blue,red\n"
        "call-001.txt,4 March,shop,,\n"
        "gone.txt,2026-03-04,shop,,\n"
    )
    inbox = open_inbox(str(manifest))
    first, second, third = inbox.find()
    assert isinstance(first, Listed)
    read = read_input(inbox, first, ReadOptions())
    (call, _, _) = read.calls[0]
    assert (call.date, call.company, call.team) == (dt.date(2026, 3, 4), "shop", "blue")
    assert isinstance(second, Listed)
    assert "'4 March'" in str(read_input(inbox, second, ReadOptions()).reason)
    assert isinstance(third, ReadInput)
    assert "gone.txt" in str(third.reason)


def test_what_a_manifest_says_is_part_of_the_file(tmp_path: Path) -> None:
    write_calls(tmp_path, 1)
    manifest = tmp_path / "night.csv"

    def stamp(row: str) -> str:
        manifest.write_text(f"path,team\ncall-000.txt,{row}\n")
        (listed,) = open_inbox(str(manifest)).find()
        assert isinstance(listed, Listed)
        return listed.stamp

    assert stamp("blue") == stamp("blue") != stamp("green")


def test_a_manifest_with_a_row_that_names_no_file_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "night.csv"
    manifest.write_text("path,date\n,2026-01-01\n")
    with pytest.raises(ConfigError, match=r"night.csv, line 2: the manifest names no file"):
        open_inbox(str(manifest))


def test_a_table_of_turns_is_a_transcript_and_no_manifest(tmp_path: Path) -> None:
    table = tmp_path / "calls.csv"
    table.write_text("file,speaker,text\nx,Agent,Hello\n")
    assert names(str(table)) == ["calls.csv"]


def test_an_object_store_is_read_like_a_folder() -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/calls/a.txt", TEXT.format(number=1).encode())
    system.pipe("/bucket/calls/deep/b.vtt", b"WEBVTT\n")
    system.pipe("/bucket/calls/c.bin", b"no")
    try:
        inbox = open_inbox("memory://bucket/calls")
        found = [one for one in inbox.find() if isinstance(one, Listed)]
        assert [Path(one.name).name for one in found] == ["a.txt", "b.vtt"]
        assert len(read_input(inbox, found[0], ReadOptions()).calls) == 1
        assert read_input(inbox, found[1], ReadOptions()).reason
    finally:
        system.rm("/bucket", recursive=True)


def test_a_file_is_read_again_only_when_it_or_the_reader_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = write_calls(tmp_path, 1)
    (listed,) = open_inbox(str(tmp_path)).find()
    assert isinstance(listed, Listed)
    good = KnownInput(listed.size, listed.stamp, "an older reader", 1, None)
    bad = KnownInput(listed.size, listed.stamp, reader_version(), 0, "no format fits")
    assert is_changed(listed, None)
    assert not is_changed(listed, good)
    assert not is_changed(listed, bad)
    monkeypatch.setattr(inboxes, "_version", ["a newer reader"])
    assert is_changed(listed, bad)
    assert not is_changed(listed, good)
    os.utime(path, ns=(1, 1))
    (again,) = open_inbox(str(tmp_path)).find()
    assert isinstance(again, Listed)
    assert is_changed(again, good)


def test_a_file_that_cannot_be_read_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x00\x01\x02" * 50)
    (tmp_path / "b.txt").write_text("Agent: hello\nCustomer: hi\n")
    inbox = open_inbox(str(tmp_path))
    bad, good = [read_input(inbox, one, ReadOptions()) for one in inbox.find()]  # type: ignore[arg-type]
    assert bad.reason
    assert not bad.calls
    assert good.reason is None
    assert len(good.calls) == 1
    (tmp_path / "b.txt").unlink()
    gone = read_input(inbox, Listed(str(tmp_path / "b.txt"), 3, "1"), ReadOptions())
    assert "cannot be read" in str(gone.reason)

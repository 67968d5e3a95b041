"""Kept answers: round trips, several threads and processes, and files and disks that fail."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.engines.llm.response_cache import CachedResponse, ResponseCache, cache_key

ANSWER = CachedResponse(
    text='{"marks": []}', finish_reason="stop", model="m-1", tokens_in=100, tokens_cached=40,
    tokens_out=7,
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
SCRIPT = """
import os, resource, sys
from pathlib import Path
from analyzer.engines.llm.response_cache import CachedResponse, ResponseCache
path = Path(sys.argv[1])
def answer(text):
    return CachedResponse(text, "stop", "m", 1, 0, 1)
"""


def answer(text):
    return CachedResponse(text, "stop", "m", 1, 0, 1)


def start(script, path, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT + textwrap.dedent(script), str(path), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "llm" / "answers.db"


@pytest.fixture
def cache(path):
    with ResponseCache(path) as cache:
        yield cache


def test_an_answer_comes_back_as_it_was(cache, path):
    assert cache.get("k") is None
    cache.put("k", ANSWER)
    assert cache.get("k") == ANSWER
    cache.close()
    assert cache.get("k") == ANSWER
    with ResponseCache(path) as other:
        assert other.get("k") == ANSWER
        assert other.get("l") is None
    assert cache.note is None
    assert cache.is_on


def test_a_later_answer_replaces_the_earlier(cache):
    cache.put("k", ANSWER)
    cache.put("k", answer("second"))
    assert cache.get("k").text == "second"


def test_any_text_comes_back(tmp_path):
    with ResponseCache(tmp_path / "a.db") as cache:

        @example("half a pair \ud83d, a zero \0, a line end \r\n")
        @given(st.text(st.characters()))
        def comes_back(text):
            cache.put("k", answer(text))
            assert cache.get("k") == answer(text)

        comes_back()
        assert cache.note is None


def test_off_keeps_nothing():
    cache = ResponseCache.off()
    cache.put("k", ANSWER)
    assert cache.get("k") is None
    assert not cache.is_on
    assert cache.note is None
    assert cache.take_note() is None
    cache.close()


def test_only_the_owner_can_read_it(path):
    former = os.umask(0)
    try:
        with ResponseCache(path) as cache:
            cache.put("k", ANSWER)
            files = list(path.parent.iterdir())
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            assert len(files) == 3
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.chmod(0o644)
        ResponseCache(path).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(former)


def test_max_mb_must_be_above_zero(path):
    for max_mb in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="max_mb"):
            ResponseCache(path, max_mb=max_mb)


# --- keys


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), st.randoms(use_true_random=False))
def test_a_key_does_not_depend_on_order(parts, rng):
    items = list(parts.items())
    rng.shuffle(items)
    assert cache_key(dict(items)) == cache_key(parts)


@given(
    st.dictionaries(st.text(max_size=3), JSON, max_size=3),
    st.dictionaries(st.text(max_size=3), JSON, max_size=3),
)
def test_different_parts_have_different_keys(one, other):
    assert one == other or cache_key(one) != cache_key(other)


def test_types_that_look_alike_have_different_keys():
    values = [1, 1.0, "1", True, None, "null", [1], ["1"], {"1": 1}, {}, [], ""]
    assert len({cache_key({"part": value}) for value in values}) == len(values)
    assert len(cache_key({})) == 64


def test_what_is_not_json_is_no_part_of_a_key():
    with pytest.raises(ValueError, match="JSON"):
        cache_key({"temperature": float("nan")})
    with pytest.raises(TypeError):
        cache_key({"prompt": b"bytes"})


# --- size


def test_the_oldest_answers_go(path):
    with ResponseCache(path, max_mb=0.3) as cache:
        for number in range(500):
            cache.put(f"k{number}", answer(f"{number:4}" * 500))
        assert cache.get("k499").text.startswith(" 499")
        assert cache.get("k0") is None
        n_kept = sum(cache.get(f"k{number}") is not None for number in range(500))
        assert n_kept > 60
        assert cache.note is None
    assert path.stat().st_size <= 300_000


def test_a_lowered_bound_shrinks_the_file(path):
    with ResponseCache(path, max_mb=2) as cache:
        for number in range(400):
            cache.put(f"k{number}", answer(f"{number:4}" * 500))
    assert path.stat().st_size > 500_000
    with ResponseCache(path, max_mb=0.2) as cache:
        cache.put("new", ANSWER)
        assert cache.get("new") == ANSWER
    assert path.stat().st_size <= 200_000


def test_an_answer_larger_than_the_bound_is_not_kept(path):
    with ResponseCache(path, max_mb=0.1) as cache:
        cache.put("small", ANSWER)
        cache.put("large", answer("x" * 200_000))
        assert cache.get("large") is None
        assert cache.get("small") == ANSWER
        cache.put("nearly", answer("x" * 99_000))
        assert cache.is_on


# --- files that are broken or another's


def test_a_broken_file_is_renamed_aside_and_told_once(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database at all, but long enough to look like one" * 100)
    with ResponseCache(path) as cache:
        assert "is broken" in cache.note
        assert cache.take_note() == cache.note
        assert cache.take_note() is None
        cache.put("k", ANSWER)
        assert cache.get("k") == ANSWER
    assert path.with_name("answers.db.broken").read_bytes().startswith(b"not a database")
    with ResponseCache(path) as cache:
        assert cache.note is None
        assert cache.get("k") == ANSWER


@pytest.mark.parametrize("pragma", ["application_id = 7", "user_version = 99"])
def test_a_foreign_file_is_renamed_aside_unharmed(path, pragma):
    path.parent.mkdir(parents=True)
    path.with_name("answers.db.broken").write_text("set aside before")
    foreign = sqlite3.connect(path)
    foreign.execute(f"PRAGMA {pragma}")
    foreign.execute("CREATE TABLE answers (mine)")
    foreign.execute("INSERT INTO answers VALUES (42)")
    foreign.commit()
    foreign.close()
    before = path.read_bytes()
    with ResponseCache(path) as cache:
        assert "not a cache" in cache.note
        cache.put("k", ANSWER)
        assert cache.get("k") == ANSWER
    assert path.with_name("answers.db.broken2").read_bytes() == before
    assert path.with_name("answers.db.broken").read_text() == "set aside before"


def test_pages_that_break_later_are_met_in_the_run(path):
    with ResponseCache(path) as cache:
        for number in range(200):
            cache.put(f"k{number}", answer("x" * 1000))
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with ResponseCache(path) as cache:
        for number in range(200):
            cache.get(f"k{number}")
        cache.put("k", ANSWER)
        assert cache.get("k") == ANSWER
        assert "is broken" in cache.note
        assert cache.is_on


def test_an_empty_file_is_begun(path):
    path.parent.mkdir(parents=True)
    path.touch()
    with ResponseCache(path) as cache:
        cache.put("k", ANSWER)
        assert cache.get("k") == ANSWER
        assert cache.note is None


def test_a_row_that_was_tampered_with_is_no_answer(cache, path):
    for number, text in enumerate(["{}", "[]", "no json", '{"text": 1, "mood": 2}']):
        cache.put(f"k{number}", ANSWER)
        with sqlite3.connect(path) as other:
            other.execute("UPDATE answers SET answer = ? WHERE request = ?", (text, f"k{number}"))
        other.close()
        assert cache.get(f"k{number}") is None
    cache.put("k0", ANSWER)
    assert cache.get("k0") == ANSWER


# --- disks that take no more


def test_a_place_that_cannot_be_written_turns_it_off(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "answers.db", tmp_path):
        cache = ResponseCache(path)
        assert not cache.is_on
        assert "is off from here on" in cache.note
        cache.put("k", ANSWER)
        assert cache.get("k") is None
        assert cache.take_note() == cache.note


@pytest.mark.parametrize(
    ("pragma", "why"), [("max_page_count = 8", "full"), ("query_only = 1", "readonly")]
)
def test_a_full_or_read_only_disk_turns_it_off(cache, pragma, why):
    cache.put("k", ANSWER)
    cache._connection.execute(f"PRAGMA {pragma}").fetchall()
    for number in range(5):
        cache.put(f"k{number}", answer("x" * 50_000))
    assert not cache.is_on
    assert why in cache.note
    assert cache.get("k") is None


def test_a_limit_of_the_system_turns_it_off(path):
    script = """
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        cache = ResponseCache(path)
        for number in range(100):
            cache.put(str(number), answer("x" * 10_000))
        print(cache.is_on, cache.note)
    """
    with start(script, path) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.startswith("False The answer cache")
    with ResponseCache(path) as cache:
        assert cache.note is None
        assert cache.get("0").text == "x" * 10_000


def test_a_file_kept_busy_turns_it_off_in_the_end(cache, path):
    cache._connection.execute("PRAGMA busy_timeout = 1").fetchall()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.put("k", ANSWER)
    cache.put("k", ANSWER)
    assert cache.is_on
    other.execute("ROLLBACK")
    cache.put("k", ANSWER)
    assert cache.get("k") == ANSWER
    other.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        cache.put("l", ANSWER)
    assert not cache.is_on
    assert "locked" in cache.note
    other.close()


# --- threads and processes


def test_threads_share_one_cache(cache):
    def work(name):
        for number in range(40):
            cache.put(f"{name}-{number}", answer(f"{name} {number}"))
            assert cache.get(f"{name}-{number}").text == f"{name} {number}"

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(cache.get(f"{name}-39") is not None for name in "abcd")
    assert cache.note is None


@pytest.mark.parametrize("is_broken", [False, True])
def test_processes_begin_and_fill_one_file_together(path, is_broken):
    if is_broken:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"broken" * 1000)
    script = """
        print("ready", flush=True); sys.stdin.readline()
        cache = ResponseCache(path)
        for number in range(100):
            cache.put(f"{sys.argv[2]}-{number}", answer("x" * 500))
        assert cache.is_on, cache.note
        print(cache.note)
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT + textwrap.dedent(script), str(path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in "abc"
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    with ResponseCache(path) as cache:
        assert cache.note is None
        assert all(cache.get(f"{name}-99") is not None for name in "abc")
    # One of them renames the broken file, and the others take the new one as it is.
    assert sum(note != "None" for note in said) == is_broken


def test_a_process_killed_while_writing_leaves_a_file_that_opens(path):
    script = """
        cache = ResponseCache(path)
        number = 0
        while True:
            cache.put(f"k{number}", answer("x" * 20_000))
            print(number, flush=True)
            number += 1
    """
    for _ in range(2):
        with start(script, path) as process:
            said = [process.stdout.readline() for _ in range(20)]
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
        with ResponseCache(path) as cache:
            assert cache.note is None
            for number in range(len(said)):
                assert cache.get(f"k{number}").text == "x" * 20_000
            cache.put("after", ANSWER)
            assert cache.get("after") == ANSWER
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_a_forked_child_and_its_parent_go_on(path):
    script = """
        cache = ResponseCache(path)
        cache.put("before", answer("before"))
        child = os.fork()
        name = "parent" if child else "child"
        for number in range(50):
            cache.put(f"{name}-{number}", answer(name))
        assert cache.get("before").text == "before"
        assert cache.note is None
        cache.close()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            print("well")
        else:
            os._exit(0)
    """
    with start(script, path) as process:
        said, _ = process.communicate(timeout=60)
    assert said == "well\n"
    with ResponseCache(path) as cache:
        for number in range(50):
            assert cache.get(f"parent-{number}").text == "parent"
            assert cache.get(f"child-{number}").text == "child"

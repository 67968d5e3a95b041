"""What a run says of itself: the report, the metrics, the mail, the webhook, the log."""

from __future__ import annotations

import copy
import http.server
import io
import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from analyzer.batch.report import compare, render_html, render_markdown, sum_up, write_report
from analyzer.batch.runner import Counts
from analyzer.batch.telling import (
    call_webhook,
    note_good_run,
    open_log,
    read_good_runs,
    send_mail,
    write_metrics,
)
from analyzer.config import Settings
from analyzer.errors import AnalyzerError, ConfigError

COUNTS = Counts(files=9, done=100, failed=1, with_conflict=10, conflicts=12, stonewalls=2)


def a_report(**fields: Any) -> dict[str, Any]:
    agent = {
        "name": "Ana", "calls": 20, "with_conflict": 9, "with_stonewall": 0, "conflicts": 9,
        "stonewalls": 0, "score_sum": 1600, "scored": 20,
    }  # fmt: skip
    moment = {
        "company": "shop", "call_id": "k1", "agent": "Ana", "turn": 2, "quote": "You have thirty",
        "finding": "commitment", "verdict": "contradicted", "clause": "RET-1", "severity": None,
        "confidence": 0.8,
    }  # fmt: skip
    known = {
        "run": 7, "inbox": "/in", "host": "h", "state": "done", "reason": None,
        "started_at": "2026-03-04T01:00:00+00:00", "ended_at": "2026-03-04T02:00:00+00:00",
        "engine": "embedded", "model": "m", "prompt_version": None, "options": {"sample": "all"},
        "counts": COUNTS.to_record(), "sample": {}, "agents": [agent], "teams": [],
        "clauses": [{"company": "shop", "clause": "RET-1", "conflicts": 3, "calls": 2}],
        "worst": [moment], "set_aside": [], "compared": {"nights": 0, "whole": [], "moved": []},
    }  # fmt: skip
    return copy.deepcopy(known) | fields


def test_a_night_like_the_others_is_within_noise_and_an_odd_one_moved() -> None:
    before = [a_report() for _ in range(10)]
    same = compare(a_report(), before)
    assert same["nights"] == 10
    assert not any(one["moved"] for one in same["whole"] + same["moved"])
    odd = a_report()
    odd["counts"]["with_conflict"] = 30
    found = compare(odd, before)
    (conflicts, stonewalls) = found["whole"]
    assert conflicts["moved"]
    assert conflicts["low"] > 0
    assert not stonewalls["moved"]


def test_an_agent_with_few_calls_never_moves() -> None:
    before = [a_report() for _ in range(10)]
    odd = a_report()
    odd["agents"][0] |= {"calls": 4, "with_conflict": 4}
    assert compare(odd, before)["moved"] == []
    odd["agents"][0] |= {"calls": 20, "with_conflict": 20}
    (moved,) = compare(odd, before)["moved"]
    assert (moved["name"], moved["of"], moved["rate"]) == ("Ana", "agents", "with_conflict")


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 400), st.integers(0, 400))
def test_an_interval_holds_the_difference(a: int, more: int, b: int, most: int) -> None:
    now, then = a_report(), a_report()
    now["counts"] |= {"done": a + more, "with_conflict": a}
    then["counts"] |= {"done": b + most, "with_conflict": b}
    one = compare(now, [then])["whole"][0]
    if a + more and b + most:
        assert -1 <= one["low"] <= a / (a + more) - b / (b + most) <= one["high"] <= 1
    else:
        assert not one["moved"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 - as the parser has it
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


WORDS = st.text(min_size=1, max_size=60) | st.sampled_from(
    ["<script>alert(1)</script>", "![x](http://e/x.png)", "a | b", "`*_~", "# no", "[l](u)", "&lt;"]
)


@given(WORDS)
def test_what_was_said_is_shown_and_never_read_as_markup(words: str) -> None:
    report = a_report()
    report["worst"][0]["quote"] = words
    report["agents"][0]["name"] = words
    plain = _Tags()
    plain.feed(render_html(a_report()))
    page = _Tags()
    page.feed(render_html(report))
    assert page.tags == plain.tags
    assert "".join(words.split()) in "".join(page.text.split())
    rendered = MarkdownIt("commonmark").enable("table").render(render_markdown(report))
    tags = _Tags()
    tags.feed(rendered)
    assert {"img", "script", "a", "em", "strong", "code"} & set(tags.tags) <= {"strong"}


def test_the_report_is_written_in_three_forms_for_its_owner(tmp_path: Path) -> None:
    files = write_report(tmp_path / "reports", a_report())
    assert [f.name for f in files] == ["run-7.md", "run-7.html", "run-7.json"]
    assert json.loads(files[2].read_text()) == a_report()
    assert {f.stat().st_mode & 0o777 for f in files} == {0o600}
    assert sorted(p.name for p in (tmp_path / "reports").iterdir()) == sorted(f.name for f in files)
    (tmp_path / "file").write_text("")
    with pytest.raises(AnalyzerError, match="the database"):
        write_report(tmp_path / "file", a_report())


def test_metrics_keep_the_time_of_the_last_good_run(tmp_path: Path) -> None:
    path = tmp_path / "wordbond.prom"
    write_metrics(path, a_report())
    failed = a_report(state="failed", ended_at="2026-03-05T02:00:00+00:00")
    write_metrics(path, failed)
    found = {
        s.name: s.value
        for family in text_string_to_metric_families(path.read_text())
        for s in family.samples
    }
    assert found["wordbond_batch_done"] == 100
    assert found["wordbond_batch_success"] == 0
    last = found["wordbond_batch_last_success_timestamp_seconds"]
    assert found["wordbond_batch_ended_timestamp_seconds"] - last == 24 * 3600


def test_the_last_good_run_of_each_inbox_is_kept(tmp_path: Path) -> None:
    assert read_good_runs(tmp_path) == {}
    note_good_run(tmp_path / "home", a_report())
    note_good_run(tmp_path / "home", a_report(inbox="/other"))
    assert set(read_good_runs(tmp_path / "home")) == {"/in", "/other"}
    (tmp_path / "home" / "last-good-batch.json").write_text("{broken")
    assert read_good_runs(tmp_path / "home") == {}


@contextmanager
def serving(handler: Any) -> Iterator[int]:
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_the_webhook_gets_figures_and_no_words_of_calls() -> None:
    got: list[dict[str, Any]] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204 if len(got) == 1 else 500)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with serving(Hook) as port:
        settings = Settings.model_validate({"webhook_url": f"http://127.0.0.1:{port}/x?key=secret"})
        call_webhook(settings, a_report())
        with pytest.raises(AnalyzerError, match="WORDBOND_WEBHOOK_URL") as caught:
            call_webhook(settings, a_report())
    assert "secret" not in str(caught.value)
    assert got[0]["counts"]["done"] == 100
    assert "thirty" not in json.dumps(got)
    call_webhook(Settings(), a_report())  # nothing set, nothing sent
    with pytest.raises(ConfigError, match="https://host/path"):
        call_webhook(Settings.model_validate({"webhook_url": "file:///etc/passwd"}), a_report())


class _Smtp(socketserver.StreamRequestHandler):
    """As much of an SMTP server as a client without TLS needs."""

    mails: list[str] = []  # noqa: RUF012 - one list for the test

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for raw in self.rfile:
            word = raw.decode().strip().upper()
            if word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    lines.append(line.decode())
                self.mails.append("".join(lines))
            elif word == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 fine\r\n")


def test_the_mail_says_how_it_went_and_quotes_nobody(tmp_path: Path) -> None:
    _Smtp.mails.clear()
    with serving(_Smtp) as port:
        settings = Settings.model_validate(
            {"smtp_url": f"smtp://127.0.0.1:{port}", "mail_to": "qa@shop.example"}
        )
        send_mail(settings, a_report(), [tmp_path / "run-7.html"])
    (mail,) = _Smtp.mails
    assert re.search(r"^To: qa@shop\.example\r?$", mail, re.MULTILINE)
    assert sum_up(a_report()) in mail.replace("\r\n ", " ").replace("=\r\n", "")
    assert "thirty" not in mail
    with pytest.raises(AnalyzerError, match="WORDBOND_SMTP_URL"):
        send_mail(settings, a_report(), [])  # the server is gone
    wrong = Settings.model_validate({"smtp_url": "http://host", "mail_to": "a@b.example"})
    with pytest.raises(ConfigError, match="smtps://"):
        send_mail(wrong, a_report(), [])


def test_the_log_is_json_with_ids_alone() -> None:
    stream = io.StringIO()
    log = open_log(stream)
    log.info("call", extra={"run": 3, "call_id": "k1", "state": "done", "quote": "secret words"})
    (line,) = stream.getvalue().splitlines()
    row = json.loads(line)
    assert (row["run"], row["call_id"], row["state"], row["event"]) == (3, "k1", "done", "call")
    assert "secret words" not in line

"""The app in a real browser: opened, used with mouse and keyboard, and safe with hostile words."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LAUNCH = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_S = 45
POLICY = """---
company: Harbour Books
company_id: harbour
effective_from: 2026-01-01
---
## RET-1 Returns

A book may be returned within 30 days of purchase. No book is taken back after 30 days.
"""
CALL = """Call ID: hb-1
Date: 2026-03-04
Company: harbour

Agent (Dana, representative): Thank you for calling Harbour Books, this is Dana.
Customer: I bought a novel six weeks ago <img src=x onerror="window.pwned=1"> **can** I $return$ it?
Agent (Dana, representative): Yes, you can return the book within 60 days, that is no problem.
Customer: Great, thank you. <script>window.pwned=1</script> :material/home:
Agent (Dana, representative): You are welcome.
"""
FILLER = "".join(
    f"Customer: And about book number {n}?\nAgent (Dana, representative): One moment.\n"
    for n in range(30)
)
LONG = CALL.replace("hb-1", "hb-2").replace("Customer: I bought", FILLER + "Customer: I bought")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running app with a home of its own."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, and CI needs it: apt-get install chromium.")
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    known = {k: v for k, v in os.environ.items() if not k.startswith(("WORDBOND_", "OPENAI_"))}
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"),
                "--server.headless", "true", "--server.port", str(port),
            ],
            cwd=ROOT,
            env=known | {"WORDBOND_HOME": str(home)},
            stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended before it answered"
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server did not answer")


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:  # noqa: ARG001 - it decides whether there is one
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=LAUNCH)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_S * 1000)
    expect.set_options(timeout=PATIENCE_S * 1000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def analysed(address: str, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The app after a policy and a call were uploaded through it and analysed."""
    files = tmp_path_factory.mktemp("files")
    (files / "returns.md").write_text(POLICY, "utf-8")
    (files / "call.txt").write_text(CALL, "utf-8")
    (files / "long.txt").write_text(LONG, "utf-8")
    expect.set_options(timeout=PATIENCE_S * 1000)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/policies")
    zone = page.locator("[class*=st-key-policies-files] input[type=file]")
    zone.set_input_files(files / "returns.md")
    page.get_by_role("button", name="Add 1 clause of 1 document").click()
    expect(page.get_by_text("1 clause added")).to_be_visible()
    page.get_by_role("link", name="Upload").click()
    page.locator(".st-key-upload-files input[type=file]").set_input_files(
        [files / "call.txt", files / "long.txt"]
    )
    expect(page.get_by_text("5 turns").first).to_be_visible()
    page.get_by_role("button", name="Analyse 2 calls").click()
    expect(page.get_by_text("2 calls analysed and stored.")).to_be_visible()
    page.close()
    return address


def open_call(page: Page, address: str) -> None:
    page.goto(f"{address}/call?company=harbour&call=hb-1")
    expect(page.locator("#turn-2")).to_be_visible()


def test_a_call_is_opened_from_the_list_and_annotated(page: Page, analysed: str):
    page.goto(f"{analysed}/calls")
    expect(page.get_by_text("2 calls, the worst first.")).to_be_visible()
    page.get_by_label("Words").fill("hb-1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 call, the worst first.")).to_be_visible()
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    # A layer of its own takes the mouse for the canvas, so Playwright may not look for it.
    table.click(position={"x": 220, "y": 52}, force=True)
    page.wait_for_url("**/call?*")
    expect(page.locator("#turn-2 mark").first).to_contain_text("return the book within 60 days")
    expect(page.locator(".wb-pair").first).to_contain_text("return the book within 60 days")
    assert "call=hb-1" in page.url


def test_hostile_words_are_shown_and_do_nothing(page: Page, analysed: str):
    open_call(page, analysed)
    said = page.locator("#turn-1 .wb-said")
    expect(said).to_contain_text('<img src=x onerror="window.pwned=1"> **can** I $return$ it?')
    expect(page.locator("#turn-3 .wb-said")).to_contain_text("<script>window.pwned=1</script>")
    expect(page.locator("#turn-3 .wb-said")).to_contain_text(":material/home:")
    assert page.locator(".wb-call img, .wb-call script").count() == 0
    assert page.evaluate("window.pwned") is None


def test_a_mark_is_dismissed_with_the_keyboard_and_a_reason(page: Page, analysed: str):
    open_call(page, analysed)
    expect(page.get_by_role("button", name="Dismiss")).to_be_visible()
    page.locator("#turn-2").click()
    page.keyboard.press("d")
    reason = page.get_by_label("Why is this mark dismissed?")
    # Typed, not filled in: the keys of the buttons must rest while somebody writes.
    reason.press_sequentially("My note: any <b>day</b>, or none.")
    expect(reason).to_have_value("My note: any <b>day</b>, or none.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".wb-decisions").first).to_contain_text("My note: any <b>day</b>, or none.")
    expect(page.locator(".wb-status").first).to_have_text("dismissed")
    page.reload()
    expect(page.locator(".wb-status").first).to_have_text("dismissed")


def test_the_chosen_finding_is_brought_into_view(page: Page, analysed: str):
    page.goto(f"{analysed}/call?company=harbour&call=hb-2")
    page.get_by_role("button", name="you can return the book").click()
    expect(page.locator(".wb-turn mark").first).to_be_in_viewport()
    expect(page.locator("#turn-0")).not_to_be_in_viewport()


PATHS = {
    "light": ("/", "/calls", "/call?company=harbour&call=hb-1", "/policies"),
    "dark": ("/", "/call?company=harbour&call=hb-1"),
}


def visit(context: BrowserContext, address: str, paths: tuple[str, ...]) -> set[str]:
    """The hosts that are asked while pages are opened."""
    page = context.new_page()
    urls: list[str] = []

    def note(request: Request) -> None:
        urls.append(request.url)

    page.on("request", note)
    for path in paths:
        page.goto(address + path)
        expect(page.locator(".wb-footer")).to_be_visible()
        assert page.get_by_test_id("stException").count() == 0
    return {url.split("/")[2] for url in urls if url.startswith(("http", "ws"))}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_open_in_both_themes_and_ask_nobody_else(
    browser: Browser, analysed: str, scheme: Literal["light", "dark"]
):
    context = browser.new_context(color_scheme=scheme)
    assert visit(context, analysed, PATHS[scheme]) == {analysed.removeprefix("http://")}
    context.close()

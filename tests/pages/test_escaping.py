"""Words from outside, made safe for HTML and for Streamlit's labels."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from analyzer.pages._escaping import as_html, as_label


@given(st.text())
def test_html_comes_back_as_the_same_text_and_holds_no_tag(text: str):
    escaped = as_html(text)
    assert html.unescape(escaped) == text
    assert not re.search(r"[<>\"']", escaped)


@given(st.text())
def test_label_escapes_every_character_that_markdown_reads(text: str):
    bare = re.sub(r"\\[\\`*_{}\[\]()<>#+\-.!|~$:^=/&\"'@]", "", as_label(text))
    assert not re.search(r"[\\`*_\[\]<>#$:~|]", bare)


def test_label_cuts_long_text_and_joins_lines():
    assert as_label("one\ntwo   three") == "one two three"
    assert as_label("a" * 50, limit=10) == "a" * 9 + "…"
    assert as_label("short", limit=10) == "short"

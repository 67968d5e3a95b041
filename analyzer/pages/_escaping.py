"""Words from outside made safe: in HTML and in the Markdown of Streamlit's labels."""

from __future__ import annotations

import html
import re

_ACTIVE = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=/&\"'@])")


def as_html(text: object) -> str:
    """Text for an HTML element or a quoted attribute: shown as it is, never interpreted."""
    return html.escape(str(text), quote=True)


def as_label(text: str, *, limit: int = 0) -> str:
    """Text for a label that Streamlit reads as Markdown (buttons, headings, messages).

    Markup, formulas, icons (``:material/…:``) and colours come out as the characters they are.

    Args:
        text: What to show; line breaks become blanks.
        limit: Characters after which it is cut, with an ellipsis; 0 for no limit.
    """
    plain = " ".join(text.split())
    if limit and len(plain) > limit:
        plain = plain[: limit - 1].rstrip() + "…"
    return _ACTIVE.sub(r"\\\1", plain)

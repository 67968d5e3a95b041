"""How a call was read, for the terminal: ``wordbond analyze --explain``."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from analyzer.cli.faults import printable
from analyzer.domain import Analysis
from analyzer.explanation import list_steps


def render_trace(analysis: Analysis) -> RenderableType:
    """Every request of a call: the prompt, what it cost, and the model's own words."""
    lines: list[RenderableType] = []
    if analysis.prompt_version:
        lines.append(Text(f"prompts: {analysis.prompt_version}", style="dim"))
    for step in list_steps(analysis):
        lines += [Text(step.head, style="dim"), Text(printable(step.answer), style="dim")]
    lines += [
        Text(printable(f"set aside: {aside.what}: {aside.reason}"), style="dim")
        for aside in analysis.set_aside
    ]
    return Group(*lines)

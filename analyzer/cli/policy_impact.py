"""``wordbond policies impact``: what a change of policies does to the calls that are stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.padding import Padding
from rich.text import Text

from analyzer.cli.analyze import open_store
from analyzer.cli.calls import Refused
from analyzer.cli.faults import printable
from analyzer.cli.moments import number
from analyzer.cli.policies import print_json
from analyzer.cli.sources import explain_engine, read_documents, tell_notes
from analyzer.cli.terminal import Terminal
from analyzer.config import Settings, load_settings
from analyzer.embedders import Embedder, build_embedder
from analyzer.engines import Engine
from analyzer.errors import ConfigError
from analyzer.impact import CallImpact, ImpactReport, preview_impact, rejudge_touched
from analyzer.pipeline import build_engine
from analyzer.policy_library import PolicyLibrary

_MOST_SHOWN = 50


def run_impact(
    paths: Sequence[Path],
    *,
    is_applied: bool,
    since: dt.date | None,
    engine_name: str | None,
    as_json: bool,
) -> int:
    """Preview what new versions would change, or judge again what adopted ones touch.

    Args:
        paths: New versions that are not adopted; none with ``is_applied``.
        is_applied: Judge again the calls that the library's changes touch.
        since: Of a preview, only calls from this day on.
        engine_name: What ``--engine`` says.
        as_json: Print JSON.

    Returns:
        The exit code: 0, or 3 if a call could not be judged or a document was set aside.

    Raises:
        ConfigError: If neither or both were asked for.
    """
    if bool(paths) == is_applied:
        raise ConfigError(
            "Give the new versions to preview, as in `wordbond policies impact returns-2027.pdf`, "
            "or --apply to judge again what adopted changes touch."
        )
    settings, terminal = load_settings(), Terminal()
    engine = build_engine(settings, name=engine_name)
    terminal.say(explain_engine(settings, engine_name, engine))
    embedder = build_embedder(settings)
    refused: list[Refused] = []
    try:
        if is_applied:
            report = _apply(settings, engine, embedder, terminal)
        else:
            report, refused = _preview(paths, settings, engine, embedder, terminal, since)
    finally:
        engine.close()
    tell_notes(engine, terminal)
    for one in refused:
        terminal.say(str(one))
    if as_json:
        print_json([_record(report)])
    else:
        _show(report, terminal, is_applied=is_applied)
    return 3 if refused or any(one.reason for one in report.touched) else 0


def _preview(
    paths: Sequence[Path],
    settings: Settings,
    engine: Engine,
    embedder: Embedder,
    terminal: Terminal,
    since: dt.date | None,
) -> tuple[ImpactReport, list[Refused]]:
    documents, refused = read_documents(paths)
    with PolicyLibrary.open(settings, embedder) as library:
        book = library.book()
    with open_store(settings) as store, terminal.progress("judging touched calls", 1) as bar:
        report = preview_impact(
            store,
            book,
            documents,
            engine=engine,
            embedder=embedder,
            since=since,
            progress=bar.reach_of,
        )
    return report, refused


def _apply(
    settings: Settings, engine: Engine, embedder: Embedder, terminal: Terminal
) -> ImpactReport:
    with PolicyLibrary.open(settings, embedder) as library:
        book, adoptions = library.book(), library.list_adoptions()
    with open_store(settings) as store, terminal.progress("judging touched calls", 1) as bar:
        return rejudge_touched(
            store,
            book,
            adoptions,
            engine=engine,
            embedder=embedder,
            save=store.save_analysis,
            progress=bar.reach_of,
        )


def _record(report: ImpactReport) -> dict[str, Any]:
    return {
        "considered": report.n_considered,
        "touched": len(report.touched),
        "changed": len(report.changed),
        "calls": [
            {
                "company": one.call.company,
                "call_id": one.call.call_id,
                "date": one.call.date.isoformat() if one.call.date else None,
                "touched_by": list(one.touched_by),
                "reason": one.reason,
                "changes": [
                    {
                        "turn": change.turn,
                        "quote": change.quote,
                        "before": change.before,
                        "after": change.after,
                        "clause_before": change.clause_before,
                        "clause_after": change.clause_after,
                        "why": change.why,
                    }
                    for change in one.changes
                ],
            }
            for one in report.touched
        ],
    }


def _show(report: ImpactReport, terminal: Terminal, *, is_applied: bool) -> None:
    for one in report.changed[:_MOST_SHOWN]:
        _show_call(one, terminal)
    if len(report.changed) > _MOST_SHOWN:
        terminal.show_line(f"and {len(report.changed) - _MOST_SHOWN} more calls")
    for one in report.touched:
        if one.reason:
            terminal.say(f"not judged: {one.reason}")
    verb = "got" if is_applied else "would get"
    terminal.show_line(
        f"Of {number(report.n_considered, 'stored call')} the changed clauses touch "
        f"{len(report.touched)}; {len(report.changed)} {verb} another verdict. The others keep "
        "their results.",
        style="bold",
    )


def _show_call(one: CallImpact, terminal: Terminal) -> None:
    day = f" of {one.call.date}" if one.call.date else ""
    by = ", ".join(one.touched_by[:5])
    terminal.show(Text(printable(f"Call {one.call.call_id}{day} (touched by {by})"), style="bold"))
    for change in one.changes:
        before = change.before or "no mark"
        after = change.after or "no mark"
        clause = f" by {change.clause_after}" if change.clause_after else ""
        line = f"turn {change.turn}: “{' '.join(change.quote.split())}”: {before} → {after}{clause}"
        terminal.show(Padding(Text(printable(line)), (0, 0, 0, 2)))

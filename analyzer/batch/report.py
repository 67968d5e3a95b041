"""What a run of the batch found, for people and for programs: Markdown, HTML, JSON."""

from __future__ import annotations

import datetime as dt
import html
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analyzer.batch.runner import Outcome
from analyzer.errors import AnalyzerError
from analyzer.results.batch_queue import BatchQueue, Run
from analyzer.results.batch_sums import sum_clauses, sum_groups, worst_moments
from analyzer.results.store import ResultStore

NIGHTS = 28
_WORST, _SHOWN, _SET_ASIDE = 10, 20, 50
#: Of the standard normal: 95 % for the whole, 99 % for each of many agents, teams.
_Z_WHOLE, _Z_ONE_OF_MANY = 1.96, 2.576
#: Fewer calls than this say nothing about an agent's night.
_FEW = 5
_RATES = {"with_conflict": "calls with a conflict", "with_stonewall": "calls with a stonewall"}


def build_report(
    store: ResultStore, queue: BatchQueue, run: Run, outcome: Outcome
) -> dict[str, Any]:
    """Gather what a run found.

    Args:
        store: Where its results are.
        queue: The batch's part of it.
        run: The run.
        outcome: How it ended.

    Returns:
        JSON values; ``compared`` sets the run against those of the 28 days before it, and says
        ``moved`` only where an interval of the difference leaves out zero.
    """
    agents = sum_groups(store, run.run_id, "agent")
    teams = sum_groups(store, run.run_id, "team")
    failed = queue.ended(run.run_id, "failed", limit=_SET_ASIDE)
    now = dt.datetime.now(dt.UTC)
    report: dict[str, Any] = {
        "run": run.run_id,
        "inbox": run.inbox,
        "host": run.host,
        "state": outcome.state,
        "reason": outcome.reason,
        "started_at": run.started_at.isoformat(),
        "ended_at": now.isoformat(),
        "engine": run.engine,
        "model": run.model,
        "prompt_version": run.prompt_version,
        "options": run.options,
        "counts": outcome.counts.to_record(),
        "sample": {k: list(v) for k, v in outcome.drawn.items()},
        "agents": [asdict(one) for one in agents],
        "teams": [asdict(one) for one in teams],
        "clauses": [asdict(one) for one in sum_clauses(store, run.run_id)],
        "worst": [asdict(one) for one in worst_moments(store, run.run_id, _WORST)],
        "set_aside": [asdict(one) for one in failed],
    }
    before = [
        r.report
        for r in queue.list_runs(limit=None, since=run.started_at - dt.timedelta(days=NIGHTS))
        if r.report and r.run_id != run.run_id and r.engine == run.engine and r.model == run.model
    ]
    report["compared"] = compare(report, before)
    return report


def compare(report: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Set a run against earlier ones.

    Args:
        report: The run's.
        before: Those of earlier runs of the same engine and model.

    Returns:
        For the whole, and for each agent and team of at least five calls, the two rates, those of
        before, the difference with its interval (Newcombe, 95 % for the whole, 99 % for one of
        many), and whether it moved.

    Source:
        Newcombe, Interval estimation for the difference between independent proportions,
        Statistics in Medicine 17, 1998 (method 10).
    """
    out: dict[str, Any] = {"nights": len(before), "whole": [], "moved": []}
    if not before:
        return out
    now = _as_group(report["counts"])
    then = _summed(_as_group(one["counts"]) for one in before)
    out["whole"] = [_difference("all calls", rate, now, then, _Z_WHOLE) for rate in _RATES]
    for kind in ("agents", "teams"):
        earlier: dict[str, dict[str, int]] = {}
        for one in before:
            for group in one.get(kind, ()):
                total = earlier.setdefault(group["name"], {})
                for key in ("calls", *_RATES):
                    total[key] = total.get(key, 0) + int(group.get(key) or 0)
        for group in report[kind]:
            was = earlier.get(group["name"])
            if not group["name"] or was is None or min(group["calls"], was["calls"]) < _FEW:
                continue
            told = [_difference(group["name"], r, group, was, _Z_ONE_OF_MANY) for r in _RATES]
            out["moved"] += [{**one, "of": kind} for one in told if one["moved"]]
    return out


def _as_group(counts: Mapping[str, Any]) -> dict[str, int]:
    return {"calls": int(counts["done"]), **{r: int(counts[r]) for r in _RATES}}


def _summed(groups: Iterable[Mapping[str, int]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for group in groups:
        for key, value in group.items():
            out[key] = out.get(key, 0) + value
    return out


def _difference(
    name: str, rate: str, now: Mapping[str, Any], then: Mapping[str, Any], z: float
) -> dict[str, Any]:
    a, n, b, m = (int(x) for x in (now[rate], now["calls"], then[rate], then["calls"]))
    out: dict[str, Any] = {"name": name, "rate": rate, "now": [a, n], "before": [b, m]}
    if not n or not m:
        return {**out, "low": None, "high": None, "moved": False}
    p, q = a / n, b / m
    (p_low, p_high), (q_low, q_high) = _wilson(a, n, z), _wilson(b, m, z)
    low = p - q - math.sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    high = p - q + math.sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return {**out, "low": round(low, 4), "high": round(high, 4), "moved": low > 0 or high < 0}


def _wilson(hits: int, n: int, z: float) -> tuple[float, float]:
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


# --- as text ------------------------------------------------------------------------------------


def sum_up(report: Mapping[str, Any]) -> str:
    """A run in one line; it quotes nobody, so that it may go into a mail."""
    counts = report["counts"]
    parts = [f"{counts['done']} calls analysed"]
    parts += [
        f"{counts[key]} {word}"
        for key, word in (
            ("failed", "set aside"),
            ("files_refused", "files set aside"),
            ("deferred", "deferred"),
            ("skipped", "left out by the sample"),
            ("judged_again", "judged again"),
        )
        if counts[key]
    ]
    parts.append(f"{counts['conflicts']} conflicts, {counts['stonewalls']} stonewalls")
    return ", ".join(parts)


def _sections(report: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]] | None]]:
    """Headings, sentences and tables, the same for Markdown and HTML."""
    counts = report["counts"]
    out: list[tuple[str, list[str], list[list[str]] | None]] = []
    began, ended = report["started_at"][:19], report["ended_at"][:19]
    facts = [
        f"Inbox {report['inbox']} on {report['host']}.",
        f"Engine {report['engine']} ({report['model']}).",
        f"{began} to {ended} UTC, {_span(counts['seconds'])}.",
        f"State: {report['state']}{_because(report['reason'])}.",
    ]
    if counts["requests"]:
        share = counts["tokens_cached"] / max(counts["tokens_in"], 1)
        facts.append(
            f"{counts['requests']} requests, {counts['tokens_in']} tokens in ({share:.0%} of them "
            f"cached), {counts['tokens_out']} out, {counts['cost_usd']:.2f} USD."
        )
    if report["options"].get("sample", "all") != "all":
        facts.append(
            f"Sample {report['options']['sample']}, seed {report['options'].get('seed', 0)}: "
            + "; ".join(f"{k} {m} of {n}" for k, (n, m) in report["sample"].items())
            + "."
        )
    out.append((f"{sum_up(report)}.", facts, None))
    out.append(("Against the last 28 nights", *_compared(report["compared"])))
    out.append(("The worst", *_moments(report["worst"])))
    for key, title in (("agents", "By agent"), ("teams", "By team")):
        rows = [
            [
                g["name"] or "(none)",
                str(g["calls"]),
                str(g["conflicts"]),
                str(g["stonewalls"]),
                f"{g['score_sum'] / g['scored']:.0f}" if g["scored"] else "",
            ]
            for g in report[key][:_SHOWN]
        ]
        heading = ["", "calls", "conflicts", "stonewalls", "mean score"]
        left = len(report[key]) - _SHOWN
        out.append((title, [f"and {left} more"] if left > 0 else [], [heading, *rows]))
    clauses = [
        [c["company"] or "", c["clause"], str(c["conflicts"]), str(c["calls"])]
        for c in report["clauses"][:_SHOWN]
    ]
    heading = ["company", "clause", "conflicts", "calls"]
    out.append(("By clause", [], [heading, *clauses] if clauses else None))
    aside = [
        [one["company"] or "", one["call_id"], one["source"], one["reason"] or ""]
        for one in report["set_aside"]
    ]
    if aside:
        out.append(("Set aside", [], [["company", "call", "where", "why"], *aside]))
    return out


def _compared(compared: Mapping[str, Any]) -> tuple[list[str], list[list[str]] | None]:
    if not compared["nights"]:
        return ["There is no earlier run of this engine and model to compare with."], None
    lines = [f"{compared['nights']} earlier runs of this engine and model."]
    rows = [["", "now", "before", "difference", ""]]
    for one in (*compared["whole"], *compared["moved"]):
        (a, n), (b, m) = one["now"], one["before"]
        interval = "" if one["low"] is None else f"{one['low']:+.1%} to {one['high']:+.1%}"
        rows.append(
            [
                f"{one['name']}: {_RATES[one['rate']]}",
                f"{a} of {n}",
                f"{b} of {m}",
                interval,
                "moved" if one["moved"] else "within noise",
            ]
        )
    if not compared["moved"]:
        lines.append("No agent and no team moved by more than chance.")
    return lines, rows


def _moments(worst: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]] | None]:
    if not worst:
        return ["No conflict and no stonewall was marked."], None
    rows = [["call", "agent", "turn", "said", "marked", "clause"]]
    for one in worst:
        marked = one["verdict"] or f"stonewall, severity {one['severity']}"
        said = " ".join((one["quote"] or "").split())
        rows.append(
            [
                one["call_id"],
                one["agent"],
                str(one["turn"]),
                f"“{said}”",
                marked,
                one["clause"] or "",
            ]
        )
    return [], rows


def _because(reason: str | None) -> str:
    return f" ({reason.rstrip('.')})" if reason else ""


def _span(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.2f} h"  # noqa: PLR2004


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def render_markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown; what was said in calls cannot be read as markup."""

    def plain(text: str) -> str:
        return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))

    out = [f"# Wordbond batch, run {report['run']}", ""]
    for number, (title, lines, table) in enumerate(_sections(report)):
        out += [f"**{plain(title)}**" if not number else f"## {plain(title)}", ""]
        out += [f"- {plain(line)}" for line in lines]
        if lines:
            out.append("")
        if table:
            head, *rows = table
            out.append("| " + " | ".join(plain(cell) for cell in head) + " |")
            out.append("|" + " --- |" * len(head))
            out += ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows]
            out.append("")
    return "\n".join(out)


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;"
    "color:#1d2433}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #dde2ea;vertical-align:top}th{font-weight:600}"
    "@media print{body{margin:0}}"
)


def render_html(report: Mapping[str, Any]) -> str:
    """The report as one HTML page that needs nothing from elsewhere and runs nothing."""
    text = html.escape
    rules = "default-src 'none'; style-src 'unsafe-inline'"
    out = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f'<meta http-equiv=Content-Security-Policy content="{rules}">',
        f"<title>Wordbond batch, run {report['run']}</title><style>{_STYLE}</style>",
        f"<h1>Wordbond batch, run {report['run']}</h1>",
    ]
    for number, (title, lines, table) in enumerate(_sections(report)):
        out.append(f"<p><b>{text(title)}</b></p>" if not number else f"<h2>{text(title)}</h2>")
        if lines:
            out.append("<ul>" + "".join(f"<li>{text(line)}</li>" for line in lines) + "</ul>")
        if table:
            head, *rows = table
            cells = "".join(f"<th>{text(cell)}</th>" for cell in head)
            body = "".join(
                "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in rows
            )
            out.append(f"<table><tr>{cells}</tr>{body}</table>")
    return "\n".join(out) + "</html>\n"


def write_report(folder: Path, report: Mapping[str, Any]) -> list[Path]:
    """Write a report as ``run-7.md``, ``.html`` and ``.json``, each whole or not at all.

    Raises:
        AnalyzerError: If the folder cannot be written to.
    """
    texts = {
        "md": render_markdown(report),
        "html": render_html(report),
        "json": json.dumps(report, indent=2, ensure_ascii=False) + "\n",
    }
    out = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in texts.items():
            path = folder / f"run-{report['run']}.{suffix}"
            write_whole(path, content)
            out.append(path)
    except OSError as error:
        raise AnalyzerError(
            f"The report cannot be written to {folder} ({error.strerror}); it is in the database, "
            "and `wordbond batch --show RUN` prints it."
        ) from error
    return out


def write_whole(path: Path, content: str) -> None:
    """Write a file for its owner so that a reader sees the old or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise

"""An evaluation as people read it and as programs do."""

from __future__ import annotations

from typing import Any

from analyzer.evaluation.evaluation import Evaluation, Figure
from analyzer.evaluation.intervals import LEVEL
from analyzer.evaluation.matching import CallKey, Mark
from analyzer.evaluation.misses import Miss, find_misses, worst_misses
from analyzer.evaluation.scores import CallCounts, Tally

_QUOTE_LENGTH = 100
_EMPTY = "-"


def render_table(evaluation: Evaluation) -> str:
    """The scores as an aligned table, then what was set aside and why.

    Returns:
        Lines of plain text, with no line break at the end.
    """
    rows = [("score", "value", f"{100 * LEVEL:.0f} % interval", "items")]
    rows += [_row(name, figure) for name, figure in evaluation.scores.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_headline(evaluation), ""]
    for name, value, bounds, items in rows:
        cells = name.ljust(widths[0]), value.rjust(widths[1]), bounds.ljust(widths[2])
        lines.append("  ".join((*cells, items.rjust(widths[3]))))
    lines.insert(3, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    if any(figure.value is None for figure in evaluation.scores.values()):
        lines += ["", f"{_EMPTY} there was nothing to count"]
    if evaluation.n_ungrounded:
        count = _number(evaluation.n_ungrounded, "mark")
        lines += ["", f"{count} that the engine returned could not be grounded: not counted"]
    if evaluation.set_aside:
        lines += [
            "",
            f"{_number(len(evaluation.set_aside), 'call')} set aside, scored as missed:",
        ]
        lines += [f"  {_name(key)}: {_plain(why)}" for key, why in evaluation.set_aside.items()]
    if evaluation.unasked:
        names = ", ".join(_name(key) for key in evaluation.unasked)
        count = _number(len(evaluation.unasked), "prediction")
        lines += [
            "",
            f"{count} of calls that the gold file does not hold, not scored: {names}",
        ]
    return "\n".join(lines)


def render_misses(evaluation: Evaluation, limit: int) -> str:
    """The worst misses of each sort, for a person to look at; quotes words of the calls.

    Args:
        evaluation: What was scored.
        limit: How many of each sort at most; at least 0.

    Returns:
        Lines of plain text, with no line break at the end; says so where there is no miss.

    Raises:
        ValueError: If ``limit`` is negative.
    """
    blocks = []
    worst = worst_misses(evaluation, limit)
    for sort, all_of_sort in find_misses(evaluation).items():
        if all_of_sort:
            total = len(all_of_sort)
            shown = f", the worst {limit}" if limit < total else ""
            lines = [f"{_number(total, sort)}{shown}:"]
            lines += [_miss_line(miss) for miss in worst if miss.sort == sort]
            blocks.append("\n".join(lines))
    return "\n\n".join(blocks) if blocks else "Nothing was missed and nothing invented."


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation in plain JSON types; holds no words of any call.

    Returns:
        ``scores`` (value, low, high, items by score; null where there was nothing to count),
        ``interval`` (how the intervals were made), ``gold``, ``engine``, ``model``,
        ``prompt_version``, ``policy_versions``, ``seconds``, ``ungrounded`` (marks that an engine
        returned and that were not in the call), ``set_aside``, ``not_in_gold`` and ``calls``
        (what each call contributed).
    """
    return {
        "scores": {
            name: {
                "value": figure.value,
                "low": figure.low,
                "high": figure.high,
                "items": figure.items,
            }
            for name, figure in evaluation.scores.items()
        },
        "interval": {
            "level": LEVEL,
            "method": "percentile bootstrap over calls",
            "draws": evaluation.draws,
            "seed": evaluation.seed,
        },
        "gold": {"sha256": evaluation.gold_sha256, "calls": len(evaluation.calls)},
        "engine": ", ".join(evaluation.engines) or None,
        "model": ", ".join(evaluation.models) or None,
        "prompt_version": ", ".join(evaluation.prompt_versions) or None,
        "policy_versions": {c: list(v) for c, v in evaluation.policy_versions.items()},
        "seconds": evaluation.seconds,
        "ungrounded": evaluation.n_ungrounded,
        "set_aside": [
            {"company": company, "call_id": call_id, "reason": reason}
            for (company, call_id), reason in evaluation.set_aside.items()
        ],
        "not_in_gold": [
            {"company": company, "call_id": call_id} for company, call_id in evaluation.unasked
        ],
        "calls": [_call_counts(call) for call in evaluation.calls],
    }


def _call_counts(call: CallCounts) -> dict[str, Any]:
    return {
        "company": call.company,
        "call_id": call.call_id,
        "analysed": call.is_analysed,
        "commitments": _tally(call.commitment),
        "flags": _tally(call.flag),
        "stonewall_turns": _tally(call.wall_turns),
        "stonewall_spans": _tally(call.wall_spans),
        "links": _tally(call.links),
        "matched": len(call.kinds),
        "kinds_right": sum(want == got for want, got in call.kinds),
        "strengths_right": sum(want == got for want, got in call.strengths),
        "verdicts": [{"gold": want, "predicted": got} for want, got in call.verdicts],
        "clauses": len(call.clause_first),
        "clauses_first": sum(call.clause_first),
        "clauses_in_five": sum(call.clause_in_five),
        "quiet": call.quiet,
        "reviewable": len(call.reviews),
        "reviews": sum(call.reviews),
        "quotes": len(call.quotes),
        "quotes_verbatim": sum(call.quotes),
    }


def _tally(tally: Tally) -> dict[str, int]:
    return {"hits": tally.hits, "predicted": tally.predicted, "gold": tally.gold}


def _headline(evaluation: Evaluation) -> str:
    parts = [_number(len(evaluation.calls), "call")]
    if evaluation.engines:
        models = f" ({', '.join(evaluation.models)})" if evaluation.models else ""
        parts.append(f"engine {', '.join(evaluation.engines)}{models}")
    if evaluation.seconds is not None:
        speed = evaluation.calls_per_second
        rate = f", {speed:.1f} calls a second" if speed else ""
        parts.append(f"{evaluation.seconds:.1f} s{rate}")
    return " · ".join(parts)


def _row(name: str, figure: Figure) -> tuple[str, str, str, str]:
    has_bounds = figure.low is not None and figure.high is not None
    return (
        name,
        _EMPTY if figure.value is None else f"{figure.value:.3f}",
        f"{figure.low:.3f} to {figure.high:.3f}" if has_bounds else _EMPTY,
        str(figure.items),
    )


def _miss_line(miss: Miss) -> str:
    if "stonewall" in miss.sort:
        tactics = ", ".join(miss.mark["tactics"])
        place = f"turns {miss.mark['start']} to {miss.mark['end']}"
        judged = f"{tactics}, severity {miss.mark['severity']}"
    else:
        place = f"turn {miss.mark['turn']}"
        judged = _judged(miss.mark)
    line = f"  {_name(miss.call)} {place}, {judged}: {_quoted(miss.mark)}"
    if miss.other is not None:
        side = "predicted" if miss.sort.startswith("missed") else "gold"
        line += f" | {side}: {_judged(miss.other)}"
    return line


def _judged(mark: Mark) -> str:
    verdict = mark.get("verdict") or "no verdict"
    clauses = " ".join(mark.get("clauses") or ())
    return f"{mark['strength']} {mark['kind']}, {verdict}" + (f" by {clauses}" if clauses else "")


def _quoted(mark: Mark) -> str:
    text = _plain(str(mark.get("quote") or ""))
    if len(text) > _QUOTE_LENGTH:
        text = text[: _QUOTE_LENGTH - 1].rstrip() + "…"
    return f'"{text}"'


def _plain(text: str) -> str:
    # A transcript is not trusted with a terminal's control codes.
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())


def _name(key: CallKey) -> str:
    company, call_id = key
    return _plain(f"{company}/{call_id}" if company else call_id)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")

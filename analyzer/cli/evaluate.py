"""``wordbond eval``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

from analyzer.cli.records import STANDARD_OUTPUT, RecordWriter
from analyzer.cli.sources import Policies, explain_engine, load_policies, tell_notes
from analyzer.cli.terminal import Terminal
from analyzer.config import Settings, load_settings
from analyzer.errors import ConfigError
from analyzer.evaluation.run import (
    Predictions,
    evaluate,
    hash_file,
    predict,
    read_gold,
    read_predictions,
    render_misses,
    render_table,
    to_json,
)
from analyzer.pipeline import build_engine


def run_evaluate(
    gold_file: Path,
    *,
    policies: Sequence[Path],
    engine_name: str | None,
    predictions: Path | None,
    json_file: Path | None,
    n_misses: int,
) -> int:
    """Score an engine, or a file of records, against labelled calls.

    Args:
        gold_file: Labelled calls.
        policies: Folders and files of policies; none for those of the library.
        engine_name: What ``--engine`` says.
        predictions: Records to score instead of asking an engine.
        json_file: Where the scores are written; ``-`` is standard output.
        n_misses: How many misses of each sort are shown.

    Returns:
        The exit code: 0, or 3 if a gold call has no prediction or a policy document was set aside.

    Raises:
        AnalyzerError: If the files cannot be read, or the engine or the policies fail.
    """
    gold = read_gold(gold_file)
    terminal = Terminal(has_results_only=json_file == STANDARD_OUTPUT)
    refused: list[str] = []
    if predictions is not None:
        found = Predictions(read_predictions(predictions))
        terminal.show_line(f"Engine: none; the records of {predictions} are scored.")
    else:
        settings = load_settings()
        engine = build_engine(settings, name=engine_name)
        terminal.show_line(explain_engine(settings, engine_name, engine))
        judged_by = _load_book(settings, policies, terminal)
        refused += [str(one) for one in judged_by.refused]
        with closing(engine), terminal.progress("analysing", len(gold)) as bar:
            found = predict(
                gold,
                engine=engine,
                book=judged_by.book,
                progress=lambda n_done, _: bar.reach(n_done),
            )
        tell_notes(engine, terminal)
    evaluation = evaluate(
        gold,
        found.records,
        set_aside=found.set_aside,
        seconds=found.seconds,
        gold_sha256=hash_file(gold_file),
    )
    terminal.show("")
    terminal.show_table(render_table(evaluation))
    if n_misses:
        terminal.show("")
        terminal.show_table(render_misses(evaluation, n_misses))
    if json_file:
        with RecordWriter(json_file) as writer:
            writer.write(to_json(evaluation))
    refused += [
        f"set aside: {gold_file}, call {call_id}: {reason}"
        for (_, call_id), reason in evaluation.set_aside.items()
    ]
    for sentence in refused:
        terminal.say(sentence)
    return 3 if refused else 0


def run_curve(gold_file: Path, *, policies: Sequence[Path]) -> int:
    """Show what the cascade costs and finds at each threshold.

    Args:
        gold_file: Labelled calls.
        policies: Folders and files of policies; none for those of the library.

    Returns:
        The exit code: 0, or 3 if a policy document was set aside.

    Raises:
        AnalyzerError: If the files cannot be read, or the engine or the policies fail.
    """
    from analyzer.engines.cascade import CascadeEngine
    from analyzer.evaluation.curve import cascade_curve, render_curve

    gold = read_gold(gold_file)
    terminal = Terminal()
    settings = load_settings()
    with closing(cast(CascadeEngine, build_engine(settings, name="cascade"))) as engine:
        terminal.show_line(explain_engine(settings, "cascade", engine))
        judged_by = _load_book(settings, policies, terminal)
        with terminal.progress("analysing", len(gold)) as bar:
            points = cascade_curve(
                gold,
                engine=engine,
                book=judged_by.book,
                progress=lambda n_done, _: bar.reach(n_done),
            )
    terminal.show("")
    terminal.show_table(render_curve(points))
    terminal.show("")
    terminal.show_line(
        f"The threshold is WORDBOND_CASCADE, now {settings.cascade:g}; conflicts and stonewalls "
        "are recall; tokens are those of asking about the turns that could hold a mark."
    )
    for sentence in (str(one) for one in judged_by.refused):
        terminal.say(sentence)
    return 3 if judged_by.refused else 0


def _load_book(settings: Settings, policies: Sequence[Path], terminal: Terminal) -> Policies:
    judged_by = load_policies(settings, policies, terminal)
    terminal.show_line(judged_by.origin)
    if judged_by.book is None:
        raise ConfigError(
            "Verdicts cannot be scored without policies; name their folder with --policies, or "
            "add them with `wordbond policies add`."
        )
    return judged_by

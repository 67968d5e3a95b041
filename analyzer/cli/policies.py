"""``wordbond policies``: add documents to the library, list them, search their clauses."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.padding import Padding
from rich.text import Text

from analyzer.cli.analyze import open_store
from analyzer.cli.calls import Refused
from analyzer.cli.faults import printable
from analyzer.cli.moments import number
from analyzer.cli.records import STANDARD_OUTPUT, RecordWriter
from analyzer.cli.sources import has_library, read_documents
from analyzer.cli.terminal import Terminal
from analyzer.config import Settings, load_settings
from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import ClauseChange, compare_words, redate
from analyzer.embedders import build_embedder
from analyzer.policy_library import (
    AddReport,
    DocumentReport,
    PolicyLibrary,
    SearchHit,
    StoredDocument,
)

#: Changes shown in full, documents named in a question, words shown on each side of a change.
_SHOWN, _NAMED, _AROUND = 40, 3, 6
_EMPTY = "The policy library is empty; add policies with `wordbond policies add PATH`."


def run_add(paths: Sequence[Path], *, effective_from: dt.date | None, is_correction: bool) -> int:
    """Add documents, or new versions of them, and show what changed.

    Args:
        paths: Files and folders.
        effective_from: First day of the documents that name none; None to ask, or to take today.
        is_correction: Whether a document without a day replaces the version that is there.

    Returns:
        The exit code: 0, or 3 if any document was set aside.

    Raises:
        AnalyzerError: If nothing could be read, or the library fails.
    """
    settings = load_settings()
    terminal = Terminal()
    documents, refused = read_documents(paths)
    if effective_from:
        documents = [
            redate(d, effective_from) if d.effective_from is None else d for d in documents
        ]
    n_clauses = sum(len(document.clauses) for document in documents)
    with PolicyLibrary.open(settings, build_embedder(settings)) as library:
        undated = [] if is_correction else library.find_undated(documents)
        begins = _ask_day(undated, terminal) if undated else None
        with terminal.progress("adding clauses", n_clauses) as bar:
            report = library.add(
                documents, undated_from=begins, is_correction=is_correction, progress=bar.reach
            )
        n_there = library.count()
    refused += [Refused.of(error) for error in report.set_aside]
    for done in report.documents:
        terminal.show_line(_describe_change(done))
        for note in done.notes:
            terminal.show(Padding(Text(printable(note), style="dim"), (0, 0, 0, 2)))
        show_changes(done.changes, terminal)
    terminal.show_line(_describe_total(report, n_there), style="bold")
    if any(done.changes for done in report.documents):
        terminal.say(
            "Calls that these changes touch keep their verdicts until `wordbond policies impact "
            "--apply` judges them again."
        )
    return _set_aside(refused, settings, terminal)


def _ask_day(undated: Sequence[PolicyDocument], terminal: Terminal) -> dt.date:
    """The first day of new versions that name none: asked at a terminal, else today."""
    today = dt.datetime.now().astimezone().date()
    names = ", ".join(f"{d.company}: {d.document}" for d in undated[:_NAMED])
    names += f" and {len(undated) - _NAMED} more" if len(undated) > _NAMED else ""
    if not sys.stdin.isatty():
        terminal.say(
            f"{names}: no day of force is named, so what is new is in force from today, {today}; "
            "say another day with --effective-from, or --replace to correct what is there."
        )
        return today
    while True:
        said = typer.prompt(f"{names}: from which day is it in force?", default=str(today))
        try:
            return dt.date.fromisoformat(said.strip())
        except ValueError:
            terminal.say(f"{said!r} is no day; write it as 2026-03-04.")


def show_changes(changes: Sequence[ClauseChange], terminal: Terminal) -> None:
    """Show clause by clause what changed, its words with what went and what came."""
    for change in changes[:_SHOWN]:
        before, after = change.before, change.after
        clause = after or before
        if clause is None:
            continue
        head = Text(f"  {change.kind:8}", style="dim")
        title = "" if clause.title == clause.id else clause.title
        head.append(printable(f"{clause.id} {title}".strip()), style="bold")
        if before and after and before.id != after.id:
            head.append(printable(f" (was {before.id})"), style="dim")
        terminal.show(head)
        body = _changed_words(before, after)
        if body is not None:
            terminal.show(Padding(body, (0, 0, 0, 10)))
    if len(changes) > _SHOWN:
        terminal.show(Text(f"  and {len(changes) - _SHOWN} more changes", style="dim"))


def _changed_words(before: Clause | None, after: Clause | None) -> Text | None:
    """The words that went and came, each with the words around it; None where all are new."""
    if before is None or after is None:
        return None
    body = Text()
    if before.title != after.title:
        body.append(printable(f"[-{before.title}-] {{+{after.title}+}} "))
    words = compare_words(before.text, after.text)
    for index, (kind, text) in enumerate(words):
        if kind == "gone":
            body.append(printable(f"[-{text}-] "), style="red strike")
        elif kind == "new":
            body.append(printable(f"{{+{text}+}} "), style="green")
        else:
            body.append(
                printable(_shorten(text, is_first=index == 0, is_last=index == len(words) - 1))
            )
    return body


def _shorten(text: str, *, is_first: bool, is_last: bool) -> str:
    """Words that stayed: those next to a change, the rest as an ellipsis."""
    words = text.split()
    if len(words) <= 2 * _AROUND:
        return f"{text} "
    left = [] if is_first else words[:_AROUND]
    right = [] if is_last else words[-_AROUND:]
    return " ".join([*left, "…", *right]) + " "


def run_list(*, as_json: bool) -> int:
    """List the documents of the library."""
    settings = load_settings()
    documents: list[StoredDocument] = []
    if has_library(settings):
        with PolicyLibrary.open(settings, build_embedder(settings)) as library:
            documents = library.list_documents()
    terminal = Terminal()
    if as_json:
        print_json(
            {
                "company": document.company,
                "company_name": document.company_name,
                "document": document.document,
                "effective_from": _day(document.effective_from),
                "effective_to": _day(document.effective_to),
                "source": document.source,
                "clauses": document.n_clauses,
                "complete": document.is_complete,
            }
            for document in documents
        )
    elif not documents:
        terminal.say(_EMPTY)
    else:
        _show_documents(documents, terminal)
    return 0


def run_search(
    query: str, *, k: int, on: dt.date | None, company: str | None, as_json: bool
) -> int:
    """Search the clauses of the library; see :meth:`PolicyLibrary.search`."""
    settings = load_settings()
    found: list[SearchHit] = []
    is_begun = has_library(settings)
    if is_begun:
        with PolicyLibrary.open(settings, build_embedder(settings)) as library:
            is_begun = library.count() > 0
            found = library.search(query, k=k, on=on, company=company) if is_begun else []
    terminal = Terminal()
    if as_json:
        print_json(
            {
                "score": round(hit.score, 4),
                "weak": hit.is_weak,
                **hit.clause.model_dump(mode="json"),
            }
            for hit in found
        )
    elif not found:
        terminal.say(
            f"No clause was in force on {on}; leave out --on to search all editions."
            if is_begun
            else _EMPTY
        )
    else:
        for hit in found:
            _show_clause(hit.clause, hit.score, terminal)
        if all(hit.is_weak for hit in found):
            terminal.say("No clause comes near these words; what is shown is the nearest there is.")
    return 0


def _describe_change(report: DocumentReport) -> str:
    counts = (
        (report.added, "added"),
        (report.replaced, "replaced"),
        (report.removed, "removed"),
        (report.unchanged, "unchanged"),
    )
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    begins = f" from {report.effective_from}" if report.effective_from else ""
    if not report.supersedes:
        return f"{report.company}: {report.document}{begins}: {told}"
    kinds = [change.kind for change in report.changes]
    counted = [(kinds.count(kind), kind) for kind in ("changed", "added", "removed")]
    against = ", ".join(f"{count} {kind}" for count, kind in counted if count) or "nothing changed"
    return (
        f"{report.company}: {report.document}{begins}: {told}; a new version, against the one "
        f"before: {against}"
    )


def _describe_total(report: AddReport, n_there: int) -> str:
    return (
        f"{number(len(report.documents), 'document')}: {report.added} clauses added, "
        f"{report.replaced} replaced, {report.removed} removed, {report.unchanged} unchanged. "
        f"The library holds {number(n_there, 'clause')}."
    )


def _set_aside(refused: Sequence[Refused], settings: Settings, terminal: Terminal) -> int:
    """Tell and keep what was set aside; the exit code."""
    for one in refused:
        terminal.say(str(one))
    if not refused:
        return 0
    with open_store(settings) as store:
        for one in refused:
            store.save_set_aside(one.source, one.reason)
    return 3


def _show_documents(documents: Sequence[StoredDocument], terminal: Terminal) -> None:
    shown = None
    for document in documents:
        if document.company != shown:
            shown = document.company
            name = f" ({document.company_name})" if document.company_name else ""
            terminal.show_line(f"{shown}{name}", style="bold")
        state = (
            number(document.n_clauses, "clause")
            if document.is_complete
            else "incomplete, since adding it was interrupted; add it again"
        )
        days = describe_days(document.effective_from, document.effective_to)
        line = f"{document.document} · {days} · {state} · {document.source}"
        terminal.show(Padding(Text(printable(line)), (0, 0, 0, 2)))


def _show_clause(clause: Clause, score: float, terminal: Terminal) -> None:
    head = Text(f"{score:.2f}  ")
    head.append(printable(f"{clause.id} {clause.title}".strip()), style="bold")
    days = describe_days(clause.effective_from, clause.effective_to)
    page = f" · page {clause.page}" if clause.page else ""
    place = printable(f"{clause.company} · {clause.document}{page} · {days}")
    terminal.show(
        head,
        Padding(Text(place, style="dim"), (0, 0, 0, 6)),
        Padding(Text(printable(clause.text)), (0, 0, 0, 6)),
        "",
    )


def describe_days(begins: dt.date | None, ends: dt.date | None) -> str:
    """The days of a clause's force, in words."""
    if begins and ends:
        return f"{begins} to {ends}"
    if begins:
        return f"from {begins}"
    return f"until {ends}" if ends else "no dates"


def _day(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def print_json(items: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line, on standard output."""
    with RecordWriter(STANDARD_OUTPUT) as writer:
        writer.write(list(items))

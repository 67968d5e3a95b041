"""``wordbond policies``: add documents to the library, list them, search their clauses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

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
from analyzer.domain import Clause
from analyzer.embedders import build_embedder
from analyzer.policy_library import AddReport, DocumentReport, PolicyLibrary, StoredDocument

_EMPTY = "The policy library is empty; add policies with `wordbond policies add PATH`."


def run_add(paths: Sequence[Path]) -> int:
    """Add documents, or bring them up to date.

    Returns:
        The exit code: 0, or 3 if any document was set aside.

    Raises:
        AnalyzerError: If nothing could be read, or the library fails.
    """
    settings = load_settings()
    terminal = Terminal()
    documents, refused = read_documents(paths)
    n_clauses = sum(len(document.clauses) for document in documents)
    with PolicyLibrary.open(settings, build_embedder(settings)) as library:
        with terminal.progress("adding clauses", n_clauses) as bar:
            report = library.add(documents, progress=bar.reach)
        n_there = library.count()
    refused += [Refused.of(error) for error in report.set_aside]
    for done in report.documents:
        terminal.show_line(_describe_change(done))
    terminal.show_line(_describe_total(report, n_there), style="bold")
    return _set_aside(refused, settings, terminal)


def run_list(*, as_json: bool) -> int:
    """List the documents of the library."""
    settings = load_settings()
    documents: list[StoredDocument] = []
    if has_library(settings):
        with PolicyLibrary.open(settings, build_embedder(settings)) as library:
            documents = library.list_documents()
    terminal = Terminal()
    if as_json:
        _print_json(
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
    found: list[tuple[Clause, float]] = []
    is_begun = has_library(settings)
    if is_begun:
        with PolicyLibrary.open(settings, build_embedder(settings)) as library:
            is_begun = library.count() > 0
            found = library.search(query, k=k, on=on, company=company) if is_begun else []
    terminal = Terminal()
    if as_json:
        _print_json(
            {"score": round(score, 4), **clause.model_dump(mode="json")} for clause, score in found
        )
    elif not found:
        terminal.say(
            f"No clause was in force on {on}; leave out --on to search all editions."
            if is_begun
            else _EMPTY
        )
    else:
        for clause, score in found:
            _show_clause(clause, score, terminal)
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
    return f"{report.company}: {report.document}{begins}: {told}"


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
        days = _describe_days(document.effective_from, document.effective_to)
        line = f"{document.document} · {days} · {state} · {document.source}"
        terminal.show(Padding(Text(printable(line)), (0, 0, 0, 2)))


def _show_clause(clause: Clause, score: float, terminal: Terminal) -> None:
    head = Text(f"{score:.2f}  ")
    head.append(printable(f"{clause.id} {clause.title}".strip()), style="bold")
    days = _describe_days(clause.effective_from, clause.effective_to)
    place = printable(f"{clause.company} · {clause.document} · {days}")
    terminal.show(
        head,
        Padding(Text(place, style="dim"), (0, 0, 0, 6)),
        Padding(Text(printable(clause.text)), (0, 0, 0, 6)),
        "",
    )


def _describe_days(begins: dt.date | None, ends: dt.date | None) -> str:
    if begins and ends:
        return f"{begins} to {ends}"
    if begins:
        return f"from {begins}"
    return f"until {ends}" if ends else "no dates"


def _day(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def _print_json(items: Iterable[dict[str, Any]]) -> None:
    with RecordWriter(STANDARD_OUTPUT) as writer:
        writer.write(list(items))

"""``wordbond demo``: the sample corpus, analysed on this machine and told case by case."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from rich.text import Text

from analyzer.cli.analyze import open_store
from analyzer.cli.calls import Finished, Refused, Tally, analyze_files, stop
from analyzer.cli.faults import printable
from analyzer.cli.moments import find_moments, name_call, number, render_call
from analyzer.cli.sources import count_clauses
from analyzer.cli.terminal import Terminal
from analyzer.config import Settings, load_settings
from analyzer.demo import get_corpus
from analyzer.embedders import packaged_embedder
from analyzer.engines import Engine
from analyzer.pipeline import build_engine
from analyzer.policy_book import PolicyBook
from analyzer.policy_library import PolicyLibrary
from analyzer.readers.policies import read_policies
from analyzer.readers.transcripts import ReadOptions, find_transcripts

#: What would take the demo, or the app after it, away from this machine's own defaults.
_ELSEWHERE = {
    "database_url": "WORDBOND_DATABASE_URL",
    "chroma_url": "WORDBOND_CHROMA_URL",
    "embedding_model": "WORDBOND_EMBEDDING_MODEL",
}


def run_demo() -> int:
    """Analyse the sample corpus and show its flagged moments.

    Policies and results are kept in the home folder, whatever servers are set, so that the app
    can be opened on them; doing it again changes nothing there.

    Returns:
        The exit code: 0, 3 if anything was set aside, 1 if the user ended the run.

    Raises:
        AnalyzerError: If the corpus is missing, or the home folder cannot be used.
    """
    asked = load_settings()
    settings = asked.model_copy(update=dict.fromkeys(_ELSEWHERE))
    corpus = get_corpus()
    terminal = Terminal()
    engine = build_engine(settings, name="embedded")
    terminal.show_line(
        f"Engine: {engine.name} ({engine.model}), as always in the demo; it needs no key and no "
        "network."
    )
    reading = read_policies(corpus)
    with PolicyLibrary.open(settings, packaged_embedder()) as library:
        n_clauses = sum(len(document.clauses) for document in reading.documents)
        with terminal.progress("adding policies", n_clauses) as bar:
            added = library.add(reading.documents, progress=bar.reach)
        book = library.book()
    terminal.show_line(f"Policies: {count_clauses(book)} in the policy library.")
    tally = Tally()
    refused = [Refused.of(error) for error in (*reading.set_aside, *added.set_aside)]
    for one in refused:
        tally.add(one)
    finished: list[Finished] = []
    try:
        for outcome in _work(settings, engine, book, terminal):
            tally.add(outcome)
            if isinstance(outcome, Refused):
                refused.append(outcome)
            else:
                finished.append(outcome)
    except KeyboardInterrupt:
        return stop(tally, terminal, is_stored=True)
    _tell(finished, book, terminal)
    terminal.show_line(tally.render(), style="bold")
    for one in refused:
        terminal.say(str(one))
    terminal.show("")
    terminal.show_line(_how_to_open(asked))
    return tally.exit_code


def _work(
    settings: Settings, engine: Engine, book: PolicyBook, terminal: Terminal
) -> Iterable[Finished | Refused]:
    files = find_transcripts([get_corpus()])
    with open_store(settings) as store, terminal.progress("analysing") as bar:
        yield from analyze_files(
            files, ReadOptions(), engine=engine, book=book, store=store, bar=bar
        )


def _tell(finished: Sequence[Finished], book: PolicyBook, terminal: Terminal) -> None:
    """The calls with something to show, by company and case, then the others in one line."""
    names = book.companies
    companies: dict[str, dict[str, list[Finished]]] = defaultdict(lambda: defaultdict(list))
    clean: list[str] = []
    for one in finished:
        call = one.analysis.call
        if find_moments(one.analysis):
            companies[call.company or ""][call.customer_id or call.call_id].append(one)
        else:
            clean.append(name_call(call))
    for company, cases in companies.items():
        terminal.show("", Text(printable(names.get(company, company)), style="bold underline"))
        for case, calls in cases.items():
            several = f", {number(len(calls), 'call')}" if len(calls) > 1 else ""
            terminal.show("", Text(printable(f"Customer {case}{several}"), style="italic"))
            for one in sorted(calls, key=_day):
                terminal.show(render_call(one.analysis, book, one.read.speakers))
    if clean:
        terminal.show("", Text(f"✓ Nothing marked against policy in {', '.join(clean)}."))
    terminal.show("")


def _day(one: Finished) -> tuple[dt.date, str]:
    call = one.analysis.call
    return call.date or dt.date.min, call.call_id


def _how_to_open(asked: Settings) -> str:
    set_elsewhere = [name for field, name in _ELSEWHERE.items() if getattr(asked, field)]
    if not set_elsewhere:
        return "Open the app on these calls: wordbond app"
    return (
        f"These calls are in {asked.home}; to open the app on them, unset "
        f"{' and '.join(set_elsewhere)} and run: wordbond app"
    )

"""``wordbond policies conflicts | health | authority | show``: what a policy's owner looks at."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from analyzer.authority import AuthorityRow, grant_to_record, say_grant
from analyzer.cli.analyze import open_store
from analyzer.cli.faults import printable
from analyzer.cli.moments import number
from analyzer.cli.policies import describe_days, print_json
from analyzer.cli.sources import has_library
from analyzer.cli.terminal import Terminal
from analyzer.config import Settings, load_settings
from analyzer.domain import Clause
from analyzer.editions import compare_words
from analyzer.embedders import Embedder, build_embedder
from analyzer.errors import ConfigError
from analyzer.policy_book import PolicyBook, PolicyView
from analyzer.policy_feed import PolicyFeed, Promised, read_feed
from analyzer.policy_health import ClausePair, find_conflicts
from analyzer.policy_library import PolicyLibrary

_EMPTY = "The policy library is empty; add policies with `wordbond policies add PATH`."
_MOST_SHOWN = 10


def _open_book(settings: Settings, embedder: Embedder) -> PolicyBook | None:
    if not has_library(settings):
        return None
    with PolicyLibrary.open(settings, embedder) as library:
        book = library.book()
    return book if book.clauses else None


def _views(book: PolicyBook, company: str | None, on: dt.date | None) -> list[PolicyView]:
    """The clauses in force on a day, today where none is given, of one company or of each."""
    day = on or dt.datetime.now().astimezone().date()
    companies = sorted(book.companies)
    if company is not None:
        key = book.find_company(company)
        shown = book.companies.get(key or "", "")
        if key is None or company.strip().casefold() not in {key.casefold(), shown.casefold()}:
            raise ConfigError(
                f"The policy library has no policies of company {company!r}; it has those of "
                f"{', '.join(companies)}."
            )
        companies = [key]
    return [book.view(key, day) for key in companies]


def run_conflicts(*, company: str | None, on: dt.date | None, as_json: bool) -> int:
    """Find clauses in force together that disagree, or that say nearly the same."""
    settings, terminal = load_settings(), Terminal()
    embedder = build_embedder(settings)
    book = _open_book(settings, embedder)
    if book is None:
        terminal.say(_EMPTY)
        return 0
    pairs: list[tuple[str, ClausePair]] = []
    n_clauses = n_left = 0
    for view in _views(book, company, on):
        report = find_conflicts(view, embedder)
        n_clauses += len(view.clauses)
        n_left += report.n_left
        pairs += [(view.company, pair) for pair in report.pairs]
    if n_left:
        terminal.say(f"{number(n_left, 'pair')} of clauses, the least alike, were not compared.")
    if as_json:
        print_json([_pair_record(key, pair) for key, pair in pairs])
        return 0
    for key, pair in pairs:
        _show_pair(key, pair, terminal)
    found = f"{number(len(pairs), 'pair')} of clauses" if pairs else "No clauses"
    terminal.show_line(
        f"{found} in force together disagree or say the same, of {number(n_clauses, 'clause')}.",
        style="bold",
    )
    return 0


def _pair_record(company: str, pair: ClausePair) -> dict[str, Any]:
    return {
        "company": company,
        "kind": pair.kind,
        "clauses": [pair.one.id, pair.other.id],
        "documents": [pair.one.document, pair.other.document],
        "quotes": [pair.one_quote, pair.other_quote],
        "why": pair.why,
        "confidence": round(pair.confidence, 3),
    }


def _show_pair(company: str, pair: ClausePair, terminal: Terminal) -> None:
    head = Text(f"{pair.kind:12}")
    head.append(printable(f"{pair.one.id} and {pair.other.id}"), style="bold")
    head.append(printable(f"  {company}"), style="dim")
    terminal.show(head)
    for clause, quote in ((pair.one, pair.one_quote), (pair.other, pair.other_quote)):
        line = f"{clause.id} ({clause.document}): “{' '.join(quote.split())}”"
        terminal.show(Padding(Text(printable(line)), (0, 0, 0, 12)))
    terminal.show(Padding(Text(printable(pair.why), style="dim"), (0, 0, 1, 12)))


def run_health(*, company: str | None, as_json: bool) -> int:
    """Say what the results tell of the policies: clauses gone against, misread, and gaps."""
    settings, terminal = load_settings(), Terminal()
    with open_store(settings) as store:
        findings = store.list_findings(company=company, finding="commitment", limit=None)
    feed = read_feed(findings, build_embedder(settings))
    if as_json:
        print_json([_feed_record(feed)])
        return 0
    if not findings:
        terminal.say("No promise has been judged yet; analyse calls with `wordbond analyze`.")
        return 0
    _show_feed(feed, terminal)
    return 0


def _feed_record(feed: PolicyFeed) -> dict[str, Any]:
    def example(one: Promised) -> dict[str, Any]:
        return {
            "company": one.company,
            "call_id": one.call_id,
            "turn": one.turn,
            "agents": list(one.agents),
            "quote": one.quote,
        }

    return {
        "clauses": [
            {
                "company": r.company,
                "clause": r.clause,
                "judged": r.n_judged,
                "contradicted": r.n_contradicted,
                "agents": r.n_agents,
                "misread": r.is_misread,
                "examples": [example(e) for e in r.examples],
            }
            for r in feed.clauses
        ],
        "gaps": [
            {
                "promises": g.n_promises,
                "agents": g.n_agents,
                "examples": [example(e) for e in g.examples],
            }
            for g in feed.gaps
        ],
    }


def _show_feed(feed: PolicyFeed, terminal: Terminal) -> None:
    terminal.show_line("Clauses that promises go against", style="bold")
    for record in feed.clauses[:_MOST_SHOWN]:
        misread = "; several agents get it wrong: look at its wording" if record.is_misread else ""
        owner = f"{record.company}: " if record.company else ""
        terminal.show_line(
            f"  {owner}{record.clause}: {record.n_contradicted} of "
            f"{number(record.n_judged, 'promise')}, by {number(record.n_agents, 'agent')}{misread}"
        )
        _show_examples(record.examples, terminal)
    if not feed.clauses:
        terminal.show_line("  none")
    terminal.show_line("Promises that no clause speaks to", style="bold")
    for gap in feed.gaps[:_MOST_SHOWN]:
        made = number(gap.n_promises, "promise")
        terminal.show_line(f"  {made}, by {number(gap.n_agents, 'agent')}")
        _show_examples(gap.examples, terminal)
    if not feed.gaps:
        terminal.show_line("  none")


def _show_examples(examples: Sequence[Promised], terminal: Terminal) -> None:
    for one in examples:
        line = f"“{' '.join(one.quote.split())}” (call {one.call_id}, turn {one.turn})"
        terminal.show(Padding(Text(printable(line), style="dim"), (0, 0, 0, 6)))


def run_authority(*, company: str | None, on: dt.date | None, as_json: bool) -> int:
    """Show who may grant what, as the clauses in force say it or as it was corrected."""
    settings, terminal = load_settings(), Terminal()
    book = _open_book(settings, build_embedder(settings))
    if book is None:
        terminal.say(_EMPTY)
        return 0
    rows = [(v.company, row) for v in _views(book, company, on) for row in v.authority_matrix()]
    if as_json:
        print_json(
            [
                {
                    "company": key,
                    "clause": row.clause.id,
                    **grant_to_record(row.grant),
                    "corrected": row.is_corrected,
                }
                for key, row in rows
            ]
        )
        return 0
    if not rows:
        terminal.say("No clause in force says who may grant what.")
        return 0
    terminal.show(_matrix(rows))
    return 0


def _matrix(rows: Sequence[tuple[str, AuthorityRow]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("company", "who", "may grant", "how much", "clause"):
        table.add_column(heading)
    for company, row in rows:
        mark = " (corrected)" if row.is_corrected else ""
        cells = (
            company,
            row.grant.role,
            row.grant.action,
            say_grant(row.grant),
            f"{row.clause.id}{mark}",
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def run_show(clause_id: str, *, company: str | None, on: dt.date | None) -> int:
    """Show one clause: its words, what it refers to, its versions, what it lets roles grant.

    Raises:
        ConfigError: If no version of such a clause is in the library.
    """
    settings, terminal = load_settings(), Terminal()
    book = _open_book(settings, build_embedder(settings))
    if book is None:
        terminal.say(_EMPTY)
        return 0
    shown = 0
    for view in _views(book, company, on):
        clause = view.find_clause(clause_id)
        versions = sorted(
            (c for c in book.clauses if c.company == view.company and c.id == clause_id),
            key=lambda c: c.effective_from or dt.date.min,
        )
        if versions:
            shown += 1
            _show_one(clause, versions, view, terminal)
    if not shown:
        raise ConfigError(
            f"The policy library has no clause {clause_id!r}; `wordbond policies search` finds "
            "clauses by their words."
        )
    return 0


def _show_one(
    clause: Clause | None, versions: Sequence[Clause], view: PolicyView, terminal: Terminal
) -> None:
    told = clause or versions[-1]
    terminal.show(Text(printable(f"{told.id} {told.title}".strip()), style="bold"))
    page = f", page {told.page}" if told.page else f", line {told.line}" if told.line else ""
    days = describe_days(told.effective_from, told.effective_to)
    state = days if clause else f"{days}; not in force on that day"
    place = f"{view.company} · {told.document} · {told.source}{page} · {state}"
    terminal.show(Padding(Text(printable(place), style="dim"), (0, 0, 0, 2)))
    terminal.show(Padding(Text(printable(told.text)), (0, 0, 0, 2)))
    if clause is not None:
        for related in view.find_related(clause):
            line = f"read with {related.id} {related.title}".strip()
            terminal.show(Padding(Text(printable(line), style="dim"), (0, 0, 0, 2)))
        for grant in view.find_grants(clause):
            line = f"{grant.role}: {grant.action}: {say_grant(grant)}"
            terminal.show(Padding(Text(printable(line)), (0, 0, 0, 2)))
    for before, after in itertools.pairwise(versions):
        changed = "".join(
            f"[-{text}-] " if kind == "gone" else f"{{+{text}+}} "
            for kind, text in compare_words(before.text, after.text)
            if kind != "same"
        )
        line = f"since {after.effective_from}: {changed or 'the same words'}"
        terminal.show(Padding(Text(printable(line), style="dim"), (0, 0, 0, 2)))

"""Every command with its options.

Only what describes the commands is imported here, so that ``wordbond --help`` answers at once; the
work is done in the modules beside this one.
"""

from __future__ import annotations

import datetime as dt
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from analyzer.cli.faults import guarded, set_debugging

if TYPE_CHECKING:
    from analyzer.domain import Role

app = typer.Typer(
    name="wordbond",
    help="Marks what agents promised, where customers were stonewalled, and what policy says.",
    epilog="Exit codes: 0 done; 1 something failed, and the message says what to do; 2 wrong "
    "usage; 3 done, but some inputs were set aside, each with its reason.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
policies_app = typer.Typer(
    help="The policy library: the clauses that calls are judged by.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(policies_app, name="policies")


class EngineChoice(StrEnum):
    """What ``--engine`` takes."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    LLM = "llm"
    CASCADE = "cascade"


def _read_day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it as 2026-03-04.") from None


PolicyFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--policies",
        metavar="DIR",
        help="Judge by the policies of this folder or file, for this run alone; repeatable. "
        "Without it, by the policy library.",
    ),
]
EngineOption = Annotated[
    EngineChoice | None,
    typer.Option("--engine", help="What reads the calls; WORDBOND_ENGINE or auto if not given."),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def main() -> None:
    """Run the command ``wordbond``."""
    for stream in (sys.stdout, sys.stderr):
        # A console that lacks a character shows a question mark instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(_debug_first(sys.argv[1:]), prog_name="wordbond")


def _debug_first(arguments: list[str]) -> list[str]:
    """``--debug`` is a global option; people write it where they are, at the end."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if "--debug" not in arguments[:end]:
        return arguments
    rest = [argument for argument in arguments[:end] if argument != "--debug"]
    return ["--debug", *rest, *arguments[end:]]


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - the shape that typer calls
    if wanted:
        from analyzer.cli.doctor import find_version

        typer.echo(f"wordbond {find_version()}")
        raise typer.Exit


@app.callback()
def _global_options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    set_debugging(is_on=debug)


@app.command()
@guarded
def demo() -> int:
    """Analyse the sample corpus on this machine, with no key and no network, and show it."""
    from analyzer.cli.demo import run_demo

    return run_demo()


@app.command()
@guarded
def analyze(
    *,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", help="Transcripts, or folders of them, in any supported format."
        ),
    ],
    policies: PolicyFolders = None,
    company: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Company of transcripts that name none: key or name."),
    ] = None,
    engine: EngineOption = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Write one record a line, each as soon as it is finished; - is standard output.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show how each finding came about: the clauses found, each condition, the model's "
            "own answers.",
        ),
    ] = False,
    no_store: Annotated[bool, typer.Option("--no-store", help="Leave the database alone.")] = False,
    date: Annotated[
        dt.date | None,
        typer.Option(
            metavar="DAY",
            parser=_read_day,
            help="Day of transcripts that carry none, as 2026-03-04.",
        ),
    ] = None,
    position: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Position of agents that carry none: representative."),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(metavar="ID", help="Agent of transcripts that name none.")
    ] = None,
    team: Annotated[
        str | None, typer.Option(metavar="NAME", help="Team of transcripts that name none.")
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Customer of transcripts that name none.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=ROLE",
            help="Role of a speaker: agent, customer or system, as in 'Speaker 1=agent'; "
            "repeatable.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=COLUMN",
            help="Column of a table that holds a field, as in 'text=What was said'; repeatable.",
        ),
    ] = None,
) -> int:
    """Analyse transcripts: promises with their verdicts, and where customers were stonewalled."""
    from analyzer.cli.analyze import run_analyze
    from analyzer.readers.transcripts import ReadOptions

    options = ReadOptions(
        roles=_read_roles(role or []),
        columns=_read_columns(column or []),
        date=date,
        company=company or None,
        position=position or None,
        agent_id=agent or None,
        team=team or None,
        customer_id=customer or None,
    )
    return run_analyze(
        paths,
        options,
        policies=policies or [],
        engine_name=engine.value if engine else None,
        json_file=json_file,
        is_stored=not no_store,
        is_explained=explain,
    )


def _read_roles(given: list[str]) -> dict[str, Role]:
    from analyzer.domain import Role as RoleType

    out: dict[str, Role] = {}
    for text in given:
        label, _, wanted = (part.strip() for part in text.rpartition("="))
        role = next((known for known in get_args(RoleType) if known == wanted), None)
        if not label or role is None:
            raise typer.BadParameter(
                f"{text!r} sets no role; write the speaker's label and agent, customer or system, "
                "as in 'Speaker 1=agent'.",
                param_hint="'--role'",
            )
        out[label] = role
    return out


def _read_columns(given: list[str]) -> dict[str, str]:
    from analyzer.readers.transcripts.fields import CALL_FIELDS, TURN_FIELDS

    known = {*CALL_FIELDS, *TURN_FIELDS}
    out: dict[str, str] = {}
    for text in given:
        field, _, column = (part.strip() for part in text.partition("="))
        if field not in known or not column:
            raise typer.BadParameter(
                f"{text!r} maps no column; write FIELD=COLUMN, as in 'text=What was said', with "
                f"one of the fields {', '.join(sorted(known))}.",
                param_hint="'--column'",
            )
        out[field] = column
    return out


@policies_app.command("add")
@guarded
def policies_add(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Policy documents (Markdown, text, HTML, DOCX, PDF), or folders of them.",
        ),
    ],
    *,
    effective_from: Annotated[
        dt.date | None,
        typer.Option(
            metavar="DAY",
            parser=_read_day,
            help="First day of force of documents that name none: 2026-03-04.",
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Correct the version that is there by a document that names no day, instead of "
            "making it a new version.",
        ),
    ] = False,
) -> int:
    """Add policy documents, or new versions of them; what did not change is not embedded again."""
    from analyzer.cli.policies import run_add

    return run_add(paths, effective_from=effective_from, is_correction=replace)


@policies_app.command("list")
@guarded
def policies_list(*, as_json: JsonFlag = False) -> int:
    """List the documents of the library: company, days in force, clauses, file."""
    from analyzer.cli.policies import run_list

    return run_list(as_json=as_json)


CompanyOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this company: key or name.")
]
OnOption = Annotated[
    dt.date | None,
    typer.Option(
        metavar="DAY", parser=_read_day, help="As in force on this day; today if left out."
    ),
]


@policies_app.command("show")
@guarded
def policies_show(
    clause: Annotated[str, typer.Argument(metavar="CLAUSE", help="Id of a clause: RET-4.")],
    *,
    company: CompanyOption = None,
    on: OnOption = None,
) -> int:
    """Show a clause: its words and place, what it refers to, who may grant what, its versions."""
    from analyzer.cli.policy_health import run_show

    return run_show(clause, company=company, on=on)


@policies_app.command("authority")
@guarded
def policies_authority(
    *, company: CompanyOption = None, on: OnOption = None, as_json: JsonFlag = False
) -> int:
    """Show who may grant what, up to how much, with whose approval; the app corrects it."""
    from analyzer.cli.policy_health import run_authority

    return run_authority(company=company, on=on, as_json=as_json)


@policies_app.command("conflicts")
@guarded
def policies_conflicts(
    *, company: CompanyOption = None, on: OnOption = None, as_json: JsonFlag = False
) -> int:
    """Find clauses in force together that disagree, or that say nearly the same."""
    from analyzer.cli.policy_health import run_conflicts

    return run_conflicts(company=company, on=on, as_json=as_json)


@policies_app.command("health")
@guarded
def policies_health(*, company: CompanyOption = None, as_json: JsonFlag = False) -> int:
    """Say what results tell of the policies: clauses gone against or misread, and gaps."""
    from analyzer.cli.policy_health import run_health

    return run_health(company=company, as_json=as_json)


@policies_app.command("impact")
@guarded
def policies_impact(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="New versions of policies, not adopted yet."),
    ] = None,
    *,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="Judge again the stored calls that the library's changes touch."
        ),
    ] = False,
    since: Annotated[
        dt.date | None,
        typer.Option(metavar="DAY", parser=_read_day, help="Only calls from this day on."),
    ] = None,
    engine: EngineOption = None,
    as_json: JsonFlag = False,
) -> int:
    """Say which stored calls would get another verdict under new versions of policies."""
    from analyzer.cli.policy_impact import run_impact

    return run_impact(
        paths or [],
        is_applied=apply,
        since=since,
        engine_name=engine.value if engine else None,
        as_json=as_json,
    )


@policies_app.command("search")
@guarded
def policies_search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question or a sentence.")],
    *,
    k: Annotated[int, typer.Option("-k", min=1, help="How many clauses at most.")] = 5,
    on: Annotated[
        dt.date | None,
        typer.Option(
            metavar="DAY", parser=_read_day, help="Only clauses in force on this day: 2026-03-04."
        ),
    ] = None,
    company: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this company's, by key or name.")
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Find the clauses that speak to a question, best first."""
    from analyzer.cli.policies import run_search

    return run_search(query, k=k, on=on, company=company or None, as_json=as_json)


class ExecutorChoice(StrEnum):
    """What ``--executor`` takes."""

    LOCAL = "local"
    DASK = "dask"
    OPENAI_BATCH = "openai-batch"


@app.command()
@guarded
def batch(
    inbox: Annotated[
        str | None,
        typer.Argument(
            metavar="INBOX",
            help="A folder, a glob in quotation marks, a CSV manifest with a column path, or a URL "
            "such as s3://bucket/calls.",
        ),
    ] = None,
    *,
    engine: EngineOption = None,
    executor: Annotated[
        ExecutorChoice, typer.Option("--executor", help="Where the work is done.")
    ] = ExecutorChoice.LOCAL,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes, or calls at once; all cores if not given.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://…", help="Of dask: its scheduler; a cluster is made if none."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the report here, as Markdown, HTML and JSON."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="Spend so much at most.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="06:00", help="Take no further call from then on."),
    ] = None,
    order: Annotated[
        str,
        typer.Option(help="What goes first: newest, oldest, open-cases, below-sample; or several."),
    ] = "newest",
    sample: Annotated[
        str, typer.Option(metavar="PLAN", help="all, a share such as 10%, or 5/agent/week.")
    ] = "all",
    strata: Annotated[
        str, typer.Option(help="Of a share: drawn by team, agent or company; several with commas.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    rescore: Annotated[
        bool,
        typer.Option(
            "--rescore", help="Analyse stored calls again that another engine or model analysed."
        ),
    ] = False,
    since: Annotated[
        dt.date | None,
        typer.Option(metavar="DAY", parser=_read_day, help="Of --rescore: calls from this day on."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Of --rescore: do not ask.")] = False,
    attempts: Annotated[
        int, typer.Option(min=1, help="So often a call is tried before it is set aside.")
    ] = 3,
    call_timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="A call that takes longer is given up.")
    ] = 600.0,
    metrics: Annotated[
        Path | None,
        typer.Option(metavar="FILE.prom", help="For Prometheus' textfile collector."),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON lines; - is standard error.")
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="List the latest runs.")] = False,
    show: Annotated[
        int | None, typer.Option(metavar="RUN", help="Print the report of a run.")
    ] = None,
    company: Annotated[
        str | None, typer.Option(metavar="NAME", help="Company of transcripts that name none.")
    ] = None,
    date: Annotated[
        dt.date | None,
        typer.Option(metavar="DAY", parser=_read_day, help="Day of transcripts that carry none."),
    ] = None,
    position: Annotated[
        str | None, typer.Option(help="Position of agents where a transcript gives none.")
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Analyse what is new or changed in an inbox, every night; goes on where it was stopped."""
    from analyzer.cli.batch import list_runs, read_until, run_batch, show_run

    if runs:
        return list_runs(as_json=as_json)
    if show is not None:
        return show_run(show, as_json=as_json)
    if inbox is None:
        raise typer.BadParameter("name the inbox, or use --runs or --show.", param_hint="INBOX")
    from analyzer.batch.night import NightOptions
    from analyzer.batch.plan import SamplingPlan, put_in_order
    from analyzer.batch.runner import BatchOptions
    from analyzer.readers.transcripts import ReadOptions

    put_in_order([], order)  # a wrong order is told before any file is read
    groups = [name.strip() for name in strata.split(",") if name.strip()]
    options = NightOptions(
        batch=BatchOptions(
            order=order,
            sample=SamplingPlan.parse(sample, strata=groups, seed=seed),
            until=read_until(until, dt.datetime.now().astimezone()) if until else None,
            attempts=attempts,
            rescore=rescore,
            since=since,
            read=ReadOptions(date=date, company=company, position=position),
        ),
        engine=engine.value if engine else None,
        executor=executor.value,
        workers=workers,
        scheduler=scheduler,
        max_cost=max_cost,
        report=report,
        metrics=metrics,
        call_timeout_s=call_timeout,
    )
    return run_batch(inbox, options, log_file=log, is_confirmed=yes, as_json=as_json)


@app.command("eval")
@guarded
def evaluate(
    gold: Annotated[
        Path, typer.Argument(metavar="GOLD.jsonl", help="Labelled calls, one record a line.")
    ],
    *,
    policies: PolicyFolders = None,
    engine: EngineOption = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Score these records, one a line, instead of asking an engine."
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the scores; - is standard output."),
    ] = None,
    misses: Annotated[
        int, typer.Option(metavar="N", min=0, help="Show the N worst misses of each sort.")
    ] = 0,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve",
            help="For --engine cascade: what it costs and finds at each threshold; asks the "
            "model about every call.",
        ),
    ] = False,
) -> int:
    """Score an engine, or a file of records, against labelled calls."""
    if predictions is not None and engine is not None:
        raise typer.BadParameter(
            "records that are there already need no engine; leave out one of --engine and "
            "--predictions.",
            param_hint="'--predictions'",
        )
    if curve:
        if engine is None or engine.value != "cascade" or predictions or json_file or misses:
            raise typer.BadParameter(
                "the curve is the cascade's; ask for --engine cascade, and for no other output.",
                param_hint="'--curve'",
            )
        from analyzer.cli.evaluate import run_curve

        return run_curve(gold, policies=policies or [])
    from analyzer.cli.evaluate import run_evaluate

    return run_evaluate(
        gold,
        policies=policies or [],
        engine_name=engine.value if engine else None,
        predictions=predictions,
        json_file=json_file,
        n_misses=misses,
    )


@app.command("app")
@guarded
def open_app(
    *,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port; the first free one from 8501 if not given."),
    ] = None,
) -> int:
    """Open the app in the browser; it listens on this machine alone."""
    from analyzer.cli.open_app import run_app

    return run_app(port=port)


@app.command()
@guarded
def doctor(*, as_json: JsonFlag = False) -> int:
    """Say what is configured, what is reachable and what is missing, with the mend for each."""
    from analyzer.cli.doctor import run_doctor

    return run_doctor(as_json=as_json)

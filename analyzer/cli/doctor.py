"""``wordbond doctor``: what is configured, reachable or missing, with the mend for each."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from analyzer.cli.faults import describe_surprise, printable
from analyzer.errors import AnalyzerError, ConfigError

if TYPE_CHECKING:
    from analyzer.cli.terminal import Terminal
    from analyzer.config import Settings

State = Literal["ok", "note", "fault"]
_SIGNS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "fault": ("✕", "red")}
_OLDEST_PYTHON = (3, 11)
#: An inbox whose last good run is older has missed a night.
_LATE = dt.timedelta(hours=36)


@dataclass(frozen=True)
class Check:
    """What was found out about one thing.

    Attributes:
        name: The thing.
        state: ``ok``; ``note`` where something is missing that one can do without; ``fault``.
        found: What was found.
        mend: What to do about it; empty where nothing is to be done.
    """

    name: str
    state: State
    found: str
    mend: str = ""


def find_version() -> str:
    """The version of Wordbond that is installed."""
    try:
        return version("wordbond")
    except PackageNotFoundError:
        return "of a folder that is not installed"


def run_doctor(*, as_json: bool) -> int:
    """Check everything and show it.

    Returns:
        The exit code: 0, or 1 if there is a fault.
    """
    from analyzer.cli.terminal import Terminal

    terminal = Terminal()
    checks: list[Check] = []
    for check in examine():
        checks.append(check)
        if not as_json:
            _show(check, terminal)
    n_faults = sum(check.state == "fault" for check in checks)
    if as_json:
        from analyzer.cli.records import STANDARD_OUTPUT, RecordWriter

        with RecordWriter(STANDARD_OUTPUT) as writer:
            writer.write([asdict(check) for check in checks])
    elif not n_faults:
        terminal.show("", "Everything that is needed is there.")
    if n_faults:
        named = ", ".join(check.name for check in checks if check.state == "fault")
        terminal.say(f"error: Something is wrong with: {named}; each has its mend beside it.")
    return 1 if n_faults else 0


def examine() -> Iterator[Check]:
    """Check one thing after the other; no key is shown, and what is not there is not made."""
    yield _python()
    yield _files()
    yield _guarded("packaged model", _packaged_model)
    yield _guarded("trained heads", _heads)
    try:
        from analyzer.config import load_settings

        settings = load_settings()
    except ConfigError as error:
        yield Check("settings", "fault", str(error))
        return
    yield _settings(settings)
    yield _home(settings)
    for name, look in (
        ("database", _database),
        ("policy library", _policies),
        ("embeddings", _embeddings),
        ("chat model", _chat_model),
        ("engine", _engine),
        ("nightly batch", _batch),
    ):
        yield _guarded(name, look, settings)


def _guarded(name: str, look: Callable[..., Check], *given: object) -> Check:
    try:
        return look(*given)
    except AnalyzerError as error:
        return Check(name, "fault", str(error))
    except Exception as error:  # noqa: BLE001 - a doctor looks at everything else all the same
        return Check(name, "fault", describe_surprise(error), "Install Wordbond again.")


def _python() -> Check:
    found = sys.version.split()[0]
    if sys.version_info < _OLDEST_PYTHON:
        return Check(
            "Python", "fault", f"this is {found}", "Install Wordbond with Python 3.11 or newer."
        )
    return Check("Python", "ok", f"{found}, with Wordbond {find_version()}")


def _files() -> Check:
    from analyzer.cli.open_app import find_app
    from analyzer.demo import find_corpus

    missing = [
        what
        for what, place in (("the sample corpus", find_corpus()), ("the app's app.py", find_app()))
        if place is None
    ]
    if missing:
        return Check(
            "package",
            "fault",
            f"{' and '.join(missing)} did not come with this installation",
            "Install Wordbond again, or run it from a checkout.",
        )
    return Check("package", "ok", f"sample corpus in {find_corpus()}, app in {find_app()}")


def _packaged_model() -> Check:
    from analyzer.embedders import packaged_embedder

    return Check(
        "packaged model", "ok", f"{packaged_embedder().name}, as released (SHA-256 compared)"
    )


def _heads() -> Check:
    from analyzer.engines.embedded.heads import load_heads

    return Check("trained heads", "ok", f"version {load_heads().version}")


def _settings(settings: Settings) -> Check:
    given = sorted(
        field if field.startswith("openai") else f"wordbond_{field}"
        for field in settings.model_fields_set
        if getattr(settings, field) is not None
    )
    file = Path(".env").absolute()
    origin = f", some perhaps in {file}" if file.is_file() else ""
    return Check(
        "settings", "ok", f"{', '.join(given).upper()} set{origin}" if given else "all by default"
    )


def _home(settings: Settings) -> Check:
    home = settings.home
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Check(
            "home",
            "fault",
            f"{place} cannot be written to ({error.strerror})",
            "Make it a folder that you may write to, or name another with WORDBOND_HOME.",
        )
    if place != home:
        return Check("home", "ok", f"{home}, made by the first command that keeps something")
    return Check("home", "ok", f"{home}, can be written to")


def _database(settings: Settings) -> Check:
    default = settings.home / "wordbond.db"
    if settings.database_url is None and not default.exists():
        return Check("database", "ok", f"none yet; the first analysis makes {default}")
    from analyzer.cli.moments import number
    from analyzer.results import ResultStore

    with ResultStore.open(settings.resolved_database_url) as store:
        stats = store.stats()
    return Check(
        "database",
        "ok",
        f"{stats.database}, schema {stats.revision}: {number(stats.n_calls, 'call')}, "
        f"{number(stats.n_results, 'result')}, {number(stats.n_set_aside, 'input')} set aside",
    )


def _policies(settings: Settings) -> Check:
    from analyzer.cli.sources import has_library

    add = "Add policies with `wordbond policies add PATH`; without them no verdict is given."
    if not has_library(settings):
        return Check("policy library", "note", "empty", add)
    from analyzer.embedders import build_embedder
    from analyzer.policy_library import PolicyLibrary

    with PolicyLibrary.open(settings, build_embedder(settings)) as library:
        documents = library.list_documents()
    from analyzer.config import address_without_secrets

    place = (
        address_without_secrets(settings.chroma_url)
        if settings.chroma_url
        else settings.chroma_path
    )
    if not documents:
        return Check("policy library", "note", f"empty ({place})", add)
    broken = [document for document in documents if not document.is_complete]
    if broken:
        named = ", ".join(f"{document.document} of {document.company}" for document in broken)
        return Check(
            "policy library",
            "fault",
            f"adding was interrupted: {named}",
            "Add these documents again with `wordbond policies add PATH`.",
        )
    clauses: dict[str, int] = defaultdict(int)
    for document in documents:
        clauses[document.company] += document.n_clauses
    told = ", ".join(f"{company} {count}" for company, count in clauses.items())
    return Check("policy library", "ok", f"{place}; clauses by company: {told}")


def _batch(settings: Settings) -> Check:
    from analyzer.batch.telling import read_good_runs

    runs = read_good_runs(settings.home)
    if not runs:
        return Check("nightly batch", "ok", "no good run yet; `wordbond batch INBOX` starts one")
    now = dt.datetime.now(dt.UTC)
    told, is_late = [], False
    for inbox, moment in sorted(runs.items()):
        age = now - dt.datetime.fromisoformat(moment)
        is_late = is_late or age > _LATE
        told.append(f"{inbox}: last good run {moment[:16].replace('T', ' ')} UTC")
    return Check(
        "nightly batch",
        "note" if is_late else "ok",
        "; ".join(told),
        "A night was missed: see `wordbond batch --runs` and the scheduler's log."
        if is_late
        else "",
    )


def _embeddings(settings: Settings) -> Check:
    if settings.embedding_model is None:
        return Check("embeddings", "ok", "by the packaged model, on this machine")
    from analyzer.embedders import build_embedder

    embedder = build_embedder(settings)
    embedder.embed(["Is anybody there?"])
    return Check(
        "embeddings",
        "ok",
        f"{settings.embedding_model} at {_endpoint(settings)} answers with {embedder.dimension} "
        "dimensions",
    )


def _chat_model(settings: Settings) -> Check:
    key = "a key is set" if settings.openai_api_key else "no key is set"
    if not settings.has_model:
        return Check("chat model", "ok", f"{key}; the embedded engine needs none")
    from analyzer.engines.llm.chat import DEFAULT_MODEL
    from analyzer.engines.llm.endpoint_check import check_endpoint

    model = settings.model or DEFAULT_MODEL
    check_endpoint(settings, model, is_asked=True)
    redaction = "masked before it is sent" if settings.redact else "sent as it is"
    return Check(
        "chat model",
        "ok" if settings.redact else "note",
        f"{key}, {model} at {_endpoint(settings)}; personal data is {redaction}",
        "" if settings.redact else "Unset WORDBOND_REDACT to keep personal data here.",
    )


def _engine(settings: Settings) -> Check:
    from analyzer.cli.sources import explain_engine
    from analyzer.pipeline import build_engine

    with closing(build_engine(settings)) as engine:
        told = explain_engine(settings, None, engine).removeprefix("Engine: ").rstrip(".")
    return Check("engine", "ok", told)


def _endpoint(settings: Settings) -> str:
    if settings.openai_base_url is None:
        return "OpenAI's own address"
    from analyzer.config import address_without_secrets

    return address_without_secrets(settings.openai_base_url)


def _show(check: Check, terminal: Terminal) -> None:
    from rich.table import Table
    from rich.text import Text

    sign, colour = _SIGNS[check.state]
    row = Table.grid(padding=(0, 1))
    row.add_column(min_width=7, no_wrap=True)
    row.add_column(overflow="fold")
    told = Text.assemble((f"{check.name}: ", "bold"), printable(check.found))
    row.add_row(Text(f"{sign} {check.state}", style=f"bold {colour}"), told)
    if check.mend:
        row.add_row("", Text(check.mend))
    terminal.show(row)

"""``wordbond demo`` on the real sample corpus, run twice and then looked at."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analyzer.cli import app
from analyzer.config import Settings
from analyzer.demo import get_corpus
from analyzer.embedders import packaged_embedder
from analyzer.policy_library import PolicyLibrary
from analyzer.readers.policies import read_policies
from analyzer.readers.transcripts import ReadCall, read_many
from analyzer.results import ResultStore

RUNNER = CliRunner()
KEY = "sk-this-is-a-secret"


@dataclass(frozen=True)
class Shown:
    """Two runs of the demo in one home."""

    home: Path
    first: Any
    again: Any

    @property
    def words(self) -> str:
        """What the first run printed, without its line breaks."""
        return " ".join(self.first.stdout.split())


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> Shown:
    root = tmp_path_factory.mktemp("demo")
    environment: dict[str, str | None] = dict.fromkeys(
        name for name in os.environ if name.startswith(("OPENAI_", "WORDBOND_"))
    )
    environment["WORDBOND_HOME"] = str(root / "home")
    first = RUNNER.invoke(app, ["demo"], env=environment)
    # A key, servers and another engine: the demo stays on this machine whatever is set.
    elsewhere = {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "WORDBOND_ENGINE": "llm",
        "WORDBOND_EMBEDDING_MODEL": "some-model",
        "WORDBOND_CHROMA_URL": "http://127.0.0.1:9",
        "WORDBOND_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }
    again = RUNNER.invoke(app, ["demo"], env={**environment, **elsewhere})
    return Shown(root / "home", first, again)


@pytest.fixture(scope="module")
def corpus_calls() -> list[ReadCall]:
    calls = list(read_many([get_corpus()]))
    assert all(isinstance(call, ReadCall) for call in calls)
    return [call for call in calls if isinstance(call, ReadCall)]


def open_store(home: Path) -> ResultStore:
    return ResultStore.open(f"sqlite:///{home / 'wordbond.db'}")


def test_it_ends_well_and_says_how_to_open_the_app(shown):
    assert shown.first.exit_code == 0, shown.first.output
    assert shown.first.stderr == ""
    assert shown.first.stdout.startswith("Engine: embedded (")
    assert shown.first.stdout.rstrip().endswith("wordbond app")


def test_every_flagged_moment_is_shown_with_its_words(shown, corpus_calls):
    n_moments = 0
    with open_store(shown.home) as store:
        for read in corpus_calls:
            one = store.get_analysis(read.call.company, read.call.call_id)
            for mark in one.conflicts:
                n_moments += 1
                assert f"“{' '.join(mark.quote.split())}”" in shown.words
                assert " ".join((mark.clause_quote or "").split()) in shown.words
            for wall in one.stonewalls:
                n_moments += 1
                assert " ".join((wall.quote or "").split()) in shown.words
    assert n_moments > 0
    signs = sum(shown.first.stdout.count(f"  {sign} ") for sign in ("✕", "▲", "▮"))
    assert signs == n_moments


def test_calls_stand_by_company_and_case_in_the_order_of_their_days(shown):
    text = shown.first.stdout
    flagged = re.findall(r"^[✕▲▮] (\S+)/(\S+)  (\S+)", text, re.MULTILINE)
    companies = [company for company, _, _ in flagged]
    assert companies == sorted(companies)
    cases: dict[str, list[str]] = {}
    with open_store(shown.home) as store:
        for company, call_id, day in flagged:
            call = store.find_call(company, call_id)
            assert call is not None
            cases.setdefault(str(call.customer_id), []).append(day)
    assert all(days == sorted(days) for days in cases.values())
    assert [text.index(f"Customer {case}") for case in cases] == sorted(
        text.index(f"Customer {case}") for case in cases
    )


def test_everything_is_stored_and_the_policies_are_in_the_library(shown, corpus_calls):
    with open_store(shown.home) as store:
        assert store.stats().n_calls == len(corpus_calls)
    clauses = sum(len(document.clauses) for document in read_policies(get_corpus()).documents)
    with PolicyLibrary.open(Settings(home=shown.home), packaged_embedder()) as library:
        assert library.count() == clauses


def test_the_second_time_shows_the_same_and_changes_nothing(shown, corpus_calls):
    assert shown.again.exit_code == 0, shown.again.output
    first, again = shown.first.stdout.splitlines(), shown.again.stdout.splitlines()
    assert first[:-1] == again[:-1]
    with open_store(shown.home) as store:
        stats = store.stats()
    assert (stats.n_calls, stats.n_versions, stats.n_results) == (len(corpus_calls),) * 3


def test_with_servers_set_it_stays_at_home_and_says_what_to_unset(shown):
    last = shown.again.stdout.splitlines()[-1]
    for name in ("WORDBOND_DATABASE_URL", "WORDBOND_CHROMA_URL", "WORDBOND_EMBEDDING_MODEL"):
        assert name in last
    assert last.endswith("wordbond app")
    assert KEY not in shown.again.output

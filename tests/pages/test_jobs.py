"""Jobs: each call is stored as it is done, what cannot be judged is set aside, and stopping stops."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from analyzer.demo import get_corpus
from analyzer.domain import Analysis, Call, Commitment
from analyzer.errors import CallSetAside, StoreError, TranscriptError
from analyzer.pages._jobs import AnalysisJob, Work, prepare_samples
from analyzer.policy_book import PolicyBook
from analyzer.policy_library import PolicyLibrary
from analyzer.readers.transcripts import ReadCall
from analyzer.results import ResultStore


class ScriptedEngine:
    """Marks the first turn of every call; sets aside or fails where the call's id says so."""

    name = "scripted"
    model = "m1"
    prompt_version: str | None = None

    def __init__(self):
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def close(self) -> None: ...

    def analyze(self, call, view):  # noqa: ARG002 - the protocol's names
        self.asked.append(call.call_id)
        assert self.gate.wait(20)
        if call.call_id == "odd":
            raise CallSetAside("Call odd is in Latin; use another engine.")
        if call.call_id == "bug":
            raise RuntimeError("a bug")
        mark = Commitment(
            id="c1", turn=0, quote=call.turns[0].text, kind="promise", strength="firm"
        )
        return Analysis(call=call, commitments=(mark,))


class CountingEmbedder:
    """Unit vectors that need no model."""

    name = "counting"
    dimension = 3

    def embed(self, texts):
        return np.tile(np.array([1.0, 0.0, 0.0], dtype=np.float32), (len(texts), 1))


def book():
    return PolicyBook("none", (), np.zeros((0, 3), dtype=np.float32))


def read(call_id: str) -> ReadCall:
    turns = [{"role": "agent", "text": "I will call you."}, {"role": "customer", "text": "Fine."}]
    call = Call.model_validate({"call_id": call_id, "company": "harbour", "turns": turns})
    return ReadCall(call, f"{call_id}.txt", format="plain text")


@pytest.fixture
def store(tmp_path: Path):
    with ResultStore.open(f"sqlite:///{tmp_path / 'w.db'}") as opened:
        yield opened


def run(store, *ids, engine=None, failures=()):
    work = Work([read(call_id) for call_id in ids], book(), failures)
    job = AnalysisJob(lambda: work, engine or ScriptedEngine(), store)
    job.start()
    job.wait(30)
    return job.look()


def test_every_call_is_stored_and_counted(store):
    progress = run(store, "a", "b")
    assert (progress.n_done, progress.n_all) == (2, 2)
    assert (progress.is_running, progress.error) == (False, None)
    assert store.count_calls() == 2
    assert store.get_analysis("harbour", "a").engine == "scripted"


def test_what_cannot_be_judged_or_read_is_set_aside_with_its_reason(store):
    failure = TranscriptError("the file is empty", path="e.txt")
    progress = run(store, "a", "odd", "b", failures=[failure])
    assert [done.reason for done in progress.done] == [
        None, "Call odd is in Latin; use another engine.", None,
    ]  # fmt: skip
    assert progress.failures == ("e.txt: the file is empty",)
    assert {(row.source, row.reason) for row in store.list_set_aside()} == {
        ("odd.txt, call odd", "Call odd is in Latin; use another engine."),
        ("e.txt", "the file is empty"),
    }
    assert store.count_calls() == 2


def test_stopping_leaves_the_rest_and_keeps_what_is_done(store):
    engine = ScriptedEngine()
    engine.gate.clear()
    work = Work([read("a"), read("b"), read("c")], book())
    job = AnalysisJob(lambda: work, engine, store)
    job.start()
    job.stop()
    engine.gate.set()
    job.wait(30)
    progress = job.look()
    assert progress.n_done <= 1
    assert progress.error is not None
    assert progress.error.startswith("Stopped before the last")
    assert store.count_calls() == progress.n_done


def test_an_error_of_ours_ends_the_job_with_its_sentence(store):
    def prepare():
        raise StoreError("The library is damaged; put back a backup.")

    job = AnalysisJob(prepare, ScriptedEngine(), store)
    job.start()
    job.wait(30)
    assert job.look().error == "The library is damaged; put back a backup."


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_costs_its_own_call_alone_and_says_no_word_of_it(store):
    progress = run(store, "a", "bug", "b")
    assert not progress.is_running
    assert progress.error is None
    assert [one.reason is None for one in progress.done] == [True, False, True]
    assert "did not foresee" in progress.done[1].reason
    assert store.count_calls() == 2


def test_the_samples_are_found_read_and_added(tmp_path, monkeypatch):
    from analyzer.config import load_settings

    monkeypatch.setenv("WORDBOND_HOME", str(tmp_path))
    with PolicyLibrary.open(load_settings(), CountingEmbedder()) as library:
        work = prepare_samples(library)
        n_documents = len(library.list_documents())
    companies = {folder.name for folder in get_corpus().iterdir() if folder.is_dir()}
    assert {call.call.company for call in work.calls} == companies
    assert n_documents >= len(companies)
    assert set(work.book.companies) == companies
    assert not work.failures

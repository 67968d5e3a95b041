"""Through a provider's files and batches: the same records, whatever happens on the way."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.batch.executors.local import ThreadExecutor
from analyzer.batch.executors.openai_batch import OpenAIBatchExecutor
from analyzer.batch.inbox import open_inbox
from analyzer.batch.runner import BatchOptions, BatchRun, Outcome
from analyzer.config import Settings
from analyzer.embedders import packaged_embedder
from analyzer.engines.llm.building import build_llm_engine
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies
from analyzer.readers.transcripts import ReadOptions, read_transcripts
from analyzer.results import ResultStore
from analyzer.results.batch_queue import BatchQueue
from tests.batch.doubles import RULES, SilentWatcher, write_calls
from tests.engines.llm.speaking import asked_for
from tests.model_server.answers import ChatRequest
from tests.model_server.batches import BatchSettings
from tests.model_server.labels import LabelAnswers
from tests.model_server.server import ModelServer

N_CALLS = 4
READ = ReadOptions(company="shop", position="representative")


class Night:
    """Runs the batch on one folder, through one server, into one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = folder / "inbox"
        (folder / "shop").mkdir()
        (folder / "shop" / "rules.md").write_text(RULES)
        documents = read_policies(folder / "shop").documents
        self.book = PolicyBook.from_documents(documents, packaged_embedder())
        records = []
        for path in write_calls(self.inbox, N_CALLS):
            dated = path.with_suffix(".json")
            (read,) = read_transcripts(path, options=READ)
            record = read.call.model_dump(mode="json", exclude_unset=True)
            record |= {"call_id": path.stem, "date": "2026-03-04"}
            dated.write_text(json.dumps(record))
            path.unlink()
            quote = record["turns"][2]["text"]
            mark = {
                "turn": 2,
                "quote": quote,
                "kind": "assurance",
                "strength": "firm",
                "verdict": "contradicted",
                "clauses": ["RET-1"],
                "resolution": "honour",
            }
            records.append(record | {"commitments": [mark], "stonewalls": []})
        self.answers = LabelAnswers(records)

    def run(
        self,
        server: ModelServer,
        store: ResultStore,
        home: str,
        *,
        stopping: threading.Event | None = None,
        is_batch: bool = True,
    ) -> Outcome:
        settings = Settings.model_validate(
            {
                "openai_base_url": server.base_url,
                "openai_api_key": "sk-test",
                "model": "test-model",
                "home": self.folder / home,
                "timeout_s": 5.0,
                "second_reading": False,
                "redact": False,
            }
        )
        inbox = open_inbox(str(self.inbox))
        queue = BatchQueue(store, inbox.address)
        engine = build_llm_engine(settings)
        run_id = queue.begin_run(
            engine=engine.name, model=engine.model, prompt_version=None, options={}
        )
        executor: Any = (
            OpenAIBatchExecutor(engine, self.book, settings, queue, poll_s=0.02, quiet_s=0.1)
            if is_batch
            else ThreadExecutor(engine, self.book, 2)
        )
        batch = BatchRun(
            queue, inbox, run_id=run_id, made_by="llm", options=BatchOptions(first_wait_s=0.01),
            watcher=SilentWatcher(), stopping=stopping,
        )  # fmt: skip
        batch.take_in()
        tasks, drawn = batch.choose()
        batch.analyze(tasks, executor)
        outcome = batch.outcome(drawn)
        executor.close(is_hasty=outcome.state == "stopped")
        engine.close()
        return outcome


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as opened:
        yield opened


def records(store: ResultStore) -> dict[str, Any]:
    out = {}
    for row in store.list_calls(limit=None):
        record = store.get_analysis(row.company, row.call_id).to_record()
        for how in ("usage", "trace"):
            record.pop(how, None)
        out[row.call_id] = record
    return out


def handed_over(server: ModelServer) -> Counter[str]:
    """How often each request went into a batch, by its key; an upload without a batch is free."""
    desk = server.desk
    lines = [
        json.loads(line)
        for request in server.requests
        if request.path == "/v1/batches" and request.method == "POST"
        for line in desk.file(request.body["input_file_id"]).content.splitlines()
    ]
    return Counter(line["custom_id"] for line in lines)


def test_the_same_records_come_out_at_half_the_price(
    night: Night, store: ResultStore, tmp_path: Path
) -> None:
    with ModelServer(night.answers, batches=BatchSettings(polls=1)) as server:
        outcome = night.run(server, store, "home")
        sent = handed_over(server)
    assert outcome.counts.done == N_CALLS
    assert outcome.counts.conflicts == N_CALLS
    assert set(sent.values()) == {1}
    assert len(sent) == outcome.counts.requests == 3 * N_CALLS
    with (
        ModelServer(night.answers) as server,
        ResultStore.open(f"sqlite:///{tmp_path / 'one-by-one.db'}") as other,
    ):
        night.run(server, other, "other", is_batch=False)
        assert records(store) == records(other)


def test_what_ran_out_of_time_or_failed_goes_out_again(night: Night, store: ResultStore) -> None:
    class FirstTimeOnly(set[str]):
        """Each line fails the first time it is looked up."""

        def __contains__(self, key: object) -> bool:
            if set.__contains__(self, key) or len(self) >= 2:
                return False
            self.add(str(key))
            return True

    settings = BatchSettings(expire_after=3, failing=FirstTimeOnly())
    with ModelServer(night.answers, batches=settings) as server:
        outcome = night.run(server, store, "home")
        sent = handed_over(server)
    assert outcome.counts.done == N_CALLS
    assert len(sent) == 3 * N_CALLS
    assert max(sent.values()) == 2


def test_a_run_that_ends_between_stages_goes_on_elsewhere(night: Night, store: ResultStore) -> None:
    queue = BatchQueue(store, str(night.inbox.resolve()))
    stopping, released = threading.Event(), threading.Event()

    def answers(request: ChatRequest) -> str:
        if asked_for(request) != "MarkAnswer" and not released.is_set():
            stopping.set()  # the second stage is handed over and not answered
            released.wait(20)
        return night.answers(request)

    with ModelServer(answers, batches=BatchSettings()) as server:
        first = night.run(server, store, "home", stopping=stopping)
        assert first.state == "stopped"
        assert first.counts.done + first.counts.deferred == N_CALLS
        before = handed_over(server)
        released.set()
        second = night.run(server, store, "another machine")
        sent = handed_over(server)
    assert first.counts.done + second.counts.done == N_CALLS
    assert set(sent.values()) == {1}
    assert set(before) <= set(sent)
    assert queue.open_batches() == {}


def test_a_refusal_by_the_provider_is_told_and_ends_the_run(
    night: Night, store: ResultStore
) -> None:
    from analyzer.errors import ConfigError

    with (
        ModelServer(night.answers, api_key="sk-other") as server,
        pytest.raises(ConfigError, match="OPENAI_API_KEY"),
    ):
        night.run(server, store, "home")

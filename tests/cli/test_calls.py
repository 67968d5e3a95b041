"""Calls on their way through a run: one that goes wrong never costs the others theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.cli.calls import Finished, Refused, Tally, analyze_files, stop
from analyzer.cli.faults import set_debugging
from analyzer.cli.terminal import Bar, Terminal
from analyzer.domain import Analysis, Call, Commitment
from analyzer.errors import EngineUnavailable
from analyzer.policy_book import PolicyView
from analyzer.readers.transcripts import ReadOptions
from analyzer.results import ResultStore

SPOKEN = "my card is four one one one"


class ScriptedEngine:
    """Fails as the id of the call says; else marks one thing that was said and one that was not."""

    name = "embedded"
    model = "scripted"
    prompt_version: str | None = None

    def close(self) -> None: ...

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        assert view is None
        if call.call_id == "surprise":
            raise IndexError(SPOKEN)
        if call.call_id == "away":
            raise EngineUnavailable("The engine does not answer; try again later.")
        said = {"turn": 0, "kind": "promise", "strength": "firm", "needs_review": True}
        marks = [
            Commitment.model_validate({**said, "id": "c1", "quote": "I will refund it"}),
            Commitment.model_validate({**said, "id": "c2", "quote": "never said"}),
        ]
        return Analysis(call=call, commitments=tuple(marks))


@pytest.fixture(autouse=True)
def _no_debugging() -> Iterator[None]:
    set_debugging(is_on=False)
    yield
    set_debugging(is_on=False)


def write_calls(folder: Path, *call_ids: str) -> Path:
    turns = [
        {"role": "agent", "text": "Yes, I will refund it."},
        {"role": "customer", "text": SPOKEN},
    ]
    path = folder / "calls.jsonl"
    path.write_text("".join(json.dumps({"call_id": i, "turns": turns}) + "\n" for i in call_ids))
    return path


def run(path: Path, store: ResultStore | None = None) -> list[Finished | Refused]:
    return list(
        analyze_files(
            [path],
            ReadOptions(),
            engine=ScriptedEngine(),
            book=None,
            store=store,
            bar=Bar("analysing", None, is_shown=False),
        )
    )


def test_what_an_engine_did_not_foresee_costs_one_call_and_shows_no_words_of_it(tmp_path):
    path = write_calls(tmp_path, "a", "surprise", "b", "away", "c")
    with ResultStore.open(f"sqlite:///{tmp_path / 'db.sqlite'}") as store:
        outcomes = run(path, store)
        kept = store.list_set_aside()
        assert store.stats().n_results == 3
    assert [type(one) for one in outcomes] == [Finished, Refused, Finished, Refused, Finished]
    told = " ".join(str(one) for one in outcomes if isinstance(one, Refused))
    assert "IndexError" in told
    assert "does not answer" in told
    assert SPOKEN not in told
    assert {row.source for row in kept} == {f"{path}, call surprise", f"{path}, call away"}


def test_with_debugging_a_surprise_comes_through(tmp_path):
    set_debugging(is_on=True)
    with pytest.raises(IndexError):
        run(write_calls(tmp_path, "surprise"))


def test_a_tally_counts_and_keeps_each_note_once(tmp_path):
    tally = Tally()
    for outcome in run(write_calls(tmp_path, "a", "b", "c", "d", "e", "away")):
        tally.add(outcome)
    assert tally.exit_code == 3
    assert tally.render() == "5 calls: 0 conflicts, 0 stonewalls, 5 to review; 1 input set aside."
    notes = tally.render_notes()
    assert len([note for note in notes if "No policies are loaded" in note]) == 1
    assert any("(5 calls: a, b, c and 2 more)" in note for note in notes)
    assert any(note.startswith("note: 5 marks left out") for note in notes)


def test_an_empty_tally_is_fine():
    assert Tally().exit_code == 0
    assert Tally().render() == "0 calls: 0 conflicts, 0 stonewalls, 0 to review."
    assert Tally().render_notes() == []


@pytest.mark.parametrize(("is_stored", "told"), [(True, "is stored"), (False, "shown or written")])
def test_a_run_that_the_user_ends_says_how_far_it_came(capsys, is_stored, told):
    assert stop(Tally(n_calls=1), Terminal(), is_stored=is_stored) == 1
    sentence = capsys.readouterr().err
    assert sentence.startswith("error: Stopped after 1 call; ")
    assert told in sentence

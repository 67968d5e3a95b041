"""From labelled calls to an evaluation, a table, JSON and the misses."""

import json
from typing import Any

import numpy as np
import pytest

from analyzer.domain import Analysis, Clause, Commitment, Stonewall
from analyzer.engines import Engine
from analyzer.errors import CallSetAside, ConfigError, EngineUnavailable
from analyzer.evaluation.matching import key_of
from analyzer.evaluation.run import (
    evaluate,
    hash_file,
    predict,
    read_gold,
    read_predictions,
    render_misses,
    render_table,
    strip_labels,
    to_json,
    worst_misses,
)
from analyzer.policy_book import PolicyBook

LABEL = "zzlabelzz"
CLAUSE = Clause(
    id="FEE-1",
    company="ordway",
    document="fees",
    text="Only a supervisor may refund a fee.",
)


class ScriptedEngine:
    """Answers from a table by call id, and keeps what it was asked."""

    name = "scripted"
    model = "table-1"
    prompt_version: str | None = None

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def close(self) -> None: ...

    def analyze(self, call, view):
        self.asked.append((call, view))
        answer = self.answers.get(call.call_id, {})
        if isinstance(answer, Exception):
            raise answer
        return Analysis(call=call, **answer)


@pytest.fixture
def book():
    return PolicyBook("none", (CLAUSE,), np.ones((1, 2), dtype=np.float32))


def mark(**more):
    return {
        "id": "c1",
        "turn": 1,
        "quote": "I'll refund the fee",
        "kind": "promise",
        "strength": "firm",
        "verdict": "exceeds_authority",
        "clauses": ["FEE-1"],
    } | more


def labelled(call_id="k1", **more):
    return {
        "call_id": call_id,
        "company": "ordway",
        "date": "2026-03-04",
        "customer_id": "c-9",
        "channel": "phone",
        "turns": [
            {"turn": 0, "role": "customer", "text": "Will you refund it?"},
            {
                "turn": 1,
                "role": "agent",
                "name": "Dana",
                "position": "representative",
                "text": "Sure. I'll refund the fee. You won't be charged again.",
                "start": 2.5,
            },
            {"turn": 2, "role": "agent", "text": "Nothing I can do."},
        ],
        "commitments": [mark()],
        "stonewalls": [],
        "links": [],
    } | more


def guess(**more):
    return Commitment(
        **mark(clause_quote="Only a supervisor may refund a fee", retrieved=["FEE-1"]) | more
    )


WALL: dict[str, Any] = {
    "start": 2,
    "end": 2,
    "tactics": ["flat_refusal"],
    "severity": 2,
    "quote": "Nothing I can do",
}


def gold_of(*calls, tmp_path):
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
    return read_gold(path)


def test_an_engine_is_scored_end_to_end(tmp_path, book):
    gold = gold_of(
        labelled("k1", stonewalls=[WALL]), labelled("k2", commitments=[]), tmp_path=tmp_path
    )
    engine = ScriptedEngine(k1={"commitments": (guess(),), "stonewalls": (Stonewall(**WALL),)})
    assert isinstance(engine, Engine)
    steps = []
    records, set_aside, seconds = predict(
        gold, engine=engine, book=book, progress=lambda done, total: steps.append((done, total))
    )
    assert steps == [(1, 2), (2, 2)]
    assert not set_aside
    evaluation = evaluate(gold, records, seconds=seconds)
    assert evaluation.n_analysed == len(evaluation.calls) == 2
    values = {figure.value for figure in evaluation.scores.values()}
    assert values == {1.0, None, 0.0}
    assert evaluation.scores["sent to review"].value == 0
    assert evaluation.engines == ("scripted",)
    assert evaluation.models == ("table-1",)
    assert evaluation.prompt_versions == ()
    assert list(evaluation.policy_versions) == ["ordway"]
    assert evaluation.seconds == seconds is not None


def test_no_label_reaches_the_engine(tmp_path, book):
    secret_mark = mark(quote="I'll refund the fee", why=LABEL, summary=LABEL, gloss=LABEL)
    record = labelled(
        commitments=[secret_mark],
        stonewalls=[WALL | {"why": LABEL}],
        links=[
            {"turn": 1, "to_call": LABEL, "to_commitment": LABEL, "relation": "denies"},
        ],
        notes=[LABEL],
        score=3,
        set_aside=[{"what": "link", "reason": LABEL}],
        labels={"by": LABEL},
        commitment_gold=[LABEL],
        annotator=LABEL,
    )
    record["turns"][1]["gold_mark"] = LABEL
    gold = gold_of(record, tmp_path=tmp_path)
    assert LABEL in json.dumps(gold)
    engine = ScriptedEngine()
    records, _, _ = predict(gold, engine=engine, book=book)
    ((seen, _view),) = engine.asked
    assert LABEL not in repr(seen)
    assert LABEL not in seen.model_dump_json()
    assert not seen.model_extra
    assert not any(turn.model_extra for turn in seen.turns)
    assert LABEL not in json.dumps(list(records.values()))
    (given,) = records.values()
    assert given["commitments"] == given["stonewalls"] == given["links"] == []


def test_all_that_a_transcript_carries_reaches_the_engine():
    call = strip_labels(labelled())
    assert (call.call_id, call.company, str(call.date)) == ("k1", "ordway", "2026-03-04")
    assert (call.customer_id, call.channel) == ("c-9", "phone")
    assert call.turns[1].name == "Dana"
    assert call.turns[1].position == "representative"
    assert call.turns[1].start == 2.5
    assert [turn.text for turn in call.turns] == [turn["text"] for turn in labelled()["turns"]]


def test_gold_itself_is_left_as_it_was(tmp_path, book):
    gold = gold_of(labelled(), tmp_path=tmp_path)
    before = json.dumps(gold)
    evaluate(gold, predict(gold, engine=ScriptedEngine(), book=book).records)
    assert json.dumps(gold) == before


@pytest.mark.parametrize("error", [CallSetAside("not English"), EngineUnavailable("no answer")])
def test_a_call_that_the_engine_cannot_judge_is_set_aside_and_the_rest_goes_on(
    tmp_path, book, error
):
    gold = gold_of(labelled("k1"), labelled("k2"), tmp_path=tmp_path)
    engine = ScriptedEngine(k1=error, k2={"commitments": (guess(),)})
    records, set_aside, seconds = predict(gold, engine=engine, book=book)
    assert list(records) == [("ordway", "k2")]
    assert set_aside == {("ordway", "k1"): str(error)}
    evaluation = evaluate(gold, records, set_aside=set_aside, seconds=seconds)
    assert evaluation.set_aside == set_aside
    assert evaluation.n_analysed == 1
    assert evaluation.scores["commitment recall"].value == 0.5
    table = render_table(evaluation)
    assert "1 call set aside, scored as missed:" in table
    assert f"ordway/k1: {error}" in table


def test_a_setting_that_is_wrong_stops_the_run(tmp_path, book):
    gold = gold_of(labelled(), tmp_path=tmp_path)
    with pytest.raises(ConfigError):
        predict(gold, engine=ScriptedEngine(k1=ConfigError("no key")), book=book)


def test_a_call_of_an_unknown_company_among_several_is_set_aside(tmp_path):
    other = CLAUSE.model_copy(update={"company": "pellworth"})
    two = PolicyBook("none", (CLAUSE, other), np.ones((2, 2), dtype=np.float32))
    gold = gold_of(labelled(company="ordwey"), tmp_path=tmp_path)
    _, set_aside, _ = predict(gold, engine=ScriptedEngine(), book=two)
    assert "ordway" in set_aside["ordwey", "k1"]


def test_without_policies_verdicts_are_null_and_count_as_wrong(tmp_path):
    gold = gold_of(labelled(), tmp_path=tmp_path)
    bare = guess(verdict=None, clauses=(), clause_quote=None, retrieved=())
    records, _, _ = predict(gold, engine=ScriptedEngine(k1={"commitments": (bare,)}), book=None)
    scores = evaluate(gold, records).scores
    assert scores["commitment F1"].value == 1
    assert scores["verdict accuracy"].value == scores["flag F1"].value == 0
    assert scores["sent to review"].value == 1


def test_predictions_from_a_file_score_as_the_engine_does(tmp_path, book):
    gold = gold_of(labelled("k1"), labelled("k2", commitments=[]), tmp_path=tmp_path)
    records = predict(
        gold, engine=ScriptedEngine(k1={"commitments": (guess(),)}), book=book
    ).records
    path = tmp_path / "out.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records.values()), "utf-8")
    assert evaluate(gold, read_predictions(path)) == evaluate(gold, records)


def test_calls_without_prediction_and_predictions_without_call_are_told(tmp_path):
    gold = gold_of(labelled("k1"), labelled("k2"), tmp_path=tmp_path)
    records: dict[Any, Any] = {("ordway", "k1"): gold[0], ("ordway", "k9"): labelled("k9")}
    evaluation = evaluate(gold, records)
    assert list(evaluation.set_aside) == [("ordway", "k2")]
    assert evaluation.unasked == (("ordway", "k9"),)
    assert evaluation.scores["commitment precision"].items == 1
    table = render_table(evaluation)
    assert "ordway/k2: there is no prediction for this call" in table
    assert "1 prediction of calls that the gold file does not hold, not scored: ordway/k9" in table


def test_what_could_not_be_grounded_is_told(tmp_path, book):
    gold = gold_of(labelled(), tmp_path=tmp_path)
    engine = ScriptedEngine(k1={"commitments": (guess(), guess(id="c2", quote="never said"))})
    evaluation = evaluate(gold, predict(gold, engine=engine, book=book).records)
    assert evaluation.n_ungrounded == 1
    assert evaluation.scores["commitment precision"].value == 1
    assert "1 mark that the engine returned could not be grounded" in render_table(evaluation)


def test_the_table_gives_value_interval_and_items(tmp_path):
    gold = gold_of(*(labelled(f"k{n}") for n in range(4)), tmp_path=tmp_path)
    predicted = {key_of(record): record for record in gold[:3]}
    lines = render_table(evaluate(gold, predicted, seconds=2.0)).splitlines()
    assert lines[0] == "4 calls · 2.0 s, 1.5 calls a second"
    assert lines[2].split() == ["score", "value", "95", "%", "interval", "items"]
    rows = {line[:20].strip(): line[20:].split() for line in lines[4:]}
    value, low, to, high, items = rows["commitment recall"]
    assert (value, to, items) == ("0.750", "to", "4")
    assert float(low) < 0.75 < float(high)
    assert rows["stonewall span F1"] == ["-", "-", "0"]
    assert "- there was nothing to count" in lines
    assert len({len(line) for line in lines[2:20]}) == 1


def test_the_json_form_is_plain_complete_and_without_words_of_the_call(tmp_path, book):
    gold = gold_of(labelled("k1"), labelled("k2"), tmp_path=tmp_path)
    engine = ScriptedEngine(k1={"commitments": (guess(),)}, k2=CallSetAside("not English"))
    records, set_aside, seconds = predict(gold, engine=engine, book=book)
    sha256 = hash_file(tmp_path / "gold.jsonl")
    evaluation = evaluate(
        gold, records, set_aside=set_aside, seconds=seconds, gold_sha256=sha256, draws=20, seed=5
    )
    plain = to_json(evaluation)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert "refund" not in json.dumps(plain)
    assert plain["gold"] == {"sha256": sha256, "calls": 2}
    assert (plain["engine"], plain["model"], plain["prompt_version"]) == (
        "scripted",
        "table-1",
        None,
    )
    assert list(plain["policy_versions"]) == ["ordway"]
    assert plain["seconds"] == seconds
    assert (plain["interval"]["draws"], plain["interval"]["seed"]) == (20, 5)
    assert plain["set_aside"] == [{"company": "ordway", "call_id": "k2", "reason": "not English"}]
    assert plain["scores"]["commitment recall"]["value"] == 0.5
    assert plain["scores"]["commitment recall"]["items"] == 2
    assert plain["scores"]["links F1"] == {"value": None, "low": None, "high": None, "items": 0}
    first, second = plain["calls"]
    assert (first["call_id"], first["analysed"]) == ("k1", True)
    assert first["commitments"] == first["flags"] == {"hits": 1, "predicted": 1, "gold": 1}
    assert first["verdicts"] == [{"gold": "exceeds_authority", "predicted": "exceeds_authority"}]
    assert (second["call_id"], second["analysed"]) == ("k2", False)
    assert second["commitments"] == {"hits": 0, "predicted": 0, "gold": 1}


AGAIN = "You won't be charged again"


def misses_of(gold_marks, predicted_marks, gold_walls=(), predicted_walls=()):
    gold = labelled(commitments=gold_marks, stonewalls=list(gold_walls))
    predicted = labelled(commitments=predicted_marks, stonewalls=list(predicted_walls))
    return evaluate([gold], {("ordway", "k1"): predicted})


@pytest.mark.parametrize(
    ("gold", "predicted", "sorts"),
    [
        pytest.param([mark()], [mark()], [], id="right"),
        pytest.param([mark()], [], ["missed flag"], id="flag not marked"),
        pytest.param([mark()], [mark(verdict="supported")], ["missed flag"], id="not flagged"),
        pytest.param([mark(verdict="supported")], [mark()], ["invented flag"], id="false flag"),
        pytest.param([], [mark()], ["invented flag"], id="flag out of nothing"),
        pytest.param([mark(strength="hedged")], [mark()], ["invented flag"], id="hedged gold"),
        pytest.param([mark(verdict="supported")], [], ["missed mark"], id="missed"),
        pytest.param(
            [mark(verdict="supported")],
            [mark(strength="hedged", verdict=None)],
            ["missed mark"],
            id="found but hedged",
        ),
        pytest.param([], [mark(verdict="supported")], ["invented mark"], id="invented"),
        pytest.param([mark(strength="hedged", verdict=None)], [], [], id="hedged gold unmarked"),
        pytest.param([], [mark(strength="hedged", verdict=None)], [], id="hedged prediction"),
        pytest.param(
            [mark(), mark(id="c2", quote=AGAIN, verdict="supported")],
            [mark(turn=2)],
            ["missed flag", "invented flag", "missed mark"],
            id="flags come first",
        ),
    ],
)
def test_misses(gold, predicted, sorts):
    assert [miss.sort for miss in worst_misses(misses_of(gold, predicted), 9)] == sorts


def test_missed_and_invented_stonewalls():
    evaluation = misses_of([], [], [WALL], [WALL | {"start": 0, "end": 1}])
    assert [m.sort for m in worst_misses(evaluation, 9)] == [
        "missed stonewall",
        "invented stonewall",
    ]
    text = render_misses(evaluation, 9)
    assert 'turns 2 to 2, flat_refusal, severity 2: "Nothing I can do"' in text


def test_the_worst_come_first_and_no_more_than_asked_for():
    predicted = [mark(id=f"p{n}", turn=2, quote=f"word{n}", confidence=n / 10) for n in (3, 9, 5)]
    evaluation = misses_of([mark(), mark(id="c2", quote=AGAIN, verdict="contradicted")], predicted)
    worst = worst_misses(evaluation, 2)
    assert [miss.mark["id"] for miss in worst] == ["c2", "c1", "p9", "p5"]
    assert worst_misses(evaluation, 0) == []
    text = render_misses(evaluation, 2)
    assert "2 missed flags:" in text
    assert "3 invented flags, the worst 2:" in text
    assert "word3" not in text
    with pytest.raises(ValueError, match="limit"):
        worst_misses(evaluation, -1)


def test_a_miss_says_where_it_is_and_what_the_other_side_has():
    text = render_misses(misses_of([mark()], [mark(verdict="supported", clauses=["FEE-2"])]), 5)
    assert text == (
        "1 missed flag:\n"
        '  ordway/k1 turn 1, firm promise, exceeds_authority by FEE-1: "I\'ll refund the fee"'
        " | predicted: firm promise, supported by FEE-2"
    )


def test_a_quote_cannot_steer_the_terminal_and_is_cut_short():
    text = render_misses(misses_of([mark(quote="\x1b[2Jgone\n" + "a long way " * 30)], []), 5)
    line = text.splitlines()[1]
    assert "\x1b" not in text
    assert "[2Jgone a long way" in line
    assert line.endswith('…"')
    assert len(line) < 200


def test_nothing_missed_is_said():
    assert "Nothing was missed" in render_misses(misses_of([mark()], [mark()]), 5)

"""Reading labelled calls and predictions: what is taken, what is refused, and where."""

import hashlib
import json

import pytest

from analyzer.errors import InputError
from analyzer.evaluation.records import hash_file, read_gold, read_predictions


def labelled(call_id="k1", **more):
    return {
        "call_id": call_id,
        "company": "ordway",
        "date": "2026-03-04",
        "turns": [
            {"role": "customer", "text": "Will you refund it?"},
            {"role": "agent", "text": "Yes, I'll refund the fee by Friday."},
        ],
        "commitments": [
            {
                "id": "c1",
                "turn": 1,
                "quote": "I'll refund the fee by Friday",
                "kind": "promise",
                "strength": "firm",
                "verdict": "supported",
                "clauses": ["FEE-1"],
            }
        ],
        "stonewalls": [],
    } | more


def mark_with(**more):
    return labelled(commitments=[labelled()["commitments"][0] | more])


def wall(start, end):
    return {"start": start, "end": end, "tactics": ["threat"], "severity": 3}


def write(tmp_path, *lines, name="gold.jsonl", **kwargs):
    path = tmp_path / name
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text + "\n", **({"encoding": "utf-8"} | kwargs))
    return path


def test_gold_is_read_in_order_and_made_complete(tmp_path):
    path = write(tmp_path, labelled("k2"), "", "   ", labelled("k1", links=None))
    second, first = read_gold(path)
    assert [second["call_id"], first["call_id"]] == ["k2", "k1"]
    assert [turn["turn"] for turn in first["turns"]] == [0, 1]
    assert first["commitments"][0]["retrieved"] == []
    assert first["links"] == []
    assert json.loads(json.dumps(first)) == first


def test_what_was_read_can_be_written_and_read_again(tmp_path):
    (record,) = read_gold(write(tmp_path, labelled(notes=["by hand"], team="A")))
    assert read_gold(write(tmp_path, record, name="again.jsonl")) == [record]


def test_null_stands_for_what_a_mark_does_not_have(tmp_path):
    nothing = dict.fromkeys(("due", "amount", "fulfilled_in_call", "policy_conflict", "resolution"))
    (record,) = read_gold(write(tmp_path, mark_with(**nothing)))
    assert record["commitments"][0]["fulfilled_in_call"] in {None, False}
    assert record["commitments"][0]["policy_conflict"] == []


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(tmp_path):
    path = write(tmp_path, labelled(), labelled("k2"), encoding="utf-8-sig", newline="\r\n")
    assert len(read_gold(path)) == 2


def test_a_line_separator_within_a_string_ends_no_line(tmp_path):
    line = json.dumps(labelled(team="one\u2028two"), ensure_ascii=False)
    assert read_gold(write(tmp_path, line))[0]["team"] == "one\u2028two"


def test_one_call_id_may_be_used_by_two_companies(tmp_path):
    path = write(tmp_path, labelled(), labelled(company="pellworth"))
    assert len(read_gold(path)) == 2
    assert list(read_predictions(path)) == [("ordway", "k1"), ("pellworth", "k1")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param('{"call_id": "k2", ', "not one whole JSON object", id="half a line"),
        pytest.param("[" * 100_000, "not one whole JSON object", id="deeply nested"),
        pytest.param("[]", "a JSON list, not an object", id="a list"),
        pytest.param("null", "not an object", id="null"),
        pytest.param({"call_id": "k2", "commitments": []}, "turns", id="no turns"),
        pytest.param(labelled("k2", turns=[]), "turns", id="no turn"),
        pytest.param(labelled("k2", date="soon"), "date", id="no date"),
        pytest.param(labelled("k2", commitments={}), "commitments", id="marks that are no list"),
        pytest.param(labelled("k2", commitments=["c1"]), "commitments.0", id="no mark"),
        pytest.param(mark_with(kind="vow"), "commitments.0.kind", id="an unknown kind"),
        pytest.param(mark_with(verdict="wrong"), "commitments.0.verdict", id="unknown verdict"),
        pytest.param(mark_with(quote=None), "commitments.0.quote", id="no quote"),
        pytest.param(
            mark_with(turn=2), "'c1' names turn 2, but the call ends with turn 1", id="turn"
        ),
        pytest.param(labelled("k2", stonewalls=[wall(1, 0)]), "before it starts", id="backwards"),
        pytest.param(labelled("k2", stonewalls=[wall(1, 9)]), "names turn 9", id="span"),
        pytest.param(
            labelled(
                links=[{"turn": 7, "to_call": "k0", "to_commitment": "c", "relation": "denies"}]
            ),
            "a link names turn 7",
            id="link",
        ),
        pytest.param(
            labelled("k2", commitments=labelled()["commitments"] * 2),
            "two commitments have the id 'c1'",
            id="one id twice",
        ),
        pytest.param(labelled("k0"), "already stands in line 1", id="one call twice"),
    ],
)
@pytest.mark.parametrize("read", [read_gold, read_predictions])
def test_a_bad_line_is_refused_with_its_place(tmp_path, read, line, says):
    path = write(tmp_path, labelled("k0"), "", line)
    with pytest.raises(InputError, match="line 3") as caught:
        read(path)
    assert says in str(caught.value)
    assert (caught.value.path, caught.value.line) == (path, 3)
    assert "\n" not in str(caught.value)


def test_gold_without_labels_is_refused_and_a_prediction_without_marks_is_not(tmp_path):
    bare = labelled()
    del bare["commitments"], bare["stonewalls"]
    path = write(tmp_path, bare)
    with pytest.raises(InputError, match=r"line 1: the record carries no labels"):
        read_gold(path)
    assert read_predictions(path)["ordway", "k1"]["commitments"] == []


def test_a_record_without_an_id_gets_the_one_that_analyse_gives_it(tmp_path):
    bare = labelled()
    del bare["call_id"]
    path = write(tmp_path, bare)
    assert read_gold(path)[0]["call_id"].startswith("h-")
    assert read_gold(path)[0]["call_id"] == next(iter(read_predictions(path)))[1]


@pytest.mark.parametrize("read", [read_gold, read_predictions])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda _path: None, "cannot be read", id="missing"),
        pytest.param(lambda path: path.mkdir(), "folder", id="folder"),
        pytest.param(lambda path: path.write_bytes(b""), "holds no record", id="empty"),
        pytest.param(lambda path: path.write_bytes(b" \n\n"), "holds no record", id="blank"),
        pytest.param(lambda path: path.write_bytes(b'{"a": "\xe9"}'), "UTF-8", id="Latin-1"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, read, make, says):
    path = tmp_path / "gold.jsonl"
    make(path)
    with pytest.raises(InputError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_the_hash_is_that_of_the_bytes(tmp_path):
    path = write(tmp_path, labelled())
    assert hash_file(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(InputError, match="cannot be read"):
        hash_file(tmp_path / "none")

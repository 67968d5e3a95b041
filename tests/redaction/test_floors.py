"""The floors of redaction on the marked calls that its bench measures."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location(
        "redaction_bench", ROOT / "eval/bench/redaction.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["redaction_bench"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["redaction_bench"]


@pytest.fixture(scope="module")
def tallies(bench):
    return bench.score_cases(bench.read_cases())


@pytest.mark.parametrize(
    "kind", ["card", "account", "phone", "government_id", "email", "name, metadata"]
)
def test_none_leaks(tallies, kind):
    assert tallies[kind].items >= 10
    assert tallies[kind].failed == []


@pytest.mark.parametrize(
    ("kind", "floor"), [("name, introduced", 0.10), ("address", 0.10), ("stay", 0.01)]
)
def test_few_fail(tallies, kind, floor):
    assert tallies[kind].items >= 10
    assert tallies[kind].share <= floor, tallies[kind].failed


def test_a_leak_is_seen(bench, monkeypatch):
    from analyzer.redaction import keep

    monkeypatch.setattr(bench, "redact", keep)
    tallies = bench.score_cases(bench.read_cases())
    hidden = {k: t.share for k, t in tallies.items() if k != "stay"}
    assert all(share > 0.9 for share in hidden.values()), hidden
    assert tallies["stay"].share == 0


def test_numbers_and_addresses_are_hidden_however_they_are_said(bench):
    sys.path.insert(0, str(ROOT / "eval" / "bench"))
    try:
        import redaction_forms
    finally:
        del sys.path[0]
    drawer = redaction_forms.Drawer(5)
    tallies = bench.score_cases([drawer.case(n) for n in range(300)])
    for kind in ("card", "account", "phone", "government_id", "email"):
        assert tallies[kind].items >= 20
        assert len(tallies[kind].failed) <= 1, tallies[kind].failed
    assert tallies["stay"].share <= 0.01

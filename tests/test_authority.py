"""Authority as data: read back as written, entered by hand, turned into caps."""

from __future__ import annotations

import contextlib
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.authority import (
    AuthorityCorrection,
    caps_of,
    grant_from_record,
    grant_to_record,
    latest_corrections,
    reserved_to,
    say_grant,
)
from analyzer.domain import Clause
from analyzer.errors import ConfigError
from analyzer.language.authority import find_grants
from analyzer.policy_book import read_grants

TEXTS = (
    "A supervisor may credit up to $150 per order; anything above needs the store manager.",
    "Only the billing desk reverses a charge.",
    "Representatives may waive 10% of the fee. No agent may waive the deposit.",
    "| Role | Points per stay |\n| --- | --- |\n| rep | 2,000 |\n| manager | none |",
    "The duty manager may give up to two nights.",
)


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_kept_of_a_grant_is_read_back(text: str) -> None:
    grants = find_grants(text)
    assert grants
    for grant in grants:
        record = json.loads(json.dumps(grant_to_record(grant)))
        again = grant_from_record(record)
        assert grant_to_record(again) == record
        if grant.limit is not None:
            assert again.limit.value == pytest.approx(grant.limit.value)
            assert again.limit.dimension == grant.limit.dimension


def test_a_limit_that_is_no_quantity_says_how_to_write_it() -> None:
    with pytest.raises(ConfigError, match="write it as 50 USD"):
        grant_from_record({"role": "rep", "action": "credit", "limit": "a bit"})
    with pytest.raises(ConfigError, match="names no role"):
        grant_from_record({"role": " ", "action": "credit"})


@given(
    st.text(max_size=30),
    st.text(max_size=30),
    st.one_of(st.none(), st.floats(), st.text(max_size=20)),
)
def test_anything_entered_by_hand_is_taken_or_told(role: str, action: str, limit: object) -> None:
    with contextlib.suppress(ConfigError):
        assert grant_from_record({"role": role, "action": action, "limit": limit}).role


def test_a_grant_is_said_in_one_cell() -> None:
    said = [say_grant(g) for g in find_grants(TEXTS[0])]
    assert said[0].startswith("up to $150 per order")
    assert say_grant(find_grants(TEXTS[1])[0]).endswith("(nobody else)")
    assert "may not" in [say_grant(g) for g in find_grants(TEXTS[2])]


def test_caps_and_reserved_roles_come_from_the_grants() -> None:
    grants = find_grants(TEXTS[0])
    (cap,) = caps_of(grants, TEXTS[0])
    assert (cap.role, cap.limits[0].value, cap.nothing) == ("supervisor", 150, False)
    assert reserved_to(grants, 0, len(TEXTS[0])) == ("store manager",)
    assert reserved_to(find_grants(TEXTS[1]), 0, 10) == ("billing desk",)
    assert reserved_to(grants, 500, 600) == ()


def test_the_newest_correction_of_the_same_words_counts() -> None:
    clause = Clause(id="A-1", company="acme", document="Rules", text="Words.")

    def correction(hour: int, wording: str, role: str) -> AuthorityCorrection:
        return AuthorityCorrection(
            "acme", "A-1", wording, (grant_from_record({"role": role, "action": "x"}),), "Ana", None,
            dt.datetime(2026, 5, 1, hour, tzinfo=dt.UTC),
        )  # fmt: skip

    made = [
        correction(9, clause.wording, "manager"),
        correction(7, clause.wording, "rep"),
        correction(11, "other words", "board"),
    ]
    latest = latest_corrections(made)["acme", "A-1", clause.wording]
    assert latest.grants[0].role == "manager"
    assert latest.applies_to(clause)
    assert not made[2].applies_to(clause)
    assert AuthorityCorrection.from_record(json.loads(json.dumps(latest.to_record()))) == latest


def test_reading_grants_again_costs_nothing() -> None:
    assert read_grants(TEXTS[0]) is read_grants(TEXTS[0])


def test_a_corrected_grant_keeps_its_place_and_one_entered_by_hand_speaks_of_all() -> None:
    text = "Fees are billed monthly. Only a supervisor may waive them."
    (read,) = find_grants(text)
    kept = grant_from_record(json.loads(json.dumps(grant_to_record(read))))
    assert (kept.start, kept.end) == (read.start, read.end)
    assert not reserved_to([kept], 0, 20)
    assert list(reserved_to([kept], read.start, read.end)) == ["supervisor"]
    entered = grant_from_record({"role": "Manager", "action": "waive", "is_exclusive": True})
    assert list(reserved_to([entered], 0, 20)) == ["manager"]


def test_a_table_headed_may_grant_says_in_its_cells_what() -> None:
    table = (
        "| Role | May grant |\n|---|---|\n| Representative | goodwill credit up to $20 |\n"
        "| Supervisor | up to $90 |\n"
    )
    found = {g.role: f"{g.action}: {say_grant(g)}" for g in find_grants(table)}
    assert found["representative"] == "goodwill credit: up to $20"
    assert found["supervisor"].endswith("up to $90")

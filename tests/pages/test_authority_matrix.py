"""The authority matrix: as a table of words, edited rows read back, corrections told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyzer.authority import AuthorityCorrection, AuthorityRow, grant_to_record
from analyzer.domain import Clause
from analyzer.errors import ConfigError
from analyzer.pages._authority_matrix import (
    frame_grants,
    frame_matrix,
    read_rows,
    render_corrections,
)
from analyzer.policy_book import PolicyView, read_grants

TEXT = (
    "A supervisor may credit up to $50 per call. Above $200 the approval of the duty manager is "
    "needed. A trainee may not waive fees.\n\n| Role | May grant |\n| --- | --- |\n"
    "| Agent | credits up to 10 EUR |\n"
)
CLAUSE = Clause(id="AUT-1", company="quay", document="Rules", text=TEXT)
AT = dt.datetime(2026, 3, 4, 10, 0, tzinfo=dt.UTC)


def row(**fields: Any) -> pd.DataFrame:
    return pd.DataFrame([{"role": "lead", "action": "credit", "limit": "5 USD"} | fields])


def corrected(
    *, wording: str = CLAUSE.wording, reviewer: str = "Ana", reason: str | None = None
) -> AuthorityCorrection:
    return AuthorityCorrection("quay", "AUT-1", wording, (), reviewer, reason, AT)


def test_grants_come_back_from_the_editor_as_they_went_in():
    grants = read_grants(TEXT)
    assert len(grants) >= 3
    back = read_rows(frame_grants(grants))
    assert [grant_to_record(g) for g in back] == [grant_to_record(g) for g in grants]
    assert read_rows(frame_grants(())) == []


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA, "", "  "])
def test_cells_left_empty_are_no_words(empty):
    (grant,) = read_rows(row(limit=empty, per=empty, approval=empty, is_allowed=None))
    assert (grant.limit, grant.per, grant.approval) == (None, None, None)
    assert grant.is_allowed
    assert read_rows(row(role=empty, action=empty, limit=empty)) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"limit": "some"}, "holds no quantity"),
        ({"approval_above": "much"}, "holds no quantity"),
        ({"role": None}, "names no role"),
        ({"action": None}, "says nothing that may be granted"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_in_a_sentence(fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read_rows(row(**fields))


def test_the_matrix_says_limits_refusals_and_who_corrected():
    correction = corrected()
    view = PolicyView(
        "quay", (CLAUSE,), np.zeros((1, 2), dtype=np.float32), corrections={"AUT-1": correction}
    )
    grants = read_rows(
        pd.concat(
            [
                row(approval="duty manager", approval_above="200 USD", per="call"),
                row(limit=None, is_exclusive=True),
                row(is_allowed=False, approval="head"),
            ]
        )
    )
    frame = frame_matrix([AuthorityRow(CLAUSE, g, is_corrected=True) for g in grants], view)
    assert list(frame["Up to"]) == ["5 USD", "no limit named", "may not"]
    assert list(frame["Approval"]) == ["duty manager, above 200 USD", "", "head"]
    assert list(frame["Nobody else"]) == ["", "only this role", ""]
    assert set(frame["Corrected"]) == {"by Ana"}
    assert set(frame["Clause"]) == {"AUT-1"}


def test_corrections_say_who_when_and_why_and_which_no_longer_count():
    assert "As it is read" in render_corrections([], CLAUSE)
    old = corrected(wording="0" * 12, reviewer="Bo")
    shown = render_corrections([old, corrected(reason="<b>The board</b>.")], CLAUSE)
    assert "Corrected by Ana</b> · 4 Mar 2026, 10:00 UTC. &lt;b&gt;The board&lt;/b&gt;." in shown
    assert shown.index("Ana") < shown.index("Earlier corrections") < shown.index("Bo")
    assert "no longer counts" in shown[shown.index("Bo") :]
    assert "It grants nothing." in shown

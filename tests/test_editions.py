"""Editions: when each ends, and which documents can stand side by side."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import check_documents, close_superseded

JAN, FEB, MAR = (dt.date(2026, month, 1) for month in (1, 2, 3))
DAY = dt.timedelta(days=1)


def clause(
    since: dt.date | None = None,
    until: dt.date | None = None,
    *,
    key: str = "A-1",
    document: str = "A",
    company: str = "acme",
) -> Clause:
    return Clause(
        id=key,
        company=company,
        document=document,
        text=f"{key} since {since}",
        effective_from=since,
        effective_to=until,
        source=f"{document.lower()}.md",
        line=7,
    )


def document(*clauses: Clause) -> PolicyDocument:
    first = clauses[0]
    return PolicyDocument(
        company=first.company,
        document=first.document,
        effective_from=first.effective_from,
        effective_to=first.effective_to,
        source=first.source,
        clauses=clauses,
    )


@pytest.mark.parametrize(
    ("written", "ends"),
    [
        ([clause(JAN)], [None]),
        ([clause(JAN), clause(FEB)], [FEB - DAY, None]),
        ([clause(FEB), clause(JAN)], [None, FEB - DAY]),
        ([clause(JAN), clause(FEB), clause(MAR)], [FEB - DAY, MAR - DAY, None]),
        ([clause(), clause(FEB)], [FEB - DAY, None]),
        ([clause(), clause()], [None, None]),
        ([clause(JAN), clause(JAN, key="A-2")], [None, None]),
        ([clause(JAN, JAN), clause(FEB)], [JAN, None]),
        ([clause(JAN, MAR), clause(FEB)], [FEB - DAY, None]),
        ([clause(JAN), clause(FEB, FEB)], [FEB - DAY, FEB]),
        ([clause(JAN), clause(FEB, key="A-2")], [FEB - DAY, None]),
        ([clause(JAN), clause(FEB, document="B")], [None, None]),
        ([clause(JAN), clause(FEB, company="zeta")], [None, None]),
    ],
)
def test_an_edition_ends_the_day_before_the_next(
    written: list[Clause], ends: list[dt.date | None]
) -> None:
    closed = close_superseded(written)
    assert [c.effective_to for c in closed] == ends
    assert [c.text for c in closed] == [c.text for c in written]


def test_nothing_to_close() -> None:
    assert close_superseded([]) == []


DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 20))


@given(
    st.lists(
        st.builds(clause, st.none() | DAYS, document=st.sampled_from("AB")),
        unique_by=lambda c: (c.document, c.effective_from),
        max_size=8,
    ),
    DAYS,
)
def test_on_any_day_the_newest_edition_alone_is_in_force(
    written: list[Clause], day: dt.date
) -> None:
    in_force = [c for c in close_superseded(written) if c.is_in_force(day)]
    for name in "AB":
        begun = [
            c.effective_from or dt.date.min
            for c in written
            if c.document == name and (c.effective_from or dt.date.min) <= day
        ]
        found = [c.effective_from or dt.date.min for c in in_force if c.document == name]
        assert found == ([max(begun)] if begun else [])


@given(st.lists(st.builds(clause, st.none() | DAYS, st.none() | DAYS), max_size=8))
def test_closing_again_changes_nothing(written: list[Clause]) -> None:
    once = close_superseded(written)
    assert close_superseded(once) == once


@pytest.mark.parametrize(
    ("documents", "kept", "faults"),
    [
        ([], [], {}),
        ([[clause(document="A")], [clause(document="B", key="B-1")]], [], {}),
        ([[clause(document="A")], [clause(document="B")]], [], {1: "A-1 also stands in a.md"}),
        ([[clause(document="B")]], [clause(document="A")], {0: "A-1 also stands in a.md"}),
        ([[clause(document="B", company="zeta")]], [clause(document="A")], {}),
        ([[clause(JAN)], [clause(FEB)]], [], {}),
        ([[clause(JAN)], [clause(JAN, key="A-2")]], [], {1: "stands in a.md already"}),
        ([[clause()], [clause()]], [], {1: "stands in a.md already"}),
        ([[clause(document="A", until=JAN)], [clause(FEB, document="B")]], [], {}),
        ([[clause(document="A", until=FEB)], [clause(FEB, document="B")]], [], {1: "A-1 also"}),
        ([[clause(FEB, document="B")]], [clause(JAN), clause(FEB, key="A-2")], {}),
        (
            [
                [clause(document="A")],
                [clause(document="B"), clause(document="B", key="B-1")],
                [clause(document="C", key="B-1")],
            ],
            [],
            {1: "A-1 also stands"},
        ),
    ],
)
def test_documents_that_cannot_stand_together(
    documents: list[list[Clause]], kept: list[Clause], faults: dict[int, str]
) -> None:
    found = check_documents([document(*clauses) for clauses in documents], kept=kept)
    assert found.keys() == faults.keys()
    for index, says in faults.items():
        assert says in str(found[index])
        assert found[index].line in {1, 7}

"""Markdown policies: headings to clauses, with their words as they were written."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.domain import PolicyDocument
from analyzer.errors import PolicyError
from analyzer.readers.policies import read_policy


def read(tmp_path: Path, text: str, *, name: str = "returns.md") -> PolicyDocument:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_policy(path, company="acme")


def shape(document: PolicyDocument) -> list[tuple[str, str, tuple[str, ...], str, int | None]]:
    return [(c.id, c.title, c.heading_path, c.text, c.line) for c in document.clauses]


def test_a_heading_with_an_id_starts_a_clause(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "# Returns policy\n\n## RET-1 Time limit\n\nThirty days.\n\n"
        "## RET-2: Sale items\nFinal.\n\nNo exceptions.\n",
    )
    assert document.document == "Returns policy"
    assert document.source == "returns.md"
    assert shape(document) == [
        ("RET-1", "Time limit", ("Returns policy",), "Thirty days.", 3),
        ("RET-2", "Sale items", ("Returns policy",), "Final.\n\nNo exceptions.", 7),
    ]


@pytest.mark.parametrize(
    ("heading", "clause_id", "title"),
    [
        ("## RET-4 Sale items", "RET-4", "Sale items"),
        ("## RET-4. Sale items", "RET-4", "Sale items"),
        ("## RET-4: Sale items", "RET-4", "Sale items"),
        ("## RET-4 \u2013 Sale items", "RET-4", "Sale items"),
        ("## [RET-4] Sale items", "RET-4", "Sale items"),
        ("## **RET-4 Sale items**", "RET-4", "Sale items"),
        ("## **RET-4** Sale *items*", "RET-4", "Sale items"),
        ("## `RET-4` Sale items", "RET-4", "Sale items"),
        ("## HR-2.1 Leave & pay", "HR-2.1", "Leave & pay"),
        ("## AIR-EU-12 Delays", "AIR-EU-12", "Delays"),
        ("## R4 Delays", "R4", "Delays"),
        ("## RET-4", "RET-4", "RET-4"),
        ("RET-4 Sale items\n---", "RET-4", "Sale items"),
        ("RET-4 Sale\nitems\n===", "RET-4", "Sale items"),
        ("  ## RET-4 Sale items ##", "RET-4", "Sale items"),
    ],
)
def test_ids_and_titles(tmp_path: Path, heading: str, clause_id: str, title: str) -> None:
    (clause,) = read(tmp_path, f"{heading}\n\nThe words.\n").clauses
    assert (clause.id, clause.title, clause.text) == (clause_id, title, "The words.")


@pytest.mark.parametrize("heading", ["## Returns", "## 4.2 Returns", "## Ret-4 x", "## 30 days"])
def test_headings_that_carry_no_id(tmp_path: Path, heading: str) -> None:
    (clause,) = read(tmp_path, f"{heading}\n\nThe words.\n").clauses
    assert clause.title == heading[3:]
    assert clause.id.startswith(clause.document.lower().replace(" ", "-") + "/")


def test_deeper_headings_without_an_id_stay_in_the_clause(tmp_path: Path) -> None:
    document = read(
        tmp_path, "## RET-1 Limits\n\nThirty days.\n\n### Exceptions\n\nNone.\n\n## RET-2 X\n\nY.\n"
    )
    assert [c.id for c in document.clauses] == ["RET-1", "RET-2"]
    assert document.clauses[0].text == "Thirty days.\n\n### Exceptions\n\nNone."


def test_deeper_headings_with_an_id_are_clauses_of_their_own(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "# Policy\n\n## RET-1 Limits\n\nThirty days.\n\n### RET-1.1 Sale\n\nTen.\n\n"
        "## RET-2 X\n\nY.\n",
    )
    assert [(c.id, c.heading_path) for c in document.clauses] == [
        ("RET-1", ("Policy",)),
        ("RET-1.1", ("Policy", "Limits")),
        ("RET-2", ("Policy",)),
    ]


def test_chapters_are_in_the_heading_path(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "# Shop\n\n## Returns\n\n### RET-1 A\n\na\n\n## Delivery\n\n### DEL-1 B\n\nb\n",
    )
    assert [c.heading_path for c in document.clauses] == [("Shop", "Returns"), ("Shop", "Delivery")]


def test_words_outside_the_clauses_are_kept_as_clauses(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "Sums are in dollars.\n\n# Returns\n\nFor all shops.\n\n## RET-1 A\n\na\n\n## Notes\n\nn\n",
    )
    assert [(c.id, c.text) for c in document.clauses] == [
        ("returns/sums-are-in-dollars", "Sums are in dollars."),
        ("returns/returns", "For all shops."),
        ("RET-1", "a"),
        ("returns/returns/notes", "n"),
    ]


@pytest.mark.parametrize("preamble", ["---\n", "<!-- draft\n3 -->\n", "***\n\n", "\n\n\n"])
def test_rules_and_comments_are_no_clauses(tmp_path: Path, preamble: str) -> None:
    document = read(tmp_path, f"{preamble}\n## RET-1 A\n\na\n")
    assert [c.id for c in document.clauses] == ["RET-1"]


def test_a_clause_that_stands_in_its_heading(tmp_path: Path) -> None:
    document = read(tmp_path, "## RET-1 Sale items are final.\n\n## RET-2 B\n\nb\n")
    assert [(c.id, c.title, c.text) for c in document.clauses] == [
        ("RET-1", "", "Sale items are final."),
        ("RET-2", "B", "b"),
    ]


def test_a_heading_over_clauses_is_not_one_itself(tmp_path: Path) -> None:
    document = read(tmp_path, "## RET-1 Returns\n\n### RET-1.1 A\n\na\n")
    assert [(c.id, c.heading_path) for c in document.clauses] == [("RET-1.1", ("Returns",))]


TABLE = """\
| Level  | Spend     | Bonus |
|--------|-----------|------:|
| Member | USD 0     |   1 % |
| Gold   | USD 1,200 |   5 % |"""


def test_tables_and_lists_stay_as_they_are_written(tmp_path: Path) -> None:
    body = f"Levels:\n\n{TABLE}\n\n- one\n  - two\n\n1. first\n\n```\n# no heading\n```"
    document = read(tmp_path, f"## LVL-1 Levels\n\n{body}\n\n## LVL-2 X\n\ny\n")
    assert document.clauses[0].text == body
    assert "| Gold   | USD 1,200 |   5 % |" in document.clauses[0].embedded_text


@pytest.mark.parametrize(
    "inside", ["> ## RET-9 quoted", "- ## RET-9 in a list", "    ## RET-9 code", "\\## RET-9 text"]
)
def test_what_only_looks_like_a_heading_is_text(tmp_path: Path, inside: str) -> None:
    document = read(tmp_path, f"## RET-1 A\n\nfirst\n\n{inside}\n\nlast\n")
    assert [c.id for c in document.clauses] == ["RET-1"]
    assert inside in document.clauses[0].text


@pytest.mark.parametrize("odd", ["\x0c", "\x0b", "\x85", "\u2028"])
def test_other_line_breaks_do_not_shift_the_lines(tmp_path: Path, odd: str) -> None:
    document = read(tmp_path, f"## RET-1 A\n\none{odd}two\n\n## RET-2 B\n\nthree\n")
    assert [(c.text, c.line) for c in document.clauses] == [(f"one{odd}two", 1), ("three", 5)]


def test_without_ids_every_heading_is_a_clause_with_a_stable_id(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "# Shop rules\n\nBe kind.\n\n## Returns\n\nThirty days.\n\n### Sale items\n\nFinal.\n",
    )
    assert [(c.id, c.title) for c in document.clauses] == [
        ("shop-rules/shop-rules", "Shop rules"),
        ("shop-rules/returns", "Returns"),
        ("shop-rules/returns/sale-items", "Sale items"),
    ]


def test_a_clause_added_elsewhere_changes_no_id(tmp_path: Path) -> None:
    before = "# Rules\n\nPreamble words here.\n\n## A\n\na\n\n## B\n\nb\n"
    after = before.replace("## A", "## Zero\n\nz\n\n## A").replace("## B", "## Half\n\nh\n\n## B")
    old = {c.id: c.embedded_text for c in read(tmp_path, before).clauses}
    new = {c.id: c.embedded_text for c in read(tmp_path, after).clauses}
    assert old.items() < new.items()


def test_two_headings_of_the_same_words_get_two_ids(tmp_path: Path) -> None:
    document = read(tmp_path, "# R\n\n## Note\n\na\n\n## Note\n\nb\n\n## Note\n\nc\n")
    assert [c.id for c in document.clauses] == ["r/note", "r/note-2", "r/note-3"]


def test_ids_hold_the_words_of_any_language(tmp_path: Path) -> None:
    document = read(
        tmp_path, "# Política\n\n## Devolución\n\na\n\n## Возврат\n\nb\n\n## 返品\n\nc\n"
    )
    assert [c.id for c in document.clauses] == [
        "política/devolución",
        "política/возврат",
        "política/返品",
    ]


def test_the_same_id_twice_is_an_error_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, "---\ncompany: A\n---\n## RET-1 A\n\na\n\n## RET-1 B\n\nb\n")
    assert caught.value.line == 8
    assert "clause RET-1 stands here a second time (first on line 4)" in str(caught.value)


def test_a_document_without_headings_is_one_clause(tmp_path: Path) -> None:
    (clause,) = read(tmp_path, "\nGoods may be returned\nwithin a month of delivery.\n").clauses
    assert clause.id == "returns/goods-may-be-returned-within-a-month-of"
    assert clause.text == "Goods may be returned\nwithin a month of delivery."
    assert clause.line == 2


@pytest.mark.parametrize("text", ["# Only a title\n", "---\ncompany: A\n---\n", "## \n", "---\n"])
def test_a_document_that_says_nothing_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(PolicyError, match="no clause was found; start each with a heading"):
        read(tmp_path, text)

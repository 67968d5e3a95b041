"""Plain-text policies: ids, numbers, headings in capitals, labels, paragraphs."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.domain import PolicyDocument
from analyzer.readers.policies import read_policy


def read(tmp_path: Path, text: str, *, name: str = "rules.txt") -> PolicyDocument:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_policy(path, company="acme")


def shape(document: PolicyDocument) -> list[tuple[str, str, str, int | None]]:
    return [(c.id, c.title, c.text, c.line) for c in document.clauses]


def test_clauses_by_id(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "RET-1 Time limit\nGoods may be returned within 30 days.\n\n"
        "RET-2: Sale items are final.\n\n"
        "RET-3\nA receipt is needed.\n\n"
        "RET-4 Refunds. Refunds go to the card that was used, within five working days of receipt "
        "by us.\n",
    )
    assert shape(document) == [
        ("RET-1", "Time limit", "Goods may be returned within 30 days.", 1),
        ("RET-2", "", "Sale items are final.", 4),
        ("RET-3", "", "A receipt is needed.", 6),
        (
            "RET-4",
            "Refunds",
            "Refunds go to the card that was used, within five working days of receipt by us.",
            9,
        ),
    ]


def test_ids_need_no_blank_line_between_clauses(tmp_path: Path) -> None:
    document = read(tmp_path, "RET-1 Limit\nThirty days.\nRET-2 Sale\nFinal.\n")
    assert [(c.id, c.text) for c in document.clauses] == [
        ("RET-1", "Thirty days."),
        ("RET-2", "Final."),
    ]


@pytest.mark.parametrize("wrapped", ["RET-2 and RET-3 do not apply.", "RET-2 Sale applies."])
def test_an_id_at_the_start_of_a_wrapped_line_starts_nothing(tmp_path: Path, wrapped: str) -> None:
    document = read(tmp_path, f"RET-1 Limit\n\nThirty days, to which\n{wrapped}\n")
    assert [(c.id, c.text) for c in document.clauses] == [
        ("RET-1", f"Thirty days, to which\n{wrapped}")
    ]


LONG = "2. Refunds go to the card that was used for the purchase, or to a gift card if it is void."


def test_clauses_by_number(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "Acme rules\n\n1. Returns\nThirty days.\n\n1.1 Sale items\nFinal.\n\n"
        f"{LONG}\n\n§ 3 Warranty\nTwo years.\n",
    )
    assert document.document == "Acme rules"
    assert [(c.title, c.text, c.heading_path) for c in document.clauses] == [
        ("1. Returns", "Thirty days.", ("Acme rules",)),
        ("1.1 Sale items", "Final.", ("Acme rules",)),
        (
            "",
            LONG,
            ("Acme rules",),
        ),
        ("§ 3 Warranty", "Two years.", ("Acme rules",)),
    ]
    assert [c.id for c in document.clauses] == [
        "acme-rules/1.-returns",
        "acme-rules/1.1-sale-items",
        "acme-rules/2.-refunds-go-to-the-card-that-was",
        "acme-rules/3-warranty",
    ]


def test_a_quantity_at_the_start_of_a_paragraph_is_no_number(tmp_path: Path) -> None:
    document = read(tmp_path, "1. Returns\nGoods may be returned.\n\n30 days is the limit.\n")
    assert [c.text for c in document.clauses] == ["Goods may be returned.\n\n30 days is the limit."]


def test_steps_inside_a_clause_with_an_id_stay_in_it(tmp_path: Path) -> None:
    document = read(
        tmp_path, "RET-1 Conditions\n\n1. Unused.\n\n2. With receipt.\n\nNote:\n\nYes.\n"
    )
    assert [(c.id, c.text) for c in document.clauses] == [
        ("RET-1", "1. Unused.\n\n2. With receipt.\n\nNote:\n\nYes.")
    ]


def test_capitals_are_chapters_or_clauses(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "ACME SHOPS\n\nRETURNS\n\n1. Limit\nThirty days.\n\nDELIVERY\n\n1. Limit\nFive days.\n\n"
        "GENERAL\nBe kind.\n",
    )
    assert [(c.heading_path, c.title, c.text) for c in document.clauses] == [
        (("ACME SHOPS", "RETURNS"), "1. Limit", "Thirty days."),
        (("DELIVERY",), "1. Limit", "Five days."),
        ((), "GENERAL", "Be kind."),
    ]
    assert len({c.id for c in document.clauses}) == 3


def test_labels_are_headings_where_there_are_no_ids_or_numbers(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "Returns:\nThirty days.\n\nSale items:\n\nFinal.\n\n"
        "Goods may be exchanged in each of these cases:\n- broken\n",
    )
    assert [(c.title, c.text) for c in document.clauses] == [
        ("Returns", "Thirty days."),
        ("Sale items", "Final.\n\nGoods may be exchanged in each of these cases:\n- broken"),
    ]


def test_paragraphs_are_clauses_where_nothing_else_is(tmp_path: Path) -> None:
    document = read(
        tmp_path, "Goods may be returned\nwithin a month.\n\n\nSale items are final.\n\n-----\n"
    )
    assert shape(document) == [
        (
            "rules/goods-may-be-returned-within-a-month",
            "",
            "Goods may be returned\nwithin a month.",
            1,
        ),
        ("rules/sale-items-are-final", "", "Sale items are final.", 5),
    ]


def test_the_first_line_may_be_the_title(tmp_path: Path) -> None:
    document = read(tmp_path, "Returns at Acme\n\nThirty days.\n\nSale items are final.\n")
    assert document.document == "Returns at Acme"
    assert [(c.id, c.heading_path) for c in document.clauses] == [
        ("returns-at-acme/thirty-days", ("Returns at Acme",)),
        ("returns-at-acme/sale-items-are-final", ("Returns at Acme",)),
    ]


def test_words_before_the_first_clause_are_kept(tmp_path: Path) -> None:
    document = read(tmp_path, "Sums are in dollars.\n\nIn force at once.\n\nRET-1 A\nThe words.\n")
    assert [c.text for c in document.clauses] == [
        "Sums are in dollars.",
        "In force at once.",
        "The words.",
    ]


@pytest.mark.parametrize(
    ("template", "added"),
    [
        ("First words here.\n\n{}Second words.\n\nThird words.\n", "New one, quite new.\n\n"),
        ("A-1 One\nwords\n\n{}B-1 Two\nmore words\n", "AA-9 Added\nNew words.\n\n"),
        ("1. One\nwords\n\n{}3. Two\nmore words\n", "2. Added\nNew words.\n\n"),
        ("ONE\nwords\n\n{}TWO\nmore words\n", "NEW\nNew words.\n\n"),
        ("One:\nwords\n\n{}Two:\nmore words\n", "New:\nNew words.\n\n"),
    ],
)
def test_a_clause_added_elsewhere_changes_no_id(tmp_path: Path, template: str, added: str) -> None:
    old = {c.id: c.embedded_text for c in read(tmp_path, template.format("")).clauses}
    new = {c.id: c.embedded_text for c in read(tmp_path, template.format(added)).clauses}
    assert old.items() < new.items()


@pytest.mark.parametrize("head", ["LEVEL    SPEND", "LEVEL\tSPEND", "| LEVEL | SPEND |"])
def test_a_table_in_text_stays_readable(tmp_path: Path, head: str) -> None:
    table = f"{head}\nMember   USD 0\nGold     USD 1,200"
    document = read(tmp_path, f"LVL-1 Levels\n\n{table}\n")
    assert [(c.id, c.text) for c in document.clauses] == [("LVL-1", table)]


@pytest.mark.parametrize("odd", ["\x0c", "\u2028"])
def test_other_line_breaks_do_not_shift_the_lines(tmp_path: Path, odd: str) -> None:
    document = read(tmp_path, f"RET-1 A\none{odd}two\n\nRET-2 B\nthree\n")
    assert [(c.text, c.line) for c in document.clauses] == [(f"one{odd}two", 1), ("three", 4)]

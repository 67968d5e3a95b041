"""Front matter: what it may say, and the line of what it may not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from analyzer.domain import PolicyDocument
from analyzer.errors import PolicyError
from analyzer.readers.policies import read_policy

BODY = "\n## RET-1 Returns\n\nThirty days.\n"


def read(tmp_path: Path, matter: str, body: str = BODY, *, name: str = "r.md") -> PolicyDocument:
    path = tmp_path / name
    path.write_text(f"---\n{matter}\n---\n{body}", encoding="utf-8")
    return read_policy(path, company="folder")


@pytest.mark.parametrize("name", ["r.md", "r.txt", "R.MARKDOWN"])
def test_everything_that_it_may_say(tmp_path: Path, name: str) -> None:
    document = read(
        tmp_path,
        "company: Acme Shop\ncompany_id: acme\ndocument: Returns\n"
        "effective_from: 2026-01-01\neffective_to: 2026-06-30",
        "\nRET-1 Returns\nThirty days.\n" if name.endswith("txt") else BODY,
        name=name,
    )
    assert (document.company, document.company_name, document.document) == (
        "acme",
        "Acme Shop",
        "Returns",
    )
    (clause,) = document.clauses
    assert (clause.company, clause.company_name, clause.document) == (
        "acme",
        "Acme Shop",
        "Returns",
    )
    for part in (document, clause):
        assert part.effective_from == dt.date(2026, 1, 1)
        assert part.effective_to == dt.date(2026, 6, 30)
    assert clause.line == (8 if name == "r.txt" else 9) + (name == "r.txt")


@pytest.mark.parametrize("matter", ["", "# a remark", "effective_to:", "company: ''", "other: 1"])
def test_everything_may_be_left_out(tmp_path: Path, matter: str) -> None:
    document = read(tmp_path, matter)
    assert (document.company, document.company_name, document.document) == ("folder", None, "r")
    assert document.effective_from is None
    assert document.effective_to is None


def test_without_front_matter_the_same_holds(tmp_path: Path) -> None:
    path = tmp_path / "r.md"
    path.write_text(BODY)
    document = read_policy(path, company="folder")
    assert (document.company, document.effective_from) == ("folder", None)
    assert document.clauses[0].line == 2


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-02-01", dt.date(2026, 2, 1)),
        ("'2026-02-01'", dt.date(2026, 2, 1)),
        ("2026-02-01  # from the board", dt.date(2026, 2, 1)),
        ("2026-02-01 00:00:00", dt.date(2026, 2, 1)),
        ("~", None),
        ("null", None),
        ("", None),
        ('""', None),
    ],
)
@pytest.mark.parametrize("name", ["effective_from", "Effective-From", "effective from"])
def test_days(tmp_path: Path, name: str, written: str, day: dt.date | None) -> None:
    assert read(tmp_path, f"{name}: {written}").effective_from == day


@pytest.mark.parametrize(
    ("matter", "document", "company"),
    [
        ("document: Returns: the rules\ncompany_id: acme", "Returns: the rules", "acme"),
        ('document: "Returns: the rules"', "Returns: the rules", "folder"),
        ("document: [old", "[old", "folder"),
        ("document: 2024\ncompany_id: 0042", "2024", "0042"),
        ("document: no\ncompany_id: yes", "no", "yes"),
        ("document: Ünïcode & more", "Ünïcode & more", "folder"),
        ("document: >\n  Returns\n  and more", "Returns and more", "folder"),
    ],
)
def test_values_are_text_as_written(
    tmp_path: Path, matter: str, document: str, company: str
) -> None:
    read_back = read(tmp_path, matter)
    assert (read_back.document, read_back.company) == (document, company)


@pytest.mark.parametrize(
    ("matter", "line", "says"),
    [
        ("company: A\neffective_from: 2026-02-30", 3, "'2026-02-30', which is no day; write it as"),
        ("effective_from: soon", 2, "effective_from is 'soon'"),
        ("effective_from: 1 March 2026", 2, "which is no day"),
        ("effective_from: [2026-01-01]", 2, "effective_from has to be one value"),
        ("company: A\ndocument:\n  name: x", 3, "document has to be one value"),
        ("effective_from: 2026-02-01\neffective_to: 2026-01-01", 3, "lies before effective_from"),
        ("company: A\ncompany: B", 3, "company stands here a second time (first on line 2)"),
        ("company: A\nand nothing else", 3, "write 'name: value' lines"),
        ("company: A\n  nested: b: c", 3, "write 'name: value' lines"),
        ("company: [A,\n  B", 3, "write 'name: value' lines"),
        ("company: [\n" + "[" * 3000, 3, "write 'name: value' lines"),
        ("company:Acme", 2, "with a blank after the colon"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, matter: str, line: int, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, matter)
    assert says in str(caught.value)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{tmp_path / 'r.md'}, line {line}: ")


def test_front_matter_that_does_not_end_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "r.md"
    path.write_text(f"---\neffective_from: 2026-01-01\n{BODY}")
    with pytest.raises(PolicyError, match=r"line 1: .*does not end; put a --- line after it"):
        read_policy(path, company="folder")


@pytest.mark.parametrize(
    "text", ["---\nSome words.\n---\n\n## RET-1 A\n\na\n", "---\n\n## RET-1 A\n\na\n\n---\n\nb\n"]
)
def test_a_rule_at_the_top_is_no_front_matter(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.md"
    path.write_text(text)
    document = read_policy(path, company="folder")
    assert document.clauses[-1].id == "RET-1"
    assert document.clauses[-1].line == text[: text.index("## RET-1")].count("\n") + 1

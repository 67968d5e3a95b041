"""Tables as clauses keep them: what is written can be read back, cell by cell."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.language.roles import table_rows
from analyzer.readers.policies.tables import is_grid, render_table

CELL = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"], blacklist_characters="\\"),
    max_size=8,
)


@given(st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=2, max_size=5)
))  # fmt: skip
@example([["Role", "Cap | year"], ["Lead|s", "|"]])
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    cells = [[f"c{' '.join(cell.split())}" for cell in row] for row in rows]
    read = table_rows(render_table(cells))
    assert [[cell.replace("\\|", "|") for cell in row] for _, row in read] == cells[1:]
    assert all([heading.replace("\\|", "|") for heading in head] == cells[0] for head, _ in read)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], ""),
        ([["", " "], [""]], ""),
        ([["only", "one row"]], "only one row"),
        ([["one"], ["column"]], "one\ncolumn"),
        ([["a", "", "b"], ["c", "", "d"]], "| a | b |\n| --- | --- |\n| c | d |"),
        ([["a", "b"], ["", ""], ["c"]], "| a | b |\n| --- | --- |\n| c |  |"),
        ([["a\nb", "c\td"], ["e", "f"]], "| a b | c d |\n| --- | --- |\n| e | f |"),
    ],
)
def test_rows_of_odd_shapes(rows: list[list[str]], text: str) -> None:
    assert render_table(rows) == text


@pytest.mark.parametrize(
    ("rows", "grid"),
    [
        ([["a", "b"], ["c", "d"]], True),
        ([["a", ""], ["", "d"]], True),
        ([["a", "b"]], False),
        ([["a"], ["b"]], False),
        ([["a", "b"], ["", " "]], False),
        ([], False),
    ],
)
def test_a_grid_has_words_in_two_rows_and_two_columns(rows: list[list[str]], *, grid: bool) -> None:
    assert is_grid(rows) is grid

"""Tables as Markdown rows, which is how a clause keeps them."""

from __future__ import annotations

from collections.abc import Sequence


def is_grid(rows: Sequence[Sequence[str]]) -> bool:
    """Tell a table from a frame around text: it has words in two rows and in two columns."""
    filled = [{place for place, cell in enumerate(row) if cell.strip()} for row in rows]
    return sum(map(bool, filled)) > 1 and len(set().union(*filled)) > 1


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table, the first row its headings.

    Args:
        rows: Cells as text; rows may be of different lengths. Rows and columns without a word are
            left out.

    Returns:
        The table; the words of a table of one cell as they are; empty for one without words.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    width = max((len(row) for row in cells), default=0)
    full = [row + [""] * (width - len(row)) for row in cells]
    kept = [column for column in range(width) if any(row[column] for row in full)]
    if not kept:
        return ""
    if len(full) == 1 or len(kept) == 1:
        return "\n".join(" ".join(row[c] for c in kept if row[c]) for row in full)
    lines = [
        "| " + " | ".join(row[column].replace("|", r"\|") for column in kept) + " |" for row in full
    ]
    return "\n".join([lines[0], "| " + " | ".join("---" for _ in kept) + " |", *lines[1:]])

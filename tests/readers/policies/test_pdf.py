# ruff: noqa: ISC004, PT017, SIM105
"""PDF: columns, headings, margins, broken words, lists, tables, turned words, and what is no PDF."""

from __future__ import annotations

import logging
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fpdf import FPDF
from fpdf.drawing_primitives import DeviceCMYK
from fpdf.pattern import LinearGradient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from analyzer.errors import PolicyError
from analyzer.readers.policies.blocks import Block, LaidOut
from analyzer.readers.policies.pdf import SUFFIXES, read_layout
from analyzer.readers.policies.pdf_lines import clean_line, join_lines
from analyzer.readers.policies.pdf_pages import lay_out

PROSE = (
    "Members who cancel before the third of the month owe nothing for that month. The fee of the "
    "month that has begun stays due, and the card on file is charged for it."
)
LEFT, PITCH = 72, 14


class Paper(FPDF):
    """Pages measured in points, so that a test can put words where it wants them."""

    def __init__(self) -> None:
        super().__init__(unit="pt", format="A4")
        self.set_margins(LEFT, LEFT)
        self.set_auto_page_break(auto=True, margin=100)
        self.add_page()
        self.set_y(110)
        self.set_font("Helvetica", size=11)

    def heading(self, words: str, size: float = 16) -> None:
        self.set_font("Helvetica", style="B", size=size)
        self.multi_cell(0, size * 1.25, words, new_x="LMARGIN", new_y="NEXT", align="L")
        self.set_font("Helvetica", size=11)

    def paragraph(self, words: str, gap: float = 10) -> None:
        self.multi_cell(0, PITCH, words, new_x="LMARGIN", new_y="NEXT", align="L")
        self.ln(gap)

    def line_at(self, x: float, y: float, *lines: str) -> None:
        for number, words in enumerate(lines):
            self.text(x, y + number * PITCH, words)

    def grid(self, *rows: tuple[str, ...]) -> None:
        with self.table() as table:
            for cells in rows:
                row = table.row()
                for cell in cells:
                    row.cell(cell)
        self.ln(10)

    def save(self, folder: Path) -> Path:
        path = folder / "policy.pdf"
        self.output(str(path))
        return path


def read(paper: FPDF, folder: Path) -> LaidOut:
    """What is read, in this process: starting one takes longer than reading most of these files.

    ``test_pdf_bombs.py`` shows that both give the same.
    """
    path = folder / "policy.pdf"
    paper.output(str(path))
    return lay_out(path)


def texts(layout: LaidOut) -> list[str]:
    return [block.text for block in layout.blocks]


def kinds(layout: LaidOut) -> list[str]:
    return [block.kind for block in layout.blocks]


def refusal(path: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        lay_out(path)
    assert caught.value.path == path
    return caught.value.message


def make_font(folder: Path, characters: str) -> Path:
    """A font whose glyphs are boxes: the built-in ones have no ligatures and no bullets."""
    names = {ord(ch): f"u{ord(ch):04X}" for ch in dict.fromkeys(characters)}
    glyphs = [".notdef", *names.values()]
    pen = TTGlyphPen(None)
    for move, point in ((pen.moveTo, (50, 0)), (pen.lineTo, (50, 600)), (pen.lineTo, (450, 0))):
        move(point)
    pen.closePath()
    shape = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(glyphs)
    font.setupCharacterMap(names)
    font.setupGlyf(dict.fromkeys(glyphs, shape))
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (500, 50)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Boxes", "styleName": "Regular", "psName": "Boxes-Regular"})
    font.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    font.setupPost()
    path = folder / "boxes.ttf"
    font.save(path)
    return path


def boxed(folder: Path, words: str) -> Paper:
    paper = Paper()
    paper.add_font("Boxes", fname=make_font(folder, words + "abcdefghijklmnopqrstuvwxyz ABC."))
    paper.set_font("Boxes", size=11)
    return paper


# -- lines and paragraphs


def test_suffix() -> None:
    assert SUFFIXES == (".pdf",)


def test_a_paragraph_is_one_block_and_a_gap_parts_two(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    paper.paragraph("Refunds are made within ten days.")
    layout = read(paper, tmp_path)
    assert layout.blocks == (
        Block("paragraph", PROSE, 0, 1),
        Block("paragraph", "Refunds are made within ten days.", 0, 1),
    )
    assert layout.notes == layout.margins == ()


def test_blocks_carry_the_page_they_begin_on(tmp_path: Path) -> None:
    paper = Paper()
    paper.heading("Window")
    paper.paragraph(PROSE)
    paper.add_page()
    paper.set_y(110)
    paper.heading("Fees")
    paper.paragraph(PROSE)
    assert [block.page for block in read(paper, tmp_path).blocks] == [1, 1, 2, 2]


def test_a_clause_id_begins_a_block_without_a_gap(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph("RET-4 Sale items are exchanged.", gap=0)
    paper.paragraph("RET-5 Gift cards are final.", gap=0)
    assert texts(read(paper, tmp_path)) == [
        "RET-4 Sale items are exchanged.",
        "RET-5 Gift cards are final.",
    ]


def test_a_clause_number_begins_a_block_without_a_gap(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph("1.2.3(a) Goods go back unworn.", gap=0)
    paper.paragraph("1.2.3(b) Tags stay on.", gap=0)
    assert texts(read(paper, tmp_path)) == [
        "1.2.3(a) Goods go back unworn.",
        "1.2.3(b) Tags stay on.",
    ]


def test_an_id_within_a_sentence_begins_nothing(tmp_path: Path) -> None:
    paper = Paper()
    paper.line_at(LEFT, 120, "What is said of gifts in the clause", "RET-4 applies to cards too.")
    assert texts(read(paper, tmp_path)) == [
        "What is said of gifts in the clause RET-4 applies to cards too."
    ]


# -- columns


def columns(paper: Paper, y: float, name: str, lines: int = 12) -> None:
    for number in range(lines):
        for x, side in ((LEFT, "left"), (320, "right")):
            paper.text(x, y + number * PITCH, f"{name} {side} words of line {number} go on here")


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    paper = Paper()
    columns(paper, 120, "upper")
    words = " ".join(texts(read(paper, tmp_path)))
    assert words.index("upper left words of line 11") < words.index("upper right words of line 0")


def test_full_width_headings_part_columns(tmp_path: Path) -> None:
    paper = Paper()
    paper.set_y(100)
    paper.heading("Rules of the club that every member in every town has to know")
    columns(paper, 160, "upper")
    paper.set_y(350)
    paper.heading("Charges of the club that every member in every town has to pay")
    columns(paper, 410, "lower")
    layout = read(paper, tmp_path)
    words = " ".join(texts(layout))
    order = ("Rules of", "upper left words of line 11", "upper right words of line 0",
             "upper right words of line 11", "Charges of", "lower left words of line 0",
             "lower right words of line 11")  # fmt: skip
    places = [words.index(one) for one in order]
    assert places == sorted(places)
    assert kinds(layout).count("heading") == 2


def test_a_sentence_goes_on_in_the_next_column(tmp_path: Path) -> None:
    paper = Paper()
    columns(paper, 120, "the")
    assert len(read(paper, tmp_path).blocks) == 1


def test_headings_within_columns(tmp_path: Path) -> None:
    paper = Paper()
    paper.set_font("Helvetica", style="B", size=14)
    paper.text(LEFT, 120, "Returns")
    paper.text(320, 120, "Charges")
    paper.set_font("Helvetica", size=11)
    columns(paper, 145, "Some")
    layout = read(paper, tmp_path)
    assert kinds(layout) == ["heading", "paragraph", "heading", "paragraph"]
    assert texts(layout)[0::2] == ["Returns", "Charges"]


# -- headings


def test_levels_of_headings_go_by_size(tmp_path: Path) -> None:
    paper = Paper()
    for size, words in ((22, "Handbook"), (18, "Orders"), (15, "Returns"), (13, "Sale")):
        paper.heading(words, size)
    paper.paragraph(PROSE)
    paper.heading("Gifts", 15)
    paper.paragraph(PROSE)
    blocks = read(paper, tmp_path).blocks
    assert [(b.text, b.level) for b in blocks if b.kind == "heading"] == [
        ("Handbook", 1), ("Orders", 2), ("Returns", 3), ("Sale", 4), ("Gifts", 3)
    ]  # fmt: skip


def test_there_are_no_more_than_four_levels(tmp_path: Path) -> None:
    paper = Paper()
    for size in (30, 26, 22, 18, 15):
        paper.heading(f"Of size {size}", size)
    paper.heading("Only bold", 11)
    paper.paragraph(PROSE * 4)
    blocks = read(paper, tmp_path).blocks
    assert [b.level for b in blocks if b.kind == "heading"] == [1, 2, 3, 4, 4, 4]


def test_a_bold_line_of_body_size_is_a_heading(tmp_path: Path) -> None:
    paper = Paper()
    paper.heading("4.2 Returns", 11)
    paper.paragraph(PROSE)
    blocks = read(paper, tmp_path).blocks
    assert [(b.kind, b.text) for b in blocks] == [("heading", "4.2 Returns"), ("paragraph", PROSE)]


def test_a_bold_run_at_the_beginning_of_a_paragraph_is_no_heading(tmp_path: Path) -> None:
    paper = Paper()
    paper.multi_cell(0, PITCH, f"**Cancelling.** {PROSE}", markdown=True, align="L",
                     new_x="LMARGIN", new_y="NEXT")  # fmt: skip
    assert read(paper, tmp_path).blocks == (Block("paragraph", f"Cancelling. {PROSE}", 0, 1),)


def test_a_wholly_bold_first_line_of_a_paragraph_is_no_heading(tmp_path: Path) -> None:
    paper = Paper()
    paper.set_font("Helvetica", style="B", size=11)
    paper.text(
        LEFT, 120, "Members who cancel before the third of the month, or on the day itself, do"
    )
    paper.set_font("Helvetica", size=11)
    paper.line_at(
        LEFT, 134, "not owe anything for that month, whatever was said before, and do", "not pay."
    )
    paper.set_y(200)
    paper.paragraph(PROSE)
    layout = read(paper, tmp_path)
    assert kinds(layout) == ["paragraph", "paragraph"]


def test_a_bold_sentence_is_no_heading(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    paper.heading("No refund is ever made for gift cards.", 11)
    assert "heading" not in kinds(read(paper, tmp_path))


def test_a_heading_over_two_lines_is_one_block(tmp_path: Path) -> None:
    paper = Paper()
    long = "Goods that were bought in a sale and that the customer wishes to exchange for others"
    paper.heading(long, 18)
    paper.paragraph(PROSE)
    assert read(paper, tmp_path).blocks[0] == Block("heading", long, 1, 1)


def test_the_title_of_the_file(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    paper.set_title("Harbour Club terms")
    assert read(paper, tmp_path).title == "Harbour Club terms"
    paper = Paper()
    paper.paragraph(PROSE)
    paper.set_title("Microsoft Word - terms.docx")
    assert read(paper, tmp_path).title is None


# -- margins


class Headed(Paper):
    """Pages with a running header and a numbered footer."""

    def header(self) -> None:
        self.set_font("Helvetica", size=9)
        self.text(LEFT, 40, f"Harbour Club, edition of 2026, sheet {self.page_no()}")

    def footer(self) -> None:
        self.set_font("Helvetica", size=9)
        self.text(280, 815, f"- {self.page_no()} -")


def test_running_lines_and_page_numbers_are_taken_off(tmp_path: Path) -> None:
    paper = Headed()
    for number in range(1, 6):
        if number > 1:
            paper.add_page()
            paper.set_y(110)
        paper.heading(f"CAN-{number} Rule")
        paper.paragraph(PROSE)
    layout = read(paper, tmp_path)
    assert layout.margins == ("Harbour Club, edition of 2026, sheet 1",)
    assert len(layout.blocks) == 10
    assert not any("Harbour" in words for words in texts(layout))


def test_what_stands_once_at_the_top_stays(tmp_path: Path) -> None:
    paper = Headed()
    paper.text(LEFT, 60, "Approved by the board.")
    paper.paragraph(PROSE)
    paper.add_page()
    paper.set_y(110)
    paper.paragraph(PROSE)
    layout = read(paper, tmp_path)
    # Two pages are too few to tell a running header from a repeated line.
    assert any("Approved by the board." in words for words in texts(layout))
    assert layout.margins == ()


def test_clauses_that_begin_a_page_each_are_no_running_lines(tmp_path: Path) -> None:
    paper = Paper()
    for number in range(1, 6):
        if number > 1:
            paper.add_page()
        paper.text(LEFT, 60, f"{number}. Rule of the house")
        paper.set_y(110)
        paper.paragraph(PROSE)
    layout = read(paper, tmp_path)
    assert sum("Rule of the house" in words for words in texts(layout)) == 5
    assert layout.margins == ()


def test_a_year_at_the_foot_of_a_paragraph_is_no_page_number(tmp_path: Path) -> None:
    paper = Paper()
    paper.line_at(
        LEFT, 760, "The terms are those that the club has kept since the autumn of", "2019."
    )
    assert "2019." in " ".join(texts(read(paper, tmp_path)))


# -- words


def test_words_broken_at_the_end_of_a_line_are_mended(tmp_path: Path) -> None:
    paper = Paper()
    paper.line_at(
        LEFT, 120,
        "A customer may ask. The cus-", "tomer is told the co-pay, and the co-",
        "pay stays as it is on every Tues-", "Day and on the date of the no-",
        "show. A no-show is charged.",
    )  # fmt: skip
    words = " ".join(texts(read(paper, tmp_path)))
    assert "The customer is told" in words
    assert "the co-pay stays" in words
    assert "the no-show." in words
    assert "Tues- Day" in words or "Tues-Day" in words


def test_a_broken_word_that_stands_nowhere_else(tmp_path: Path) -> None:
    paper = Paper()
    paper.line_at(LEFT, 120, "The fee for rein-", "statement of the member is due.")
    assert "reinstatement" in texts(read(paper, tmp_path))[0]


def test_soft_hyphens_within_a_line_vanish(tmp_path: Path) -> None:
    words = "Can\xadcel\xadlation of a rein\xadstatement is free."
    paper = boxed(tmp_path, words)
    paper.text(LEFT, 120, words)
    assert texts(read(paper, tmp_path)) == ["Cancellation of a reinstatement is free."]


def test_a_soft_hyphen_at_the_end_of_a_line_joins_the_word(tmp_path: Path) -> None:
    lines = (
        "A member may with\xad",
        "draw the rein\xad",
        "State\xadment; the co\xad",
        "pay stays\xad",
    )
    paper = boxed(tmp_path, "".join(lines))
    paper.line_at(LEFT, 120, *lines)
    assert texts(read(paper, tmp_path)) == [
        "A member may withdraw the reinStatement; the copay stays"
    ]


def test_a_soft_hyphen_before_a_page_a_column_and_in_a_cell(tmp_path: Path) -> None:
    words = "The fee of the rein\xad"
    paper = boxed(tmp_path, words + "|mgos n. 123")
    paper.text(LEFT, 120, words)
    paper.add_page()
    paper.text(LEFT, 110, "statement goes on.")
    assert texts(read(paper, tmp_path)) == ["The fee of the reinstatement goes on."]
    paper = boxed(tmp_path, words + "|mgos n. 123")
    for x, y, w in (
        (LEFT, 100, 100),
        (LEFT, 140, 100),
        (LEFT + 100, 100, 90),
        (LEFT + 100, 140, 90),
    ):
        paper.rect(x, y, w, 40)
    paper.line_at(LEFT + 4, 112, "a rein\xad", "statement")
    paper.text(LEFT + 104, 112, "the can\xadcel")
    paper.text(LEFT + 4, 152, "free")
    paper.text(LEFT + 104, 152, "fee")
    assert texts(read(paper, tmp_path)) == [
        "| a reinstatement | the cancel |\n| --- | --- |\n| free | fee |"
    ]


@given(st.lists(st.text("abcde", min_size=1, max_size=6), min_size=1, max_size=30), st.data())
def test_soft_hyphens_never_show(words: list[str], data: st.DataObject) -> None:
    """Wherever a line is broken and words are divided, what is read is what was divided."""
    lines, line = [], ""
    for word in words:
        cut = data.draw(st.integers(0, len(word)))
        divided = f"{word[:cut]}\xad{word[cut:]}" if 0 < cut < len(word) else word
        if "\xad" in divided and data.draw(st.booleans()):
            head, tail = divided.split("\xad")
            lines.append(f"{line} {head}\xad".strip())
            line = tail
        else:
            line = f"{line} {divided}".strip()
    lines.append(line)
    assert join_lines([clean_line(one.split()) for one in lines]) == " ".join(words)


def test_ligatures_and_composed_letters(tmp_path: Path) -> None:
    words = "the ﬁne oﬃce re\u0301fund"
    paper = boxed(tmp_path, words)
    paper.text(LEFT, 120, words)
    assert texts(read(paper, tmp_path)) == ["the fine office réfund"]


# -- lists


@pytest.mark.parametrize("bullet", ["•", "–", "o", "\uf0b7", "*", "-"])
def test_bullets_become_dashes(tmp_path: Path, bullet: str) -> None:
    paper = boxed(tmp_path, bullet)
    paper.text(LEFT, 120, "A list of what stays.")
    paper.text(LEFT + 18, 120 + PITCH, f"{bullet} the tags")
    paper.text(LEFT + 18, 120 + 2 * PITCH, f"{bullet} the box and")
    paper.text(LEFT + 28, 120 + 3 * PITCH, "the paper")
    layout = read(paper, tmp_path)
    assert kinds(layout) == ["paragraph", "item", "item"]
    assert texts(layout)[1:] == ["- the tags", "- the box and the paper"]


def test_a_bullet_far_from_its_words(tmp_path: Path) -> None:
    paper = boxed(tmp_path, "•")
    for number, words in enumerate(("the tags", "the box")):
        paper.text(LEFT, 120 + number * PITCH, "•")
        paper.text(LEFT + 24, 120 + number * PITCH, words)
    assert texts(read(paper, tmp_path)) == ["- the tags", "- the box"]


def test_markers_are_kept_as_written(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    lines = (
        "1. unworn goods",
        "2. their tags",
        "(a) a receipt",
        "(b) a card",
        "i) by post",
        "ii) by hand",
    )
    paper.line_at(LEFT, 200, *lines)
    layout = read(paper, tmp_path)
    assert texts(layout)[1:] == list(lines)
    assert set(kinds(layout)[1:]) == {"item"}


def test_indentation_gives_the_level_of_an_item(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    places = (18, 36, 54, 18)
    for number, indent in enumerate(places):
        paper.text(LEFT + indent, 200 + number * PITCH, f"- point {number}")
    items = [b for b in read(paper, tmp_path).blocks if b.kind == "item"]
    assert [b.level for b in items] == [0, 1, 2, 0]
    assert [b.text for b in items] == ["- point 0", "  - point 1", "    - point 2", "- point 3"]


def test_items_at_the_margin_begin_at_level_nought(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    for number, indent in enumerate((0, 18, 36, 0)):
        paper.text(LEFT + indent, 200 + number * PITCH, f"- point {number}")
    items = [b for b in read(paper, tmp_path).blocks if b.kind == "item"]
    assert [b.level for b in items] == [0, 1, 2, 0]


# -- tables


def test_a_ruled_table_stands_at_its_place(tmp_path: Path) -> None:
    paper = Paper()
    paper.heading("Charges")
    paper.paragraph("What each service costs:")
    paper.grid(("Service", "Charge"), ("Late | lost", "$12"), ("Repair", "$30"))
    paper.paragraph("Nothing else is charged.")
    layout = read(paper, tmp_path)
    assert kinds(layout) == ["heading", "paragraph", "table", "paragraph"]
    assert texts(layout)[2] == (
        "| Service | Charge |\n| --- | --- |\n| Late \\| lost | $12 |\n| Repair | $30 |"
    )


def test_a_cell_merged_downwards_is_filled(tmp_path: Path) -> None:
    paper = Paper()
    with paper.table() as table:
        for cells in (("Role", "Per call", "Per year"), ("agent", "$25", "$100")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
        row = table.row()
        row.cell("supervisor", rowspan=2)
        row.cell("$100")
        row.cell("$400")
        row = table.row()
        row.cell("$200")
        row.cell("$800")
    table_text = texts(read(paper, tmp_path))[0]
    assert "| supervisor | $100 | $400 |\n| supervisor | $200 | $800 |" in table_text


def test_a_table_goes_on_over_the_page(tmp_path: Path) -> None:
    paper = Headed()
    paper.grid(("Service", "Charge"), *((f"Service {n}", f"${n}.50") for n in range(120)))
    layout = read(paper, tmp_path)
    assert kinds(layout) == ["table"]
    rows = texts(layout)[0].split("\n")
    assert len(rows) == 122
    assert rows.count("| Service | Charge |") == 1
    assert rows[-1] == "| Service 119 | $119.50 |"
    assert "| Service 60 | $60.50 |" in rows


def test_tables_with_text_between_stay_two(tmp_path: Path) -> None:
    paper = Paper()
    paper.grid(("Service", "Charge"), ("Repair", "$30"))
    paper.add_page()
    paper.set_y(110)
    paper.paragraph("From May on:")
    paper.grid(("Service", "Charge"), ("Repair", "$40"))
    assert kinds(read(paper, tmp_path)) == ["table", "paragraph", "table"]


def test_tables_of_other_widths_stay_two(tmp_path: Path) -> None:
    paper = Paper()
    paper.grid(("Service", "Charge"), ("Repair", "$30"))
    paper.add_page()
    paper.set_y(110)
    paper.grid(("Role", "Call", "Year"), ("agent", "$40", "$90"))
    assert kinds(read(paper, tmp_path)) == ["table", "table"]


def test_a_boxed_paragraph_is_text(tmp_path: Path) -> None:
    paper = Paper()
    paper.rect(60, 105, 470, 60)
    paper.set_y(115)
    paper.paragraph("Note: a refund takes ten days, and nobody can make it faster than that.")
    paper.set_y(200)
    paper.paragraph(PROSE)
    layout = read(paper, tmp_path)
    assert kinds(layout) == ["paragraph", "paragraph"]
    assert texts(layout)[0].startswith("Note: a refund")


def test_a_table_beside_turned_words(tmp_path: Path) -> None:
    paper = Paper()
    with paper.rotation(90, 40, 400):
        paper.text(40, 400, "Confidential")
    paper.grid(("Service", "Charge"), ("Repair", "$30"))
    assert texts(read(paper, tmp_path)) == ["| Service | Charge |\n| --- | --- |\n| Repair | $30 |"]


# -- over pages


def over_pages(folder: Path, before: str, after: str) -> list[str]:
    paper = Headed()
    paper.line_at(LEFT, 740, "The fee of the month that has begun", before)
    paper.add_page()
    paper.set_font("Helvetica", size=11)
    paper.line_at(LEFT, 110, after, "and nothing more is owed.")
    paper.add_page()
    paper.text(LEFT, 110, "The end.")
    return texts(read(paper, folder))


def test_a_paragraph_goes_on_over_the_page_and_its_margins(tmp_path: Path) -> None:
    assert over_pages(tmp_path, "stays due where the member", "cancels after the third") == [
        "The fee of the month that has begun stays due where the member cancels after the third "
        "and nothing more is owed.",
        "The end.",
    ]


def test_what_ends_in_a_bracket_goes_on(tmp_path: Path) -> None:
    assert len(over_pages(tmp_path, "stays due for thirty (30)", "days after that")) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("stays due.", "cancels after the third"),
        ("stays due:", "on the third"),
        ('stays "due."', "on the third"),
        ("stays due where the member", "Gifts are never taken back"),
    ],
)
def test_what_ended_does_not_go_on_over_the_page(tmp_path: Path, before: str, after: str) -> None:
    assert len(over_pages(tmp_path, before, after)) == 3


# -- what is left out


def test_a_watermark_is_left_out(tmp_path: Path) -> None:
    paper = Paper()
    with paper.rotation(45, 300, 400):
        paper.set_font("Helvetica", size=60)
        paper.text(150, 400, "DRAFT COPY")
    paper.set_font("Helvetica", size=11)
    paper.paragraph(PROSE)
    assert texts(read(paper, tmp_path)) == [PROSE]


def picture() -> Image.Image:
    return Image.new("L", (20, 30), 220)


def scan(paper: Paper, *, height: float = 842) -> None:
    paper.image(picture(), x=0, y=0, w=595, h=height)


RECOGNISED = (
    "Page 1 holds words that text recognition (OCR) put behind a picture; check them against it."
)
LEFT_OUT = (
    "Page 1 holds words that no reader sees (invisible, white on white, too small, or off the "
    "page); they are left out."
)


def test_words_behind_a_scan_are_read(tmp_path: Path) -> None:
    """Text recognition puts its words, invisible, behind or over the picture of the page."""
    for is_first in (True, False):
        paper = Paper()
        if is_first:
            scan(paper)
        with paper.local_context(text_mode="INVISIBLE"):
            paper.paragraph(PROSE)
        if not is_first:
            scan(paper)
        layout = read(paper, tmp_path)
        assert texts(layout) == [PROSE]
        assert layout.notes == (RECOGNISED,)


def test_words_that_a_scan_covers_are_read(tmp_path: Path) -> None:
    """Some programs set the words as usual, and the picture over them."""
    paper = Paper()
    paper.paragraph(PROSE)
    scan(paper)
    assert texts(read(paper, tmp_path)) == [PROSE]


def test_a_scan_in_strips(tmp_path: Path) -> None:
    paper = Paper()
    for number in range(4):
        paper.image(picture(), x=0, y=60 * number, w=595, h=60)
    with paper.local_context(text_mode="INVISIBLE"):
        paper.paragraph(PROSE)
    assert texts(read(paper, tmp_path)) == [PROSE]


@pytest.mark.parametrize("mode", ["INVISIBLE", "CLIP"])
def test_invisible_words_are_left_out_and_told(tmp_path: Path, mode: str) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    with paper.local_context(text_mode=mode):
        paper.paragraph("Refunds are never paid.")
    layout = read(paper, tmp_path)
    assert texts(layout) == [PROSE]
    assert layout.notes == (LEFT_OUT,)


def test_invisible_words_over_a_logo_or_beside_a_scan_are_left_out(tmp_path: Path) -> None:
    paper = Paper()
    paper.image(picture(), x=LEFT, y=300, w=200, h=60)
    paper.paragraph(PROSE)
    with paper.local_context(text_mode="INVISIBLE"):
        paper.text(LEFT, 330, "Refunds are never paid.")
    assert texts(read(paper, tmp_path)) == [PROSE]
    paper = Paper()
    scan(paper, height=300)
    with paper.local_context(text_mode="INVISIBLE"):
        paper.text(LEFT, 200, "The fee is due.")
        paper.text(LEFT, 500, "Refunds are never paid.")
    layout = read(paper, tmp_path)
    assert texts(layout) == ["The fee is due."]
    assert layout.notes == (LEFT_OUT, RECOGNISED)


@pytest.mark.parametrize("size", [1, 11])
@pytest.mark.parametrize("colour", [(255, 255, 255), (250, 250, 246), DeviceCMYK(0, 0, 0, 0.02)])
def test_white_on_white_is_left_out(tmp_path: Path, size: float, colour: Any) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    with paper.local_context():
        paper.set_text_color(colour)
        paper.set_font_size(size)
        paper.paragraph("Refunds are never paid.")
    layout = read(paper, tmp_path)
    assert texts(layout) == [PROSE]
    assert layout.notes == (LEFT_OUT,)


def test_white_on_a_white_box_over_a_dark_one_is_left_out(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    for grey in (0, 255):
        paper.set_fill_color(grey)
        paper.rect(LEFT, 300, 400, 40, style="F")
    paper.set_text_color(255)
    paper.text(LEFT + 5, 325, "Refunds are never paid.")
    assert texts(read(paper, tmp_path)) == [PROSE]


def test_white_on_a_dark_row_a_picture_or_a_thick_line_is_read(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    paper.set_fill_color(20, 40, 90)
    paper.rect(LEFT, 300, 400, 20, style="F")
    scan_of_a_title = Image.new("RGB", (20, 20), (20, 40, 90))
    paper.image(scan_of_a_title, x=LEFT, y=400, w=400, h=20)
    paper.set_line_width(20)
    paper.line(LEFT, 510, LEFT + 400, 510)
    paper.set_text_color(255)
    for y in (314, 414, 514):
        paper.text(LEFT + 5, y, f"Title at {y}")
    layout = read(paper, tmp_path)
    assert " ".join(texts(layout)).endswith("Title at 314 Title at 414 Title at 514")
    assert layout.notes == ()


def test_white_on_a_gradient_is_read(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    gradient = LinearGradient(LEFT, 300, 400, 300, colors=["#102060", "#203080"])
    with paper.use_pattern(gradient):
        paper.rect(LEFT, 300, 400, 40, style="F")
    paper.set_text_color(255)
    paper.text(LEFT + 5, 325, "Chapter one")
    assert "Chapter one" in texts(read(paper, tmp_path))


def test_white_with_a_dark_outline_is_read(tmp_path: Path) -> None:
    paper = Paper()
    paper.set_text_color(255)
    with paper.local_context(text_mode="FILL_STROKE"):
        paper.paragraph(PROSE)
    assert texts(read(paper, tmp_path)) == [PROSE]


def test_full_ink_of_a_spot_colour_is_not_white(tmp_path: Path) -> None:
    """Its one number is 1, as that of white is in shades of grey."""
    path = tmp_path / "spot.pdf"
    function = "<</FunctionType 2/Domain[0 1]/C0[0 0 0 0]/C1[0 0 0 1]/N 1>>"
    space = f"/ColorSpace<</Spot[/Separation/Ink/DeviceCMYK {function}]>>"
    content = b"/Spot cs 1 scn BT /F1 11 Tf 72 700 Td (Refunds take ten days.) Tj ET"
    bare_pdf(path, zlib.compress(content), resources=space)
    assert texts(lay_out(path)) == ["Refunds take ten days."]


def test_words_off_the_page_are_left_out(tmp_path: Path) -> None:
    for x, y in ((700, 300), (-300, 300), (LEFT, 900), (LEFT, -40)):
        paper = Paper()
        paper.paragraph(PROSE)
        paper.text(x, y, "Refunds are never paid.")
        layout = read(paper, tmp_path)
        assert texts(layout) == [PROSE]
        assert layout.notes == (LEFT_OUT,)


def test_a_character_that_the_edge_of_the_page_cuts_is_read(tmp_path: Path) -> None:
    paper = Paper()
    paper.text(595 - 11, 300, "W")
    paper.text(LEFT, 300, "Plan")
    layout = read(paper, tmp_path)
    assert " ".join(texts(layout)) == "Plan W"
    assert layout.notes == ()


@pytest.mark.parametrize(
    ("turn", "upright"), [(0, "1 0 0 1"), (90, "0 1 -1 0"), (180, "-1 0 0 -1"), (270, "0 -1 1 0")]
)
def test_words_outside_the_crop_box_are_left_out(tmp_path: Path, turn: int, upright: str) -> None:
    path = tmp_path / "cropped.pdf"
    words = (
        f"BT /F1 11 Tf {upright} 300 500 Tm (Kept.) Tj "
        f"{upright} 300 830 Tm (Refunds are never paid.) Tj ET"
    )
    bare_pdf(path, zlib.compress(words.encode()), page=f"/CropBox[50 100 500 700]/Rotate {turn}")
    layout = lay_out(path)
    assert texts(layout) == ["Kept."]
    assert layout.notes == (LEFT_OUT,)


def test_nothing_but_hidden_words(tmp_path: Path) -> None:
    paper = Paper()
    with paper.local_context(text_mode="INVISIBLE"):
        paper.paragraph(PROSE)
    message = refusal(paper.save(tmp_path))
    assert message.startswith("this PDF holds only words that no reader sees")
    assert "text recognition (OCR)" in message


def test_hidden_words_in_a_form_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "form.pdf"
    words = b"BT /F1 11 Tf 72 700 Td (Kept.) Tj 3 Tr 0 -20 Td (Never.) Tj ET"
    bare_pdf(path, zlib.compress(b"/X Do"), resources="/XObject<</X 5 0 R>>", form=words)
    layout = lay_out(path)
    assert texts(layout) == ["Kept."]
    assert layout.notes == (LEFT_OUT,)


def test_hidden_words_in_a_table_are_left_out(tmp_path: Path) -> None:
    paper = Paper()
    with paper.table(first_row_as_headings=False) as table:
        for cells in (("Service", "Charge"), ("Repair", "$30")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    with paper.local_context(text_mode="INVISIBLE"):
        paper.text(LEFT + 80, 120, "never")
    assert texts(read(paper, tmp_path)) == ["| Service | Charge |\n| --- | --- |\n| Repair | $30 |"]


def test_pages_without_text_are_told(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    for _ in range(2):
        paper.add_page()
        paper.rect(20, 20, 400, 500, style="F")
    assert read(paper, tmp_path).notes == ("Pages 2 and 3 hold no text.",)
    paper = Paper()
    paper.paragraph(PROSE)
    paper.add_page()
    assert read(paper, tmp_path).notes == ("Page 2 holds no text.",)


# -- what cannot be read


def test_pictures_of_pages(tmp_path: Path) -> None:
    paper = FPDF()
    for _ in range(3):
        paper.add_page()
        paper.rect(20, 20, 150, 200, style="F")
    path = tmp_path / "scan.pdf"
    paper.output(str(path))
    assert "text recognition (OCR)" in refusal(path)


def whole_file(folder: Path) -> bytes:
    paper = Headed()
    for _ in range(6):
        paper.paragraph(PROSE * 3)
    return paper.save(folder).read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 5000, b"%PDF-1.7\n" + bytes(range(256)) * 40, b"PK\x03\x04 no PDF", b"%PDF-1.7"],
    ids=["empty", "noughts", "garbage", "zip", "stub"],
)
def test_what_is_no_pdf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.pdf"
    path.write_bytes(content)
    assert refusal(path) == (
        "this is no PDF or a damaged one; open it in a viewer and save it again"
    )


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_pdf(tmp_path: Path, share: float) -> None:
    content = whole_file(tmp_path)
    path = tmp_path / "cut.pdf"
    path.write_bytes(content[: int(share * len(content))])
    try:
        layout = lay_out(path)
    except PolicyError as error:
        assert error.path == path
    else:
        assert layout.blocks


@pytest.mark.parametrize("seed", range(12))
def test_a_pdf_with_wrong_bytes(tmp_path: Path, seed: int) -> None:
    import random

    content = bytearray(whole_file(tmp_path))
    chance = random.Random(seed)
    for _ in range(60):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path = tmp_path / "bad.pdf"
    path.write_bytes(content)
    try:
        lay_out(path)
    except PolicyError as error:
        assert error.path == path


def test_a_locked_pdf(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    paper.set_encryption(owner_password="owner", user_password="user")  # noqa: S106
    assert refusal(paper.save(tmp_path)) == (
        "this PDF is locked with a password; save a copy without one"
    )


def test_a_pdf_that_anybody_may_open_is_read(tmp_path: Path) -> None:
    paper = Paper()
    paper.paragraph(PROSE)
    paper.set_encryption(owner_password="owner")  # noqa: S106
    assert texts(read(paper, tmp_path)) == [PROSE]


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)
    with pytest.raises(PolicyError, match="larger than 100 MB") as caught:
        read_layout(path)
    assert caught.value.path == path


def test_too_many_pages(tmp_path: Path) -> None:
    paper = Paper()
    for _ in range(2000):
        paper.add_page()
    message = refusal(paper.save(tmp_path))
    assert "2001 pages" in message
    assert "split it" in message


def bare_pdf(
    path: Path, packed: bytes, *, page: str = "", resources: str = "", form: bytes = b""
) -> None:
    """A file of one page whose content is the given deflated stream; object 5 is a form."""
    fonts = "/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
    head = f"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<<{fonts}>>"
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R{page}"
        f"/Resources<<{resources}{fonts}>>>>".encode(),
        f"<</Length {len(packed)}/Filter/FlateDecode>>stream\n".encode() + packed + b"\nendstream",
        f"<<{head}/Length {len(form)}>>stream\n".encode() + form + b"\nendstream",
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, part in enumerate(parts, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + part + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n"
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF".encode()
    path.write_bytes(out)


def test_the_bare_file_of_the_bomb_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "bare.pdf"
    bare_pdf(path, zlib.compress(b"BT /F1 11 Tf 72 700 Td (Refunds take ten days.) Tj ET"))
    assert texts(lay_out(path)) == ["Refunds take ten days."]


def test_a_page_of_too_many_characters(tmp_path: Path) -> None:
    path = tmp_path / "full.pdf"
    line = b"1 0 0 1 72 700 Tm (" + b"i" * 100 + b") Tj "
    bare_pdf(path, zlib.compress(b"BT /F1 3 Tf " + line * 610 + b"ET"))
    assert "61000 characters" in refusal(path)


def test_nothing_of_the_file_goes_to_the_log(tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "policy.pdf"
    path.write_bytes(whole_file(tmp_path).replace(b"/Type /Page\n", b"/Type /Rage\n"))
    level = logging.getLogger("pdfminer").level
    with caplog.at_level(logging.DEBUG), pytest.MonkeyPatch.context():
        try:
            lay_out(path)
        except PolicyError:
            pass
    assert not caplog.records
    assert logging.getLogger("pdfminer").level == level


# -- speed


@pytest.mark.slow
def test_four_hundred_pages_take_less_than_a_minute(tmp_path: Path) -> None:
    paper = Headed()
    for number in range(1, 401):
        if number > 1:
            paper.add_page()
            paper.set_y(110)
        paper.heading(f"BIG-{number} Rule {number}")
        paper.paragraph(PROSE * 6)
    path = paper.save(tmp_path)
    begin = time.process_time()
    layout = lay_out(path)
    assert time.process_time() - begin < 60
    assert len(layout.blocks) == 800

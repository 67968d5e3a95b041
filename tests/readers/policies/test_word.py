"""DOCX documents as word processors write them: what of them becomes clauses, and what does not."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_BREAK
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import PolicyDocument
from analyzer.errors import PolicyError
from analyzer.readers.policies import read_policy

W = nsdecls("w")
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
LEGAL = [("decimal", "%1."), ("decimal", "%1.%2"), ("decimal", "%1.%2.%3"), ("lowerLetter", "(%4)"),
         ("lowerRoman", "(%5)")]  # fmt: skip


def read(document: Any) -> PolicyDocument:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.docx"
        document.save(str(path))
        once, again = (read_policy(path, company="quay") for _ in range(2))
    assert once == again
    assert len({clause.id for clause in once.clauses}) == len(once.clauses)
    return once


def texts(document: Any) -> dict[str, str]:
    return {clause.id: clause.text for clause in read(document).clauses}


def begun(heading: str = "RET-1 Window") -> Any:
    document = Document()
    document.add_heading(heading, level=1)
    return document


def add(document: Any, xml: str) -> None:
    """A paragraph of raw XML at the end."""
    document.add_paragraph()._p.getparent().replace(
        document.paragraphs[-1]._p, parse_xml(f"<w:p {W} {MC}>{xml}</w:p>")
    )


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def add_list(
    document: Any, levels: list[tuple[str, str]], number: int = 77, more: str = ""
) -> None:
    part = document.part.numbering_part.element
    written = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for depth, (form, text) in enumerate(levels)
    )
    if levels:
        kind = f'<w:abstractNum {W} w:abstractNumId="77">{written}</w:abstractNum>'
        part.insert(0, parse_xml(kind))
    part.append(
        parse_xml(f'<w:num {W} w:numId="{number}"><w:abstractNumId w:val="77"/>{more}</w:num>')
    )


def number(paragraph: Any, depth: int, list_id: int = 77) -> None:
    numbered = paragraph._p.get_or_add_pPr()._add_numPr()
    numbered.get_or_add_ilvl().val = depth
    numbered.get_or_add_numId().val = list_id


def add_items(document: Any, items: list[tuple[int, str]], list_id: int = 77) -> None:
    for depth, words in items:
        number(document.add_paragraph(words), depth, list_id)


def add_table(document: Any, rows: Sequence[tuple[str, ...]]) -> Any:
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words
    return table


# -- numbers that Word shows and does not write


def test_numbers_of_several_levels_start_clauses_and_letters_stay_in_them() -> None:
    document = begun("Terms of sale")
    add_list(document, LEGAL)
    add_items(
        document,
        [
            (0, "Returns"), (1, "Window"), (2, "Goods may be sent back in 30 days."),
            (3, "unworn"), (3, "with tags"), (4, "all of them"), (2, "Late goods stay sold."),
            (0, "Delivery"), (1, "Carriers deliver at the kerb; see clause 1.1.2."),
        ],
    )  # fmt: skip
    clauses = {c.title: c for c in read(document).clauses}
    assert list(clauses) == ["1.1.1", "1.1.2", "2.1"]
    assert clauses["1.1.1"].heading_path == ("Terms of sale", "1 Returns", "1.1 Window")
    assert [line.strip() for line in clauses["1.1.1"].text.splitlines() if line] == [
        "Goods may be sent back in 30 days.", "(a) unworn", "(b) with tags", "(i) all of them",
    ]  # fmt: skip
    assert clauses["2.1"].heading_path == ("Terms of sale", "2 Delivery")


def test_numbered_headings_carry_their_numbers() -> None:
    document = Document()
    add_list(document, [("decimal", "%1"), ("decimal", "%1.%2")])
    for level, words in ((1, "Returns"), (2, "Window"), (2, "Sale"), (1, "Fees"), (2, "Late fee")):
        number(document.add_heading(words, level=level), level - 1)
        document.add_paragraph(f"All of {words}.")
    titles = [clause.title for clause in read(document).clauses]
    assert titles == ["1 Returns", "1.1 Window", "1.2 Sale", "2 Fees", "2.1 Late fee"]


def test_articles_and_their_sections_start_clauses() -> None:
    document = Document()
    add_list(document, [("upperRoman", "Article %1."), ("decimal", "Section %1.%2")])
    add_items(document, [(0, "Returns"), (1, "Thirty days."), (0, "Fees"), (1, "None is due.")])
    found = [(c.heading_path, c.title, c.text) for c in read(document).clauses]
    assert found == [
        (("I Returns",), "I.1", "Thirty days."),
        (("II Fees",), "II.1", "None is due."),
    ]


def test_lists_nest_go_on_and_start_anew() -> None:
    document = begun()
    add_list(document, [("decimal", "%1."), ("lowerLetter", "%2)"), ("upperRoman", "%3.")])
    override = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    add_list(document, [], 78, override)
    add_items(document, [(0, "a"), (1, "b"), (1, "c"), (2, "d"), (0, "e"), (1, "f")])
    document.add_paragraph("Between.")
    add_items(document, [(0, "g")])
    add_items(document, [(0, "h"), (0, "i")], 78)
    assert texts(document)["RET-1"] == (
        "1. a\n  a) b\n  b) c\n    I. d\n2. e\n  a) f\n\nBetween.\n\n3. g\n5. h\n6. i"
    )


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("lowerLetter", ["a", "b", "z", "aa"]),
        ("upperLetter", ["A", "B", "Z", "AA"]),
        ("lowerRoman", ["i", "ii", "xxvi", "xxvii"]),
        ("decimalZero", ["01", "02", "26", "27"]),
        ("chicago", ["1", "2", "26", "27"]),
    ],
)
def test_forms_of_numbers(form: str, shown: list[str]) -> None:
    document = begun()
    add_list(document, [(form, "%1)")])
    add_items(document, [(0, "x")] * 27)
    lines = texts(document)["RET-1"].splitlines()
    assert [lines[place] for place in (0, 1, 25, 26)] == [f"{one}) x" for one in shown]


def test_styles_number_and_bullets_are_dashes() -> None:
    document = begun()
    for style, words in (("List Bullet", "a"), ("List Number", "b"), ("List Number", "c")):
        document.add_paragraph(words, style=style)
    assert texts(document)["RET-1"] == "- a\n1. b\n2. c"


# -- what a reader sees


CHANGES = {
    "deleted": "<w:del><w:r><w:delText>GONE</w:delText></w:r></w:del>",
    "moved away": f"<w:moveFrom>{run('GONE')}</w:moveFrom>",
    "hidden": run("GONE", "<w:vanish/>"),
    "struck": run("GONE", "<w:strike/>"),
    "struck twice": run("GONE", "<w:dstrike/>"),
    "field code": '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:t>GONE</w:t></w:r>'
    '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
    "comment": '<w:commentRangeStart w:id="1"/><w:r><w:annotationRef/></w:r>',
    "inserted and deleted": "<w:ins><w:del><w:r><w:delText>GONE</w:delText></w:r></w:del></w:ins>",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_gone_or_hidden_is_not_read(change: str) -> None:
    document = begun()
    add(document, f"{run('within ')}{change}{run('sixty days')}")
    assert texts(document) == {"RET-1": "within sixty days"}


@pytest.mark.parametrize(
    "kept",
    [
        f"<w:ins>{run('KEPT')}</w:ins>",
        f"<w:moveTo>{run('KEPT')}</w:moveTo>",
        f"<w:hyperlink>{run('KEPT')}</w:hyperlink>",
        f'<w:fldSimple w:instr="REF x">{run("KEPT")}</w:fldSimple>',
        f"<w:sdt><w:sdtContent>{run('KEPT')}</w:sdtContent></w:sdt>",
        f"<w:smartTag>{run('KEPT')}</w:smartTag>",
        run("KEPT", '<w:vanish w:val="0"/><w:strike w:val="false"/>'),
    ],
)
def test_what_is_inserted_or_wrapped_is_read(kept: str) -> None:
    document = begun()
    add(document, f"{run('within ')}{kept}{run(' days')}")
    assert texts(document) == {"RET-1": "within KEPT days"}


def test_a_style_may_hide_and_a_run_may_show_again() -> None:
    document = begun()
    ghost = document.styles.add_style("Ghost", WD_STYLE_TYPE.CHARACTER)
    ghost.font.hidden = True
    paragraph = document.add_paragraph("seen ")
    paragraph.add_run("GONE", style="Ghost")
    paragraph.add_run("shown", style="Ghost").font.hidden = False
    assert texts(document) == {"RET-1": "seen shown"}


def test_a_deleted_paragraph_gives_up_its_number() -> None:
    document = begun()
    add_list(document, [("decimal", "%1.")])
    add_items(document, [(0, "one")])
    in_list = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="77"/></w:numPr>'
    mark = f"<w:pPr>{in_list}<w:rPr><w:del/></w:rPr></w:pPr>"
    add(document, f"{mark}{CHANGES['deleted']}")
    add_items(document, [(0, "two")])
    assert texts(document)["RET-1"] == "1. one\n2. two"


def test_footnotes_follow_their_paragraph_and_their_marks_are_no_digits() -> None:
    document = begun()
    words = f"<w:p>{run('Not on Sundays.')}</w:p>"
    note = f"<w:footnotes {W}><w:footnote w:id='2'>{words}</w:footnote></w:footnotes>"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, note.encode(), document.part.package)
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    document.part.relate_to(part, f"{office}/footnotes")
    raised = '<w:vertAlign w:val="superscript"/>'
    add(document, run("The fee is $50") + run("1", raised) + run(" a day")
        + '<w:r><w:footnoteReference w:id="2"/></w:r>' + run("."))  # fmt: skip
    assert texts(document) == {"RET-1": "The fee is $50¹ a day. (Not on Sundays.)"}


def test_a_text_box_is_read_once() -> None:
    document = begun()
    box = f"<w:txbxContent><w:p>{run('In the box.')}</w:p></w:txbxContent>"
    both = f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
    add(document, f"{run('Before.')}<w:r><mc:AlternateContent>{both}</mc:AlternateContent></w:r>")
    assert texts(document) == {"RET-1": "Before.\n\nIn the box."}


# -- tables


def test_a_table_stays_with_its_clause_and_merged_cells_with_their_rows() -> None:
    document = begun("AUT-1 Authority")
    document.add_paragraph("Who may grant what:")
    table = add_table(
        document,
        [
            ("Role", "Per call", "Per | year"),
            ("Lead", "$1", "$2"),
            ("", "$3", "$4"),
            ("A", "x", ""),
        ],
    )
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(3, 1).merge(table.cell(3, 2))
    document.add_paragraph("Nobody grants more.")
    assert texts(document)["AUT-1"] == (
        "Who may grant what:\n\n"
        "| Role | Per call | Per \\| year |\n| --- | --- | --- |\n"
        "| Lead | $1 | $2 |\n| Lead | $3 | $4 |\n| A | x |  |\n\n"
        "Nobody grants more."
    )


def test_deleted_and_hidden_rows_are_not_read_and_inserted_ones_are() -> None:
    document = begun()
    rows = [("Role", "Cap"), ("Lead", "$1"), ("Gone", "$2"), ("Unseen", "$3"), ("New", "$4")]
    table = add_table(document, rows)
    for index, name in ((2, "del"), (3, "hidden"), (4, "ins")):
        table.rows[index]._tr.get_or_add_trPr().append(parse_xml(f"<w:{name} {W}/>"))
    wanted = "| Role | Cap |\n| --- | --- |\n| Lead | $1 |\n| New | $4 |"
    assert texts(document) == {"RET-1": wanted}


def test_a_frame_of_one_column_is_no_table() -> None:
    document = Document()
    table = add_table(document, [("",), ("Thirty days.",)])
    table.cell(0, 0).paragraphs[0].style = "Heading 1"
    table.cell(0, 0).paragraphs[0].add_run("RET-1 Window")
    assert texts(document) == {"RET-1": "Thirty days."}


def test_lists_and_tables_in_a_cell_keep_their_words() -> None:
    document = begun()
    table = add_table(document, [("Role", "May grant"), ("Lead", "")])
    cell = table.cell(1, 1)
    cell.paragraphs[0].text = "refunds"
    cell.add_paragraph("credits", style="List Bullet")
    cell.add_table(rows=1, cols=1).cell(0, 0).text = "inner"
    assert "| Lead | refunds - credits inner |" in texts(document)["RET-1"]


# -- headings, titles, days, pages


def test_a_title_stands_above_all_headings() -> None:
    document = Document()
    document.add_paragraph("Returns policy", style="Title")
    document.add_paragraph("Effective 1st of Feb. 2026", style="Subtitle")
    document.add_heading("Shops", level=1)
    document.add_paragraph("Thirty days.")
    document.add_heading("Outlets", level=2)
    document.add_paragraph("Ten days.")
    read_back = read(document)
    assert read_back.document == "Returns policy"
    assert read_back.effective_from == dt.date(2026, 2, 1)
    assert [(c.id, c.heading_path) for c in read_back.clauses[1:]] == [
        ("returns-policy/shops", ("Returns policy",)),
        ("returns-policy/shops/outlets", ("Returns policy", "Shops")),
    ]


def test_days_in_the_running_header_and_in_a_table_about_the_document() -> None:
    headed = begun()
    headed.add_paragraph("Thirty days.")
    headed.sections[0].header.paragraphs[0].text = "Harbour Club · valid until 31/12/2026"
    assert read(headed).effective_to == dt.date(2026, 12, 31)
    assert "Harbour" not in str(texts(headed))
    table = Document()
    add_table(table, [("Version", "Effective date"), ("3", "1 March 2026")])
    table.add_heading("RET-1 Window", level=1)
    table.add_paragraph("Thirty days.")
    assert read(table).effective_from == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Effective from", "from with --effective-from."),
        ("Valid until", "until as effective_to in a file policies.yaml beside it."),
    ],
)
def test_a_day_in_doubt_is_asked_for(said: str, asked: str) -> None:
    document = Document()
    document.add_paragraph(f"{said} 03/04/2026")
    document.add_heading("RET-1 Window", level=1)
    document.add_paragraph("Thirty days.")
    read_back = read(document)
    assert (read_back.effective_from, read_back.effective_to) == (None, None)
    two = "'03/04/2026', which can be read as two days; say which day it is in force"
    assert read_back.notes == (f"Its text says {two} {asked}",)


def test_lines_in_bold_type_are_headings_where_text_follows() -> None:
    document = Document()
    for words in ("Returns", "Sale items"):
        document.add_paragraph().add_run(words).bold = True
        document.add_paragraph(f"All about {words.lower()}.")
    strong = document.add_paragraph()
    strong.add_run("No exceptions are made.").bold = True
    document.add_paragraph().add_run("The board").bold = True
    assert texts(document) == {
        "rules/returns": "All about returns.",
        "rules/sale-items": "All about sale items.\n\nNo exceptions are made.\n\nThe board",
    }


def test_clauses_know_their_page() -> None:
    document = begun()
    document.add_paragraph("Thirty days.").add_run().add_break(WD_BREAK.PAGE)
    document.add_heading("RET-2 Sale", level=1)
    document.add_paragraph("None.")
    assert [clause.page for clause in read(document).clauses] == [1, 2]


def test_the_same_id_twice_says_where() -> None:
    document = begun("RET-1 Window")
    document.add_paragraph("Thirty days.")
    document.add_heading("RET-1 Sale", level=1)
    document.add_paragraph("None.")
    with pytest.raises(PolicyError) as caught:
        read(document)
    assert str(caught.value).endswith(
        "rules.docx: clause RET-1 stands here a second time (first as 'Window', then as 'Sale'); "
        "give one of the two another id"
    )


def test_an_id_with_a_hyphen_that_does_not_break_is_the_same_id() -> None:
    document = Document()
    add(document, f"{run('RET')}<w:r><w:noBreakHyphen/></w:r>{run('1 Window')}")
    document.add_paragraph("Thirty days.")
    document.add_paragraph("RET\u20112 Sale. None.")
    assert texts(document) == {"RET-1": "Thirty days.", "RET-2": "None."}


# -- any document


PARTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["heading", "id", "text", "bold", "item", "number", "table", "typed", "box"]
        ),
        st.integers(1, 4),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


def build(parts: list[tuple[str, int, bool]]) -> tuple[Any, list[str]]:
    """A document of these parts, and its words, each of them another."""
    document = Document()
    add_list(document, LEGAL)
    said: list[str] = []

    def words(*, is_sentence: bool) -> str:
        said.extend([f"Wordb{len(said)}", f"more{len(said)}"])
        return " ".join(said[-2:]) + ("." if is_sentence else "")

    for index, (kind, depth, is_sentence) in enumerate(parts):
        text = words(is_sentence=is_sentence)
        if kind == "heading":
            document.add_heading(text, level=depth)
        elif kind == "id":
            document.add_heading(f"ID-{index} {text}", level=depth)
        elif kind == "bold":
            document.add_paragraph().add_run(text).bold = True
        elif kind == "item":
            document.add_paragraph(text, style="List Bullet")
        elif kind == "number":
            number(document.add_paragraph(text), depth)
        elif kind == "table":
            other = words(is_sentence=False).split()
            add_table(document, [tuple(text.split()), tuple(other)])
        elif kind == "typed":
            document.add_paragraph(f"{depth}.{index} {text}")
        else:
            document.add_paragraph(text)
    return document, said


@settings(max_examples=25)
@given(PARTS)
def test_no_word_is_lost_and_none_stands_in_two_clauses(parts: list[tuple[str, int, bool]]) -> None:
    document, said = build(parts)
    clauses = read(document).clauses
    within = " ".join(f"{clause.title} {clause.text}" for clause in clauses)
    above = " ".join(part for clause in clauses for part in clause.heading_path)
    tokens = within.replace(".", " ").split()
    headings = above.replace(".", " ").split()
    for word in said:
        assert tokens.count(word) == 1 or (word in headings and word not in tokens)

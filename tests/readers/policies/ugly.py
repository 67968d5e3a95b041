"""Thirty-odd policy documents as nobody would wish them, made anew on each run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from fpdf import FPDF

RULES = {
    "4.1": "Goods may be sent back within thirty days of delivery, unworn and with their tags.",
    "4.2": "Sale items are exchanged for goods of the same price and never paid back in money.",
    "4.3": "A supervisor may take back goods after sixty days where the customer was ill.",
}
PROSE = (
    "Members who cancel before the third of the month owe nothing for that month. The fee of the "
    "month that has begun stays due, and the card on file is charged for it. "
)


def _pdf(**options: Any) -> FPDF:
    pdf = FPDF(**options)
    pdf.set_margins(20, 20)
    pdf.set_auto_page_break(auto=True, margin=25)
    pdf.add_page()
    pdf.set_font("Helvetica", size=11)
    return pdf


def _heading(pdf: FPDF, text: str, size: int = 16) -> None:
    pdf.set_font("Helvetica", style="B", size=size)
    pdf.multi_cell(0, size * 0.6, text, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=11)


def _para(pdf: FPDF, text: str) -> None:
    pdf.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)


def _save(pdf: FPDF, path: Path) -> None:
    pdf.output(str(path))


def scanned(path: Path) -> None:
    pdf = FPDF()
    for _ in range(3):
        pdf.add_page()
        pdf.rect(20, 20, 150, 200, style="F")
    _save(pdf, path)


def partly_scanned(path: Path) -> None:
    pdf = _pdf()
    _heading(pdf, "RET-1 Window")
    _para(pdf, RULES["4.1"])
    pdf.add_page()
    pdf.rect(20, 20, 150, 200, style="F")
    _save(pdf, path)


def two_columns(path: Path) -> None:
    pdf = _pdf()
    _heading(pdf, "Membership rules", 20)
    with pdf.text_columns(ncols=2, gutter=12, text_align="L") as columns:
        for number in range(1, 9):
            columns.write(f"MEM-{number} Rule {number}.\n")
            columns.write(PROSE + f"This is the end of rule {number}.\n\n")
    _save(pdf, path)


def merged_cells_pdf(path: Path) -> None:
    pdf = _pdf()
    _heading(pdf, "AUT-1 Who may give what")
    with pdf.table(col_widths=(40, 60, 60)) as table:
        for cells in (("Role", "Per call", "Per year"), ("representative", "$25", "$100")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
        row = table.row()
        row.cell("supervisor", rowspan=2)
        row.cell("$100")
        row.cell("$400")
        row = table.row()
        row.cell("with approval $200")
        row.cell("$800")
    _para(pdf, "Nobody gives more than the table says.")
    _save(pdf, path)


def table_over_pages(path: Path) -> None:
    pdf = _pdf()
    _heading(pdf, "FEE-1 Charges")
    with pdf.table() as table:
        for cells in [("Service", "Charge"), *((f"Service {n}", f"${n}.50") for n in range(80))]:
            row = table.row()
            for cell in cells:
                row.cell(cell)
    _save(pdf, path)


def numbered(path: Path) -> None:
    pdf = _pdf()
    _heading(pdf, "Terms of carriage", 20)
    for chapter in (1, 2):
        _heading(pdf, f"{chapter}. Chapter {chapter}")
        for section in (1, 2):
            _para(pdf, f"{chapter}.{section}.1(a) " + PROSE)
            _para(pdf, f"{chapter}.{section}.1(b) " + PROSE)
    _save(pdf, path)


def heading_a_line_pdf(path: Path) -> None:
    pdf = _pdf()
    for rule in RULES.values():
        _heading(pdf, rule, 14)
    _save(pdf, path)


def running_heads(path: Path) -> None:
    class Headed(FPDF):
        def header(self) -> None:
            self.set_font("Helvetica", size=9)
            self.cell(0, 8, "Harbour Club · Confidential · Effective 1 March 2026", align="C")
            self.ln(14)

        def footer(self) -> None:
            self.set_y(-15)
            self.set_font("Helvetica", size=9)
            self.cell(0, 8, f"Page {self.page_no()} of 6", align="C")

    pdf = Headed()
    pdf.set_auto_page_break(auto=True, margin=30)
    pdf.add_page()
    for number in range(1, 13):
        _heading(pdf, f"CAN-{number} Rule {number}")
        _para(pdf, PROSE * 4)
    _save(pdf, path)


def four_hundred_pages(path: Path) -> None:
    pdf = _pdf()
    for number in range(1, 401):
        if number > 1:
            pdf.add_page()
        _heading(pdf, f"BIG-{number} Rule {number}")
        _para(pdf, PROSE * 6 + f"Rule {number} ends here.")
    _save(pdf, path)


def locked_pdf(path: Path) -> None:
    pdf = _pdf()
    _para(pdf, PROSE)
    pdf.set_encryption(owner_password="owner", user_password="user")  # noqa: S106
    _save(pdf, path)


def hyphenated(path: Path) -> None:
    pdf = _pdf()
    _heading(pdf, "HYP-1 Cancellation")
    _para(
        pdf,
        "A member may withdraw the cancel-\nlation within two days. A cancellation that\nis "
        "withdrawn counts as never made. The co-\noperative keeps the co-operative fee.",
    )
    _save(pdf, path)


def watermark(path: Path) -> None:
    pdf = _pdf()
    with pdf.rotation(45, 100, 150):
        pdf.set_font("Helvetica", size=60)
        pdf.text(30, 150, "DRAFT COPY")
    pdf.set_font("Helvetica", size=11)
    _heading(pdf, "WAT-1 Water")
    _para(pdf, PROSE)
    _save(pdf, path)


def truncated_pdf(path: Path) -> None:
    running_heads(path)
    path.write_bytes(path.read_bytes()[:1500])


def garbage_pdf(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 40)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def heading_a_line(path: Path) -> None:
    document = Document()
    for number, rule in RULES.items():
        document.add_heading(f"{number} Rule", level=2)
        document.add_heading(rule, level=3)
    document.save(str(path))


def auto_numbered(path: Path) -> None:
    document = Document()
    document.add_heading("House rules", level=1)
    part = document.part.numbering_part.element
    abstract = OxmlElement("w:abstractNum")
    abstract.set(qn("w:abstractNumId"), "77")
    for depth, (form, text) in enumerate(
        (("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "%1.%2(%3)"))
    ):
        level = OxmlElement("w:lvl")
        level.set(qn("w:ilvl"), str(depth))
        for name, value in (("start", "1"), ("numFmt", form), ("lvlText", text)):
            child = OxmlElement(f"w:{name}")
            child.set(qn("w:val"), value)
            level.append(child)
        abstract.append(level)
    part.insert(0, abstract)
    number = OxmlElement("w:num")
    number.set(qn("w:numId"), "77")
    target = OxmlElement("w:abstractNumId")
    target.set(qn("w:val"), "77")
    number.append(target)
    part.append(number)
    for depth, words in (
        (0, "Returns"),
        (1, RULES["4.1"]),
        (2, "Shoes too."),
        (2, "Hats not."),
        (1, RULES["4.2"]),
        (0, "Delivery"),
        (1, PROSE),
    ):
        paragraph = document.add_paragraph(words)
        numbered_as = paragraph._p.get_or_add_pPr()._add_numPr()
        numbered_as.get_or_add_ilvl().val = depth
        numbered_as.get_or_add_numId().val = 77
    document.save(str(path))


def merged_cells(path: Path) -> None:
    document = Document()
    document.add_heading("AUT-2 Authority", level=1)
    table = document.add_table(rows=3, cols=3)
    for row, cells in zip(
        table.rows,
        (("Role", "Per call", "Per year"), ("supervisor", "$100", "$400"), ("", "$200", "$800")),
        strict=True,
    ):
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words
    table.cell(1, 0).merge(table.cell(2, 0))
    document.save(str(path))


def tracked_changes(path: Path) -> None:
    document = Document()
    document.add_heading("TRK-1 Window", level=1)
    paragraph = document.add_paragraph("Goods may be sent back within ")
    for tag, words in (("w:del", "thirty"), ("w:ins", "sixty")):
        change = OxmlElement(tag)
        run = OxmlElement("w:r")
        text = OxmlElement("w:delText" if tag == "w:del" else "w:t")
        text.text = words
        run.append(text)
        change.append(run)
        paragraph._p.append(change)
    paragraph.add_run(" days.")
    hidden = paragraph.add_run(" Nobody reads this.")
    hidden.font.hidden = True
    document.save(str(path))


def bold_headings(path: Path) -> None:
    document = Document()
    for number in (1, 2, 3):
        document.add_paragraph().add_run(f"Rule number {number}").bold = True
        document.add_paragraph(PROSE)
    document.save(str(path))


def zip_bomb(path: Path) -> None:
    document = Document()
    document.add_paragraph(PROSE)
    document.save(str(path))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/image1.png", b"\0" * (300 * 1024 * 1024))


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")


def locked_docx(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000)


def truncated_docx(path: Path) -> None:
    bold_headings(path)
    path.write_bytes(path.read_bytes()[:-400])


def entities_docx(path: Path) -> None:
    buffer = io.BytesIO()
    Document().save(buffer)
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
        + ']><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        "<w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>"
    )
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.infolist():
            is_body = member.filename == "word/document.xml"
            target.writestr(member.filename, bomb if is_body else source.read(member))


def blank_docx(path: Path) -> None:
    Document().save(str(path))


def wrong_encoding(path: Path) -> None:
    path.write_bytes(
        "## RET-1 Rückgabe\n\nInnerhalb von 30 Tagen für £5 zurück.\n".encode("cp1252")
    )


def utf16_text(path: Path) -> None:
    path.write_text("RET-1 Window\nGoods may be sent back within 30 days.\n", encoding="utf-16")


def contents_list(path: Path) -> None:
    document = Document()
    document.add_heading("Handbook", level=1)
    for number in (1, 2):
        document.add_paragraph(f"HB-{number} Rule {number} .......... {number + 3}")
    for number in (1, 2):
        document.add_heading(f"HB-{number} Rule {number}", level=2)
        document.add_paragraph(PROSE)
    document.save(str(path))


def broken_html(path: Path) -> None:
    path.write_text(
        "<h1>Rules<h2>RET-1 Window</h2><p>Thirty days<ul><li>unworn<li>tagged<table><tr><td>a<td>b"
        "<tr><td>c<td>d</table><h2>RET-2 Sale</h2>Never <b>paid back"
    )


def deep_html(path: Path) -> None:
    path.write_text("<div>" * 10_000 + "<p>RET-1 Window. Thirty days.</p>" + "</div>" * 10_000)


def scripted_html(path: Path) -> None:
    path.write_text(
        "<html><head><meta charset=iso-8859-1><title>Fees</title><script>RET-9 nothing</script></head>"
        "<body><nav>Home | Fees</nav><main><h2>FEE-1 Late fee</h2><p>The late fee is &pound;12.</p>"
        "<p hidden>FEE-2 secret</p></main></body></html>",
        encoding="latin-1",
    )


def huge_line(path: Path) -> None:
    path.write_text("RET-1 Window\n" + "thirty days and " * 60_000)


def no_words(path: Path) -> None:
    path.write_text("---\n\n***\n\n<!-- nothing -->\n")


#: Name of the file, what makes it, and ids of clauses that have to be found; where there are none,
#: a part of the sentence that refuses it.
UGLY: list[tuple[str, Callable[[Path], None], tuple[str, ...] | str]] = [
    ("scanned.pdf", scanned, "OCR"),
    ("partly-scanned.pdf", partly_scanned, ("RET-1",)),
    ("two-columns.pdf", two_columns, tuple(f"MEM-{n}" for n in range(1, 9))),
    ("merged.pdf", merged_cells_pdf, ("AUT-1",)),
    ("table-over-pages.pdf", table_over_pages, ("FEE-1",)),
    ("numbered.pdf", numbered, ("terms-of-carriage/1.-chapter-1/1.1.1-a",)),
    ("heading-a-line.pdf", heading_a_line_pdf, ()),
    ("running-heads.pdf", running_heads, tuple(f"CAN-{n}" for n in range(1, 13))),
    ("four-hundred-pages.pdf", four_hundred_pages, ("BIG-1", "BIG-400")),
    ("locked.pdf", locked_pdf, "password"),
    ("hyphenated.pdf", hyphenated, ("HYP-1",)),
    ("watermark.pdf", watermark, ("WAT-1",)),
    ("truncated.pdf", truncated_pdf, "damaged"),
    ("garbage.pdf", garbage_pdf, "damaged"),
    ("empty.pdf", empty, "damaged"),
    ("heading-a-line.docx", heading_a_line, ()),
    ("auto-numbered.docx", auto_numbered, ()),
    ("merged.docx", merged_cells, ("AUT-2",)),
    ("tracked.docx", tracked_changes, ("TRK-1",)),
    ("bold-headings.docx", bold_headings, ("bold-headings/rule-number-1",)),
    ("bomb.docx", zip_bomb, "unpacks"),
    ("other.docx", other_zip, "no DOCX"),
    ("locked.docx", locked_docx, "password"),
    ("truncated.docx", truncated_docx, "damaged"),
    ("entities.docx", entities_docx, "damaged"),
    ("blank.docx", blank_docx, "no words"),
    ("contents.docx", contents_list, ("HB-1", "HB-2")),
    ("wrong-encoding.md", wrong_encoding, ("RET-1",)),
    ("utf16.txt", utf16_text, ("RET-1",)),
    ("broken.html", broken_html, ("RET-1", "RET-2")),
    ("deep.html", deep_html, "nested"),
    ("scripted.html", scripted_html, ("FEE-1",)),
    ("huge-line.txt", huge_line, ("RET-1",)),
    ("no-words.md", no_words, "no clause"),
]  # fmt: skip

"""HTML pages: what of them becomes clauses, and what is around them, hidden or struck out."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.domain import PolicyDocument
from analyzer.errors import PolicyError
from analyzer.readers.policies import read_policy

HEAD = "<h1>Rules</h1><h2>RET-1 Window</h2>"


def read(page: str | bytes, *, name: str = "rules.html") -> PolicyDocument:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(page if isinstance(page, bytes) else page.encode())
        return read_policy(path, company="quay")


def texts(page: str) -> dict[str, str]:
    return {clause.id: clause.text for clause in read(page).clauses}


def text(body: str) -> str:
    """The words of a page's only clause."""
    (one,) = texts(HEAD + body).values()
    return one


# -- what is not read


@pytest.mark.parametrize(
    "part",
    [
        "<script>GONE</script>",
        "<style>p { GONE }</style>",
        "<!-- GONE -->",
        "<noscript>GONE</noscript>",
        "<template>GONE</template>",
        "<svg><text>GONE</text></svg>",
        "<select><option>GONE</select>",
        "<button>GONE</button>",
        "<span hidden>GONE</span>",
        "<span aria-hidden='true'>GONE</span>",
        "<span style='color: red; DISPLAY : none'>GONE</span>",
        "<span style='visibility:hidden'>GONE</span>",
        "<del>GONE</del>",
        "<s>GONE</s>",
        "<strike>GONE</strike>",
        "<span style='text-decoration: line-through'>GONE</span>",
        "<span hidden><b>GONE</b> <i>GONE</i></span>",
    ],
)
def test_what_is_hidden_or_struck_is_not_read_wherever_it_stands(part: str) -> None:
    assert text(f"<p>within {part}sixty days</p>") == "within sixty days"
    assert text(f"<ul><li>within {part}sixty</li></ul>") == "- within sixty"
    table = f"<table><tr><th>Role<th>Cap{part}<tr><td>Lead<td>{part}$5</table>"
    assert text(table) == "| Role | Cap |\n| --- | --- |\n| Lead | $5 |"
    caption = f"<table><caption>{part}Caps</caption><tr><th>Role<th>Cap<tr><td>Lead<td>$5</table>"
    assert text(caption).startswith("Caps\n\n| Role")


@pytest.mark.parametrize("tag", ["nav", "header", "footer", "aside"])
def test_what_stands_around_the_page_is_no_clause_but_may_name_its_days(tag: str) -> None:
    page = f"<{tag}><p>Home | effective 1 May 2026</p></{tag}>{HEAD}<p>Thirty days.</p>"
    document = read(page)
    assert [clause.text for clause in document.clauses] == ["Thirty days."]
    assert str(document.effective_from) == "2026-05-01"
    inside = read(f"<main>{HEAD}<p>Thirty days.</p><{tag}>Not on Sundays.</{tag}></main>")
    assert "Not on Sundays." in inside.clauses[0].text


def test_the_main_part_is_found_beside_long_scripts() -> None:
    script = f"<script>{'var x = 1; ' * 500}</script>"
    page = f"<div>Log in</div>{script}<main>{HEAD}<p>Thirty days.</p></main><div>Share</div>"
    assert texts(page) == {"RET-1": "Thirty days."}


def test_a_page_within_one_form_is_read_and_a_form_to_fill_in_is_not() -> None:
    form = "<form action=/send><label>Your name</label><input name=x></form>"
    page = f"<form id=aspnet>{HEAD}<p>Thirty days from delivery.</p>{form}</form>"
    assert "Thirty days from delivery." in texts(page)["RET-1"]
    assert text(f"<p>Thirty days.</p>{form}") == "Thirty days."


# -- words


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("<p>RET-<b>4</b> and $<span>25</span></p>", "RET-4 and $25"),
        ("<p>one<br>two</p>", "one\ntwo"),
        ("<p>a&nbsp;b &pound;5 co&shy;operate</p>", "a b £5 cooperate"),
        ("words without a tag<p>more", "words without a tag\n\nmore"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        (
            "<p>$50<sup><a href=#n>1</a></sup> on the 1<sup>st</sup> of 20 m<sup>2</sup></p>",
            "$50¹ on the 1st of 20 m²",
        ),
        ("<dl><dt>Fee</dt><dd>$5</dd></dl>", "Fee\n\n$5"),
        ("<details><summary>More</summary><p>Ten days.</p></details>", "More\n\nTen days."),
        ("<blockquote><p>Quoted.</p></blockquote>", "Quoted."),
        ("<pre>a   b\nc</pre>", "a b\nc"),
        ("<p><ins>sixty</ins> days</p>", "sixty days"),
    ],
)
def test_words_are_read_as_they_are_shown(body: str, wanted: str) -> None:
    assert text(body) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("<ul><li>a<ul><li>b<ol><li>c</ol></ul><li>d</ul>", "- a\n  - b\n    1. c\n- d"),
        ("<ul><li><p>a</p><p>more</p><li>b</ul>", "- a\n  more\n- b"),
        ("<ol start=3><li>c<li value=7>g<li>h</ol>", "3. c\n7. g\n8. h"),
        ("<ol reversed><li>x<li>y</ol>", "2. x\n1. y"),
        ("<ol type=a><li>x<li>y</ol>", "(a) x\n(b) y"),
        ("<ol type=A start=26><li>x<li>y</ol>", "(Z) x\n(AA) y"),
        ("<ol type=i><li>x<li>y</ol>", "(i) x\n(ii) y"),
        ("<ol style='list-style-type: lower-alpha'><li>x<li>y</ol>", "(a) x\n(b) y"),
        ("<ol style='list-style: upper-roman inside'><li>x<li>y</ol>", "(I) x\n(II) y"),
        ("<ol start=many><li value=''>x<li value=1e9>y</ol>", "1. x\n2. y"),
        ("<ol><li>x<li hidden>y<li>z</ol>", "1. x\n2. z"),
    ],
)
def test_lists_are_marked_as_they_are_shown(body: str, wanted: str) -> None:
    assert text(body) == wanted


# -- tables


def test_cells_that_span_stand_in_each_of_their_rows() -> None:
    body = (
        "<table><tr><th>Role<th colspan=2>Per call<th>Note"
        "<tr><td rowspan=2>Lead<td>$1<td>$2<td>a | b"
        "<tr><td>$3<td>$4<td><ul><li>c<li>d</ul></table>"
    )
    assert text(body).splitlines() == [
        "| Role | Per call |  | Note |",
        "| --- | --- | --- | --- |",
        r"| Lead | $1 | $2 | a \| b |",
        "| Lead | $3 | $4 | c d |",
    ]


def test_a_table_that_places_parts_of_the_page_is_none() -> None:
    page = (
        "<table><tr><td><p>Menu</p></td><td><h1>Rules</h1><h2>RET-1 Window</h2><p>Thirty days.</p>"
        "<table><tr><th>Role<th>Cap<tr><td>Lead<td>$5</table>"
        "<h2>RET-2 Sale</h2><ul><li>None.</ul></td></tr></table>"
    )
    document = read(page)
    found = {clause.id: clause.text for clause in document.clauses}
    assert found["RET-1"] == "Thirty days.\n\n| Role | Cap |\n| --- | --- |\n| Lead | $5 |"
    assert found["RET-2"] == "- None."


def test_a_table_in_a_cell_keeps_its_words_once() -> None:
    inner = "<table><tr><td>x<td>y<tr><td>z<td>w</table>"
    body = f"<table><tr><td>a<td>{inner}</td></tr><tr><td>b<td>c</tr></table>"
    assert text(body) == "| a | x y z w |\n| --- | --- |\n| b | c |"


def test_a_table_that_says_when_it_is_in_force() -> None:
    body = "<table><tr><td>Effective date<td>1 May 2026<tr><td>Owner<td>Ana</table>"
    assert str(read(f"{body}{HEAD}<p>Thirty days.</p>").effective_from) == "2026-05-01"


# -- clauses


def shape(page: str) -> list[tuple[str, tuple[str, ...], str]]:
    return [(c.title, c.heading_path, c.text) for c in read(page).clauses]


def test_ids_start_clauses_and_deeper_headings_stay_in_them() -> None:
    page = (
        f"<title>Shop rules</title>{HEAD}<p>Thirty days.</p><h3>Exceptions</h3><p>None.</p>"
        "<h3>RET-1.1 Sale</h3><p>Ten days, as RET-1 says.</p><h2>Annex</h2><p>Addresses.</p>"
    )
    document = read(page)
    assert document.document == "Shop rules"
    assert [(c.id, c.title, c.heading_path, c.text) for c in document.clauses] == [
        ("RET-1", "Window", ("Rules",), "Thirty days.\n\n#### Exceptions\n\nNone."),
        ("RET-1.1", "Sale", ("Rules", "Window"), "Ten days, as RET-1 says."),
        ("shop-rules/rules/annex", "Annex", ("Rules",), "Addresses."),
    ]


def test_paragraphs_that_begin_with_an_id_or_speak_of_one() -> None:
    page = (
        "<h1>Rules</h1><p>RET-1 Window</p><p>Thirty days.</p><p><b>RET-2 Sale.</b> None.</p>"
        "<p>RET-1 applies here too.</p><p>RET\u20113: Fees. Ten euro.</p>"
    )
    assert texts(page) == {
        "RET-1": "Thirty days.",
        "RET-2": "None.\n\nRET-1 applies here too.",
        "RET-3": "Ten euro.",
    }


def test_numbers_start_clauses_and_items_of_lists_do_not() -> None:
    page = (
        "<p>4.1 Returns</p><p>Thirty days.</p><ol type=a><li>unworn<li>tagged</ol>"
        "<p>4.2 Sale. None at all; see clause 4.1(a).</p><p>4.2.1(a) Outlets. Ten days.</p>"
    )
    assert shape(page) == [
        ("4.1 Returns", (), "Thirty days.\n\n(a) unworn\n(b) tagged"),
        ("4.2 Sale", (), "None at all; see clause 4.1(a)."),
        ("4.2.1(a) Outlets", ("4.2 Sale",), "Ten days."),
    ]


def test_a_list_is_cut_at_its_outer_items_only() -> None:
    page = "<ol><li>Returns<ol><li>Thirty days.<li>Unworn.</ol><li>Sale<ol><li>None.</ol></ol>"
    assert shape(page) == [
        ("1 Returns", (), "  1. Thirty days.\n  2. Unworn."),
        ("2 Sale", (), "  1. None."),
    ]


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        (["ARTICLE 1 – RETURNS", "ARTICLE 2 – FEES"], ["1 RETURNS", "2 FEES"]),
        (["Section 1. Returns", "Section 2. Fees"], ["1 Returns", "2 Fees"]),
        (["Clause 1.1: Returns", "Clause 1.2: Fees"], ["1.1 Returns", "1.2 Fees"]),
        (["Part I", "Part II"], ["I", "II"]),
        (["1) Returns", "2) Fees"], ["1 Returns", "2 Fees"]),
        (["§ 1 Returns", "§ 2 Fees"], ["1 Returns", "2 Fees"]),
    ],
)
def test_numbers_that_say_what_they_number(lines: list[str], titles: list[str]) -> None:
    page = "".join(f"<p>{line}</p><p>Words of {n}.</p>" for n, line in enumerate(lines))
    assert shape(page) == [(title, (), f"Words of {n}.") for n, title in enumerate(titles)]


@pytest.mark.parametrize(
    "line",
    ["30 days from delivery.", "Section 4 applies to all.", "Part of it is kept.", "2.0 apologies"],
)
def test_lines_that_only_look_numbered(line: str) -> None:
    page = f"<h1>Rules</h1><p>First.</p><p>{line}</p>"
    assert shape(page) == [("Rules", (), f"First.\n\n{line}")]


def test_a_table_of_contents_starts_no_clauses() -> None:
    page = (
        "<h1>Rules</h1><p>RET-1 Window</p><p>RET-2 Sale ...... 4</p><h2>RET-1 Window</h2>"
        "<p>Thirty days.</p><h2>RET-2 Sale</h2><p>None.</p>"
    )
    found = texts(page)
    assert (found["RET-1"], found["RET-2"]) == ("Thirty days.", "None.")


def test_lines_in_bold_type_are_headings() -> None:
    page = "<p><b>Returns</b></p><p>Thirty days.</p><p><strong>Never. </strong>Ask.</p>"
    assert shape(page) == [("Returns", (), "Thirty days.\n\nNever. Ask.")]


# -- pages that cannot be read


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (b"", "the file is empty; save the page again as HTML"),
        (b"<html><body><script>x</script></body></html>", "this page holds no words; check that"),
        (b"<!-- only this -->", "this page holds no words; check that"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "save the page again as HTML"),
        (b"<h2>RET-1 A</h2><p>a</p><h2>RET-1 B</h2><p>b</p>", "first as 'A', then as 'B'"),
    ],
)
def test_a_page_that_cannot_be_read_is_told_in_a_sentence(page: bytes, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read(page)
    assert says in str(caught.value)
    assert "rules.html: " in str(caught.value)
    assert "line 0" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "iso-8859-15"])
def test_the_charset_that_a_page_names_counts(encoding: str) -> None:
    page = f"<meta charset={encoding}><h2>RET-1 Größe</h2><p>Nur für 5 €.</p>"
    if encoding == "cp1252":
        page = page.replace("<meta charset=cp1252>", "<meta charset=nothing-known>")
    (clause,) = read(page.encode(encoding), name="rules.HTM").clauses
    assert (clause.title, clause.text) == ("Größe", "Nur für 5 €.")


@pytest.mark.parametrize(
    "unit", ["<ol><li>x", "<li>x", "<table><tr><td>x", "<b>x", "<p>x", "<span hidden>x</span>",
             "<tr><td rowspan=99>x"]
)  # fmt: skip
def test_long_pages_take_time_in_proportion(unit: str) -> None:
    page = f"{HEAD}<p>Thirty days.</p><ol>" + unit * (60_000 // len(unit))
    begin = time.perf_counter()
    assert "Thirty days." in " ".join(texts(page).values())
    assert time.perf_counter() - begin < 10


TAGS = ["p", "div", "b", "ul", "ol", "li", "table", "tr", "td", "th", "h1", "h2", "h3",
        "section", "span", "br", "sup", "dl", "dd", "caption"]  # fmt: skip
PIECES = st.lists(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]) | st.none(),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150)
@given(PIECES)
@example(["<table>", None, "<tr>", None, "<td>", None, "</table>", None])
@example(["<h1>", None, "</h1>", "<h2>", None])
@example(["<ul>", None, "<li>", "<table>", "<td>", None, "<h2>", None])
def test_no_word_that_is_shown_is_lost_whatever_the_tags(pieces: list[str | None]) -> None:
    said = [f"word{n}" for n, piece in enumerate(pieces) if piece is None]
    page = "".join(f" word{n} " if piece is None else piece for n, piece in enumerate(pieces))
    try:
        document = read(f"<body>{page}</body>")
    except PolicyError:
        assert not said
        return
    assert document == read(f"<body>{page}</body>")
    assert len({clause.id for clause in document.clauses}) == len(document.clauses)
    shown = [f"{c.title} {c.text}" for c in document.clauses]
    above = [part for c in document.clauses for part in c.heading_path]
    tokens = " ".join((*shown, *above)).split()
    assert [word for word in said if word not in tokens] == []


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_anything_is_a_document_or_a_sentence(page: str | bytes) -> None:
    content = page.encode("utf-8", "surrogatepass") if isinstance(page, str) else page
    said = ""
    try:
        assert read(content).clauses
    except PolicyError as error:
        said = str(error)
    assert "\n" not in said

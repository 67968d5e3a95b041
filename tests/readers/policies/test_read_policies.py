"""Folders of policies: what is read, whose it is, what is set aside; encodings; any text at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.domain import PolicyDocument
from analyzer.errors import PolicyError
from analyzer.readers.policies import read_policies, read_policy

CLAUSE = "## {id} Title\n\n{text}\n"


def write(
    path: Path, clause_id: str = "RET-1", text: str = "Thirty days.", matter: str = ""
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"---\n{matter}\n---\n" if matter else ""
    path.write_text(head + CLAUSE.format(id=clause_id, text=text), encoding="utf-8")
    return path


def ids(root: Path) -> list[tuple[str, str]]:
    return [(c.company, c.id) for d in read_policies(root).documents for c in d.clauses]


# -- folders


@pytest.mark.parametrize(
    ("root", "file", "company"),
    [
        ("corpus", "corpus/acme/returns.md", "acme"),
        ("corpus", "corpus/acme/policies/returns.md", "acme"),
        ("corpus", "corpus/policies/acme/returns.md", "acme"),
        ("corpus", "corpus/acme/retail/returns.md", "acme"),
        ("acme", "acme/returns.md", "acme"),
        ("acme", "acme/policies/returns.md", "acme"),
        ("acme/policies", "acme/policies/returns.md", "acme"),
        ("acme/Policies", "acme/Policies/returns.txt", "acme"),
        ("acme/returns.md", "acme/returns.md", "acme"),
        ("acme/policies/returns.md", "acme/policies/returns.md", "acme"),
    ],
)
def test_the_folder_names_the_company(tmp_path: Path, root: str, file: str, company: str) -> None:
    write(tmp_path / file)
    (document,) = read_policies(tmp_path / root).documents
    assert document.company == company


def test_company_id_goes_before_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "acme" / "r.md", matter="company: Zeta Ltd\ncompany_id: zeta")
    (document,) = read_policies(tmp_path).documents
    assert (document.company, document.company_name) == ("zeta", "Zeta Ltd")


def test_documents_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/z.md", "a/y.txt", "b/a.markdown", "a/x.text"):
        write(tmp_path / name, name.replace("/", "").upper()[:2] + "-1")
    found = [d.source for d in read_policies(tmp_path).documents]
    assert found == ["x.text", "y.txt", "a.markdown", "z.md"]


@pytest.mark.parametrize(
    "name",
    [
        "acme/README.md",
        "acme/License.txt",
        "acme/calls.txt",
        "acme/calls/one.txt",
        "acme/.hidden.md",
        ".git/description.md",
        "acme/picture.png",
        "acme/notes.json",
    ],
)
def test_what_is_no_policy_is_passed_over(tmp_path: Path, name: str) -> None:
    write(tmp_path / "acme" / "returns.md", "RET-1")
    write(tmp_path / name, "XXX-1")
    reading = read_policies(tmp_path)
    assert [d.source for d in reading.documents] == ["returns.md"]
    assert reading.set_aside == ()


def test_a_file_named_outright_is_read_whatever_its_name(tmp_path: Path) -> None:
    assert ids(write(tmp_path / "acme" / "README.md")) == [("acme", "RET-1")]


def test_one_bad_file_among_many_is_set_aside(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / "acme" / f"doc{number:02}.md", f"R-{number}")
    bad = tmp_path / "acme" / "doc07.md"
    bad.write_bytes(b"%PDF-1.7 and so on")
    reading = read_policies(tmp_path)
    assert len(reading.documents) == 19
    (error,) = reading.set_aside
    assert error.path == bad
    assert "a PDF" in str(error)


# -- nothing to read


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such file or folder; check the path"):
        read_policies(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["calls.txt", "sub/readme.md", None])
def test_a_folder_with_no_clause_in_it(tmp_path: Path, name: str | None) -> None:
    if name:
        write(tmp_path / name)
    with pytest.raises(PolicyError) as caught:
        read_policies(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: no clause was found here; a policy folder")
    assert "'## RET-1 Returns'" in str(caught.value)


def test_a_format_that_is_not_read_is_named_as_set_aside(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    (tmp_path / "goodwill.odt").write_bytes(b"PK")
    reading = read_policies(tmp_path)
    assert len(reading.documents) == 1
    (error,) = reading.set_aside
    assert "goodwill.odt" in str(error)
    assert "save the document as one of these" in str(error)


def test_a_folder_whose_only_file_is_bad_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "empty.md").write_bytes(b"")
    with pytest.raises(PolicyError) as caught:
        read_policies(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'empty.md'}: the file is empty")


def test_a_folder_whose_files_are_all_bad_says_how_many(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"")
    (tmp_path / "b.md").write_bytes(b"")
    with pytest.raises(PolicyError, match=r"of 2 files none could be read; .*a\.md"):
        read_policies(tmp_path)


@pytest.mark.parametrize("name", ["policy.rtf", "policy"])
def test_a_file_of_another_format_says_which_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("RET-1 Title\nwords\n")
    with pytest.raises(PolicyError, match=r"read from \.docx, \.htm, .*; save the document as"):
        read_policies(path)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    folder = tmp_path / "folder.md"
    folder.mkdir()
    with pytest.raises(PolicyError, match="the file cannot be opened"):
        read_policy(folder, company="acme")


# -- documents that clash


def test_an_id_in_two_documents_sets_the_second_aside(tmp_path: Path) -> None:
    write(tmp_path / "acme" / "a.md")
    second = write(tmp_path / "acme" / "b.md", matter="company: Acme")
    reading = read_policies(tmp_path)
    assert [d.source for d in reading.documents] == ["a.md"]
    (error,) = reading.set_aside
    assert (error.path, error.line) == (second, 4)
    assert "clause RET-1 also stands in a.md" in str(error)


def test_an_id_in_two_companies_is_two_clauses(tmp_path: Path) -> None:
    write(tmp_path / "acme" / "a.md")
    write(tmp_path / "zeta" / "a.md")
    assert ids(tmp_path) == [("acme", "RET-1"), ("zeta", "RET-1")]


@pytest.mark.parametrize(
    ("first", "second", "stand_together"),
    [
        ("effective_to: 2025-12-31", "effective_from: 2026-01-01", True),
        ("effective_to: 2026-01-01", "effective_from: 2026-01-01", False),
        ("effective_from: 2026-01-01", "effective_to: 2025-12-31", True),
        ("effective_from: 2026-01-01", "effective_from: 2026-06-01", False),
        (
            "document: R\neffective_from: 2026-01-01",
            "document: R\neffective_from: 2026-06-01",
            True,
        ),
        (
            "document: R\neffective_from: 2026-01-01",
            "document: R\neffective_from: 2026-01-01",
            False,
        ),
        ("document: R", "document: R", False),
    ],
)
def test_days_and_editions_decide_whether_an_id_may_stand_twice(
    tmp_path: Path, first: str, second: str, *, stand_together: bool
) -> None:
    write(tmp_path / "acme" / "a.md", matter=first)
    write(tmp_path / "acme" / "b.md", matter=second)
    reading = read_policies(tmp_path)
    assert len(reading.documents) == (2 if stand_together else 1)
    assert len(reading.set_aside) == (0 if stand_together else 1)


def test_an_id_may_move_once_the_edition_that_held_it_is_superseded(tmp_path: Path) -> None:
    write(tmp_path / "acme" / "a-2025.md", matter="document: A\neffective_from: 2025-01-01")
    write(
        tmp_path / "acme" / "a-2026.md", "RET-2", matter="document: A\neffective_from: 2026-01-01"
    )
    write(tmp_path / "acme" / "b.md", "RET-1", matter="document: B\neffective_from: 2026-01-01")
    assert read_policies(tmp_path).set_aside == ()


# -- encodings


ACCENTS = "Größe: 5 €, señor \u2013 “café”"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, newline: str) -> None:
    text = (
        f"---\ncompany: Café\neffective_from: 2026-01-01\n---\n\n## RET-1 Größe\n\n{ACCENTS}\n\nb\n"
    )
    path = tmp_path / "r.md"
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    document = read_policy(path, company="acme")
    (clause,) = document.clauses
    assert document.company_name == "Café"
    assert document.effective_from == dt.date(2026, 1, 1)
    assert (clause.title, clause.text, clause.line) == ("Größe", f"{ACCENTS}\n\nb", 6)


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\x00\x00", bytes(range(256)) * 20, b"\xef\xbb\xbf\xff\xfe", b" \n "]
)
def test_what_is_no_text_is_an_error_that_names_the_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "r.md"
    path.write_bytes(data)
    with pytest.raises(PolicyError) as caught:
        read_policy(path, company="acme")
    assert str(caught.value).startswith(f"{path}: the file ")
    assert str(caught.value).endswith("a policy document has to be Markdown or text")


# -- any text


def check_reading(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    said, document = "", None
    try:
        document = read_policy(path, company="acme")
    except PolicyError as error:
        said = str(error)
    if said:
        assert said.startswith(str(path))
        assert "\n" not in said
        return
    assert isinstance(document, PolicyDocument)
    assert document.clauses
    assert len({clause.id for clause in document.clauses}) == len(document.clauses)
    lines = [clause.line or 0 for clause in document.clauses]
    assert lines == sorted(lines)
    assert lines[0] >= 1
    for clause in document.clauses:
        assert clause.text.strip()
        assert clause.id == clause.id.strip()


PIECES = st.lists(
    st.sampled_from(
        [
            "---\n",
            "company: A\n",
            "effective_from: ",
            "2026-01-01\n",
            "document: ",
            "\n",
            "\n\n",
            "# ",
            "## RET-1 ",
            "RET-2: ",
            "4.2 ",
            "TITLE\n",
            "Note:\n",
            "| a | b |\n|---|---|\n",
            "===\n",
            "- x\n",
            "> ",
            "```\n",
            "<!--",
            "-->",
            "words. More words",
            "  ",
            "\t",
            "\x0c",
            "é",
        ]
    )
    | st.text(max_size=8),
    max_size=25,
).map("".join)


@pytest.mark.parametrize("suffix", [".md", ".txt"])
def test_any_text_is_a_document_or_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"

    @given(text=PIECES | st.text(max_size=60))
    @example(text="---\n? [a, b]\n: c\n---\n# x\n\ny")
    @example(text="---\n&a a: *a\n---\n# x\n\ny")
    @example(text="---\na: !!python/object:x\n---\n# x\n\ny")
    @example(text="---\n<<: *x\n---\n")
    @example(text="---\ncompany: ' '\ncompany_id: ' '\ndocument: '\t'\n---\n# x\n\ny")
    def check(text: str) -> None:
        check_reading(path, text.encode("utf-8", errors="surrogatepass"))

    check()


@given(data=st.binary(max_size=80))
@pytest.mark.parametrize("suffix", [".md", ".txt"])
def test_any_bytes_are_a_document_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: bytes
) -> None:
    check_reading(tmp_path_factory.getbasetemp() / f"any{suffix}", data)


@given(st.dictionaries(st.integers(1, 99), st.text("abc xyz.", min_size=1), min_size=1, max_size=6))
def test_clauses_with_ids_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, clauses: dict[int, str]
) -> None:
    written = {f"C-{number}": text.strip() or "x" for number, text in clauses.items()}
    path = tmp_path_factory.getbasetemp() / "ordered.md"
    path.write_text("".join(f"## {key} T\n\n{text}\n\n" for key, text in written.items()))
    document = read_policy(path, company="acme")
    said = {key: text for key, text in written.items() if any(ch.isalnum() for ch in text)}
    found = {clause.id: clause.text for clause in document.clauses}
    assert {key: found[key] for key in said} == said
    assert list(found) == list(written)

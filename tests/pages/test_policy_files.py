"""Uploaded policy documents: clauses, companies that are asked for, and bad files."""

from __future__ import annotations

from analyzer.pages._policy_files import PolicyUpload, read_policy_uploads, render_clauses

NAMED = b"---\ncompany: Harbour Books\ncompany_id: harbour\n---\n## RET-1 Returns\n\nThirty days.\n"
NAMELESS = b"## RET-9 Other\n\nNo <script>alert(1)</script> here.\n"


def test_front_matter_names_the_company_and_others_are_asked_for():
    uploads = [PolicyUpload("a.md", NAMED), PolicyUpload("b.md", NAMELESS)]
    read = read_policy_uploads(uploads, company=None)
    assert [document.company for document in read.documents] == ["harbour"]
    assert read.nameless == ("b.md",)
    told = read_policy_uploads(uploads, company=" other ")
    assert [document.company for document in told.documents] == ["harbour", "other"]
    assert told.nameless == ()
    assert told.documents[1].source == "b.md"


def test_bad_files_are_told_by_their_own_name():
    uploads = [
        PolicyUpload("scan.pdf", b"%PDF-1.7"),
        PolicyUpload("empty.md", b""),
        PolicyUpload("..\\..\\up/broken.md", b"---\ncompany: x\n## A-1 B\n\ntext\n"),
        PolicyUpload("noise.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 9),
    ]
    read = read_policy_uploads(uploads, company="c")
    assert read.documents == ()
    assert [sentence.split(":")[0].split(",")[0] for sentence in read.failures] == [
        "scan.pdf", "empty.md", "..\\..\\up/broken.md", "noise.txt",
    ]  # fmt: skip
    assert not any("/tmp/" in sentence for sentence in read.failures)


def test_clauses_are_shown_with_place_and_score_and_escaped():
    read = read_policy_uploads([PolicyUpload("b.md", NAMELESS)], company="other")
    (clause,) = read.documents[0].clauses
    out = render_clauses([(clause, 0.7134)])
    assert ">0.71<" in out
    assert "RET-9" in out
    assert "<script>" not in out
    assert "&lt;script&gt;" in out
    assert "wb-score" not in render_clauses([(clause, None)])

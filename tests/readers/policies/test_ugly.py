"""Thirty-four ugly documents: each gives its clauses, or one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.errors import PolicyError
from analyzer.readers.policies import read_policy
from tests.readers.policies.ugly import UGLY


@pytest.mark.parametrize(
    ("name", "make", "wanted"), [pytest.param(*case, id=case[0]) for case in UGLY]
)
def test_an_ugly_document_gives_clauses_or_one_sentence(
    tmp_path: Path, name: str, make: Callable[[Path], None], wanted: tuple[str, ...] | str
) -> None:
    path = tmp_path / name
    make(path)
    if isinstance(wanted, str):
        with pytest.raises(PolicyError) as caught:
            read_policy(path, company="acme")
        assert wanted in str(caught.value)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)
        return
    document = read_policy(path, company="acme")
    assert set(wanted) <= {clause.id for clause in document.clauses}
    together = " ".join(clause.text for clause in document.clauses)
    for hidden in ("thirtysixty", "Nobody reads this", "RET-9", "secret", "DRAFT", "Confidential"):
        assert hidden not in together
    if name.endswith(".pdf"):
        assert all(clause.page for clause in document.clauses)
    if name == "running-heads.pdf":
        assert str(document.effective_from) == "2026-03-01"
    if name.startswith("merged"):
        assert together.count("supervisor") == 2
    if name == "hyphenated.pdf":
        assert "cancellation within" in together
        assert "co-operative keeps" in together

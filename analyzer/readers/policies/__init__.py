"""Policy documents to clauses.

:func:`read_policies` takes a folder or a file; a format is one module beside this one with
``SUFFIXES`` and ``split_clauses``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from analyzer.domain import Clause, PolicyDocument
from analyzer.errors import PolicyError
from analyzer.readers.policies import markdown, plain
from analyzer.readers.policies.sections import Section
from analyzer.readers.text_files import NotTextError, read_text_file

_FORMATS: dict[str, Callable[[str], list[Section]]] = {
    **dict.fromkeys(markdown.SUFFIXES, markdown.split_sections),
    **dict.fromkeys(plain.SUFFIXES, plain.split_sections),
}
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_GENERIC_FOLDERS = frozenset({"policies", "policy"})
_NOT_POLICIES = frozenset({"readme", "notice", "license", "licence", "changelog"})


@dataclass(frozen=True)
class PolicyReading:
    """What a folder gave: the documents, and the files that could not be read, with the reason."""

    documents: tuple[PolicyDocument, ...]
    set_aside: tuple[PolicyError, ...]


def read_policies(root: Path) -> PolicyReading:
    """Read a policy document, or every one under a folder.

    The key of a document's company is ``company_id`` of its front matter or the name of the folder
    under ``root`` that holds it.

    Args:
        root: A file or a folder.

    Returns:
        The documents in the order of their paths; files that failed are listed beside them.

    Raises:
        PolicyError: If ``root`` is not there, or nothing in it is a clause.
    """
    if not root.exists():
        raise PolicyError("there is no such file or folder; check the path", path=root)
    paths = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
    documents: list[PolicyDocument] = []
    failed: list[PolicyError] = []
    for path in paths:
        if path.suffix.lower() not in _FORMATS:
            if root.is_file():
                failed.append(
                    PolicyError(
                        f"policies are read from {_known()}; save the document as one of these",
                        path=path,
                    )
                )
            continue
        relative = path.relative_to(root) if root.is_dir() else Path(path.name)
        if any(p.startswith(".") for p in relative.parts):
            continue
        if root.is_dir() and path.stem.lower() in _NOT_POLICIES:
            continue
        if root.is_dir() and _is_calls(relative):
            continue
        try:
            documents.append(read_policy(path, company=_company_key(path, root)))
        except PolicyError as error:
            failed.append(error)
    if not documents:
        if len(failed) == 1:
            raise failed[0]
        why = f" ({failed[0]})" if failed else ""
        raise PolicyError(
            "no clause was found here; a policy folder holds Markdown or text files whose headings "
            f"name clauses, such as '## RET-1 Returns'{why}",
            path=root,
        )
    _check_ids(documents)
    return PolicyReading(tuple(documents), tuple(failed))


def read_policy(path: Path, *, company: str) -> PolicyDocument:
    """Read one policy document.

    Args:
        path: A Markdown or text file.
        company: Key of its company where the front matter has no ``company_id``.

    Raises:
        PolicyError: If it cannot be read, or has no clause; with path and line.
    """
    split = _FORMATS.get(path.suffix.lower())
    if split is None:
        raise PolicyError(f"policies are read from {_known()}", path=path)
    try:
        text = read_text_file(path).text
    except NotTextError as error:
        raise PolicyError(f"{error}; a policy document has to be Markdown or text", path=path) from None
    except OSError as error:
        raise PolicyError(f"the file cannot be opened: {error.strerror}", path=path) from error
    matter, body, skipped = _front_matter(text, path)
    name = str(matter.get("document") or _first_title(split(body)) or path.stem)
    key = str(matter.get("company_id") or company).strip()
    shown = str(matter["company"]).strip() if matter.get("company") else None
    begins, ends = (_day(matter, field, path) for field in ("effective_from", "effective_to"))
    if begins and ends and ends < begins:
        raise PolicyError(
            f"effective_to {ends} lies before effective_from {begins}; correct one of them",
            path=path, line=1,
        )  # fmt: skip
    clauses: list[Clause] = []
    seen: dict[str, int] = {}
    for section in split(body):
        if not section.text:
            continue
        clause_id = section.id or _stable_id(name, section)
        line = section.line + skipped
        if clause_id in seen:
            raise PolicyError(
                f"clause {clause_id} stands here a second time (first on line {seen[clause_id]}); "
                "give one of the two another id",
                path=path, line=line,
            )  # fmt: skip
        seen[clause_id] = line
        clauses.append(
            Clause(
                id=clause_id, company=key, company_name=shown, document=name, title=section.title,
                heading_path=section.path, text=section.text, effective_from=begins,
                effective_to=ends, source=path.name, line=line,
            )
        )  # fmt: skip
    if not clauses:
        raise PolicyError(
            "no clause was found; start each with a heading such as '## RET-1 Returns'", path=path
        )
    return PolicyDocument(
        company=key, company_name=shown, document=name, effective_from=begins, effective_to=ends,
        source=path.name, clauses=tuple(clauses),
    )  # fmt: skip


def _known() -> str:
    return ", ".join(sorted(_FORMATS))


def _is_calls(relative: Path) -> bool:
    return "calls" in {part.lower() for part in relative.parts[:-1]} or relative.stem == "calls"


def _company_key(path: Path, root: Path) -> str:
    parts = path.relative_to(root).parts[:-1] if root.is_dir() else ()
    if parts and parts[0].lower() not in _GENERIC_FOLDERS:
        return parts[0]
    folder = (root if root.is_dir() else root.parent).resolve()
    return folder.parent.name if folder.name.lower() in _GENERIC_FOLDERS else folder.name


def _front_matter(text: str, path: Path) -> tuple[dict[str, object], str, int]:
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, text, 0
    try:
        matter = yaml.safe_load(found.group(1)) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise PolicyError(
            "the front matter between the --- lines is not valid YAML; write 'name: value' lines "
            "and quote values that hold a colon",
            path=path, line=(mark.line + 2) if mark else 1,
        ) from error  # fmt: skip
    if not isinstance(matter, dict):
        raise PolicyError("the front matter has to be 'name: value' lines", path=path, line=1)
    return matter, text[found.end() :], found.group(0).count("\n")


def _day(matter: dict[str, object], field: str, path: Path) -> dt.date | None:
    value = matter.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value).strip())
    except ValueError:
        raise PolicyError(
            f"{field} is {value!r}, which is no day; write it as 2026-02-01", path=path, line=1
        ) from None


def _first_title(sections: Sequence[Section]) -> str | None:
    return sections[0].path[0] if sections and sections[0].path else None


def _stable_id(document: str, section: Section) -> str:
    words = "/".join(_slug(part) for part in (document, *section.path, section.title) if part)
    return words or _slug(document)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-") or "section"


def _check_ids(documents: Sequence[PolicyDocument]) -> None:
    """Two clauses in force together may not share an id: a verdict could not say which it means."""
    seen: dict[tuple[str, str], tuple[PolicyDocument, Clause]] = {}
    for document in documents:
        for clause in document.clauses:
            key = (clause.company, clause.id)
            if key in seen:
                other, first = seen[key]
                overlap = (clause.effective_from is None or first.effective_to is None
                           or clause.effective_from <= first.effective_to) and (
                           first.effective_from is None or clause.effective_to is None
                           or first.effective_from <= clause.effective_to)  # fmt: skip
                if other.document != document.document and overlap:
                    raise PolicyError(
                        f"clause {clause.id} also stands in {other.source}; give one another id, "
                        "or end the older document with effective_to",
                        path=document.source, line=clause.line,
                    )  # fmt: skip
            seen[key] = (document, clause)

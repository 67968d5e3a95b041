"""Policy documents to clauses.

:func:`read_policies` takes a folder or a file; a format is one module beside this one with
``SUFFIXES`` and ``split_sections``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import check_documents
from analyzer.errors import PolicyError
from analyzer.readers.policies import markdown, plain
from analyzer.readers.policies.front_matter import FrontMatter, split_front_matter
from analyzer.readers.policies.sections import Section
from analyzer.readers.text_files import NotTextError, read_text_file

_FORMATS: dict[str, Callable[[str], list[Section]]] = {
    **dict.fromkeys(markdown.SUFFIXES, markdown.split_sections),
    **dict.fromkeys(plain.SUFFIXES, plain.split_sections),
}
_GENERIC_FOLDERS = frozenset({"policies", "policy"})
_NOT_POLICIES = frozenset({"readme", "notice", "license", "licence", "changelog"})
_ID_WORDS = 8
_MAX_ID_PART = 80
#: Formats in which companies keep policies and that this version does not read.
_LATER = frozenset({".pdf", ".docx", ".doc", ".html", ".htm", ".rtf", ".odt"})


@dataclass(frozen=True)
class PolicyReading:
    """What a folder gave: the documents, and the files that could not be used, with the reason."""

    documents: tuple[PolicyDocument, ...]
    set_aside: tuple[PolicyError, ...]


def read_policies(root: Path) -> PolicyReading:
    """Read a policy document, or every one under a folder.

    The key of a document's company is ``company_id`` of its front matter or the name of the folder
    under ``root`` that holds it. In a folder, hidden files, transcripts (``calls``) and files such
    as README are passed over.

    Args:
        root: A file or a folder.

    Returns:
        The documents in the order of their paths; beside them files that could not be read or
        clash with an earlier one (see :func:`analyzer.editions.check_documents`).

    Raises:
        PolicyError: If ``root`` is not there, or nothing in it is a clause.
    """
    if not root.exists():
        raise PolicyError("there is no such file or folder; check the path", path=root)
    # Documents in other formats are named as set aside: a missing policy changes verdicts.
    read: list[tuple[Path, PolicyDocument]] = []
    failed: list[PolicyError] = []
    for path in [root] if root.is_file() else _policy_files(root):
        try:
            read.append((path, read_policy(path, company=_company_key(path, root))))
        except PolicyError as error:
            failed.append(error)
    if not read:
        if len(failed) == 1:
            raise failed[0]
        why = f" (of {len(failed)} files none could be read; {failed[0]})" if failed else ""
        raise PolicyError(
            "no clause was found here; a policy folder holds Markdown or text files whose headings "
            f"name clauses, such as '## RET-1 Returns'{why}",
            path=root,
        )
    clashes = check_documents([document for _, document in read])
    failed += [
        PolicyError(error.message, path=read[index][0], line=error.line)
        for index, error in clashes.items()
    ]
    documents = tuple(document for i, (_, document) in enumerate(read) if i not in clashes)
    return PolicyReading(documents, tuple(failed))


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
        known = ", ".join(sorted(_FORMATS))
        raise PolicyError(
            f"policies are read from {known}; save the document as one of these", path=path
        )
    matter, body = split_front_matter(_read_text(path), path)
    sections = split(body)
    name = matter.find_text("document") or _common_title(sections) or path.stem
    begins, ends = matter.find_day("effective_from"), matter.find_day("effective_to")
    if begins and ends and ends < begins:
        raise PolicyError(
            f"effective_to {ends} lies before effective_from {begins}; correct one of them",
            path=path, line=matter.line_of("effective_to"),
        )  # fmt: skip
    document: dict[str, Any] = {
        "company": matter.find_text("company_id") or company,
        "company_name": matter.find_text("company"),
        "document": name,
        "effective_from": begins,
        "effective_to": ends,
        "source": path.name,
    }
    clauses = tuple(
        Clause(
            **document, id=clause_id, title=section.title, heading_path=section.path,
            text=section.text, line=section.line + matter.n_lines,
        )
        for clause_id, section in _with_ids(name, sections, matter)
    )  # fmt: skip
    if not clauses:
        raise PolicyError(
            "no clause was found; start each with a heading such as '## RET-1 Returns'", path=path
        )
    return PolicyDocument(**document, clauses=clauses)


def _read_text(path: Path) -> str:
    try:
        return read_text_file(path).text
    except NotTextError as error:
        raise PolicyError(
            f"{error}; a policy document has to be Markdown or text", path=path
        ) from None
    except OSError as error:
        raise PolicyError(f"the file cannot be opened: {error.strerror}", path=path) from error


def _policy_files(root: Path) -> Iterator[Path]:
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        relative = path.relative_to(root)
        is_calls = relative.stem == "calls" or "calls" in {
            part.lower() for part in relative.parts[:-1]
        }
        is_hidden = any(part.startswith(".") for part in relative.parts)
        is_about = path.stem.lower() in _NOT_POLICIES
        suffix = path.suffix.lower()
        if (suffix in _FORMATS or suffix in _LATER) and not (is_calls or is_hidden or is_about):
            yield path


def _company_key(path: Path, root: Path) -> str:
    for part in path.relative_to(root).parts[:-1] if root.is_dir() else ():
        if part.lower() not in _GENERIC_FOLDERS:
            return part
    folder = (root if root.is_dir() else root.parent).resolve()
    if folder.name.lower() in _GENERIC_FOLDERS:
        folder = folder.parent
    return folder.name or "policies"


def _common_title(sections: Sequence[Section]) -> str | None:
    """The outermost heading, if all of the document stands under it."""
    outermost = {
        section.path[0] if section.path else "" if section.id else section.title
        for section in sections
    }
    return (outermost.pop() or None) if len(outermost) == 1 else None


def _with_ids(
    document: str, sections: Sequence[Section], matter: FrontMatter
) -> Iterator[tuple[str, Section]]:
    """Each section with its id: its own, or one made of the document and the heading path.

    What stands without a heading is known by its first words, so that an id does not depend on
    what stands elsewhere in the document; the second of two that would be the same gets ``-2``.
    """
    lines: dict[str, int] = {}
    for section in sections:
        line = section.line + matter.n_lines
        if section.id in lines:
            raise PolicyError(
                f"clause {section.id} stands here a second time (first on line "
                f"{lines[section.id]}); give one of the two another id",
                path=matter.path, line=line,
            )  # fmt: skip
        if section.id:
            lines[section.id] = line
    for section in sections:
        clause_id = section.id
        if clause_id is None:
            above = [part for part in section.path if part != document]
            last = section.title or " ".join(section.text.split()[:_ID_WORDS])
            base = "/".join(_slug(part) for part in (document, *above, last))
            clause_id = base
            count = 1
            while clause_id in lines:
                count += 1
                clause_id = f"{base}-{count}"
            lines[clause_id] = section.line
        yield clause_id, section


def _slug(text: str) -> str:
    plain_text = unicodedata.normalize("NFC", text).casefold()
    words = re.sub(r"[^\w.]+", "-", plain_text)[:_MAX_ID_PART]
    return words.strip("-._") or "section"

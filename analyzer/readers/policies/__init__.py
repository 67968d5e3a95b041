"""Policy documents to clauses.

:func:`read_policies` takes a folder or a file. A text format is one module beside this one with
``SUFFIXES`` and ``split_sections``; a format with a layout one with ``SUFFIXES`` and
``read_layout``, whose blocks :mod:`analyzer.readers.policies.clauses` cuts into sections.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import check_documents
from analyzer.errors import PolicyError
from analyzer.language.effective_days import EffectiveDays, find_effective_days
from analyzer.readers.policies import html, markdown, pdf, plain, word
from analyzer.readers.policies.blocks import LaidOut
from analyzer.readers.policies.clauses import split_blocks
from analyzer.readers.policies.front_matter import FrontMatter, read_fields, split_front_matter
from analyzer.readers.policies.sections import Section
from analyzer.readers.text_files import NotTextError, read_text_file

_TEXTS: dict[str, Callable[[str], list[Section]]] = {
    **dict.fromkeys(markdown.SUFFIXES, markdown.split_sections),
    **dict.fromkeys(plain.SUFFIXES, plain.split_sections),
}
_LAYOUTS: dict[str, Callable[[Path], LaidOut]] = {
    **dict.fromkeys(html.SUFFIXES, html.read_layout),
    **dict.fromkeys(pdf.SUFFIXES, pdf.read_layout),
    **dict.fromkeys(word.SUFFIXES, word.read_layout),
}
#: Endings of the files that policies are read from.
SUFFIXES = (*_TEXTS, *_LAYOUTS)
_GENERIC_FOLDERS = frozenset({"policies", "policy"})
_NOT_POLICIES = frozenset({"readme", "notice", "license", "licence", "changelog"})
#: In a folder, a file of this name says what holds for every document under it.
FOLDER_FILE = "policies.yaml"
_ID_WORDS = 8
_MAX_ID_PART = 80
#: Formats in which companies keep policies and that are not read.
_FOREIGN = frozenset({".doc", ".rtf", ".odt", ".pages", ".docm", ".xls", ".xlsx"})
_KNOWN = frozenset(SUFFIXES) | _FOREIGN
#: So much of a document's beginning, outside its clauses, is searched for its days of force.
_OPENING, _OPENING_BLOCKS = 1500, 12


@dataclass(frozen=True)
class _Read:
    """A document before its clauses have ids: its front matter, sections, and what surrounds them.

    ``around`` is what stands outside the clauses: title, opening, running headers and footers.
    """

    matter: FrontMatter
    sections: list[Section]
    title: str | None
    around: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyReading:
    """What a folder gave: the documents, and the files that could not be used, with the reason."""

    documents: tuple[PolicyDocument, ...]
    set_aside: tuple[PolicyError, ...]


def read_policies(root: Path) -> PolicyReading:
    """Read a policy document, or every one under a folder.

    The key of a document's company is ``company_id`` of its front matter or the name of the folder
    under ``root`` that holds it; ``policies.yaml`` in a folder gives ``company_id``, ``company``,
    ``line_of_business``, ``effective_from`` and ``effective_to`` of the documents under it that do
    not say otherwise. In a folder, hidden files, transcripts (``calls``) and files such
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
    folders: dict[Path, FrontMatter] = {}
    for path in [root] if root.is_file() else _policy_files(root):
        try:
            folder = _folder_of(path, root, folders)
            read.append((path, read_policy(path, company=_company_key(path, root), folder=folder)))
        except PolicyError as error:
            failed.append(error)
    if not read:
        if len(failed) == 1:
            raise failed[0]
        why = f" (of {len(failed)} files none could be read; {failed[0]})" if failed else ""
        raise PolicyError(
            "no clause was found here; a policy folder holds Markdown, text, HTML, DOCX or PDF "
            f"files whose headings name clauses, such as '## RET-1 Returns'{why}",
            path=root,
        )
    clashes = check_documents([document for _, document in read])
    failed += [
        PolicyError(error.message, path=read[index][0], line=error.line)
        for index, error in clashes.items()
    ]
    documents = tuple(document for i, (_, document) in enumerate(read) if i not in clashes)
    return PolicyReading(documents, tuple(failed))


def read_policy(path: Path, *, company: str, folder: FrontMatter | None = None) -> PolicyDocument:
    """Read one policy document.

    Its first and last day of force are those of its front matter, else of its folder's file, else
    those that its title, its opening or its running headers name ("effective 1 February 2026").

    Args:
        path: A Markdown, text, HTML, DOCX or PDF file.
        company: Key of its company where nothing else names it.
        folder: What its folder says of all documents in it, or None.

    Raises:
        PolicyError: If it cannot be read, or has no clause; with path and line.
    """
    read = _read(path)
    matter, given = read.matter, folder or FrontMatter(path)
    name = matter.find_text("document") or read.title or path.stem
    begins, ends = _days(matter)
    notes = list(read.notes)
    if not begins and not ends:
        begins, ends = _days(given)
    if not begins and not ends:
        said = find_effective_days(read.around)
        begins, ends = said.begins, said.ends
        notes += _day_notes(said)
    document: dict[str, Any] = {
        "company": matter.find_text("company_id") or given.find_text("company_id") or company,
        "company_name": matter.find_text("company") or given.find_text("company"),
        "line_of_business": matter.find_text("line_of_business")
        or given.find_text("line_of_business"),
        "document": name,
        "effective_from": begins,
        "effective_to": ends,
        "source": path.name,
    }
    clauses = tuple(
        Clause(
            **document, id=clause_id, title=section.title, heading_path=section.path,
            text=section.text, line=section.line + matter.n_lines if section.line else None,
            page=section.page,
        )
        for clause_id, section in _with_ids(name, read.sections, matter)
    )  # fmt: skip
    if not clauses:
        raise PolicyError(
            "no clause was found; start each with a heading such as '## RET-1 Returns'", path=path
        )
    return PolicyDocument(**document, notes=tuple(notes), clauses=clauses)


def _read(path: Path) -> _Read:
    suffix = path.suffix.lower()
    if suffix in _TEXTS:
        matter, body = split_front_matter(_read_text(path), path)
        sections = _TEXTS[suffix](body)
        opening = [s.text for s in itertools.takewhile(lambda s: not s.id, sections)]
        title = _common_title(sections)
        if len(opening) == len(sections):
            opening = opening[:1]
        around = "\n".join((title or "", *opening))[:_OPENING]
        return _Read(matter, sections, title, around)
    if suffix not in _LAYOUTS:
        known = ", ".join(sorted(SUFFIXES))
        raise PolicyError(
            f"policies are read from {known}; save the document as one of these", path=path
        )
    try:
        layout = _LAYOUTS[suffix](path)
    except OSError as error:
        raise PolicyError(f"the file cannot be opened: {error.strerror}", path=path) from error
    sections = split_blocks(layout.blocks)
    opening = [block.text for block in layout.blocks[:_OPENING_BLOCKS]]
    around = "\n".join((layout.title or "", "\n".join(opening)[:_OPENING], *layout.margins))
    title = layout.title or _common_title(sections)
    return _Read(FrontMatter(path), sections, title, around, layout.notes)


def _days(matter: FrontMatter) -> tuple[dt.date | None, dt.date | None]:
    begins, ends = matter.find_day("effective_from"), matter.find_day("effective_to")
    if begins and ends and ends < begins:
        raise PolicyError(
            f"effective_to {ends} lies before effective_from {begins}; correct one of them",
            path=matter.path, line=matter.line_of("effective_to"),
        )  # fmt: skip
    return begins, ends


def _day_notes(said: EffectiveDays) -> list[str]:
    two = "which can be read as two days; say which day it is in force"
    notes = []
    if said.doubtful:
        notes += [f"Its text says {said.doubtful!r}, {two} from with --effective-from."]
    days = [f"from {said.begins}"] if said.begins else []
    days += [f"until {said.ends}"] if said.ends else []
    if days:
        notes += [f"In force {' '.join(days)}, as its text says."]
    if said.doubtful_end:
        end = f"{two} until as effective_to in a file {FOLDER_FILE} beside it."
        notes += [f"Its text says {said.doubtful_end!r}, {end}"]
    return notes


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
        if suffix in _KNOWN and not (is_calls or is_hidden or is_about):
            yield path


def _folder_of(path: Path, root: Path, known: dict[Path, FrontMatter]) -> FrontMatter:
    """What the nearest ``policies.yaml`` above a document says, none above ``root``.

    Raises:
        PolicyError: If that file cannot be read; with its path.
    """
    top = root if root.is_dir() else root.parent
    for folder in path.parents:
        if folder not in known:
            file = folder / FOLDER_FILE
            known[folder] = (
                read_fields(_read_text(file), file) if file.is_file() else FrontMatter(file)
            )
        if known[folder].fields:
            return known[folder]
        if folder == top:
            break
    return FrontMatter(path)


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
    firsts: dict[str, Section] = {}
    for section in sections:
        first = firsts.setdefault(section.id, section) if section.id else section
        if first is not section:
            raise PolicyError(
                f"clause {section.id} stands here a second time "
                f"(first {_places(first, section, matter)}); give one of the two another id",
                path=matter.path, line=section.line + matter.n_lines if section.line else None,
            )  # fmt: skip
    taken = set(firsts)
    for section in sections:
        clause_id = section.id
        if clause_id is None:
            above = [part for part in section.path if part != document]
            last = section.title or " ".join(section.text.split()[:_ID_WORDS])
            base = "/".join(_slug(part) for part in (document, *above, last))
            clause_id = base
            count = 1
            while clause_id in taken:
                count += 1
                clause_id = f"{base}-{count}"
            taken.add(clause_id)
        yield clause_id, section


def _places(first: Section, second: Section, matter: FrontMatter) -> str:
    """Where a clause stands; of the second the error names the line, where there are lines."""
    if first.line:
        return f"on line {first.line + matter.n_lines}"
    if first.page and second.page:
        return f"on page {first.page}, then on page {second.page}"
    return f"as {first.title!r}, then as {second.title!r}"


def _slug(text: str) -> str:
    plain_text = unicodedata.normalize("NFC", text).casefold()
    words = re.sub(r"[^\w.]+", "-", plain_text)[:_MAX_ID_PART]
    return words.strip("-._") or "section"

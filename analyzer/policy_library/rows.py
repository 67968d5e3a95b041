"""Rows of the store, and which of them are the edition that readers see."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analyzer.domain import Clause, PolicyDocument

#: Company, document and first day of an edition ("" where it has none).
EditionKey = tuple[str, str, str]


@dataclass(frozen=True)
class Row:
    """One clause of one edition, as the store holds it.

    Attributes:
        id: Id of the row; another for every generation.
        clause: The clause, with the days that its document gives.
        generation: Counts up each time the edition is written.
        digest: Changes with anything in the edition.
        size: How many rows the generation has when it is whole.
        position: 0-based place in the document.
    """

    id: str
    clause: Clause
    generation: int
    digest: str
    size: int
    position: int

    @property
    def edition(self) -> EditionKey:
        """The edition that the row is part of."""
        return edition_of(self.clause)

    @property
    def text_key(self) -> str:
        """Equal for two rows whose vectors are equal."""
        return text_key(self.clause)

    @property
    def metadata(self) -> dict[str, str | int]:
        """What stands beside the text; what is unknown is left out, since Chroma takes no null."""
        fields = self.clause.model_dump(mode="json", exclude_none=True, exclude={"text"})
        return {
            **fields,
            "heading_path": json.dumps(fields["heading_path"], ensure_ascii=False),
            "generation": self.generation,
            "digest": self.digest,
            "size": self.size,
            "position": self.position,
        }

    @classmethod
    def from_store(cls, row_id: str, text: str, metadata: dict[str, Any]) -> Row:
        """The row that :attr:`metadata` was made of.

        Raises:
            KeyError: If a field is not there.
            TypeError: If a field is of another kind.
            ValueError: If a field breaks its rule.
        """
        fields = {name: metadata[name] for name in Clause.model_fields if name in metadata}
        fields["heading_path"] = json.loads(fields["heading_path"])
        return cls(
            id=row_id,
            clause=Clause(**fields, text=text),
            generation=int(metadata["generation"]),
            digest=str(metadata["digest"]),
            size=int(metadata["size"]),
            position=int(metadata["position"]),
        )


def text_key(clause: Clause) -> str:
    """Changes with what is embedded of a clause."""
    return hashlib.sha256(clause.embedded_text.encode(errors="surrogatepass")).hexdigest()


def edition_of(part: Clause | PolicyDocument) -> EditionKey:
    """The edition that a clause or a document belongs to."""
    return part.company, part.document, str(part.effective_from or "")


def rows_of(document: PolicyDocument, *, generation: int) -> list[Row]:
    """The rows of an edition, in the order of its clauses.

    Raises:
        ValueError: If a clause bears another company, document or first day than the document.
    """
    if any(edition_of(clause) != edition_of(document) for clause in document.clauses):
        msg = f"a clause of {document.document!r} says that it belongs to another edition"
        raise ValueError(msg)
    plain = [clause.model_dump_json() for clause in document.clauses]
    digest = hashlib.sha256("\x1f".join(plain).encode()).hexdigest()[:32]
    edition = hashlib.sha256("\x1f".join(edition_of(document)).encode()).hexdigest()[:16]
    return [
        Row(
            id=f"{edition}-{generation}-{digest}-{position}",
            clause=clause,
            generation=generation,
            digest=digest,
            size=len(document.clauses),
            position=position,
        )
        for position, clause in enumerate(document.clauses)
    ]


def current_rows(rows: Iterable[Row]) -> list[Row]:
    """The newest whole generation of each edition.

    Args:
        rows: Rows in any order; all of an edition's, or none.

    Returns:
        Rows by company, document, first day and place in the document. An edition without a whole
        generation gives none.
    """
    generations: dict[tuple[EditionKey, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        generations[row.edition, row.generation, row.digest].append(row)
    newest: dict[EditionKey, list[Row]] = {}
    for (edition, _, _), members in sorted(generations.items(), key=lambda item: item[0]):
        if len(members) == members[0].size:
            newest[edition] = members
    return [
        row
        for edition in sorted(newest)
        for row in sorted(newest[edition], key=lambda row: row.position)
    ]

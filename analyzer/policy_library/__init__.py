"""Where policies are kept: clauses and their vectors in Chroma, and what is in force when.

A row of the store is one clause of one edition of a document; the key of an edition is (company,
document, effective_from). Chroma has no transaction that spans calls, so an edition is replaced in
three steps: its rows are written anew under the next generation number, the generation is whole
once its last row is there, and only then are the rows of earlier generations removed. Readers take
the newest whole generation of each edition. Whenever a process is killed, the library opens and
shows the edition as it was or as it was to be, never a mixture; adding it again finishes the work
and embeds only what was not embedded yet.
"""

from __future__ import annotations

from analyzer.policy_library.library import PolicyLibrary, SearchHit
from analyzer.policy_library.reports import AddReport, Adoption, DocumentReport, StoredDocument

__all__ = [
    "AddReport",
    "Adoption",
    "DocumentReport",
    "PolicyLibrary",
    "SearchHit",
    "StoredDocument",
]

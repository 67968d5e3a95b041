"""What a run judges with: the engine and why it is that one, the policies and their origin."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.cli.calls import Refused
from analyzer.cli.moments import number
from analyzer.cli.terminal import Terminal
from analyzer.config import Settings, address_without_secrets
from analyzer.domain import PolicyDocument
from analyzer.editions import check_documents
from analyzer.embedders import Embedder, packaged_embedder
from analyzer.engines import Engine
from analyzer.errors import PolicyError
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Policies:
    """The policies of a run.

    Attributes:
        book: Their clauses; None where there are none.
        origin: Where they are from, in a sentence.
        refused: Documents that could not be used.
    """

    book: PolicyBook | None
    origin: str
    refused: tuple[Refused, ...] = ()


def tell_notes(engine: Engine, terminal: Terminal) -> None:
    """Say what an engine has to tell at the end of a run: that its cache is off, for one."""
    take = getattr(engine, "take_note", None)
    if take is not None and (note := take()):
        terminal.say(f"note: {note}")


def explain_engine(settings: Settings, asked: str | None, engine: Engine) -> str:
    """Which engine runs and why, for the first line of output.

    Args:
        settings: The settings.
        asked: What ``--engine`` says; None where it was not given.
        engine: The engine that was built.
    """
    if asked not in {None, "auto"}:
        why = "as --engine asks"
    elif asked is None and settings.engine != "auto":
        why = "as WORDBOND_ENGINE asks"
    elif settings.has_model:
        why = "since a chat model is set"
    else:
        why = "since no key and no base URL of a chat model is set"
    where = "nothing leaves this machine"
    if engine.name != "embedded":
        address = address_without_secrets(settings.openai_base_url or "OpenAI's own address")
        masked = "personal data masked" if settings.redact else "personal data NOT masked"
        where = f"calls go to {address}, {masked}"
    return f"Engine: {engine.name} ({engine.model}), {why}; {where}."


def read_documents(
    paths: Sequence[Path],
) -> tuple[list[PolicyDocument], list[Refused]]:
    """Read policy documents from files and folders; what cannot be used never stops the rest.

    Returns:
        The documents that can stand beside each other, and what was set aside.

    Raises:
        PolicyError: If nothing could be read; it is the first reason.
    """
    documents: list[PolicyDocument] = []
    errors: list[PolicyError] = []
    for path in {os.path.realpath(path): path for path in reversed(paths)}.values():
        try:
            reading = read_policies(path)
        except PolicyError as error:
            errors.append(error)
        else:
            documents += reading.documents
            errors += reading.set_aside
    clashes = check_documents(documents)
    errors += clashes.values()
    kept = [document for index, document in enumerate(documents) if index not in clashes]
    if not kept:
        raise errors[0]
    return kept, [Refused.of(error) for error in errors]


def load_policies(settings: Settings, paths: Sequence[Path], terminal: Terminal) -> Policies:
    """The policies that a run is to use.

    Args:
        settings: Where the library lies.
        paths: Folders and files that take its place for this run; none for the library's own.
        terminal: Where progress is shown.

    Raises:
        PolicyError: If ``paths`` hold no clause.
        StoreError: If the library cannot be read.
    """
    if paths:
        return _read_for_this_run(paths, terminal)
    if not has_library(settings):
        return Policies(None, "Policies: none; the policy library is empty.")
    from analyzer.embedders import build_embedder
    from analyzer.policy_library import PolicyLibrary

    with PolicyLibrary.open(settings, build_embedder(settings)) as library:
        book = library.book()
    if not book.clauses:
        return Policies(None, "Policies: none; the policy library is empty.")
    return Policies(book, f"Policies: {count_clauses(book)}, from the policy library.")


def has_library(settings: Settings) -> bool:
    """Whether there may be policies to load; saves opening a library that was never begun."""
    return settings.chroma_url is not None or settings.chroma_path.is_dir()


def count_clauses(book: PolicyBook) -> str:
    """How many clauses of how many companies a book holds, in words."""
    n_companies = len(book.companies)
    companies = f"{n_companies} {'company' if n_companies == 1 else 'companies'}"
    return f"{number(len(book.clauses), 'clause')} of {companies}"


def _read_for_this_run(paths: Sequence[Path], terminal: Terminal) -> Policies:
    documents, refused = read_documents(paths)
    n_clauses = sum(len(document.clauses) for document in documents)
    with terminal.progress("reading policies", n_clauses) as bar:
        # The embedded engine judges by vectors of the packaged model, whatever the library uses.
        embedder = _Counted(packaged_embedder(), bar.advance)
        book = PolicyBook.from_documents(documents, embedder)
    named = ", ".join(dict.fromkeys(str(path) for path in paths))
    origin = f"Policies: {count_clauses(book)}, from {named} for this run alone."
    return Policies(book, origin, tuple(refused))


class _Counted:
    """An embedder that tells of each text that it has embedded."""

    def __init__(self, embedder: Embedder, tick: Callable[[], None]) -> None:
        self.name = embedder.name
        self.dimension = embedder.dimension
        self._embedder = embedder
        self._tick = tick

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = self._embedder.embed(texts)
        for _ in texts:
            self._tick()
        return vectors

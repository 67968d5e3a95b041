"""What a test says the model answers, and what it is asked."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

Mode: TypeAlias = Literal["json_schema", "json_object", "tools", "plain"]


@dataclass(frozen=True)
class ChatRequest:
    """One valid request for a chat completion, as the answer function sees it.

    ``n`` counts valid chat requests from 0; a batch's lines count among them and carry their
    ``custom_id``.
    """

    body: dict[str, Any]
    n: int
    mode: Mode
    schema: dict[str, Any] | None = None
    schema_name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    custom_id: str | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.body["messages"]
        return messages

    @cached_property
    def text(self) -> str:
        """All messages' contents, one after the other."""
        return "\n".join(message.get("content") or "" for message in self.messages)

    def content(self, role: str) -> str:
        """The contents of the messages of one role."""
        return "\n".join(m.get("content") or "" for m in self.messages if m["role"] == role)


@dataclass(frozen=True)
class Answer:
    """One completion; ``usage`` overrides single fields of the estimated usage."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None
    usage: dict[str, Any] | None = None


Said: TypeAlias = "str | Answer | dict[str, Any] | list[Any]"
AnswerFunction: TypeAlias = Callable[[ChatRequest], Any]


class NoAnswerError(LookupError):
    """The test did not say what the model answers here."""


def as_answer(said: object) -> Answer:
    """What a function said as an ``Answer``; lists and mappings go out as JSON."""
    if isinstance(said, Answer):
        return said
    if isinstance(said, str):
        return Answer(said)
    if isinstance(said, dict | list):
        return Answer(json.dumps(said, ensure_ascii=False))
    raise TypeError(f"the answer function returned {type(said).__name__}, not str or Answer")


class Script:
    """Answers one after the other, and refuses loudly once they are used up.

    An entry may be a function of the request. Faults that never reach the model (429, 5xx, a lost
    connection) take no entry.
    """

    def __init__(self, entries: Iterable[Said | AnswerFunction]) -> None:
        self._entries = deque(entries)
        self._length = len(self._entries)
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How many answers are still to be given."""
        return len(self._entries)

    def __call__(self, request: ChatRequest) -> Any:
        with self._lock:
            if not self._entries:
                start = request.text[-200:]
                raise NoAnswerError(
                    f"the script of {self._length} answers ran dry at request {request.n}, "
                    f"whose messages end with {start!r}"
                )
            entry = self._entries.popleft()
        return entry(request) if callable(entry) else entry


class FromTable:
    """The answer of the first row whose key fits the request.

    A key is a text that must occur in the messages, or a predicate on the request.
    """

    def __init__(
        self,
        table: Mapping[str | Callable[[ChatRequest], bool], Said | AnswerFunction],
        otherwise: Said | AnswerFunction | None = None,
    ) -> None:
        self._table = table
        self._otherwise = otherwise

    def __call__(self, request: ChatRequest) -> Any:
        for key, entry in self._table.items():
            if key in request.text if isinstance(key, str) else key(request):
                return entry(request) if callable(entry) else entry
        if self._otherwise is None:
            raise NoAnswerError(
                f"no row of the table fits request {request.n}: {request.text[-200:]!r}"
            )
        return self._otherwise(request) if callable(self._otherwise) else self._otherwise

"""HTTP/1.1 on bare sockets: a protocol that can answer well, half or not at all.

It is built on httptools and uvloop without a web framework, since a benchmark runs it on the same
cores as the client it measures.
"""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httptools


@dataclass(slots=True)
class HttpRequest:
    """One request, whole; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """One answer and how it goes out: whole, cut in mid-body, or not at all, after a delay."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    sent: Literal["whole", "half", "nothing"] = "whole"
    delay_s: float = 0.0

    @classmethod
    def of(cls, payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        """A JSON reply."""
        return cls(status, json.dumps(payload).encode(), headers=headers or {})

    def encoded(self, *, keep_alive: bool) -> bytes:
        """Status line, headers and body."""
        lines = [
            f"HTTP/1.1 {self.status} {http.HTTPStatus(self.status).phrase}",
            f"content-type: {self.content_type}",
            f"content-length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if not keep_alive:
            lines.append("connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return head + (self.body if self.sent == "whole" else self.body[: len(self.body) // 2])


Handler = Callable[[HttpRequest], Awaitable[Reply]]


class Connection(asyncio.Protocol):
    """One client connection: reads requests one after the other and writes the handler's replies."""

    def __init__(self, handler: Handler, connections: set[Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or we closed: nobody waits for an answer any more."""
        del exc
        self._connections.discard(self)
        self._transport = None
        self._parser = None
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as problem:
            body = f"Invalid HTTP request: {problem}".encode()
            self._write(Reply(400, body, "text/plain"), keep_alive=False)

    # What httptools calls

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self.task is not None:  # a pipelined request; no client of ours sends one
            self.close()
            return
        request = HttpRequest(
            method=self._parser.get_method().decode("ascii"),
            path=httptools.parse_url(self._url).path.decode("ascii"),
            headers=self._headers,
            body=b"".join(self._body),
        )
        self._body = []
        keep_alive = self._parser.should_keep_alive()
        self.task = self._loop.create_task(self._serve(request, keep_alive=keep_alive))

    # Answering

    async def _serve(self, request: HttpRequest, *, keep_alive: bool) -> None:
        reply = await self._handler(request)
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        self.task = None
        self._write(reply, keep_alive=keep_alive)

    def _write(self, reply: Reply, *, keep_alive: bool) -> None:
        if self._transport is None:
            return
        if reply.sent != "nothing":
            self._transport.write(reply.encoded(keep_alive=keep_alive))
        if reply.sent != "whole" or not keep_alive:
            self.close()

    def close(self) -> None:
        """Sends what is written, then ends the connection."""
        if self._transport is not None:
            self._transport.close()

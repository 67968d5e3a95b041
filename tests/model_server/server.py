"""A server that plays an OpenAI-compatible endpoint, strict where the real service is strict.

It runs in a thread with an event loop of its own; a test names the answers and the faults.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import re
import socket
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from tests.model_server.answers import Answer, AnswerFunction, ChatRequest, as_answer
from tests.model_server.batches import BatchDesk, BatchSettings
from tests.model_server.faults import Fault, FaultPlan, InjectedFault
from tests.model_server.strictness import (
    ALL_MODES,
    ApiError,
    check_chat,
    check_embeddings,
    check_key,
    parse_json,
)
from tests.model_server.usage import (
    DIMENSIONS,
    PromptCache,
    encoded_embedding,
    prompt_text,
    tokens,
    usage_of,
)
from tests.model_server.wire import Connection, HttpRequest, Reply

_PATHS = re.compile(
    r"/v1/(?P<kind>chat/completions|embeddings|models|files|batches)"
    r"(?:/(?P<id>[^/]+))?(?:/(?P<act>content|cancel))?"
)
BATCH_PART_STATUS = 500


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it came; ``body`` is the parsed JSON, the bytes of a form, or None."""

    path: str
    body: Any
    headers: dict[str, str]
    at: float
    method: str = "POST"


class ModelServer:
    """An OpenAI-compatible endpoint on 127.0.0.1 for the time of a ``with`` block.

    ``answer`` is asked in one of ``threads`` threads, or on the server's own loop with 0; a
    coroutine function is awaited there. Valid requests alone are numbered, answered and drawn
    for; every request, refused or not, is in ``requests``.
    """

    def __init__(
        self,
        answer: AnswerFunction,
        *,
        faults: FaultPlan | None = None,
        latency_s: float | Callable[[ChatRequest], float] = 0.0,
        api_key: str | None = "sk-test",
        models: Collection[str] = ("test-model", "test-embedding"),
        modes: Collection[str] = ALL_MODES,
        batches: BatchSettings | None = None,
        port: int = 0,
        threads: int = 32,
        record: bool = True,
    ) -> None:
        self.faults = faults or FaultPlan()
        self.requests: list[ReceivedRequest] = []
        self.errors: list[str] = []
        self.served = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self.base_url = ""
        self._answer = answer
        self._latency_s = latency_s
        self._api_key = api_key
        self._models = tuple(models)
        self._modes = frozenset(modes)
        self._record = record
        self._port = port
        self._pool = ThreadPoolExecutor(threads) if threads else None
        self._cache = PromptCache()
        self.desk = BatchDesk(batches or BatchSettings(), self._work_line)
        self._next = 0
        self._connections: set[Connection] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._grace_s = 0.0

    @property
    def injected(self) -> list[InjectedFault]:
        """The faults so far."""
        return self.faults.injected

    # Life

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Opens the port and serves in a thread."""
        listening = socket.create_server(("127.0.0.1", self._port), backlog=1024)
        self.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(listening, ready), name="model-server", daemon=True
        )
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the model server did not start")
        return self

    def stop(self, grace_s: float = 0.0) -> None:
        """Closes the port, and the connections once their answers are out or time is up."""
        if self._loop is not None and self._stop is not None:
            self._grace_s = grace_s
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(grace_s + 10)
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, listening: socket.socket, ready: threading.Event) -> None:
        factory = None
        if importlib.util.find_spec("uvloop"):
            import uvloop

            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._serve(listening, ready))

    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: Connection(self._handle, self._connections), sock=listening
        )
        ready.set()
        await self._stop.wait()
        server.close()
        until = time.monotonic() + self._grace_s
        while time.monotonic() < until and any(one.task for one in self._connections):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        tasks = [one.task for one in self._connections if one.task is not None]
        for connection in list(self._connections):
            connection.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Requests

    async def _handle(self, http: HttpRequest) -> Reply:
        try:
            return await self._routed(http)
        except ApiError as refusal:
            return Reply.of(refusal.payload(), refusal.status, refusal.headers)
        except Exception as problem:  # noqa: BLE001 - whatever the test's own function raises
            told = f"{type(problem).__name__}: {problem}"
            self.errors.append(told)
            error = ApiError(f"The test's model server failed: {told}", kind="server_error")
            return Reply.of(error.payload(), 500, {"x-should-retry": "false"})

    async def _routed(self, http: HttpRequest) -> Reply:
        body: Any = http.body or None
        malformed: ApiError | None = None
        if body and http.headers.get("content-type", "").startswith("application/json"):
            try:
                body = parse_json(http.body)
            except ApiError as problem:
                malformed = problem
        if self._record:
            received = ReceivedRequest(http.path, body, http.headers, time.monotonic(), http.method)
            self.requests.append(received)
        check_key(http.headers, self._api_key)
        if malformed is not None:
            raise malformed
        found = _PATHS.fullmatch(http.path)
        if found is None:
            raise ApiError(f"Invalid URL ({http.method} {http.path})", status=404)
        if found["kind"] == "chat/completions" and http.method == "POST":
            return await self._chat(body or {}, http.headers)
        fault = self.faults.draw(http.path, http)
        instead = fault.reply() if fault else None
        return instead or await self._other(http, body, found)

    async def _other(self, http: HttpRequest, body: Any, found: re.Match[str]) -> Reply:
        kind, name = found["kind"], found["id"]
        if kind in ("files", "batches"):
            reply = await self.desk.reply(http, body or {}, found)
        elif (http.method, kind, name) == ("POST", "embeddings", None):
            reply = Reply.of(self._embeddings(body or {}))
        elif (http.method, kind) == ("GET", "models") and name:
            reply = Reply.of(self._one_model(name))
        elif (http.method, kind) == ("GET", "models"):
            reply = Reply.of({"object": "list", "data": [_model(one) for one in self._models]})
        else:
            reply = None
        if reply is None:
            message = f"Not allowed to {http.method} on {http.path}."
            raise ApiError(message, code="method_not_supported", status=405)
        return reply

    def _one_model(self, name: str) -> dict[str, Any]:
        if name not in self._models:
            message = f"The model '{name}' does not exist"
            raise ApiError(message, "model", "model_not_found", status=404)
        return _model(name)

    def _embeddings(self, body: dict[str, Any]) -> dict[str, Any]:
        texts = check_embeddings(body, models=self._models)
        dimensions = body.get("dimensions") or DIMENSIONS
        encoding = body.get("encoding_format") or "float"
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": encoded_embedding(text, dimensions, encoding),
            }
            for index, text in enumerate(texts)
        ]
        count = sum(map(tokens, texts))
        usage = {"prompt_tokens": count, "total_tokens": count}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}

    # Chat

    def _numbered(
        self, body: dict[str, Any], headers: dict[str, str], custom_id: str | None = None
    ) -> tuple[ChatRequest, Fault | None]:
        build = check_chat(body, models=self._models, modes=self._modes)
        request = build(n=self._next, headers=headers, custom_id=custom_id)
        self._next += 1
        return request, self.faults.draw("/v1/chat/completions", request)

    async def _chat(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        request, fault = self._numbered(body, headers)
        instead = fault.reply() if fault else None
        if instead is not None:
            return instead
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            wait = self._latency_s if isinstance(self._latency_s, float | int) else (
                self._latency_s(request)
            )  # fmt: skip
            if fault:
                wait += fault.delay_s
            if wait:
                await asyncio.sleep(wait)
            return Reply.of(await self._completed(request, fault))
        finally:
            self.in_flight -= 1

    async def _completed(self, request: ChatRequest, fault: Fault | None) -> dict[str, Any]:
        prompt = prompt_text(request)
        chain = self._cache.chain(prompt)
        cached = self._cache.cached_tokens(chain)
        answer = as_answer(await self._said(request))
        if fault:
            answer = fault.spoilt(answer, request)
        self._cache.remember(chain)
        self.served += 1
        return _completion(request, answer, usage_of(prompt, cached, answer))

    async def _said(self, request: ChatRequest) -> Any:
        if inspect.iscoroutinefunction(self._answer):
            return await self._answer(request)
        if self._pool is None:
            return self._answer(request)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, request)

    async def _work_line(
        self, path: str, body: dict[str, Any], custom_id: str
    ) -> tuple[int, dict[str, Any]]:
        """One line of a batch: faults of the wire end it in the error file."""
        try:
            if path == "/v1/embeddings":
                return 200, self._embeddings(body)
            request, fault = self._numbered(body, {}, custom_id)
            instead = fault.reply() if fault else None
            if instead is not None:
                status = instead.status if instead.sent == "whole" else BATCH_PART_STATUS
                error = ApiError("The request failed.", kind="server_error", status=status)
                return status, error.payload()
            return 200, await self._completed(request, fault)
        except ApiError as refusal:
            return refusal.status, refusal.payload()


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "test"}


def _completion(request: ChatRequest, answer: Answer, usage: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.content,
        "refusal": answer.refusal,
        "annotations": [],
    }
    finish = answer.finish_reason
    if request.mode == "tools" and answer.content is not None:
        function = {"name": request.schema_name, "arguments": answer.content}
        call = {"id": f"call_{request.n}", "type": "function", "function": function}
        message |= {"content": None, "tool_calls": [call]}
        # As the service does: a call that the request forced by name ends with "stop".
        if finish == "stop" and not isinstance(request.body.get("tool_choice"), dict):
            finish = "tool_calls"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {
        "id": f"chatcmpl-{request.n:06d}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.body["model"],
        "choices": [choice],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": None,
    }

"""Through a provider's Batch API: at half the price, the stages of the chain one after the other.

Calls run side by side until every one waits for an answer; the requests gathered by then go out as
one batch, and with its answers the calls go on to their next stage. What was handed over is noted
in the database, so that a run that ends, or dies, before the answers are there leaves them to the
next one, on this machine or another.

Source:
    https://platform.openai.com/docs/guides/batch
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import openai

from analyzer.batch.executors.base import Ended, failure_of
from analyzer.config import Settings
from analyzer.domain import Call
from analyzer.engines.llm.chat import Reply
from analyzer.engines.llm.engine import LLMEngine
from analyzer.errors import BadAnswer, ConfigError, EngineError, EngineUnavailable
from analyzer.pipeline import analyze_with
from analyzer.policy_book import PolicyBook
from analyzer.results.batch_queue import BatchQueue, Task

_CAPACITY = 20_000
#: Limits of one batch: requests, and bytes of its file.
_MOST_REQUESTS, _MOST_BYTES = 40_000, 150_000_000
#: A request that failed, or ran out of time, goes into so many batches at most.
_ATTEMPTS = 3
_OPEN = frozenset(("validating", "in_progress", "finalizing", "cancelling"))
_OURS = "wordbond"
_WORTH_ANOTHER = frozenset((408, 409, 429, 500, 502, 503, 504))


class OpenAIBatchExecutor:
    """Analyses calls with the LLM engine, its requests going out in batches.

    Args:
        engine: The LLM engine.
        book: The policies, or None.
        settings: Key and address.
        queue: Where batches that were handed over are noted.
        poll_s: How often a batch is looked at.
        quiet_s: So long no further request may have come before those gathered go out.
    """

    name = "openai-batch"
    capacity = _CAPACITY
    #: What is under way may be left: the next run finds it again.
    keeps_work = True

    def __init__(
        self,
        engine: Any,
        book: PolicyBook | None,
        settings: Settings,
        queue: BatchQueue,
        *,
        poll_s: float = 30.0,
        quiet_s: float = 3.0,
    ) -> None:
        if not isinstance(engine, LLMEngine):
            raise ConfigError("The executor openai-batch needs --engine llm.")
        self._engine, self._book, self._queue = engine, book, queue
        self._desk = _Desk(settings, queue, poll_s=poll_s, quiet_s=quiet_s)
        engine.check()
        engine.chat.carrier = self._desk
        engine.run(self._desk.begin())
        self._futures: dict[Future[Ended], Task] = {}
        self._ended = threading.Event()

    @property
    def n_under_way(self) -> int:
        """How many calls it holds."""
        return len(self._futures)

    def submit(self, task: Task, call: Call) -> None:
        """Take a call."""
        future = self._engine.start(self._analyze(task, call))
        self._futures[future] = task
        future.add_done_callback(lambda _: self._ended.set())

    def collect(self, timeout_s: float) -> list[Ended]:
        """What has ended; see :class:`analyzer.batch.executors.Executor`."""
        self._ended.wait(timeout_s)
        self._ended.clear()
        done = [future for future in self._futures if future.done()]
        for future in done:
            del self._futures[future]
        return [future.result() for future in done]

    def close(self, *, is_hasty: bool = False) -> None:
        """End; batches whose answers are all used are noted as done with."""
        is_left = is_hasty or bool(self._futures)
        if is_left:
            self._engine.stop()
        with contextlib.suppress(Exception):
            self._engine.run(self._desk.end(is_left=is_left))
        self._engine.chat.carrier = None

    async def _analyze(self, task: Task, call: Call) -> Ended:
        began = time.perf_counter()
        try:
            analysis = await analyze_with(
                call, self._engine.analyze_async, engine=self._engine, book=self._book
            )
        except Exception as error:  # noqa: BLE001 - one call's surprise must not cost all others
            failure, reason = failure_of(error)
            return Ended(task, None, time.perf_counter() - began, failure, reason)
        return Ended(task, analysis, time.perf_counter() - began)


class _Desk:
    """Gathers requests into batches and brings the answers back; lives in the engine's loop."""

    is_batch = True

    def __init__(
        self, settings: Settings, queue: BatchQueue, *, poll_s: float, quiet_s: float
    ) -> None:
        self._settings, self._queue = settings, queue
        self._poll_s, self._quiet_s = poll_s, quiet_s
        self._inbox = hashlib.sha256(queue.inbox.encode()).hexdigest()[:16]
        self._gathered: dict[str, dict[str, Any]] = {}
        self._asked_at = 0.0
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._answers: dict[str, Reply] = {}
        self._attempts: dict[str, int] = {}
        self._open: dict[str, list[str]] = {}
        self._taken: set[str] = set()
        self._worker: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Take up the batches that earlier runs left."""
        key = self._settings.openai_api_key
        self._client = openai.AsyncOpenAI(
            api_key=key.get_secret_value() if key else "none",
            base_url=self._settings.openai_base_url,
            timeout=self._settings.timeout_s,
            max_retries=5,
        )
        self._open = await asyncio.to_thread(self._queue.open_batches)
        await self._adopt()
        self._worker = asyncio.create_task(self._work())

    async def end(self, *, is_left: bool) -> None:
        """Stop; where nothing is left, what was handed over is done with."""
        if self._worker is not None:
            self._worker.cancel()
        if not is_left:
            for remote_id in self._taken:
                await asyncio.to_thread(self._queue.close_batch, remote_id)
        await self._client.close()

    async def carry(self, key: str, body: dict[str, Any]) -> Reply:
        """See :class:`analyzer.engines.llm.chat.Carrier`."""
        while key not in self._answers:
            waiting = self._waiting.get(key)
            if waiting is None:
                waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
                if not any(key in keys for keys in self._open.values()):
                    self._gathered[key] = body
                self._asked_at = time.monotonic()
            try:
                # Shielded: two calls may wait for one answer, and one of them be given up.
                return await asyncio.shield(waiting)
            except _AskAgain:
                continue
        return self._answers[key]

    async def _work(self) -> None:
        looked = 0.0
        while True:
            try:
                if self._gathered and time.monotonic() - self._asked_at >= self._quiet_s:
                    await self._hand_over()
                if self._open and time.monotonic() - looked >= self._poll_s:
                    for remote_id in list(self._open):
                        await self._look(remote_id)
                    looked = time.monotonic()
            except openai.APIStatusError as error:
                self._refuse_all(_explained(error))
            except openai.APIError:
                await asyncio.sleep(self._poll_s)  # away for a while: nothing is lost by waiting
            await asyncio.sleep(min(self._quiet_s, self._poll_s) / 4)

    async def _hand_over(self) -> None:
        for keys, content in _cut(self._gathered):
            file = await self._client.files.create(
                file=("wordbond.jsonl", content), purpose="batch"
            )
            batch = await self._client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h",
                metadata={_OURS: self._inbox},
            )  # fmt: skip
            await asyncio.to_thread(self._queue.note_batch, batch.id, keys)
            self._open[batch.id] = keys
            for key in keys:
                del self._gathered[key]
                self._attempts[key] = self._attempts.get(key, 0) + 1

    async def _adopt(self) -> None:
        """Find batches that were handed over by a run that died before it noted them."""
        with contextlib.suppress(openai.APIError):
            async for batch in self._client.batches.list(limit=100):
                is_ours = (batch.metadata or {}).get(_OURS) == self._inbox
                if not is_ours or batch.id in self._open or batch.status not in _OPEN:
                    continue
                content = await self._client.files.content(batch.input_file_id)
                keys = [json.loads(line)["custom_id"] for line in content.text.splitlines()]
                await asyncio.to_thread(self._queue.note_batch, batch.id, keys)
                self._open[batch.id] = keys

    async def _look(self, remote_id: str) -> None:
        try:
            batch = await self._client.batches.retrieve(remote_id)
        except openai.NotFoundError:
            await self._drop(remote_id)
            return
        if batch.status in _OPEN:
            return
        keys = self._open.pop(remote_id)
        self._taken.add(remote_id)
        told: dict[str, dict[str, Any]] = {}
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                content = await self._client.files.content(file_id)
                for line in content.text.splitlines():
                    if line.strip():
                        row = json.loads(line)
                        told[str(row.get("custom_id"))] = row
        if batch.status == "failed" and not told:
            errors = (batch.errors.data if batch.errors else None) or []
            why = errors[0].message if errors else "no reason is given"
            self._refuse(keys, EngineError(f"the provider refused the batch {remote_id}: {why}"))
            return
        for key in keys:
            self._settle(key, told.get(key))

    async def _drop(self, remote_id: str) -> None:
        """A batch that the provider does not know any more: its requests go out again."""
        keys = self._open.pop(remote_id)
        await asyncio.to_thread(self._queue.close_batch, remote_id)
        for key in keys:
            self._settle(key, None)

    def _settle(self, key: str, row: dict[str, Any] | None) -> None:
        response = (row or {}).get("response") or {}
        status = response.get("status_code")
        if status == 200:  # noqa: PLR2004 - HTTP's OK
            try:
                reply = _reply_of(key, response["body"])
            except (KeyError, IndexError, TypeError, ValueError):
                self._refuse([key], BadAnswer("the batch's answer has not the endpoint's shape"))
                return
            self._answers[key] = reply
            waiting = self._waiting.pop(key, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)
            return
        if status is not None and status not in _WORTH_ANOTHER:
            message = ((response.get("body") or {}).get("error") or {}).get(
                "message"
            ) or "no reason"
            self._refuse([key], EngineError(f"the provider refused the request: {message}"))
            return
        self._again(key)

    def _again(self, key: str) -> None:
        """A request that ran out of time or failed goes into the next batch."""
        if self._attempts.get(key, 0) >= _ATTEMPTS:
            reason = f"a request had no answer in {_ATTEMPTS} batches; run again later"
            self._refuse([key], EngineUnavailable(reason))
        elif key in self._waiting:
            # Who waits asks again, with the body that this run may not have.
            waiting = self._waiting.pop(key)
            if not waiting.done():
                waiting.set_exception(_AskAgain())

    def _refuse(self, keys: Sequence[str], error: EngineError) -> None:
        for key in keys:
            waiting = self._waiting.pop(key, None)
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)

    def _refuse_all(self, error: Exception) -> None:
        self._gathered.clear()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)
        self._waiting.clear()


class _AskAgain(Exception):  # noqa: N818 - no fault
    """The request has to go out once more."""


def _cut(gathered: dict[str, dict[str, Any]]) -> list[tuple[list[str], bytes]]:
    """The requests as files of batches, none above the provider's limits."""
    out: list[tuple[list[str], bytes]] = []
    keys: list[str] = []
    lines: list[bytes] = []
    size = 0
    for key, body in gathered.items():
        request = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        line = json.dumps(request, ensure_ascii=False).encode() + b"\n"
        if keys and (len(keys) >= _MOST_REQUESTS or size + len(line) > _MOST_BYTES):
            out.append((keys, b"".join(lines)))
            keys, lines, size = [], [], 0
        keys.append(key)
        lines.append(line)
        size += len(line)
    if keys:
        out.append((keys, b"".join(lines)))
    return out


def _reply_of(key: str, body: dict[str, Any]) -> Reply:
    choice = body["choices"][0]
    message = choice["message"]
    usage = body.get("usage") or {}
    calls = message.get("tool_calls")
    text = calls[0]["function"]["arguments"] if calls else message.get("content")
    return Reply(
        text=text or "",
        finish_reason=str(choice.get("finish_reason") or "stop"),
        refusal=message.get("refusal") or None,
        tokens_in=int(usage.get("prompt_tokens") or 0),
        tokens_cached=int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0),
        tokens_out=int(usage.get("completion_tokens") or 0),
        key=key,
    )


def _explained(error: openai.APIStatusError) -> Exception:
    if error.status_code in {401, 403, 404}:
        return ConfigError(
            f"The provider refuses batches ({error.status_code}); check OPENAI_API_KEY and "
            "OPENAI_BASE_URL, and that this address has a Batch API, or use --executor local."
        )
    return EngineUnavailable(
        f"the provider did not take the batch ({error.status_code}); run again later"
    )

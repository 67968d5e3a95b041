"""Files and batches: kept in memory, and worked off line by line while the client polls."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from tests.model_server.strictness import ApiError
from tests.model_server.wire import HttpRequest, Reply

ENDPOINTS = ("/v1/chat/completions", "/v1/embeddings")
LIFE_S = 24 * 3600

#: Works one line off: path, body and ``custom_id`` in; status and payload out.
Work = Callable[[str, dict[str, Any], str], Awaitable[tuple[int, dict[str, Any]]]]


@dataclass
class BatchSettings:
    """How batches go.

    ``polls`` reads find the batch in progress before one finds it ended; the lines are worked off
    evenly on the way. With ``expire_after`` lines done the batch ends as expired; the lines of
    ``failing`` (by ``custom_id``) end in the error file. Results come in no order, as from the
    service, but the same for the same ``seed``.
    """

    polls: int = 0
    expire_after: int | None = None
    failing: Collection[str] = ()
    seed: int = 0


@dataclass
class StoredFile:
    """One file of the service."""

    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int = field(default_factory=lambda: int(time.time()))

    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": None,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


@dataclass
class _Batch:
    record: dict[str, Any]
    lines: list[dict[str, Any]]
    polls: int = 0
    done: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def worked(self) -> int:
        return len(self.done) + len(self.failed)


def parse_multipart(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """The parts of a form by name, each with its file name if it has one."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not content_type.startswith("multipart/form-data") or found is None:
        raise ApiError("Expected a multipart/form-data request.")
    parts: dict[str, tuple[str | None, bytes]] = {}
    for part in body.split(b"--" + found[1].encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        names = dict(re.findall(r'(\w+)="([^"]*)"', head.decode("utf-8", "replace")))
        parts[names.get("name", "")] = (names.get("filename"), content.removesuffix(b"\r\n"))
    return parts


class BatchDesk:
    """What the service knows about files and batches."""

    def __init__(self, settings: BatchSettings, work: Work) -> None:
        self.settings = settings
        self.files: dict[str, StoredFile] = {}
        self._batches: dict[str, _Batch] = {}
        self._work = work

    async def reply(
        self, http: HttpRequest, body: dict[str, Any], found: re.Match[str]
    ) -> Reply | None:
        """Answers a request about files or batches, or gives None for one there is no way to."""
        name = found["id"] or ""
        match (http.method, found["kind"], bool(name), found["act"]):
            case ("POST", "files", False, None):
                return Reply.of(self.upload(http.headers.get("content-type", ""), http.body))
            case ("GET", "files", True, None):
                return Reply.of(self.file(name).payload())
            case ("GET", "files", True, "content"):
                content = self.file(name).content
                return Reply(body=content, content_type="application/octet-stream")
            case ("DELETE", "files", True, None):
                return Reply.of(self.delete(name))
            case ("POST", "batches", False, None):
                return Reply.of(self.create(body))
            case ("GET", "batches", False, None):
                return Reply.of(self.listed())
            case ("GET", "batches", True, None):
                return Reply.of(await self.poll(name))
            case ("POST", "batches", True, "cancel"):
                return Reply.of(self.cancel(name))
        return None

    # Files

    def upload(self, content_type: str, body: bytes) -> dict[str, Any]:
        parts = parse_multipart(content_type, body)
        purpose = parts.get("purpose", (None, b""))[1].decode()
        if purpose != "batch":
            raise ApiError(f"Invalid value: {purpose!r} for 'purpose'.", "purpose", "invalid_value")
        if "file" not in parts:
            raise ApiError("'file' is a required property", "file")
        filename, content = parts["file"]
        return self._store(filename or "upload", purpose, content).payload()

    def _store(self, filename: str, purpose: str, content: bytes) -> StoredFile:
        stored = StoredFile(f"file-{len(self.files) + 1:06d}", filename, purpose, content)
        self.files[stored.id] = stored
        return stored

    def file(self, file_id: str) -> StoredFile:
        stored = self.files.get(file_id)
        if stored is None or stored.purpose == "deleted":
            raise ApiError(f"No such File object: {file_id}", "id", status=404)
        return stored

    def delete(self, file_id: str) -> dict[str, Any]:
        self.file(file_id).purpose = "deleted"
        return {"id": file_id, "object": "file", "deleted": True}

    # Batches

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        known = {
            "completion_window",
            "endpoint",
            "input_file_id",
            "metadata",
            "output_expires_after",
        }
        for name in body:
            if name not in known:
                raise ApiError(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        if body.get("endpoint") not in ENDPOINTS:
            raise ApiError("Invalid value for 'endpoint'.", "endpoint", "invalid_value")
        if body.get("completion_window") != "24h":
            param = "completion_window"
            raise ApiError("Invalid value for 'completion_window': only '24h'.", param)
        stored = self.file(str(body.get("input_file_id")))
        now = int(time.time())
        lines, errors = _parsed_lines(stored.content, body["endpoint"])
        record = {
            "id": f"batch_{len(self._batches) + 1:06d}",
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": stored.id,
            "completion_window": "24h",
            "status": "validating",
            "errors": {"object": "list", "data": errors} if errors else None,
            "output_file_id": None,
            "error_file_id": None,
            "created_at": now,
            "expires_at": now + LIFE_S,
            "metadata": body.get("metadata"),
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        self._batches[record["id"]] = _Batch(record, lines)
        return record

    def _batch(self, batch_id: str) -> _Batch:
        if batch_id not in self._batches:
            raise ApiError(f"No batch found with id '{batch_id}'.", status=404)
        return self._batches[batch_id]

    def listed(self) -> dict[str, Any]:
        data = [batch.record for batch in reversed(self._batches.values())]
        return {"object": "list", "data": data, "has_more": False}

    def cancel(self, batch_id: str) -> dict[str, Any]:
        batch = self._batch(batch_id)
        status = batch.record["status"]
        if status not in ("validating", "in_progress"):
            raise ApiError(f"Cannot cancel a batch with status '{status}'.", status=409)
        batch.record |= {"status": "cancelling", "cancelling_at": int(time.time())}
        return batch.record

    async def poll(self, batch_id: str) -> dict[str, Any]:
        """The batch as it stands; each look moves it on."""
        batch = self._batch(batch_id)
        status = batch.record["status"]
        if status == "cancelling":
            self._end(batch, "cancelled")
        elif status in ("validating", "in_progress"):
            await self._move_on(batch)
        return batch.record

    async def _move_on(self, batch: _Batch) -> None:
        if batch.record["errors"]:
            self._end(batch, "failed")
            return
        batch.polls += 1
        waits = self.settings.polls
        ended = batch.polls > waits
        until = len(batch.lines) * batch.polls // (waits + 1) if not ended else len(batch.lines)
        limit = self.settings.expire_after
        expired = limit is not None and limit < len(batch.lines)
        if limit is not None:
            until = min(until, limit)
        batch.record["status"] = "in_progress"
        batch.record.setdefault("in_progress_at", int(time.time()))
        for line in batch.lines[batch.worked : until]:
            await self._work_off(batch, line)
        if ended:
            self._end(batch, "expired" if expired else "completed")

    async def _work_off(self, batch: _Batch, line: dict[str, Any]) -> None:
        custom_id = line["custom_id"]
        if custom_id in self.settings.failing:
            error = ApiError("The server had an error.", status=500, kind="server_error")
            status, payload = error.status, error.payload()
        else:
            status, payload = await self._work(line["url"], line["body"], custom_id)
        response = {"status_code": status, "request_id": f"req_{custom_id}", "body": payload}
        result = _result(custom_id, response=response)
        (batch.done if status == 200 else batch.failed).append(result)
        batch.record["request_counts"] |= {
            "completed": len(batch.done),
            "failed": len(batch.failed),
        }

    def _end(self, batch: _Batch, status: str) -> None:
        """Writes the result files and closes the batch."""
        code = {"expired": "batch_expired", "cancelled": "batch_cancelled"}.get(status)
        for line in batch.lines[batch.worked :] if code else ():
            message = "This request could not be executed before the batch ended."
            error = {"code": code, "message": message}
            batch.failed.append(_result(line["custom_id"], error=error))
        batch.record["request_counts"]["failed"] = len(batch.failed)
        order = random.Random(self.settings.seed)
        for name, results in (("output", batch.done), ("error", batch.failed)):
            if not results:
                continue
            shuffled = order.sample(results, len(results))
            content = "".join(json.dumps(result) + "\n" for result in shuffled).encode()
            filename = f"{batch.record['id']}_{name}.jsonl"
            stored = self._store(filename, "batch_output", content)
            batch.record[f"{name}_file_id"] = stored.id
        batch.record |= {"status": status, f"{status}_at": int(time.time())}


def _result(custom_id: str, **outcome: Any) -> dict[str, Any]:
    result = {"id": f"batch_req_{custom_id}", "custom_id": custom_id}
    return result | {"response": None, "error": None} | outcome


def _parsed_lines(
    content: bytes, endpoint: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The input's lines, and what is wrong with them in the service's shape."""
    lines: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, text in enumerate(content.splitlines(), start=1):
        if not text.strip():
            continue
        line, problem = _parsed_line(text, endpoint, seen)
        if problem is None:
            seen.add(line["custom_id"])
            lines.append(line)
        else:
            code, message = problem
            errors.append({"code": code, "message": message, "line": number, "param": None})
    if not lines and not errors:
        message = "The input file is empty."
        errors.append({"code": "empty_file", "message": message, "line": None, "param": None})
    return lines, errors


def _parsed_line(
    text: bytes, endpoint: str, seen: set[str]
) -> tuple[dict[str, Any], tuple[str, str] | None]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        return {}, ("invalid_json_line", "This line is not parseable as valid JSON.")
    custom_id = line.get("custom_id")
    if not isinstance(custom_id, str) or not isinstance(line.get("body"), dict):
        return line, ("missing_required_parameter", "custom_id and body are required.")
    if custom_id in seen:
        return line, ("duplicate_custom_id", f"The custom_id {custom_id!r} is used twice.")
    if line.get("method") != "POST" or line.get("url") != endpoint:
        return line, ("mismatched_url", f"method and url must be POST and {endpoint}.")
    return line, None

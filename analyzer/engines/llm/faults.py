"""What can go wrong between here and the model, sorted by what follows from it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Literal

import openai

from analyzer.engines.llm.endpoint_memory import Feature
from analyzer.engines.llm.rate_limits import parse_retry_after
from analyzer.errors import ConfigError

#: ``again``: may succeed later; ``limited``: the same, and everybody waits; ``unsupported``: may
#: succeed if less is asked for; ``settings``: no request can succeed; ``request``: this one cannot;
#: ``too_long``: it may in smaller pieces; ``filtered``: the provider's filter stopped it.
Kind = Literal["again", "limited", "unsupported", "settings", "request", "too_long", "filtered"]

_MODE = re.compile(
    r"response_format|json_schema|json mode|json_object|structured|grammar|tool|function|schema",
    re.IGNORECASE,
)
_TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
_LIMIT = re.compile(r"max_(?:completion_)?tokens", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context.{0,12}(?:length|window|size)|too (?:long|many tokens)|maximum context", re.IGNORECASE
)
_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _CONFLICT, _TOO_MANY = 401, 403, 404, 408, 409, 429
_BAD_REQUESTS = frozenset((400, 422))
_SERVER = 500


class ContextOverflow(Exception):  # noqa: N818 - it says what is the matter
    """The request does not fit the model's window."""


@dataclass(frozen=True)
class Trouble:
    """One failed request.

    Attributes:
        kind: What follows from it.
        told: A short name that holds no word of the request.
        status: HTTP status, None where there was no answer.
        retry_after_s: Seconds that the server asks to wait, or None.
        feature: What was refused, for ``unsupported``.
    """

    kind: Kind
    told: str
    status: int | None = None
    retry_after_s: float | None = None
    feature: Feature | None = None


def trouble_of(error: Exception) -> Trouble:
    """Sort an exception of the client's."""
    status = getattr(error, "status_code", None)
    if isinstance(error, openai.APIStatusError) or isinstance(status, int):
        return _of_status(error, int(status or 0))
    if isinstance(error, openai.APITimeoutError):
        return Trouble("again", "no answer in time")
    if isinstance(error, openai.APIConnectionError):
        return Trouble("again", "no connection, or it was cut")
    if "ContextOverflow" in type(error).__name__:
        return Trouble("too_long", "the request is too long for the model")
    # A body that is no JSON, or JSON of another shape, comes out of the client in many ways.
    return Trouble("again", f"an answer that cannot be read ({type(error).__name__})")


def _of_status(error: Any, status: int) -> Trouble:
    body = getattr(error, "body", None)
    body = body if isinstance(body, dict) else {}
    inner = body.get("error")
    about: dict[str, Any] = inner if isinstance(inner, dict) else body
    code = str(about.get("code") or getattr(error, "code", None) or "")
    message = str(about.get("message") or getattr(error, "message", None) or "")
    param = str(about.get("param") or "")
    told = f"status {status}" + (f", {code[:60]}" if code else "")
    if status == _TOO_MANY and code not in {"insufficient_quota", "billing_hard_limit_reached"}:
        return Trouble("limited", told, status, _retry_after(error))
    if status >= _SERVER or status in {_TIMEOUT, _CONFLICT}:
        return Trouble("again", told, status, _retry_after(error))
    if status in {_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY}:
        return Trouble("settings", told, status)
    if "content_filter" in f"{code} {message}":
        return Trouble("filtered", told, status)
    if _TOO_LONG.search(f"{code} {message}") and not _LIMIT.search(param):
        return Trouble("too_long", told, status)
    if status in _BAD_REQUESTS:
        features: tuple[tuple[Feature, re.Pattern[str]], ...] = (
            ("temperature", _TEMPERATURE), ("limit", _LIMIT), ("mode", _MODE),
        )  # fmt: skip
        for feature, pattern in features:
            if pattern.search(param or message):
                return Trouble("unsupported", told, status, feature=feature)
    return Trouble("request", told, status)


def _retry_after(error: Any) -> float | None:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    return parse_retry_after(
        {k.lower(): v for k, v in dict(headers).items()}, dt.datetime.now(dt.UTC)
    )


def is_about(trouble: Trouble) -> Feature:
    """The feature that was refused."""
    return trouble.feature or "mode"


def as_config_error(trouble: Trouble, model: str, address: str) -> ConfigError:
    """A fault of the settings in one sentence with its mend."""
    if trouble.status == _UNAUTHORISED:
        return ConfigError(f"The endpoint {address} refused the key (401); correct OPENAI_API_KEY.")
    if trouble.status == _FORBIDDEN:
        return ConfigError(
            f"The key may not use model {model!r} at {address} (403); name another with "
            "WORDBOND_MODEL, or use a key that may."
        )
    if trouble.status == _NOT_FOUND:
        return ConfigError(
            f"There is no model {model!r} at {address} (404); correct WORDBOND_MODEL, or "
            "OPENAI_BASE_URL, which usually ends in /v1."
        )
    return ConfigError(
        f"The account behind OPENAI_API_KEY has no credit left at {address} ({trouble.told}); add "
        "some, or use another key."
    )


def describe_trouble(trouble: Trouble, address: str) -> str:
    """What happened, in half a sentence without a word of the request."""
    if trouble.kind == "request":
        return (
            f"The endpoint {address} refused the request ({trouble.told}); `wordbond doctor` says "
            "what it can do."
        )
    return f"the endpoint {address} gave {trouble.told}"

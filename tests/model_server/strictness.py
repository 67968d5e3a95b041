"""What the service refuses, with its status codes and its error shape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, get_args

from tests.model_server.answers import ChatRequest, Mode
from tests.model_server.schema_rules import strict_problem

ALL_MODES: frozenset[Mode] = frozenset(get_args(Mode))

CHAT_FIELDS = frozenset({
    "messages", "model", "audio", "frequency_penalty", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_retention",
    "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop",
    "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs",
    "top_p", "user", "verbosity", "web_search_options",
})  # fmt: skip
EMBEDDING_FIELDS = frozenset({"input", "model", "dimensions", "encoding_format", "user"})
MESSAGE_FIELDS = frozenset({"role", "content", "name", "refusal", "tool_calls", "tool_call_id"})
ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh"})
TIERS = frozenset({"auto", "default", "flex", "scale", "priority"})
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MAX_INPUTS = 2048

RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2), "top_p": (0, 1), "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2), "max_tokens": (1, 1_000_000),
    "max_completion_tokens": (1, 1_000_000), "n": (1, 1), "top_logprobs": (0, 20),
}  # fmt: skip
WHOLE_NUMBERS = frozenset({"max_tokens", "max_completion_tokens", "n", "top_logprobs", "seed"})
CHOICES = {"reasoning_effort": EFFORTS, "service_tier": TIERS, "verbosity": EFFORTS}
TYPES: dict[str, type | tuple[type, ...]] = {
    "user": str, "store": bool, "metadata": dict, "stop": (str, list), "logprobs": bool,
    "parallel_tool_calls": bool, "stream": bool, "prompt_cache_key": str,
    "safety_identifier": str, "tools": list, "response_format": dict, "logit_bias": dict,
}  # fmt: skip


@dataclass
class ApiError(Exception):
    """A refusal in the shape the service gives it."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    kind: str = "invalid_request_error"
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}


def check_key(headers: Mapping[str, str], api_key: str | None) -> None:
    """The bearer key is the right one."""
    given = headers.get("authorization", "")
    if api_key is None or given == f"Bearer {api_key}":
        return
    message = "You didn't provide an API key." if not given else "Incorrect API key provided."
    raise ApiError(message, code="invalid_api_key", status=401)


def parse_json(body: bytes) -> dict[str, Any]:
    """A request's body as a JSON object."""
    try:
        parsed = json.loads(body)
    except ValueError as problem:
        message = f"We could not parse the JSON body of your request: {problem}"
        raise ApiError(message) from problem
    if not isinstance(parsed, dict):
        raise ApiError("The JSON body of your request must be an object.")
    return parsed


def check_model(body: dict[str, Any], models: Collection[str]) -> None:
    """The request names a model that is there."""
    model = body.get("model")
    if not isinstance(model, str):
        raise ApiError("you must provide a model parameter")
    if model not in models:
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise ApiError(message, code="model_not_found", status=404)


def _check_fields(body: dict[str, Any], known: frozenset[str], where: str = "") -> None:
    for name in body:
        if name not in known:
            param = where + name
            raise ApiError(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def check_chat(
    body: dict[str, Any], *, models: Collection[str], modes: Collection[str]
) -> Callable[..., ChatRequest]:
    """Refuses what the service would refuse; else gives what makes the request from its number."""
    check_model(body, models)
    _check_fields(body, CHAT_FIELDS)
    _check_values(body)
    if body.get("stream"):
        raise ApiError("Streaming is not supported by this server.", "stream", "unsupported_value")
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise ApiError(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
            "invalid_parameter_combination",
        )
    _check_messages(body.get("messages"))
    tool = _check_tools(body)
    mode, name, schema = _check_format(body)
    for wanted in {mode, *(("tools",) if "tools" in body else ())}:
        _check_mode(wanted, modes)
    if tool is not None:
        mode, name, schema = "tools", tool["name"], tool.get("parameters")

    def build(**rest: Any) -> ChatRequest:
        return ChatRequest(body=body, mode=mode, schema=schema, schema_name=name, **rest)

    return build


def _check_mode(mode: str, modes: Collection[str]) -> None:
    if mode in modes:
        return
    if mode == "tools":
        raise ApiError("tools is not supported with this model.", "tools", "unsupported_parameter")
    if mode == "plain":
        raise ApiError("A response_format is required by this model.", "response_format")
    message = f"response_format of type '{mode}' is not supported with this model."
    raise ApiError(f"Invalid parameter: {message}", "response_format")


def _check_values(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if value is None:
            continue
        if name in RANGES or name in WHOLE_NUMBERS:
            _check_number(name, value)
        if name in CHOICES and value not in CHOICES[name]:
            raise ApiError(f"Invalid value: {value!r} for '{name}'.", name, "invalid_value")
        if name in TYPES and not isinstance(value, TYPES[name]):
            raise ApiError(f"Invalid type for '{name}': {value!r}.", name, "invalid_type")
    stop = body.get("stop")
    if isinstance(stop, list) and not 1 <= len(stop) <= 4:
        raise ApiError("Invalid 'stop': expected 1 to 4 sequences.", "stop")


def _check_number(name: str, value: object) -> None:
    wanted: tuple[type, ...] = (int,) if name in WHOLE_NUMBERS else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise ApiError(f"Invalid type for '{name}': {value!r}.", name, "invalid_type")
    if name not in RANGES:
        return
    low, high = RANGES[name]
    if not low <= value <= high:
        below = value < low
        code, bound = ("decimal_below_min_value", f">= {low}") if below else (
            "decimal_above_max_value", f"<= {high}"
        )  # fmt: skip
        message = f"Invalid '{name}': Expected a value {bound}, but got {value} instead."
        raise ApiError(message, name, code)


def _check_messages(messages: object) -> None:
    if messages is None:
        raise ApiError(
            "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"
        )
    if not isinstance(messages, list):
        raise ApiError("Invalid type for 'messages'.", "messages", "invalid_type")
    if not messages:
        message = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        raise ApiError(message, "messages", "empty_array")
    for number, one in enumerate(messages):
        _check_message(one, f"messages[{number}]")


def _check_message(message: object, where: str) -> None:
    if not isinstance(message, dict):
        raise ApiError(f"Invalid type for '{where}'.", where, "invalid_type")
    _check_fields(message, MESSAGE_FIELDS, f"{where}.")
    role = message.get("role")
    if role not in ROLES:
        raise ApiError(
            f"Invalid value: {role!r} for '{where}.role'.", f"{where}.role", "invalid_value"
        )
    content = message.get("content")
    if content is None and role == "assistant" and message.get("tool_calls"):
        return
    if not isinstance(content, str):
        param = f"{where}.content"
        raise ApiError(f"Invalid type for '{param}': expected a string.", param, "invalid_type")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        param = f"{where}.tool_call_id"
        raise ApiError(
            f"Missing required parameter: '{param}'.", param, "missing_required_parameter"
        )


def _check_format(body: dict[str, Any]) -> tuple[Mode, str | None, dict[str, Any] | None]:
    wanted = body.get("response_format") or {"type": "text"}
    kind = wanted.get("type")
    where = "response_format"
    if kind == "json_schema":
        _check_fields(wanted, frozenset({"type", "json_schema"}), f"{where}.")
        given = wanted.get("json_schema")
        where = f"{where}.json_schema"
        if not isinstance(given, dict):
            raise ApiError(
                f"Missing required parameter: '{where}'.", where, "missing_required_parameter"
            )
        _check_fields(given, frozenset({"name", "description", "schema", "strict"}), f"{where}.")
        name = _checked_name(given, where)
        if not isinstance(given.get("schema"), dict):
            param = f"{where}.schema"
            raise ApiError(
                f"Missing required parameter: '{param}'.", param, "missing_required_parameter"
            )
        if given.get("strict"):
            problem = _strict_problem(json.dumps(given["schema"]))
            if problem:
                message = f"Invalid schema for response_format '{name}': {problem}"
                raise ApiError(message, "response_format")
        return "json_schema", name, given["schema"]
    _check_fields(wanted, frozenset({"type"}), f"{where}.")
    if kind == "json_object":
        if not any("json" in (m.get("content") or "").lower() for m in body["messages"]):
            raise ApiError(
                "'messages' must contain the word 'json' in some form, to use "
                "'response_format' of type 'json_object'.",
                "messages",
            )
        return "json_object", None, None
    if kind != "text":
        raise ApiError(f"Invalid value: {kind!r}.", "response_format.type", "invalid_value")
    return "plain", None, None


@lru_cache(maxsize=64)
def _strict_problem(schema: str) -> str | None:
    return strict_problem(json.loads(schema))


def _checked_name(given: dict[str, Any], where: str) -> str:
    name, param = given.get("name"), f"{where}.name"
    if not isinstance(name, str):
        raise ApiError(
            f"Missing required parameter: '{param}'.", param, "missing_required_parameter"
        )
    if not NAME.fullmatch(name):
        message = f"Invalid '{param}': does not match pattern '^[a-zA-Z0-9_-]{{1,64}}$'."
        raise ApiError(message, param, "invalid_value")
    return name


def _check_tools(body: dict[str, Any]) -> dict[str, Any] | None:
    """The function that is going to be called, or None."""
    tools = body.get("tools")
    if not tools:
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            if body.get(name) is not None:
                message = f"'{name}' is only allowed when 'tools' are specified."
                raise ApiError(message, name)
        return None
    functions = [_checked_tool(tool, number) for number, tool in enumerate(tools)]
    choice = body.get("tool_choice", "auto")
    if choice == "none":
        return None
    if choice in ("auto", "required"):
        return functions[0]
    wanted = None
    if isinstance(choice, dict) and set(choice) == {"type", "function"}:
        wanted = choice["function"].get("name") if isinstance(choice["function"], dict) else None
    for function in functions:
        if wanted == function["name"]:
            return function
    raise ApiError(f"Invalid value for 'tool_choice': {choice!r}.", "tool_choice", "invalid_value")


def _checked_tool(tool: object, number: int) -> dict[str, Any]:
    where = f"tools[{number}]"
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise ApiError(f"Invalid value: '{where}.type'.", f"{where}.type", "invalid_value")
    _check_fields(tool, frozenset({"type", "function"}), f"{where}.")
    function = tool.get("function")
    where = f"{where}.function"
    if not isinstance(function, dict):
        raise ApiError(
            f"Missing required parameter: '{where}'.", where, "missing_required_parameter"
        )
    _check_fields(function, frozenset({"name", "description", "parameters", "strict"}), f"{where}.")
    name = _checked_name(function, where)
    if function.get("strict"):
        problem = _strict_problem(json.dumps(function.get("parameters")))
        if problem:
            message = f"Invalid schema for function '{name}': {problem}"
            raise ApiError(message, f"{where}.parameters", "invalid_function_parameters")
    return function


def check_embeddings(body: dict[str, Any], *, models: Collection[str]) -> list[str]:
    """Refuses a bad request for embeddings; else the texts, where tokens stand for themselves."""
    check_model(body, models)
    _check_fields(body, EMBEDDING_FIELDS)
    if body.get("encoding_format", "float") not in ("float", "base64"):
        raise ApiError("Invalid value for 'encoding_format'.", "encoding_format", "invalid_value")
    dimensions = body.get("dimensions", 1)
    if not isinstance(dimensions, int) or dimensions < 1:
        raise ApiError("Invalid value for 'dimensions'.", "dimensions", "invalid_value")
    given = body.get("input")
    if isinstance(given, str) or (
        isinstance(given, list) and given and all(isinstance(part, int) for part in given)
    ):
        given = [given]
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_INPUTS:
        raise ApiError("'$.input' is invalid.", "input")
    if not all(isinstance(part, str | list) and part for part in given):
        raise ApiError("'$.input' is invalid.", "input")
    return [part if isinstance(part, str) else repr(part) for part in given]

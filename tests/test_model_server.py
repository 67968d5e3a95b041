"""The model server as the real clients see it: what it refuses, how it fails, what it counts."""

from __future__ import annotations

import asyncio
import copy
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import openai
import pytest
from langchain_openai import ChatOpenAI
from openai import OpenAI

from tests.model_server.answers import Answer, ChatRequest, FromTable, Script
from tests.model_server.batches import BatchSettings
from tests.model_server.faults import ALL_KINDS, BEFORE_THE_MODEL, FaultPlan
from tests.model_server.schema_rules import strict_problem
from tests.model_server.server import ModelServer

Method = Literal["function_calling", "json_mode", "json_schema"]
ROOT = Path(__file__).parents[1]
MOMENT = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["promise", "stonewall"]},
        "quote": {"type": "string", "description": "The words that were said."},
        "clauses": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["kind", "quote", "clauses", "note"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"moments": {"type": "array", "items": {"$ref": "#/$defs/Moment"}}},
    "required": ["moments"],
    "additionalProperties": False,
    "$defs": {"Moment": MOMENT},
}
GOOD = {
    "moments": [
        {"kind": "promise", "quote": "I will call you.", "clauses": ["FEE-1"], "note": None}
    ]
}
HELLO = [{"role": "user", "content": "Hello, answer in JSON."}]


def good(_: ChatRequest) -> dict[str, Any]:
    return GOOD


def format_of(schema: object = SCHEMA, name: str = "moments") -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "strict": True, "schema": schema},
    }


def tool_of(schema: object = SCHEMA, name: str = "moments") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "strict": True, "parameters": schema}}


class Client:
    """The openai client, with no retries unless a test asks for them."""

    def __init__(self, server: ModelServer, **settings: Any) -> None:
        settings = {"api_key": "sk-test", "max_retries": 0, "timeout": 5, **settings}
        self.openai = OpenAI(base_url=server.base_url, **settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.openai.close()

    def ask(self, **body: Any) -> Any:
        body = {"model": "test-model", "messages": HELLO, **body}
        return self.openai.chat.completions.create(**body)


@pytest.fixture(scope="module")
def served() -> Iterator[ModelServer]:
    with ModelServer(good) as server:
        yield server


@pytest.fixture(scope="module")
def client(served: ModelServer) -> Iterator[Client]:
    with Client(served) as client:
        yield client


def refusal(client: Client, **body: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        client.ask(**body)
    return caught.value


# Answers


@pytest.mark.parametrize(
    "ask",
    [
        {},
        {"response_format": {"type": "json_object"}},
        {"response_format": format_of()},
    ],
)
def test_a_good_request_is_answered(client: Client, ask: dict[str, Any]) -> None:
    said = client.ask(**ask, temperature=0, max_completion_tokens=100, seed=1)
    assert json.loads(said.choices[0].message.content) == GOOD
    assert said.choices[0].finish_reason == "stop"
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens


@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ("required", "tool_calls"),
        ("auto", "tool_calls"),
        ({"type": "function", "function": {"name": "moments"}}, "stop"),
    ],
)
def test_an_answer_to_a_tool_goes_out_as_a_call(client: Client, choice: Any, finish: str) -> None:
    said = client.ask(tools=[tool_of()], tool_choice=choice, parallel_tool_calls=False)
    [call] = said.choices[0].message.tool_calls
    assert call.function.name == "moments"
    assert json.loads(call.function.arguments) == GOOD
    assert said.choices[0].message.content is None
    assert said.choices[0].finish_reason == finish


def test_a_tool_that_may_not_be_called_is_not(client: Client) -> None:
    said = client.ask(tools=[tool_of()], tool_choice="none")
    assert said.choices[0].message.tool_calls is None
    assert said.choices[0].message.content


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_langchain_is_served_in_every_mode(served: ModelServer, method: Method) -> None:
    model = ChatOpenAI(
        base_url=served.base_url, api_key="sk-test", model="test-model", temperature=0
    )
    schema = {"title": "moments", "description": "Moments.", **copy.deepcopy(SCHEMA)}
    strict = None if method == "json_mode" else True
    asking = model.with_structured_output(schema, method=method, strict=strict, include_raw=True)
    said = asking.invoke([("system", "Answer in JSON."), ("user", "Hello.")])
    assert said["parsed"] == GOOD
    assert said["raw"].usage_metadata["input_token_details"]["cache_read"] == 0


def test_the_answer_function_sees_the_request() -> None:
    seen: list[ChatRequest] = []

    def answer(request: ChatRequest) -> str:
        seen.append(request)
        return str(request.n)

    with ModelServer(answer) as server, Client(server) as client:
        client.ask(response_format=format_of())
        refusal(client, temperature=9)
        client.ask(tools=[tool_of(name="other")])
    assert [(one.n, one.mode, one.schema_name) for one in seen] == [
        (0, "json_schema", "moments"),
        (1, "tools", "other"),
    ]
    assert seen[0].schema == seen[1].schema == SCHEMA
    assert seen[0].text == HELLO[0]["content"]
    assert [one.path for one in server.requests] == ["/v1/chat/completions"] * 3
    assert server.requests[1].body["temperature"] == 9
    assert server.requests[0].headers["authorization"] == "Bearer sk-test"


def test_a_script_that_runs_dry_is_told() -> None:
    script = Script(["one", {"two": 2}, lambda request: f"three {request.n}"])
    with ModelServer(script) as server, Client(server, max_retries=3) as client:
        said = [client.ask().choices[0].message.content for _ in range(3)]
        assert said == ["one", '{"two": 2}', "three 2"]
        assert "ran dry at request 3" in str(refusal(client))
    assert len(server.errors) == 1
    assert len(server.requests) == 4


def test_a_table_answers_by_what_is_asked() -> None:
    table = FromTable({"Hello": "by text", lambda r: r.n == 1: Answer("cut", "length")})
    with ModelServer(table) as server, Client(server) as client:
        assert client.ask().choices[0].message.content == "by text"
        other = [{"role": "user", "content": "Bye."}]
        assert client.ask(messages=other).choices[0].finish_reason == "length"
        assert "no row of the table fits" in str(refusal(client, messages=other))


def test_latency_and_concurrency_are_measured() -> None:
    async def ask_all(server: ModelServer) -> None:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="sk-test") as client:
            asking = client.chat.completions.create
            await asyncio.gather(*(asking(model="test-model", messages=HELLO) for _ in range(8)))  # type: ignore[arg-type]

    with ModelServer(good, latency_s=0.2) as server:
        start = time.monotonic()
        asyncio.run(ask_all(server))
        assert 0.2 <= time.monotonic() - start < 1.2
    assert server.peak_in_flight == 8
    assert server.served == 8


# Refusals


def without(*path: str, **change: Any) -> dict[str, Any]:
    """The schema with one node changed; None takes a key away."""
    schema: dict[str, Any] = copy.deepcopy(SCHEMA)
    node = schema
    for key in path:
        node = node[key]
    for key, value in change.items():
        node.pop(key, None)
        if value is not None:
            node[key] = value
    return schema


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {
            "type": "object", "properties": {"a": schema}, "required": ["a"],
            "additionalProperties": False,
        }  # fmt: skip
    return schema


def wide(properties: int) -> dict[str, Any]:
    names = [f"p{number}" for number in range(properties)]
    return {
        "type": "object", "properties": {name: {"type": "string"} for name in names},
        "required": names, "additionalProperties": False,
    }  # fmt: skip


IN_MOMENT = ("$defs", "Moment")
QUOTE = (*IN_MOMENT, "properties", "quote")
KIND = (*IN_MOMENT, "properties", "kind")
CLAUSES = (*IN_MOMENT, "properties", "clauses")
BAD_SCHEMAS = {
    "open object": (without(*IN_MOMENT, additionalProperties=None), "'additionalProperties'"),
    "open root": (without(additionalProperties=True), "'additionalProperties'"),
    "optional": (without(*IN_MOMENT, required=["kind", "quote", "note"]), "Missing 'clauses'"),
    "none required": (without(*IN_MOMENT, required=None), "'required' is required"),
    "extra required": (without(required=["moments", "more"]), "Extra required key 'more'"),
    "root array": ({"type": "array", "items": {"type": "string"}}, "must have type 'object'"),
    "root anyOf": ({"anyOf": [SCHEMA]}, "'anyOf' is not permitted at the root"),
    "no properties": (without(*IN_MOMENT, properties=None, required=None), "missing properties"),
    "no items": (without(*CLAUSES, items=None), "array schema missing items"),
    "no type": (without(*QUOTE, type=None), "must have a 'type' key"),
    "unknown type": (without(*QUOTE, type="text"), "'text' is not valid"),
    "lost reference": (
        without("properties", "moments", items={"$ref": "#/$defs/Nothing"}),
        "does not point to a definition",
    ),
    "words beside a reference": (
        without("properties", "moments", items={"$ref": "#/$defs/Moment", "description": "x"}),
        "$ref cannot have keywords {'description'}",
    ),
    "enum of another type": (without(*KIND, enum=["promise", 3]), "enum value 3"),
    "empty enum": (without(*KIND, enum=[]), "'enum' must be a non-empty array"),
    "many values": (without(*KIND, enum=[str(n) for n in range(1001)]), "1001 enum values"),
    "long values": (without(*KIND, enum=["x" * 60 + str(n) for n in range(251)]), "large enum"),
    "long names": (without(*KIND, const="x" * 120_000, enum=None), "characters of names"),
    "format": (without(*QUOTE, format="uri"), "'uri' is not a supported format"),
    "lookahead": (without(*QUOTE, pattern="a(?=b)"), "regex feature"),
    "bad pattern": (without(*QUOTE, pattern="a("), "not a valid regex"),
    "deep": (nested(11), "11 levels of nesting"),
    "wide": (wide(5001), "5001 properties"),
    "same first keys": (
        without("properties", moments={"anyOf": [wide(1), wide(2)]}),
        "must not share identical first keys",
    ),
    **{
        keyword: (without(*QUOTE, **{keyword: value}), f"'{keyword}' is not permitted")
        for keyword, value in {
            "allOf": [{"type": "string"}], "oneOf": [{"type": "string"}], "not": {},
            "if": {}, "default": "x", "minLength": 1, "maxLength": 9, "dependentRequired": {},
            "patternProperties": {}, "uniqueItems": True, "examples": [],
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_SCHEMAS)
def test_a_schema_outside_the_strict_subset_is_refused(client: Client, name: str) -> None:
    schema, told = BAD_SCHEMAS[name]
    error = refusal(client, response_format=format_of(schema))
    assert error.status_code == 400
    assert told in error.message
    assert "Invalid schema for response_format 'moments': In context=" in error.message
    assert (error.type, error.param) == ("invalid_request_error", "response_format")
    error = refusal(client, tools=[tool_of(schema)])
    assert told in error.message
    assert error.code == "invalid_function_parameters"
    assert error.param == "tools[0].function.parameters"


def test_what_the_strict_subset_has_is_taken() -> None:
    kinds = [
        {
            "type": "object",
            "properties": {"kind": {"type": "string", "const": kind}, "more": {"$ref": "#"}},
            "required": ["kind", "more"],
            "additionalProperties": False,
        }
        for kind in ("a", "b")
    ]
    parts = {
        "many": {"type": "array", "items": {"anyOf": kinds}, "minItems": 1, "maxItems": 9},
        "number": {"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 2},
        "step": {"type": "integer", "multipleOf": 5, "enum": [5, 10]},
        "day": {"type": "string", "format": "date", "title": "Day", "pattern": "^(?:a|b)$"},
        "nothing": {"type": "object", "properties": {}, "additionalProperties": False},
    }
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }
    assert strict_problem(schema) is None
    assert strict_problem(nested(10)) is None
    assert strict_problem(wide(5000)) is None
    assert "must be a JSON object" in str(strict_problem(None))


LAX = format_of({"type": "object", "default": {}})
LAX["json_schema"]["strict"] = False
BAD_BODIES: list[tuple[dict[str, Any], str, str | None]] = [
    ({"extra_body": {"top_k": 5}}, "Unknown parameter: 'top_k'", "top_k"),
    ({"messages": []}, "empty array", "messages"),
    ({"extra_body": {"messages": None}}, "Missing required parameter", "messages"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "'robot'", "messages[0].role"),
    ({"messages": [{"role": "user", "content": None}]}, "string", "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "string",
     "messages[0].content"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "Missing", "messages[0].tool_call_id"),
    ({"messages": [{"role": "user", "content": "x", "at": 1}]}, "Unknown", "messages[0].at"),
    ({"temperature": 2.1}, "<= 2", "temperature"),
    ({"temperature": -1}, ">= 0", "temperature"),
    ({"temperature": "hot"}, "Invalid type", "temperature"),
    ({"max_tokens": 5, "max_completion_tokens": 5}, "at the same time", "max_tokens"),
    ({"max_tokens": 0}, ">= 1", "max_tokens"),
    ({"n": 2}, "<= 1", "n"),
    ({"seed": 1.5}, "Invalid type", "seed"),
    ({"reasoning_effort": "huge"}, "'huge'", "reasoning_effort"),
    ({"stop": ["a"] * 5}, "1 to 4", "stop"),
    ({"user": 5}, "Invalid type", "user"),
    ({"stream": True}, "Streaming is not supported", "stream"),
    ({"response_format": {"type": "xml"}}, "'xml'", "response_format.type"),
    ({"response_format": {"type": "text", "x": 1}}, "Unknown", "response_format.x"),
    ({"response_format": {"type": "json_schema"}}, "Missing", "response_format.json_schema"),
    ({"response_format": format_of(None)}, "Missing", "response_format.json_schema.schema"),
    ({"response_format": format_of(name="a b")}, "pattern", "response_format.json_schema.name"),
    ({"response_format": format_of(name="a" * 65)}, "pattern",
     "response_format.json_schema.name"),
    ({"response_format": {"type": "json_object"},
      "messages": [{"role": "user", "content": "Hello."}]}, "the word 'json'", "messages"),
    ({"tools": []}, "only allowed when", "tools"),
    ({"tool_choice": "auto"}, "only allowed when 'tools'", "tool_choice"),
    ({"parallel_tool_calls": False}, "only allowed when 'tools'", "parallel_tool_calls"),
    ({"tools": [tool_of()], "tool_choice": "any"}, "'any'", "tool_choice"),
    ({"tools": [tool_of()], "tool_choice": {"type": "function", "function": {"name": "b"}}},
     "tool_choice", "tool_choice"),
    ({"tools": [{"type": "web"}]}, "tools[0].type", "tools[0].type"),
    ({"tools": [tool_of(name="a.b")]}, "pattern", "tools[0].function.name"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "told", "param"), BAD_BODIES)
def test_a_request_the_service_would_refuse_is_refused(
    client: Client, body: dict[str, Any], told: str, param: str | None
) -> None:
    error = refusal(client, **body)
    assert error.status_code == 400
    assert error.type == "invalid_request_error"
    assert told in error.message
    assert error.param == param


def test_a_schema_that_need_not_be_followed_may_be_any(client: Client) -> None:
    assert client.ask(response_format=LAX).choices


def test_a_body_that_is_no_json_object_is_refused(served: ModelServer, client: Client) -> None:
    post = client.openai._client.post
    headers = {"authorization": "Bearer sk-test", "content-type": "application/json"}
    for content in (b"{", b"[1]"):
        reply = post(f"{served.base_url}/chat/completions", content=content, headers=headers)
        assert reply.status_code == 400
        assert "JSON body" in reply.json()["error"]["message"]


def test_keys_models_and_paths_are_checked(served: ModelServer, client: Client) -> None:
    error = refusal(client, model="gpt-9")
    assert isinstance(error, openai.NotFoundError)
    assert error.code == "model_not_found"
    assert isinstance(
        refusal(client, extra_headers={"Authorization": "Bearer no"}), openai.APIError
    )
    with Client(served, api_key="sk-wrong") as stranger:
        error = refusal(stranger)
        assert isinstance(error, openai.AuthenticationError)
        assert error.code == "invalid_api_key"
    assert [model.id for model in client.openai.models.list()] == ["test-model", "test-embedding"]
    assert client.openai.models.retrieve("test-model").id == "test-model"
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.openai.models.retrieve("gpt-9")
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client.openai.responses.create(model="test-model", input="Hello.")
    with pytest.raises(openai.APIStatusError, match="405"):
        client.openai.models.delete("test-model")


def test_a_mode_the_endpoint_lacks_is_refused() -> None:
    plain = {"response_format": {"type": "json_object"}}
    with ModelServer(good, modes={"plain"}) as server, Client(server) as client:
        assert client.ask().choices
        for body in ({"response_format": format_of()}, plain):
            assert "response_format of type" in refusal(client, **body).message
            assert "is not supported" in refusal(client, **body).message
        assert "tools is not supported" in refusal(client, tools=[tool_of()]).message
    with ModelServer(good, modes={"json_object"}, api_key=None) as server, Client(server) as client:
        assert client.ask(**plain).choices
        assert "required" in refusal(client).message


# Faults


def asked_once(kind: str, **settings: Any) -> tuple[Any, ModelServer]:
    """What the client makes of one fault: the completion or the error."""
    plan = FaultPlan.script({0: kind}, **settings)
    with ModelServer(good, faults=plan) as server, Client(server, timeout=2) as client:
        try:
            outcome: Any = client.ask(response_format=format_of())
        except openai.APIError as error:
            outcome = error
        assert client.ask().choices[0].message.content == json.dumps(GOOD)
    assert plan.by_kind_counts() == {kind: 1}
    assert [(one.n, one.kind) for one in server.injected] == [(0, kind)]
    return outcome, server


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("429", "retry-after", "0.05"),
        ("429_int", "retry-after", "1"),
        ("429_ms", "retry-after-ms", "50"),
        ("429_bare", "retry-after", None),
    ],
)
def test_rate_limits(kind: str, header: str, value: str | None) -> None:
    error, _ = asked_once(kind)
    assert isinstance(error, openai.RateLimitError)
    assert error.code == "rate_limit_exceeded"
    assert error.response.headers.get(header) == value


@pytest.mark.parametrize(("kind", "status"), [("500", 500), ("502", 502), ("503", 503)])
def test_failures_of_the_service(kind: str, status: int) -> None:
    error, _ = asked_once(kind)
    assert isinstance(error, openai.InternalServerError)
    assert error.status_code == status
    assert ("<html>" in error.response.text) == (kind == "502")


def test_a_used_up_quota() -> None:
    error, _ = asked_once("quota")
    assert error.code == "insufficient_quota"


@pytest.mark.parametrize("kind", ["timeout", "drop", "cut"])
def test_lost_connections(kind: str) -> None:
    start = time.monotonic()
    error, _ = asked_once(kind, hold_s=0.2)
    assert isinstance(error, openai.APIConnectionError)
    assert (time.monotonic() - start >= 0.2) == (kind == "timeout")


def test_a_client_that_gives_up_first_sees_a_timeout() -> None:
    plan = FaultPlan.script({0: "timeout"}, hold_s=5)
    start = time.monotonic()
    with ModelServer(good, faults=plan) as server, Client(server, timeout=0.2) as client:
        with pytest.raises(openai.APITimeoutError):
            client.ask()
        assert client.ask().choices
    assert time.monotonic() - start < 3


def test_an_answer_that_is_no_json() -> None:
    said, _ = asked_once("invalid_json")
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(said.choices[0].message.content)


@pytest.mark.parametrize("kind", ["missing_field", "wrong_enum"])
def test_an_answer_outside_the_schema(kind: str) -> None:
    said, _ = asked_once(kind)
    value = json.loads(said.choices[0].message.content)
    assert value != GOOD
    if kind == "wrong_enum":
        assert value["moments"][0]["kind"] == "no-such-value"


def test_an_answer_cut_off_by_its_length() -> None:
    said, _ = asked_once("truncated")
    assert said.choices[0].finish_reason == "length"
    assert json.dumps(GOOD).startswith(said.choices[0].message.content)


def test_a_refusal_and_a_filtered_answer() -> None:
    said, _ = asked_once("refusal")
    assert said.choices[0].message.content is None
    assert "can't assist" in said.choices[0].message.refusal
    said, _ = asked_once("content_filter")
    assert said.choices[0].message.content is None
    assert said.choices[0].finish_reason == "content_filter"


def test_evidence_that_is_made_up() -> None:
    said, _ = asked_once("false_quote")
    [moment] = json.loads(said.choices[0].message.content)["moments"]
    assert "Zebras" in moment["quote"]
    assert moment["clauses"] == ["FEE-1"]
    said, _ = asked_once("false_clause")
    [moment] = json.loads(said.choices[0].message.content)["moments"]
    assert moment["clauses"] == ["no-such-book/99.9"]
    assert moment["quote"] == "I will call you."


def test_a_huge_answer_and_a_slow_one() -> None:
    said, _ = asked_once("huge")
    assert len(said.choices[0].message.content) > 4_000_000
    assert said.usage.completion_tokens > 1_000_000
    assert json.loads(said.choices[0].message.content)["moments"][0]["kind"] == "promise"
    start = time.monotonic()
    said, _ = asked_once("slow", slow_s=0.3)
    assert time.monotonic() - start >= 0.3
    assert json.loads(said.choices[0].message.content) == GOOD


def test_faults_by_chance_are_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[str | None]:
        plan = FaultPlan(rate=0.3, seed=seed)
        faults = [plan.draw("/v1/chat/completions", None) for _ in range(1000)]
        return [fault.kind if fault else None for fault in faults]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 250 < sum(kind is not None for kind in drawn(1)) < 350
    assert {*drawn(1)} == {None, *ALL_KINDS}
    with pytest.raises(ValueError, match="no such kinds"):
        FaultPlan(kinds=["gremlins"])


def test_faults_by_the_request_and_the_clients_own_retries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    script = Script(["one", "two"])
    tries = iter(["429", "drop", "cut", "500", None, None])
    plan = FaultPlan.when(lambda request: next(tries) if request.mode == "plain" else None)
    with ModelServer(script, faults=plan) as server, Client(server, max_retries=5) as client:
        assert client.ask().choices[0].message.content == "one"
        assert client.ask(response_format=format_of()).choices[0].message.content == "two"
    assert plan.by_kind_counts() == {"429": 1, "drop": 1, "cut": 1, "500": 1}
    assert script.left == 0
    assert len(server.requests) == 6


def test_a_fault_with_nothing_to_spoil_is_not_counted() -> None:
    plan = FaultPlan.script({0: "false_quote"})
    with ModelServer(lambda _: "no JSON", faults=plan) as server, Client(server) as client:
        assert client.ask().choices[0].message.content == "no JSON"
    assert plan.by_kind_counts() == {}
    assert [one.changed for one in server.injected] == [False]


def test_faults_of_a_tools_arguments_and_of_other_paths() -> None:
    plan = FaultPlan.script({0: "truncated"})
    with ModelServer(good, faults=plan) as server, Client(server) as client:
        said = client.ask(tools=[tool_of()]).choices[0]
        assert said.finish_reason == "length"
        assert json.dumps(GOOD).startswith(said.message.tool_calls[0].function.arguments)
    plan = FaultPlan.script({0: "503"}, paths=("/v1/embeddings",))
    with ModelServer(good, faults=plan) as server, Client(server) as client:
        with pytest.raises(openai.InternalServerError):
            client.openai.embeddings.create(model="test-embedding", input="x")
        assert client.openai.embeddings.create(model="test-embedding", input="x").data


# Usage and embeddings


def test_tokens_that_stood_in_the_cache_are_counted() -> None:
    rules = "".join(f"Rule {number} is as follows. " for number in range(400))

    def cached(client: Client, system: str, user: str) -> tuple[int, int]:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        usage = client.ask(messages=messages).usage
        return usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens

    with ModelServer(good) as server, Client(server) as client:
        asked, first = cached(client, rules, "One.")
        assert first == 0
        _, second = cached(client, rules, "Another.")
        assert second % 128 == 0
        assert asked - 136 <= second <= asked
        assert cached(client, rules[: 6 * 512] + "x" * 9000, "One.")[1] == 0
        assert cached(client, rules[: 9 * 512] + "y" * 9000, "One.")[1] in (1024, 1152)
        for number in range(51):
            cached(client, f"{number}" + "z" * 600, "x")
        assert cached(client, rules, "One.")[1] == 0


def test_usage_can_be_said() -> None:
    def answer(_: ChatRequest) -> Answer:
        return Answer("x", usage={"prompt_tokens": 7})

    with ModelServer(answer) as server, Client(server) as client:
        assert client.ask().usage.prompt_tokens == 7


def test_embeddings_are_unit_vectors_that_stay_the_same(client: Client) -> None:
    create = client.openai.embeddings.create
    texts = ["a late fee is refunded", "the late fee is refunded", "zebras juggle lanterns"]
    packed = create(model="test-embedding", input=texts)
    plain = create(model="test-embedding", input=texts, encoding_format="float")
    vectors = np.array([one.embedding for one in packed.data])
    assert vectors.shape == (3, 64)
    assert np.allclose(vectors, [one.embedding for one in plain.data])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
    short = create(model="test-embedding", input="x", dimensions=8)
    assert len(short.data[0].embedding) == 8
    assert create(model="test-embedding", input=[[1, 2], [3]]).usage.prompt_tokens > 0
    bad: list[dict[str, Any]] = [
        {"input": ""}, {"input": []}, {"input": ["a", ""]}, {"input": "x", "dimensions": 0},
        {"input": "x", "encoding_format": "int8"}, {"input": "x", "extra_body": {"y": 1}},
    ]  # fmt: skip
    for body in bad:
        with pytest.raises(openai.BadRequestError):
            create(model="test-embedding", **body)


# Files and batches


def batch_lines(count: int) -> bytes:
    body = {"model": "test-model", "messages": HELLO, "response_format": format_of()}
    lines = [
        {"custom_id": f"c{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for n in range(count)
    ]
    lines[-1]["body"] = body | {"temperature": 9}
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def start_batch(client: Client, content: bytes) -> Any:
    stored = client.openai.files.create(file=("in.jsonl", content), purpose="batch")
    assert client.openai.files.content(stored.id).read() == content
    return client.openai.batches.create(
        input_file_id=stored.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"run": "one"},
    )


def results(client: Client, file_id: str | None) -> dict[str, Any]:
    if file_id is None:
        return {}
    lines = client.openai.files.content(file_id).text.splitlines()
    return {line["custom_id"]: line for line in map(json.loads, lines)}


def test_a_batch_goes_round() -> None:
    settings = BatchSettings(polls=2, failing={"c1"})
    with ModelServer(good, batches=settings) as server, Client(server) as client:
        batch = start_batch(client, batch_lines(6))
        assert batch.status == "validating"
        read = client.openai.batches.retrieve
        seen = [read(batch.id) for _ in range(3)]
        assert [one.status for one in seen] == ["in_progress", "in_progress", "completed"]
        assert [one.request_counts.completed for one in seen] == [1, 3, 4]
        assert seen[-1].request_counts.failed == 2
        assert seen[-1].metadata == {"run": "one"}
        done = results(client, seen[-1].output_file_id)
        assert sorted(done) == ["c0", "c2", "c3", "c4"] != list(done)
        answered = done["c0"]["response"]["body"]["choices"][0]["message"]["content"]
        assert json.loads(answered) == GOOD
        failed = results(client, seen[-1].error_file_id)
        assert failed["c1"]["response"]["status_code"] == 500
        assert failed["c5"]["response"]["body"]["error"]["param"] == "temperature"
        assert [one.id for one in client.openai.batches.list()] == [batch.id]
        with pytest.raises(openai.ConflictError, match="Cannot cancel"):
            client.openai.batches.cancel(batch.id)


def test_a_batch_expires_with_part_of_it_done() -> None:
    settings = BatchSettings(expire_after=2)
    with ModelServer(good, batches=settings) as server, Client(server) as client:
        ended = client.openai.batches.retrieve(start_batch(client, batch_lines(5)).id)
        assert ended.status == "expired"
        assert sorted(results(client, ended.output_file_id)) == ["c0", "c1"]
        lost = results(client, ended.error_file_id)
        assert {line["error"]["code"] for line in lost.values()} == {"batch_expired"}
        assert len(lost) == 3


def test_a_batch_is_cancelled() -> None:
    with ModelServer(good, batches=BatchSettings(polls=9)) as server, Client(server) as client:
        batch = start_batch(client, batch_lines(20))
        client.openai.batches.retrieve(batch.id)
        assert client.openai.batches.cancel(batch.id).status == "cancelling"
        ended = client.openai.batches.retrieve(batch.id)
        assert ended.status == "cancelled"
        assert sorted(results(client, ended.output_file_id)) == ["c0", "c1"]


def test_a_batch_whose_file_is_bad_fails() -> None:
    content = batch_lines(2) + b"{\n" + batch_lines(1) + b'{"custom_id": "z", "body": {}}\n[]\n'
    with ModelServer(good) as server, Client(server) as client:
        ended = client.openai.batches.retrieve(start_batch(client, content).id)
        assert ended.status == "failed"
        assert [(one.line, one.code) for one in ended.errors.data] == [
            (3, "invalid_json_line"),
            (4, "duplicate_custom_id"),
            (5, "mismatched_url"),
            (6, "invalid_json_line"),
        ]


def test_faults_reach_a_batchs_lines() -> None:
    plan = FaultPlan.script({0: "429", 1: "cut", 2: "refusal"})
    with ModelServer(good, faults=plan) as server, Client(server) as client:
        ended = client.openai.batches.retrieve(start_batch(client, batch_lines(5)).id)
        failed = results(client, ended.error_file_id)
        assert [failed[name]["response"]["status_code"] for name in ("c0", "c1")] == [429, 500]
        said = results(client, ended.output_file_id)["c2"]["response"]["body"]["choices"][0]
        assert said["message"]["refusal"]


def test_files_are_deleted_and_bad_ones_refused() -> None:
    with ModelServer(good) as server, Client(server) as client:
        files, batches = client.openai.files, client.openai.batches
        stored = files.create(file=("in.jsonl", b"{}"), purpose="batch")
        assert files.retrieve(stored.id).bytes == 2
        assert files.delete(stored.id).deleted
        with pytest.raises(openai.NotFoundError):
            files.retrieve(stored.id)
        with pytest.raises(openai.BadRequestError, match="purpose"):
            files.create(file=("in.jsonl", b"{}"), purpose="assistants")
        with pytest.raises(openai.NotFoundError):
            batches.retrieve("batch_9")
        with pytest.raises(openai.BadRequestError, match="24h"):
            batches.create(
                input_file_id=stored.id,
                endpoint="/v1/embeddings",
                completion_window="1h",  # type: ignore[arg-type]
            )


# On its own


def test_the_server_runs_on_its_own_and_ends_gracefully(tmp_path: Path) -> None:
    said = tmp_path / "fixed.json"
    said.write_text(json.dumps(GOOD))
    command = [
        sys.executable,
        "-m",
        "tests.model_server",
        "--latency",
        "0.5",
        "--answer",
        str(said),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        base_url = process.stdout.readline().strip()

        async def ask_while_it_ends() -> Any:
            async with openai.AsyncOpenAI(base_url=base_url, api_key="sk-test") as client:
                asking = asyncio.create_task(
                    client.chat.completions.create(model="test-model", messages=HELLO)  # type: ignore[arg-type]
                )
                await asyncio.sleep(0.3)
                process.send_signal(signal.SIGTERM)
                return (await asking).choices[0].message.content

        assert json.loads(asyncio.run(ask_while_it_ends())) == GOOD
        _, told = process.communicate(timeout=10)
    assert process.returncode == 0
    assert json.loads(told)["served"] == 1


def test_every_kind_of_fault_has_a_test() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in (*ALL_KINDS, *BEFORE_THE_MODEL) if f'"{kind}"' not in text] == []

"""The one way to the model: a LangChain chat model, asked for JSON, retried, limited, counted.

Three things here differ from LangChain's usual ways, each for a reason. ``response_format`` goes
out through ``extra_body``, as the client's own parsing raises on an answer that was cut off and
loses its text and its tokens. Retries are made here alone (the client's are off), bounded in
number and in time, and heed ``Retry-After``. The prompt is rendered before (``analyzer.prompts``)
and the bound model kept, so that a request costs little beside the wait for its answer.
"""

from __future__ import annotations

import asyncio
import json
import time
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar, cast

import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from analyzer.config import Settings, address_without_secrets
from analyzer.domain import Usage
from analyzer.engines.llm.answers import AnswerSchema
from analyzer.engines.llm.budget import Budget, Reservation
from analyzer.engines.llm.endpoint_memory import Ability, EndpointMemory
from analyzer.engines.llm.faults import (
    ContextOverflow,
    Trouble,
    as_config_error,
    describe_trouble,
    is_about,
    trouble_of,
)
from analyzer.engines.llm.prices import Price
from analyzer.engines.llm.rate_limits import Backoff, RateLimiter
from analyzer.engines.llm.response_cache import CachedResponse, ResponseCache, cache_key
from analyzer.engines.llm.windows import estimate_tokens
from analyzer.errors import (
    CallDeferred,
    ConfigError,
    EngineError,
    EngineRefused,
    EngineUnavailable,
)

_Result = TypeVar("_Result")

DEFAULT_MODEL = "gpt-5-mini"
#: An answer may be so long; a server that never stops is stopped there.
MOST_TOKENS_OUT = 16_000
#: What an answer is taken to need before it is known, for the cost cap.
_USUAL_TOKENS_OUT = 4_000
_ROLES: dict[str, type[BaseMessage]] = {
    "system": SystemMessage, "user": HumanMessage, "assistant": AIMessage,
}  # fmt: skip

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One message of a request."""

    role: Role
    text: str


@dataclass(frozen=True)
class Reply:
    """What came back, kept whatever becomes of it.

    Attributes:
        text: The answer; empty where there is none.
        finish_reason: ``stop``, ``length``, ``content_filter`` or another word of the server's.
        refusal: The model's words of refusal, or None.
        tokens_in: Tokens of the request, those from the provider's cache among them.
        tokens_cached: Of these, from the provider's cache.
        tokens_out: Tokens of the answer.
        is_kept: Whether it comes from the response cache; then nothing was sent or paid.
        seconds: From the first try to the answer.
        tries: Requests sent for it.
        key: Under which the response cache keeps it.
    """

    text: str
    finish_reason: str = "stop"
    refusal: str | None = None
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    is_kept: bool = False
    seconds: float = 0.0
    tries: int = 1
    key: str = ""


@dataclass
class Meter:
    """What a call has cost so far; one for each call."""

    price: Price | None = None
    is_batch: bool = False
    requests: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    trace: list[dict[str, Any]] = field(default_factory=list)

    def add(self, reply: Reply, *, prompt: str, sha256: str) -> None:
        """Count a reply and keep its raw text for whoever asks how a mark came about."""
        if not reply.is_kept:
            self.requests += 1
            self.tokens_in += reply.tokens_in
            self.tokens_cached += reply.tokens_cached
            self.tokens_out += reply.tokens_out
        self.trace.append(
            {
                "prompt": prompt,
                "sha256": sha256,
                "answer": reply.text,
                "finish_reason": reply.finish_reason,
                "refusal": reply.refusal,
                "tokens_in": reply.tokens_in,
                "tokens_cached": reply.tokens_cached,
                "tokens_out": reply.tokens_out,
                "from_response_cache": reply.is_kept,
                "seconds": round(reply.seconds, 3),
                "tries": reply.tries,
            }
        )

    def usage(self) -> Usage:
        """The sums; the cost where the price is known."""
        cost = (
            self.price.cost_usd(
                self.tokens_in, self.tokens_cached, self.tokens_out, is_batch=self.is_batch
            )
            if self.price
            else None
        )
        return Usage(
            requests=self.requests,
            tokens_in=self.tokens_in,
            tokens_cached=self.tokens_cached,
            tokens_out=self.tokens_out,
            cost_usd=round(cost, 6) if cost is not None else None,
        )


class Carrier(Protocol):
    """Another way for requests to go out than one by one, such as a provider's batches."""

    #: Whether requests cost what they cost through a batch interface.
    is_batch: bool

    async def carry(self, key: str, body: dict[str, Any]) -> Reply:
        """Bring a request there and its answer back.

        Args:
            key: What the request is known by; the same request has the same key.
            body: The request as JSON.

        Raises:
            EngineError: If no answer comes.
        """
        ...


class _Runnable(Protocol):
    async def ainvoke(self, input: Any) -> BaseMessage: ...  # noqa: A002 - LangChain's own name


class Chat:
    """Asks a model for JSON.

    Args:
        settings: Address, key, model, limits.
        cache: Answers of earlier runs.
        limiter: Holds requests back where the provider's limits ask for it.
        budget: The run's cost cap.
        price: The model's price, None where not known.
        memory: What the address was found to take.
        backoff: How long and how often a failed request is tried again.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: ResponseCache,
        limiter: RateLimiter,
        budget: Budget,
        price: Price | None,
        memory: EndpointMemory,
        backoff: Backoff | None = None,
    ) -> None:
        self._settings = settings
        self.model = settings.model or DEFAULT_MODEL
        self.price = price
        self.budget = budget
        self.cache = cache
        self._cache_thread = ThreadPoolExecutor(1, thread_name_prefix="wordbond-cache")
        self.memory = memory
        #: Set by an executor whose requests go out another way.
        self.carrier: Carrier | None = None
        self._limiter = limiter
        self._backoff = backoff or Backoff()
        # An HTTP client belongs to the event loop that it was first used in.
        self._models: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = (
            weakref.WeakKeyDictionary()
        )
        self._bound: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[tuple[str, Ability], _Runnable]
        ] = weakref.WeakKeyDictionary()

    @property
    def address(self) -> str:
        """The base URL, or OpenAI's own."""
        return self._settings.openai_base_url or "https://api.openai.com/v1"

    async def ask(self, messages: Sequence[Message], schema: AnswerSchema) -> Reply:
        """Ask once, as often as it takes.

        Args:
            messages: The request.
            schema: What the answer has to look like.

        Raises:
            CallDeferred: If the cost cap is reached, or the server stays away.
            ConfigError: If key, model or address are wrong, or the server takes none of the ways
                to ask for JSON.
            EngineError: If the server refuses this request for a reason of its own.
        """
        key = cache_key(
            {
                "address": self.address,
                "provider": self._settings.provider,
                "model": self.model,
                "temperature": self._settings.temperature,
                "schema": schema.text,
                "messages": [[m.role, m.text] for m in messages],
            }
        )
        kept = await self._with_cache(lambda: self.cache.get(key))
        if kept is not None:
            return Reply(
                kept.text, kept.finish_reason, None, kept.tokens_in, kept.tokens_cached,
                kept.tokens_out, is_kept=True, tries=0, key=key,
            )  # fmt: skip
        estimate = sum(estimate_tokens(m.text) for m in messages)
        held = self._reserve(estimate)
        actual = 0.0
        try:
            if self.carrier is not None:
                reply = await self.carrier.carry(key, self.request_body(messages, schema))
            else:
                reply = await self._try(messages, schema, estimate)
            if self.price is not None:
                actual = self.price.cost_usd(
                    reply.tokens_in, reply.tokens_cached, reply.tokens_out, is_batch=self._is_batch
                )
        finally:
            if held is not None:
                self.budget.settle(held, actual)
        return replace(reply, key=key)

    @property
    def _is_batch(self) -> bool:
        return self.carrier is not None and self.carrier.is_batch

    def request_body(self, messages: Sequence[Message], schema: AnswerSchema) -> dict[str, Any]:
        """A request as JSON, as the endpoint takes it."""
        told = told_in_full(messages, schema, self.memory.ability)
        return {
            "model": self.model,
            "messages": [{"role": m.role, "content": m.text} for m in told],
            **self._extra_body(schema, self.memory.ability),
        }

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        loop = asyncio.get_running_loop()
        model = self._models.pop(loop, None)
        self._bound.pop(loop, None)
        client = getattr(model, "root_async_client", None)
        if client is not None:
            await client.close()

    def close(self) -> None:
        """Close the response cache."""
        self._cache_thread.shutdown()
        self.cache.close()

    async def keep(self, reply: Reply) -> None:
        """Keep an answer that could be used, so that the same question is not paid for again."""
        if not reply.is_kept:
            await self._put(reply.key, reply)

    async def keep_rejected(self, reply: Reply) -> None:
        """Keep an answer that could not be used where it is looked at but never used."""
        if not reply.is_kept:
            await self._put(f"rejected-{reply.key}", reply)

    async def _put(self, key: str, reply: Reply) -> None:
        kept = CachedResponse(
            text=reply.text,
            finish_reason=reply.finish_reason,
            model=self.model,
            tokens_in=reply.tokens_in,
            tokens_cached=reply.tokens_cached,
            tokens_out=reply.tokens_out,
        )
        await self._with_cache(lambda: self.cache.put(key, kept))

    async def _with_cache(self, act: Callable[[], _Result]) -> _Result | None:
        """Do something with the cache's file without holding up the other requests."""
        if not self.cache.is_on:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._cache_thread, act)

    def _reserve(self, tokens: int) -> Reservation | None:
        if self.price is None:
            return None
        most = self.price.cost_usd(tokens, 0, _USUAL_TOKENS_OUT, is_batch=self._is_batch)
        held = self.budget.reserve(most)
        if held is None:
            raise CallDeferred(
                f"deferred: the cost cap is reached ({self.budget.spent_usd:.4f} USD spent); run "
                "the same command again with a higher WORDBOND_MAX_COST, and only what is left is "
                "paid for."
            )
        return held

    async def _try(self, messages: Sequence[Message], schema: AnswerSchema, estimate: int) -> Reply:
        started = time.monotonic()
        tries = 0
        failed = 0
        while True:
            ability = self.memory.ability
            await self._limiter.acquire(estimate)
            tries += 1
            try:
                message = await self._send(messages, schema, ability)
            except (ConfigError, asyncio.CancelledError):
                self._limiter.settle(estimate, 0)
                raise
            except Exception as error:  # noqa: BLE001 - sorted out by its kind in one place
                self._limiter.settle(estimate, 0)
                trouble = trouble_of(error)
                failed = await self._after(trouble, ability, failed, started, error)
                continue
            reply = _reply(message, time.monotonic() - started, tries)
            self._limiter.settle(estimate, reply.tokens_in + reply.tokens_out or estimate)
            return reply

    async def _after(
        self,
        trouble: Trouble,
        ability: Ability,
        failed: int,
        started: float,
        error: Exception,
    ) -> int:
        """What follows a failed request: another try with less asked for, a wait, or the end."""
        if trouble.kind == "unsupported":
            less = ability.without(is_about(trouble))
            if less is None:
                raise ConfigError(
                    f"The endpoint {self.shown_address} takes none of the ways to ask model "
                    f"{self.model!r} for JSON ({trouble.told}); name another model with "
                    "WORDBOND_MODEL."
                ) from error
            self.memory.learn(ability, less)
            return failed
        if trouble.kind == "settings":
            raise as_config_error(trouble, self.model, self.shown_address) from error
        if trouble.kind == "too_long":
            raise ContextOverflow from error
        if trouble.kind == "filtered":
            raise EngineRefused("the provider's content filter stopped the request") from error
        if trouble.kind == "request":
            raise EngineError(describe_trouble(trouble, self.shown_address)) from error
        failed += 1
        wait = self._backoff.wait_for(failed, time.monotonic() - started, trouble.retry_after_s)
        if wait is None:
            raise EngineUnavailable(
                f"deferred: {describe_trouble(trouble, self.shown_address)} after {failed} tries; "
                "run the same command again later, and only what is left is asked for."
            ) from error
        if trouble.kind == "limited":
            self._limiter.pause(wait)
        await asyncio.sleep(wait)
        return failed

    @property
    def shown_address(self) -> str:
        """The address without what may be secret in it."""
        return address_without_secrets(self.address)

    async def _send(
        self, messages: Sequence[Message], schema: AnswerSchema, ability: Ability
    ) -> BaseMessage:
        loop = asyncio.get_running_loop()
        bound = self._bound.setdefault(loop, {})
        runnable = bound.get((schema.name, ability))
        if runnable is None:
            runnable = bound[schema.name, ability] = self._bind(loop, schema, ability)
        told = told_in_full(messages, schema, ability)
        with warnings.catch_warnings():
            # The library warns of what is answered here by asking in another way.
            warnings.simplefilter("ignore")
            return await runnable.ainvoke([_ROLES[m.role](content=m.text) for m in told])

    def _bind(
        self, loop: asyncio.AbstractEventLoop, schema: AnswerSchema, ability: Ability
    ) -> _Runnable:
        model = self._models.get(loop)
        if model is None:
            model = self._models[loop] = build_model(self._settings, self.model)
        if self._settings.provider != "openai":
            return cast("_Runnable", model)
        return cast("_Runnable", model.bind(extra_body=self._extra_body(schema, ability)))

    def _extra_body(self, schema: AnswerSchema, ability: Ability) -> dict[str, Any]:
        """What asks for JSON, and bounds the answer, in the ways that the endpoint takes."""
        body: dict[str, Any] = {}
        if ability.takes_limit:
            body["max_completion_tokens"] = MOST_TOKENS_OUT
        if ability.takes_temperature and self._settings.temperature is not None:
            body["temperature"] = self._settings.temperature
        if ability.mode == "json_schema":
            named = {"name": schema.name, "strict": True, "schema": schema.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        elif ability.mode == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif ability.mode == "tools":
            function = {"name": schema.name, "strict": True, "parameters": schema.schema}
            body["tools"] = [{"type": "function", "function": function}]
            body["tool_choice"] = {"type": "function", "function": {"name": schema.name}}
        return body


def told_in_full(
    messages: Sequence[Message], schema: AnswerSchema, ability: Ability
) -> list[Message]:
    """The messages, with the answer's schema in words where the endpoint takes it no other way."""
    told = list(messages)
    if ability.mode in {"json_object", "plain"}:
        last = told[-1]
        told[-1] = Message(
            last.role,
            f"{last.text}\n\nThe answer is one JSON object of this JSON schema: {schema.text}",
        )
    return told


def build_model(settings: Settings, name: str) -> Any:
    """The LangChain chat model of the settings.

    Raises:
        ConfigError: If another provider is named and its package is not installed.
    """
    if settings.provider != "openai":
        try:
            from langchain.chat_models import init_chat_model

            return init_chat_model(name, model_provider=settings.provider)
        except ImportError as error:
            raise ConfigError(
                f"Provider {settings.provider!r} needs more packages ({error}); install "
                f"wordbond[providers] and langchain-{settings.provider}."
            ) from error
        except ValueError as error:
            raise ConfigError(
                f"LangChain knows no provider {settings.provider!r} for model {name!r}; correct "
                "WORDBOND_PROVIDER."
            ) from error
    from langchain_openai import ChatOpenAI

    key = settings.openai_api_key
    return ChatOpenAI(
        model=name,
        api_key=key if key is not None else (lambda: "none"),
        base_url=settings.openai_base_url,
        max_retries=0,
        timeout=settings.timeout_s,
        use_responses_api=False,
        http_async_client=openai.DefaultAioHttpClient(
            timeout=settings.timeout_s,
            limits=_connections(settings.concurrency),
        ),
    )


def _connections(concurrency: int) -> Any:
    from openai import _constants

    limits = _constants.DEFAULT_CONNECTION_LIMITS
    return type(limits)(
        max_connections=max(concurrency * 2, limits.max_connections or 0),
        max_keepalive_connections=max(concurrency, limits.max_keepalive_connections or 0),
    )


def _reply(message: BaseMessage, seconds: float, tries: int) -> Reply:
    about: Mapping[str, Any] = message.response_metadata or {}
    usage: Mapping[str, Any] = getattr(message, "usage_metadata", None) or {}
    cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
    refusal = message.additional_kwargs.get("refusal")
    return Reply(
        text=_text_of(message),
        finish_reason=str(about.get("finish_reason") or about.get("stop_reason") or "stop"),
        refusal=str(refusal) if refusal else None,
        tokens_in=int(usage.get("input_tokens") or 0),
        tokens_cached=int(cached),
        tokens_out=int(usage.get("output_tokens") or 0),
        seconds=seconds,
        tries=tries,
    )


def _text_of(message: BaseMessage) -> str:
    calls = getattr(message, "tool_calls", None)
    if calls:
        return json.dumps(calls[0]["args"], ensure_ascii=False)
    broken = getattr(message, "invalid_tool_calls", None)
    if broken:
        return str(broken[0].get("args") or "")
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(p if isinstance(p, str) else str(p.get("text", "")) for p in content)

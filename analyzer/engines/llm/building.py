"""The LLM engine from the settings."""

from __future__ import annotations

from typing import Any

from analyzer.config import Settings
from analyzer.embedders import Embedder, build_embedder, packaged_embedder
from analyzer.engines.llm.budget import Budget
from analyzer.engines.llm.chat import DEFAULT_MODEL, Chat
from analyzer.engines.llm.endpoint_memory import EndpointMemory
from analyzer.engines.llm.engine import LLMEngine
from analyzer.engines.llm.prices import load_prices
from analyzer.engines.llm.rate_limits import Backoff, RateLimiter
from analyzer.engines.llm.response_cache import ResponseCache
from analyzer.errors import ConfigError


def build_llm_engine(settings: Settings, *, backoff: Backoff | None = None) -> LLMEngine:
    """Build the engine; nothing is sent yet.

    Args:
        settings: The settings.
        backoff: How failed requests are tried again; the usual way where None.

    Raises:
        ConfigError: If neither key nor address is set, or a cost cap has no price.
    """
    if not settings.has_model and settings.provider == "openai":
        raise ConfigError(
            "The LLM engine needs a model to call; set OPENAI_API_KEY, or OPENAI_BASE_URL for a "
            "server of your own, or use --engine embedded, which needs neither."
        )
    model = settings.model or DEFAULT_MODEL
    price = load_prices(settings.prices).find(model, base_url=settings.openai_base_url)
    budget = Budget(settings.max_cost, price, model=model)
    address = settings.openai_base_url or "openai"
    chat = Chat(
        settings,
        cache=ResponseCache(settings.home / "responses.db")
        if settings.response_cache
        else ResponseCache.off(),
        limiter=RateLimiter(settings.requests_per_minute, settings.tokens_per_minute),
        budget=budget,
        price=price,
        memory=EndpointMemory(settings.home / "endpoints.json", f"{address} {model}"),
        backoff=backoff,
    )
    embedders: list[Embedder] = [packaged_embedder()]
    if settings.embedding_model is not None:
        embedders.append(build_embedder(settings))
    reader: Any = None
    if settings.second_reading:
        from analyzer.engines.embedded.engine import EmbeddedEngine

        reader = EmbeddedEngine()
    return LLMEngine(settings, chat, embedders, reader)

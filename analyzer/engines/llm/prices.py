"""What a model's tokens cost: the packaged price table, and one of the user's that goes first."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analyzer.domain import describe
from analyzer.errors import ConfigError

PRICES_PATH = Path(__file__).parents[2] / "data" / "prices.toml"

_TOKENS_PER_PRICE = 1_000_000
# "-2025-04-14", "-0613", "-latest": versions that are sold at the price of their model.
_VERSION = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest)")
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True)
class Price:
    """What one model costs.

    Attributes:
        pattern: The table's name for the model.
        input_usd: USD per million tokens of the question.
        cached_usd: USD per million tokens of it that came from the provider's prompt cache.
        output_usd: USD per million tokens of the answer.
        batch_factor: What a request costs through a batch interface, as a part of the price.
        as_of: The date that the figures are from, where the file says.
    """

    pattern: str
    input_usd: float
    cached_usd: float
    output_usd: float
    batch_factor: float = 0.5
    as_of: date | None = None

    def cost_usd(
        self, tokens_in: int, tokens_cached: int, tokens_out: int, *, is_batch: bool = False
    ) -> float:
        """What a request cost, in USD.

        Args:
            tokens_in: Tokens of the question, cached ones included; >= 0.
            tokens_cached: Those of them that came from the prompt cache; >= 0. More than
                ``tokens_in``, which some servers report, counts as all of them.
            tokens_out: Tokens of the answer; >= 0.
            is_batch: Whether the request went through a batch interface.

        Raises:
            ValueError: If a count is negative.
        """
        if min(tokens_in, tokens_cached, tokens_out) < 0:
            counts = (tokens_in, tokens_cached, tokens_out)
            raise ValueError(f"token counts must be 0 or more, not {counts!r}")
        cached = min(tokens_cached, tokens_in)
        usd = (
            (tokens_in - cached) * self.input_usd
            + cached * self.cached_usd
            + tokens_out * self.output_usd
        ) / _TOKENS_PER_PRICE
        return usd * self.batch_factor if is_batch else usd


class PriceTable:
    """Prices by model name.

    Args:
        given: The user's prices; any that fits goes before every packaged one.
        packaged: The list prices that come with Wordbond.
    """

    def __init__(self, given: Iterable[Price], packaged: Iterable[Price]) -> None:
        self._given = tuple(given)
        self._packaged = tuple(packaged)

    def find(self, model: str, *, base_url: str | None = None) -> Price | None:
        """The price of a model, or None if it is not known.

        Args:
            model: The name that is sent to the server, in any case.
            base_url: The server's address, if it is not OpenAI's own. Behind a local one only the
                user's prices count: whatever it calls its model, it does not send OpenAI's bill.
        """
        is_local = base_url is not None and is_local_address(base_url)
        found = _longest(self._given, model)
        return found if found is not None or is_local else _longest(self._packaged, model)


def is_local_address(base_url: str) -> bool:
    """Whether an address is on this machine or in a private network, by its looks alone."""
    try:
        host = (urlsplit(base_url).hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_LOCAL_NAMES))
    return address.is_private or address.is_loopback or address.is_link_local


def load_prices(path: Path | None) -> PriceTable:
    """Read the packaged prices and, before them, those of a file.

    Args:
        path: What ``WORDBOND_PRICES`` names; None for the packaged prices alone.

    Raises:
        ConfigError: If a file cannot be used; the message names file, key and mend.
    """
    given = () if path is None else _read_prices(path.expanduser())
    return PriceTable(given, _read_prices(PRICES_PATH))


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    batch_factor: float | None = Field(default=None, ge=0, le=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    as_of: date | None = None
    batch_factor: float = Field(default=0.5, ge=0, le=1)
    models: Mapping[str, _Entry]


def _read_prices(path: Path) -> tuple[Price, ...]:
    try:
        file = _File.model_validate(_read_toml(path))
    except ValidationError as error:
        raise ConfigError(
            f"The price file {str(path)!r} cannot be used: {describe(error)}; each model needs "
            '[models."NAME"] with input and output in USD per million tokens, and may have '
            "cached_input and batch_factor."
        ) from error
    for name in file.models:
        if not name.strip():
            raise ConfigError(
                f"The price file {str(path)!r} cannot be used: field models.{name!r} names no "
                "model; write the model's name there."
            )
    return tuple(
        Price(
            pattern=name.strip(),
            input_usd=entry.input,
            cached_usd=entry.input if entry.cached_input is None else entry.cached_input,
            output_usd=entry.output,
            batch_factor=file.batch_factor if entry.batch_factor is None else entry.batch_factor,
            as_of=file.as_of,
        )
        for name, entry in file.models.items()
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        # Some editors put a byte order mark first, which TOML does not allow.
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"The price file {str(path)!r} cannot be read ({error.strerror}); name a file that "
            "can be in WORDBOND_PRICES, or unset it."
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"The price file {str(path)!r} is not TOML in UTF-8: {error}; correct it after the "
            f"example of {str(PRICES_PATH)!r}."
        ) from error


def _longest(prices: tuple[Price, ...], model: str) -> Price | None:
    name = model.strip().lower()
    fitting = [price for price in prices if _fits(price.pattern.lower(), name)]
    return max(fitting, key=lambda price: len(price.pattern), default=None)


def _fits(pattern: str, name: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    # A mere common beginning is not enough: o3-pro costs ten times what o3 does.
    return name == pattern or (
        name.startswith(pattern) and _VERSION.fullmatch(name, len(pattern)) is not None
    )

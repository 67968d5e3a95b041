"""Settings from the environment and ``.env``; each face builds them once and passes them down."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from analyzer.domain import describe
from analyzer.errors import ConfigError

EngineName = Literal["auto", "embedded", "llm", "cascade"]


class Settings(BaseSettings):
    """Everything that can be set; see the README for what each does.

    ``WORDBOND_*`` variables set the fields of the same name; ``OPENAI_API_KEY`` and
    ``OPENAI_BASE_URL`` keep the names that other tools use.
    """

    model_config = SettingsConfigDict(
        env_prefix="WORDBOND_", env_file=".env", extra="ignore", populate_by_name=True
    )

    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    model: str | None = None
    embedding_model: str | None = None
    engine: EngineName = "auto"
    home: Path = Path("~/.wordbond")
    database_url: str | None = None
    chroma_url: str | None = None
    max_cost: float | None = Field(default=None, ge=0)
    provider: str = "openai"
    prices: Path | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    timeout_s: float = Field(default=120.0, gt=0, le=3600, validation_alias="WORDBOND_TIMEOUT")
    concurrency: int = Field(default=8, ge=1, le=1024)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    window_tokens: int = Field(default=24_000, ge=500, le=2_000_000)
    redact: bool = True
    second_reading: bool = True
    response_cache: bool = True
    cascade: float = Field(default=0.25, ge=0, le=1)
    scorecard: Path | None = None
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    mail_to: str | None = None
    webhook_url: SecretStr | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object, info: ValidationInfo) -> object:
        if value == "" and info.field_name is not None:
            return cls.model_fields[info.field_name].get_default()
        return value

    @field_validator("provider")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        return value.strip().lower()

    @field_validator("home")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def has_model(self) -> bool:
        """Whether a chat model is configured: a key or a base URL."""
        return self.openai_api_key is not None or self.openai_base_url is not None

    @property
    def resolved_database_url(self) -> str:
        """The database that holds calls and results: SQLite under ``home`` unless one is set."""
        return self.database_url or f"sqlite:///{self.home / 'wordbond.db'}"

    @property
    def chroma_path(self) -> Path:
        """Where the embedded vector store lives."""
        return self.home / "chroma"


def address_without_secrets(address: str) -> str:
    """An address without user, password and query, any of which may hold a key."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that cannot be read"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        ConfigError: If a variable cannot be used; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError(
            f"A setting cannot be used: {describe(error)}; "
            "correct the WORDBOND_ variable of that name, or unset it."
        ) from error

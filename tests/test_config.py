"""Settings: what the environment sets, what it leaves alone, what is refused and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.config import Settings, load_settings
from analyzer.errors import ConfigError


def test_nothing_has_to_be_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORDBOND_HOME")
    settings = load_settings()
    assert settings.engine == "auto"
    assert settings.home == Path("~/.wordbond").expanduser()
    assert not settings.has_model
    assert settings.max_cost is None


def test_the_home_holds_the_database_and_the_vectors(monkeypatch, tmp_path):
    monkeypatch.setenv("WORDBOND_HOME", str(tmp_path / "here"))
    settings = load_settings()
    assert settings.resolved_database_url == f"sqlite:///{tmp_path / 'here' / 'wordbond.db'}"
    assert settings.chroma_path == tmp_path / "here" / "chroma"


def test_a_home_is_absolute_wherever_the_command_was_started(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORDBOND_HOME", "data")
    assert load_settings().home == tmp_path / "data"


def test_a_database_of_ones_own_is_taken_as_it_stands(monkeypatch):
    monkeypatch.setenv("WORDBOND_DATABASE_URL", "postgresql+psycopg://host/db")
    assert load_settings().resolved_database_url == "postgresql+psycopg://host/db"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
def test_a_key_or_an_address_is_a_model(monkeypatch, name):
    monkeypatch.setenv(name, "http://localhost:1")
    assert load_settings().has_model


def test_a_key_is_never_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(load_settings())


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "OPENAI_BASE_URL", "WORDBOND_ENGINE", "WORDBOND_MODEL", "WORDBOND_MAX_COST",
     "WORDBOND_DATABASE_URL", "WORDBOND_HOME"],
)  # fmt: skip
def test_a_blank_variable_is_as_good_as_none(monkeypatch, name):
    monkeypatch.delenv("WORDBOND_HOME")
    before = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == before


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("WORDBOND_ENGINE", "magic", "engine"),
        ("WORDBOND_MAX_COST", "-1", "max_cost"),
        ("WORDBOND_MAX_COST", "much", "max_cost"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(monkeypatch, name, value, field):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=rf"field {field}:.*unset it"):
        load_settings()


def test_a_dotenv_file_is_read_and_the_environment_wins(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("WORDBOND_MODEL=from-file\nWORDBOND_ENGINE=llm\nOTHER=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORDBOND_ENGINE", "embedded")
    settings = load_settings()
    assert (settings.model, settings.engine) == ("from-file", "embedded")


def test_programs_may_name_the_fields():
    assert Settings(openai_base_url="http://localhost:1").has_model

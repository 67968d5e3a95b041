"""The packaged prices, the user's that go first, and files that cannot be used."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.engines.llm.prices import PRICES_PATH, Price, is_local_address, load_prices
from analyzer.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "prices.toml"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        ("gpt-5", "gpt-5"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-5-mini", "gpt-5-mini"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("gpt-5-nano", "gpt-5-nano"),
        ("gpt-4.1-2025-04-14", "gpt-4.1"),
        ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
        ("gpt-4.1-nano", "gpt-4.1-nano"),
        ("GPT-4o", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("o3-2025-04-16", "o3"),
        ("o4-mini", "o4-mini"),
    ],
)
def test_each_packaged_model_has_its_own_price(model, pattern):
    assert load_prices(None).find(model).pattern == pattern


@pytest.mark.parametrize(
    "model",
    ["", "gpt", "gpt-5.1", "gpt-5-pro", "gpt-4.1-mega", "o3-pro", "o3-mini", "gpt-4o-audio-preview",
     "gpt-oss-20b", "ft:gpt-4.1-mini-2025-04-14:acme::x1", "xgpt-5", "gpt-5-2025-08-07-eu"],
)  # fmt: skip
def test_a_model_that_only_begins_alike_has_no_price(model):
    assert load_prices(None).find(model) is None


def test_the_packaged_table_is_dated_and_sane():
    assert "WORDBOND_PRICES" in PRICES_PATH.read_text("utf-8")
    table = load_prices(None)
    for model in ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano",
                  "gpt-4o", "gpt-4o-mini", "o3", "o4-mini"):  # fmt: skip
        price = table.find(model)
        assert isinstance(price.as_of, date)
        assert 0 < price.cached_usd < price.input_usd < price.output_usd
        assert price.batch_factor == 0.5


def test_what_a_request_costs():
    price = load_prices(None).find("gpt-4.1-mini")
    assert price.cost_usd(1_000_000, 0, 0) == pytest.approx(0.40)
    assert price.cost_usd(1_000_000, 1_000_000, 0) == pytest.approx(0.10)
    assert price.cost_usd(1_000_000, 250_000, 500_000) == pytest.approx(0.30 + 0.025 + 0.80)
    assert price.cost_usd(1_000_000, 0, 0, is_batch=True) == pytest.approx(0.20)
    assert price.cost_usd(0, 0, 0) == 0
    assert price.cost_usd(10, 50, 0) == price.cost_usd(10, 10, 0)
    with pytest.raises(ValueError, match="0 or more"):
        price.cost_usd(1, 0, -1)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_cost_lies_between_all_cached_and_none(tokens_in, tokens_cached, tokens_out):
    price = Price("m", 2.0, 0.5, 8.0)
    cost = price.cost_usd(tokens_in, tokens_cached, tokens_out)
    lowest = price.cost_usd(tokens_in, tokens_in, tokens_out)
    assert lowest - 1e-9 <= cost <= price.cost_usd(tokens_in, 0, tokens_out) + 1e-9


def test_the_users_prices_go_first(write):
    table = load_prices(
        write(
            "as_of = 2026-11-01\nbatch_factor = 0.4\n"
            '[models."gpt-5"]\ninput = 1\noutput = 2.5\n'
            '[models."our-*"]\ninput = 3\ncached_input = 1\noutput = 4\nbatch_factor = 1\n'
            '[models."our-best"]\ninput = 9\noutput = 9\n'
        )
    )
    assert table.find("gpt-5") == Price("gpt-5", 1, 1, 2.5, 0.4, date(2026, 11, 1))
    assert table.find("our-model:7b") == Price("our-*", 3, 1, 4, 1.0, date(2026, 11, 1))
    assert table.find("our-best").input_usd == 9
    assert table.find("gpt-5-mini").input_usd == 0.25


def test_a_users_wider_pattern_goes_before_a_closer_packaged_one(write):
    table = load_prices(write('[models."gpt-*"]\ninput = 7\noutput = 7\n'))
    assert table.find("gpt-5-mini-2025-08-07").input_usd == 7
    assert table.find("gpt-5-mini").as_of is None


def test_a_local_server_has_no_price_unless_given(write):
    local = "http://localhost:8000/v1"
    assert load_prices(None).find("gpt-4o", base_url=local) is None
    assert load_prices(None).find("gpt-4o", base_url="https://api.openai.com/v1") is not None
    given_table = load_prices(write('[models."*"]\ninput = 0\noutput = 0\n'))
    assert given_table.find("gpt-4o", base_url=local).cost_usd(10**6, 0, 10**6) == 0


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("http://localhost:1234/v1", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.1.20/v1", True),
        ("http://10.0.0.3", True),
        ("http://vllm:8000/v1", True),
        ("http://gpu.local", True),
        ("http://gpu.corp.internal./v1", True),
        ("http://host.docker.internal:11434/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
        ("https://localhost.example.com", False),
        ("", False),
        ("not an address", False),
        ("http://[broken", False),
    ],
)
def test_local_addresses(address, is_local):
    assert is_local_address(address) is is_local


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[models."m"]\ninput = 1\n', "models.m.output"),
        ('[models."m"]\ninput = "1"\noutput = 1\n', "models.m.input"),
        ('[models."m"]\ninput = -1\noutput = 1\n', "models.m.input"),
        ('[models."m"]\ninput = nan\noutput = 1\n', "models.m.input"),
        ('[models."m"]\ninput = true\noutput = 1\n', "models.m.input"),
        ('[models."m"]\ninput = 1\noutput = inf\n', "models.m.output"),
        ('[models."m"]\ninput = 1\noutput = 1\noutptu = 1\n', "models.m.outptu"),
        ('batch_factor = 2\n[models."m"]\ninput = 1\noutput = 1\n', "batch_factor"),
        ('as_of = "May"\n[models."m"]\ninput = 1\noutput = 1\n', "as_of"),
        ('[models." "]\ninput = 1\noutput = 1\n', "models"),
        ("models = 3\n", "models"),
        ("", "models"),
        ("[models\n", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_key(write, text, named):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load_prices(path)
    assert named in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path, write):
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigError, match="WORDBOND_PRICES"):
            load_prices(path)
    with pytest.raises(ConfigError, match="UTF-8"):
        load_prices(write('# café\n[models."m"]\n', "latin-1"))


def test_a_byte_order_mark_does_no_harm(write):
    table = load_prices(write('[models."m"]\ninput = 1\noutput = 1\n', "utf-8-sig"))
    assert table.find("m") is not None

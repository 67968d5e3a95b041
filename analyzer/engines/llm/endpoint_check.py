"""Is the model there? Asked once, before any call is begun."""

from __future__ import annotations

import difflib

import openai

from analyzer.config import Settings, address_without_secrets
from analyzer.engines.llm.faults import as_config_error, trouble_of
from analyzer.errors import ConfigError

OPENAI_ADDRESS = "https://api.openai.com/v1"
_TIMEOUT_S = 15.0
_NOT_FOUND = 404


def list_models(settings: Settings) -> list[str] | None:
    """The models that the address offers; None where it does not say.

    Raises:
        ConfigError: If the address cannot be reached, or refuses the key.
    """
    key = settings.openai_api_key
    address = address_without_secrets(settings.openai_base_url or OPENAI_ADDRESS)
    if key is None and settings.openai_base_url is None:
        raise ConfigError(
            "No key and no address of a chat model is set; set OPENAI_API_KEY, or OPENAI_BASE_URL "
            "for a server of your own, or use --engine embedded."
        )
    try:
        with _client(settings) as client:
            return [model.id for model in client.models.list().data]
    except openai.APIConnectionError as error:
        raise ConfigError(
            f"The endpoint {address} cannot be reached; check OPENAI_BASE_URL and that the server "
            "runs, or use --engine embedded."
        ) from error
    except openai.APIStatusError as error:
        trouble = trouble_of(error)
        if trouble.kind == "settings" and trouble.status != _NOT_FOUND:
            raise as_config_error(trouble, settings.model or "", address) from error
        # Not every server lists its models; the first request will tell.
        return None
    except (openai.OpenAIError, AttributeError, TypeError, ValueError):
        return None
    except Exception as error:
        raise ConfigError(
            f"The address {address} cannot be used ({type(error).__name__}); set OPENAI_BASE_URL "
            "to one like http://127.0.0.1:8000/v1."
        ) from error


def check_endpoint(settings: Settings, model: str, *, is_asked: bool = False) -> None:
    """See that address, key and model are right.

    Args:
        settings: Address and key.
        model: The model.
        is_asked: Whether to ask a model that the server does not list for one word, as a gateway or
            Azure's deployments may answer all the same; otherwise the first request tells.

    Raises:
        ConfigError: If one is not, with the mend.
    """
    if settings.provider != "openai":
        return
    offered = list_models(settings)
    if offered and model in offered:
        return
    if offered and settings.openai_base_url is not None:
        _refuse_alike(settings.openai_base_url, model, offered)
    if is_asked:
        _ask_for_a_word(settings, model)


def _refuse_alike(base_url: str, model: str, offered: list[str]) -> None:
    close = difflib.get_close_matches(model, offered, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]!r}?" if close else f"it offers {', '.join(offered[:5])}."
    if len(offered) == 1 or close:
        raise ConfigError(
            f"There is no model {model!r} at {address_without_secrets(base_url)}; {hint} Set "
            "WORDBOND_MODEL."
        )


def _ask_for_a_word(settings: Settings, model: str) -> None:
    address = address_without_secrets(settings.openai_base_url or OPENAI_ADDRESS)
    try:
        with _client(settings) as client:
            client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "Answer with the word yes."}]
            )
    except openai.APIStatusError as error:
        trouble = trouble_of(error)
        if trouble.kind == "settings":
            raise as_config_error(trouble, model, address) from error
    except openai.OpenAIError:
        # Busy or away for the moment: no fault of the settings.
        return


def _client(settings: Settings) -> openai.OpenAI:
    key = settings.openai_api_key
    return openai.OpenAI(
        api_key=key.get_secret_value() if key else "none",
        base_url=settings.openai_base_url,
        timeout=min(_TIMEOUT_S, settings.timeout_s),
        max_retries=1,
    )

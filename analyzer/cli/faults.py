"""What becomes of an error: one sentence on standard error, and a traceback only on request."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import typer

from analyzer.errors import AnalyzerError

_P = ParamSpec("_P")

_state = {"is_debugging": False}


def set_debugging(*, is_on: bool) -> None:
    """Say whether errors come with their traceback; one setting for the process."""
    _state["is_debugging"] = is_on


def is_debugging() -> bool:
    """Whether errors come with their traceback."""
    return _state["is_debugging"]


def printable(text: str) -> str:
    """A text on one line, without anything that a terminal would obey.

    Control codes, invisible characters and marks that change the direction of writing become
    spaces, and runs of white space become one.
    """
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())


def describe_surprise(error: Exception) -> str:
    """An error that nobody foresaw, by its kind: its own words may be a transcript's."""
    return type(error).__name__


def guarded(work: Callable[_P, int]) -> Callable[_P, None]:
    """Turn what a command returns into its exit code, and what it raises into one sentence.

    Args:
        work: Returns the exit code.

    Returns:
        What typer calls: it ends with that code, or with 1 after the sentence. With debugging on,
        errors pass through.
    """

    @functools.wraps(work)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            code = work(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except AnalyzerError as error:
            _fail(str(error), error)
        except KeyboardInterrupt as error:
            _fail("Stopped; what was finished by then is kept.", error)
        except Exception as error:  # noqa: BLE001 - the outermost edge: no traceback for a user
            _fail(
                f"Wordbond met something that it did not foresee ({describe_surprise(error)}); "
                "run the command again as `wordbond --debug ...` and report what it prints.",
                error,
            )
        raise typer.Exit(code)

    return run


def _fail(sentence: str, error: BaseException) -> NoReturn:
    if is_debugging():
        raise error
    typer.echo(f"error: {printable(sentence)}", err=True)
    raise typer.Exit(1) from error

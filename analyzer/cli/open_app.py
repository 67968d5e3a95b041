"""``wordbond app``: Streamlit on ``app.py``, for this machine alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from analyzer.errors import ConfigError

_PACKAGE = Path(__file__).parents[1]
_ADDRESS = "127.0.0.1"
#: Given by name since a config file may be nowhere near where the command is run.
_OPTIONS = (
    f"--server.address={_ADDRESS}",
    "--server.showEmailPrompt=false",
    "--browser.gatherUsageStats=false",
    "--client.showErrorDetails=none",
)


def find_app() -> Path | None:
    """The app's file in an installed package, or in the checkout; None if there is neither."""
    places = (_PACKAGE / "app_entry.py", _PACKAGE.parent / "app.py")
    return next((place for place in places if place.is_file()), None)


def run_app(*, port: int | None) -> int:
    """Run the app until the user ends it.

    Where the system allows it, Streamlit takes this process's place, so that whoever ends the
    command ends the app.

    Args:
        port: Where it listens; None for the first free port from 8501.

    Returns:
        The exit code, on systems where a process cannot be replaced.

    Raises:
        ConfigError: If there is no app, or the port is taken.
    """
    path = find_app()
    if path is None:
        raise ConfigError(
            f"The app is neither in {_PACKAGE} nor beside it; install Wordbond again, or run it "
            "from a checkout."
        )
    command = [sys.executable, "-m", "streamlit", "run", os.fspath(path), *_OPTIONS]
    if port is not None:
        _refuse_taken(port)
        command.append(f"--server.port={port}")
    if os.name == "posix":
        os.execv(sys.executable, command)  # noqa: S606 - our own file with the options above
    return min(subprocess.run(command, check=False).returncode, 1)  # noqa: S603 - as above


def _refuse_taken(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Streamlit's own server does; else a port that was just left would seem taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_ADDRESS, port))
        except OSError as error:
            raise ConfigError(
                f"Port {port} cannot be used ({error.strerror}); name another with --port."
            ) from error

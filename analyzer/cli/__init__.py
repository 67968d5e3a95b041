"""The command line: :func:`main` is what ``wordbond`` runs, :data:`app` holds every command."""

from __future__ import annotations

from analyzer.cli.commands import app, main

__all__ = ["app", "main"]

"""The command line. :func:`main` is what the command ``wordbond`` runs; :data:`app` holds it all."""

from __future__ import annotations

from analyzer.cli.commands import app, main

__all__ = ["app", "main"]

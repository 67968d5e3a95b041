"""Keeps personal data on this machine: masks a call before a language model reads it."""

from analyzer.redaction.masking import keep, redact
from analyzer.redaction.result import Redaction

__all__ = ["Redaction", "keep", "redact"]

"""Tells others how a run went: a metrics file, a mail, a webhook, a log, the last good run."""

from __future__ import annotations

import datetime as dt
import json
import logging
import smtplib
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

from analyzer.batch.report import sum_up, write_whole
from analyzer.config import Settings
from analyzer.errors import AnalyzerError, ConfigError

_TIMEOUT_S = 20.0
_LAST_GOOD = "last-good-batch.json"


def write_metrics(path: Path, report: Mapping[str, Any]) -> None:
    """Write the figures of a run for Prometheus' textfile collector.

    Args:
        path: The file, in the collector's folder; its name has to end in ``.prom``.
        report: The run's.

    Raises:
        AnalyzerError: If it cannot be written.
    """
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    inbox = report["inbox"]
    told = {
        **{f"wordbond_batch_{key}": value for key, value in report["counts"].items()},
        "wordbond_batch_ended_timestamp_seconds": _stamp(report["ended_at"]),
        "wordbond_batch_success": float(report["state"] == "done"),
    }
    if report["state"] == "done":
        told["wordbond_batch_last_success_timestamp_seconds"] = _stamp(report["ended_at"])
    elif (before := _last_success(path)) is not None:
        # A failed night keeps the time of the last good one, or an alert on its age would be lost.
        told["wordbond_batch_last_success_timestamp_seconds"] = before
    for name, value in told.items():
        gauge = Gauge(name, f"Of the last run: {name[15:]}", ["inbox"], registry=registry)
        gauge.labels(inbox).set(value)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise AnalyzerError(
            f"The metrics file {path} cannot be written ({error.strerror}); correct --metrics."
        ) from error


def _last_success(path: Path) -> float | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    for line in text.splitlines():
        if line.startswith("wordbond_batch_last_success_timestamp_seconds{"):
            try:
                return float(line.rpartition(" ")[2])
            except ValueError:
                return None
    return None


def _stamp(moment: str) -> float:
    return dt.datetime.fromisoformat(moment).timestamp()


def note_good_run(home: Path, report: Mapping[str, Any]) -> None:
    """Keep the time of the last good run of each inbox, where ``wordbond doctor`` looks."""
    path = home / _LAST_GOOD
    known = read_good_runs(home)
    known[report["inbox"]] = report["ended_at"]
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, json.dumps(known, indent=2) + "\n")


def read_good_runs(home: Path) -> dict[str, str]:
    """When the last good run of each inbox ended, by inbox."""
    try:
        known = json.loads((home / _LAST_GOOD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}


def send_mail(settings: Settings, report: Mapping[str, Any], files: list[Path]) -> None:
    """Send the figures of a run by mail; what was said in calls stays in the report's files.

    Raises:
        ConfigError: If the settings of the mail cannot be used.
        AnalyzerError: If the server does not take it.
    """
    if settings.smtp_url is None or not settings.mail_to:
        return
    where = urlsplit(settings.smtp_url.get_secret_value())
    if where.scheme not in {"smtp", "smtps"} or not where.hostname:
        raise ConfigError(
            "WORDBOND_SMTP_URL cannot be read; write it as smtp://user:password@host:587, or "
            "smtps:// for TLS from the start."
        )
    message = EmailMessage()
    message["Subject"] = f"Wordbond batch: {sum_up(report)}"
    message["From"] = settings.mail_from or "wordbond@localhost"
    message["To"] = settings.mail_to
    places = "\n".join(str(path) for path in files) or f"run {report['run']} in the database"
    reason = f"\nReason: {report['reason']}" if report["reason"] else ""
    message.set_content(
        f"Run {report['run']} of the inbox {report['inbox']}: {report['state']}.{reason}\n"
        f"{sum_up(report)}.\n\nThe report, with what was said: {places}\n"
    )
    kind = smtplib.SMTP_SSL if where.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(where.hostname, where.port or 0, timeout=_TIMEOUT_S) as server:
            if where.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls()
            if where.username:
                server.login(unquote(where.username), unquote(where.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise AnalyzerError(
            f"The mail about the run could not be sent ({type(error).__name__}); check "
            "WORDBOND_SMTP_URL, WORDBOND_MAIL_FROM and WORDBOND_MAIL_TO."
        ) from error


def call_webhook(settings: Settings, report: Mapping[str, Any]) -> None:
    """Post the figures of a run as JSON; what was said in calls is not in it.

    Raises:
        AnalyzerError: If the address does not take it.
    """
    if settings.webhook_url is None:
        return
    address = settings.webhook_url.get_secret_value()
    if urlsplit(address).scheme not in {"http", "https"}:
        raise ConfigError("WORDBOND_WEBHOOK_URL cannot be read; write it as https://host/path.")
    kept = ("run", "inbox", "host", "state", "reason", "started_at", "ended_at", "engine", "model")
    body = {key: report[key] for key in kept}
    body |= {"counts": report["counts"], "text": sum_up(report)}
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        address,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - as above
            pass
    except OSError as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection
        raise AnalyzerError(
            f"The webhook did not take the report ({type(error).__name__}); check "
            "WORDBOND_WEBHOOK_URL."
        ) from error


class JsonLog(logging.Formatter):
    """One JSON object a line, with the run's and the call's id where there is one."""

    _FIELDS = ("run", "company", "call_id", "source", "state", "reason", "files", "calls")

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; only named fields go out, never a call's words."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        out = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        out |= {f: getattr(record, f) for f in self._FIELDS if getattr(record, f, None) is not None}
        return json.dumps(out, ensure_ascii=False)


def open_log(stream: TextIO) -> logging.Logger:
    """A logger of the batch that writes JSON lines to a stream."""
    log = logging.getLogger("wordbond.batch")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers.clear()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLog())
    log.addHandler(handler)
    return log

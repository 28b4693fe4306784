"""Log lines for people and for machines: `key=value` text or JSON, to standard error."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from etagere.errors import ConfigurationError

LEVELS = {
    "etagere": logging.INFO,
    "uvicorn": logging.WARNING,  # what it says of processes and lifespans is said here already
}


def configure(log_format: str) -> None:
    """Send what etagere and its HTTP server log to standard error, in one of the two formats."""
    formatters = {"text": TextFormatter, "json": JsonFormatter}
    if log_format not in formatters:
        raise ConfigurationError(f"the log format is text or json, not {log_format!r}")
    handler = logging.StreamHandler()
    handler.setFormatter(formatters[log_format]())
    for name, level in LEVELS.items():
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


class JsonFormatter(logging.Formatter):
    """One JSON object for each line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(facts_of(record, self), ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """`key=value` for each fact; values that need it are quoted."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return " ".join(f"{name}={quoted(fact)}" for name, fact in facts_of(record, self).items())


def facts_of(record: logging.LogRecord, formatter: logging.Formatter) -> dict[str, Any]:
    """Return what a record says, by name: those given as `extra={"facts": ...}` among it."""
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    facts: dict[str, Any] = {
        "time": time.replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "msg": record.getMessage(),
    }
    facts |= getattr(record, "facts", {})
    if record.exc_info:
        facts["error"] = formatter.formatException(record.exc_info)
    return facts


def quoted(fact: object) -> str:
    """Return a fact as one word: in quotes, and on one line, if it is not one by itself."""
    text = str(fact)
    plain = text.isprintable() and not any(sign in text for sign in ' "=')
    return text if plain and text else json.dumps(text, ensure_ascii=False)

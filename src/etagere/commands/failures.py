"""What a command line says, and which code it exits with, when a command fails."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from etagere.commands.output import say
from etagere.errors import (
    ConfigurationError,
    EtagereError,
    ETagMismatch,
    InvalidArgument,
    NotReplicated,
    OutcomeUnknown,
    Unavailable,
)


class Exit(IntEnum):
    """The exit codes of `etagere`."""

    OK = 0
    ABSENT = 1
    """There is nothing under the key."""
    USAGE = 2
    """The command line, a URL, a key or a setting makes no sense."""
    CONFLICT = 3
    """Somebody wrote in between; nothing was changed."""
    UNKNOWN = 4
    """The write was sent and never answered; it may have happened."""
    UNAVAILABLE = 5
    """The store cannot be reached; nothing was written."""
    NOT_REPLICATED = 6
    """Written, but not on enough replicas in time."""
    FAILED = 7
    """The store cannot do that, or it or this machine failed; nothing was written."""
    INTERRUPTED = 130
    """Ctrl-C, as shells put it."""
    CLOSED_PIPE = 141
    """Nobody reads the output any more, as shells put it."""


class Absent(EtagereError):
    """Raised when a command needs a key that is not there."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"there is nothing under key {key!r}")


CODES: Final[dict[type[Exception], Exit]] = {
    Absent: Exit.ABSENT,
    InvalidArgument: Exit.USAGE,
    ConfigurationError: Exit.USAGE,
    ETagMismatch: Exit.CONFLICT,
    OutcomeUnknown: Exit.UNKNOWN,
    Unavailable: Exit.UNAVAILABLE,
    NotReplicated: Exit.NOT_REPLICATED,
}
FIELDS: Final = ("key", "etag", "expected", "actual")


def report(error: Exception, *, as_json: bool, debug: bool) -> Exit:
    """Say on standard error what went wrong, in one line; return the exit code."""
    if debug:
        traceback.print_exception(error)
    line = json.dumps(fields_of(error)) if as_json else f"etagere: {message_of(error)}"
    say(line)
    return exit_code(error)


def exit_code(error: Exception) -> Exit:
    """Return the code for an error."""
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), Exit.FAILED)


def fields_of(error: Exception) -> dict[str, str | None]:
    """Return an error as the fields of a JSON object."""
    known = {name: getattr(error, name) for name in FIELDS if hasattr(error, name)}
    certainty = {"certainty": error.certainty} if isinstance(error, EtagereError) else {}
    return {"error": type(error).__name__, **known, **certainty, "message": message_of(error)}


def message_of(error: Exception) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, OutcomeUnknown) and error.etag:
        text = f"{error}. If it was, its ETag is {error.etag!r}"
    elif isinstance(error, EtagereError):
        text = str(error)
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = f"{type(error).__name__}: {error}; --debug shows where"
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def wants(word: str, words: Sequence[str]) -> bool:
    """Tell whether an option was given, in words that may not make sense as a whole."""
    return word in (words[: words.index("--")] if "--" in words else words)

"""Options that several commands share."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Final, TypeVar

from etagere.operations import Consistency
from etagere.store import DEFAULT_TIMEOUT

T = TypeVar("T")

VARIABLE: Final = "ETAGERE_STORE"
UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")


def add_output(parser: ArgumentParser) -> None:
    """Add what every command takes."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print results and errors as JSON")
    add_debug(group.add_argument)


def add_debug(add_argument: Callable[..., object]) -> None:
    """Add what helps to find out why a command fails."""
    add_argument("--debug", action="store_true", help="print logs, and errors in full")


def add_store(parser: ArgumentParser) -> None:
    """Add what every command on one store takes."""
    group = parser.add_argument_group("store")
    group.add_argument(
        "--store",
        metavar="URL",
        help=f"which store, such as sqlite:///state.db (default: ${VARIABLE})",
    )
    group.add_argument(
        "--namespace", metavar="NAME", help="use only keys of this namespace, kept as NAME||KEY"
    )
    group.add_argument(
        "--consistency",
        choices=[level.value for level in Consistency],
        default=Consistency.EVENTUAL,
        help="how far the call reaches before it returns (default: eventual)",
    )
    add_timeout(group.add_argument)
    add_output(parser)


def add_timeout(add_argument: Callable[..., object]) -> None:
    """Add the time that a call on a store may take."""
    add_argument(
        "--timeout",
        metavar="TIME",
        type=duration,
        default=DEFAULT_TIMEOUT,
        help=f"how long a call may take (default: {DEFAULT_TIMEOUT:g}s)",
    )


def add_etag(parser: ArgumentParser) -> None:
    """Add the precondition that a write may have."""
    parser.add_argument("--etag", help="only if this is the key's ETag; else exit with 3")


def duration(text: str) -> float:
    """Read a time, such as 90, 1.5h or 250ms, in seconds."""
    found = DURATION.fullmatch(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not a time, such as 90, 250ms, 30s, 15m, 1.5h or 7d")
    return float(found[1]) * UNITS[found[2] or "s"]


def duration_or(word: str, meaning: T) -> Callable[[str], float | T]:
    """Return a reader of times that also knows one word."""
    return lambda text: meaning if text == word else duration(text)

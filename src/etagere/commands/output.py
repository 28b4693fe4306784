"""What commands write: bytes, lines and JSON, always in UTF-8."""

from __future__ import annotations

import json
import os
import sys
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TextIO


class ReaderGone(Exception):
    """Raised when nobody reads the output any more, as after `| head`."""


def write(data: bytes) -> None:
    """Write bytes as they are."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    rest = memoryview(data)
    with _watched(sys.stdout):
        while rest:  # unbuffered, as under PYTHONUNBUFFERED, a write may be partial
            rest = rest[sys.stdout.buffer.write(rest) :]


def write_line(text: str) -> None:
    """Write text and end the line."""
    write(text.encode() + b"\n")


def say(line: str) -> None:
    """Write a line to standard error, if anybody is there to read it."""
    if sys.stderr is not None:
        with suppress(OSError, ReaderGone), _watched(sys.stderr):
            print(line, file=sys.stderr, flush=True)


def json_line(**fields: object) -> bytes:
    """Return one JSON object as a line."""
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def value_fields(value: bytes) -> dict[str, str]:
    """Return a value as fields of a JSON object: as text if it is UTF-8, else in base64."""
    try:
        return {"value": value.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"value": b64encode(value).decode(), "encoding": "base64"}


def is_terminal() -> bool:
    """Tell whether a person looks at standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


@contextmanager
def flushed() -> Generator[None]:
    """Write everything out in the end, so that what fails then is told like any other failure."""
    try:
        yield
    finally:
        if sys.stdout is not None:
            with _watched(sys.stdout):
                sys.stdout.flush()


@contextmanager
def _watched(stream: TextIO) -> Generator[None]:
    try:
        yield
    except OSError as error:
        # What is still buffered must not fail again when the interpreter flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from error
        raise

"""The JSON that goes over the wire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from etagere.errors import TooLarge
from etagere.operations import ABSENT, Concurrency, Consistency
from etagere_http.connection import Answer
from etagere_http.failures import unreadable

T = TypeVar("T")

ROOM: Final = 16 * 2**10
"""Bytes in a body for all of an item but its value: key, ETags, metadata, options."""
DOTS: Final = frozenset({".", ".."})
"""Keys that no path can hold."""
encode: Final = msgspec.json.encode


class Options(Struct, frozen=True, omit_defaults=True):
    """How an item is to be written."""

    concurrency: str = ""
    consistency: str = ""


class Item(Struct, frozen=True, omit_defaults=True):
    """An item of a save, a bulk delete or a transaction."""

    key: str
    value: bytes | Raw | UnsetType = UNSET
    """Bytes go as a string of base64."""
    etag: str = ""
    metadata: dict[str, str] = {}
    options: Options = Options()


class Part(Struct, frozen=True):
    """An operation of a transaction."""

    operation: str
    request: Item


class Found(Struct, frozen=True):
    """An item of the answer to a bulk get."""

    key: str
    data: Raw | UnsetType = UNSET
    etag: str = ""
    metadata: dict[str, str] | None = None
    error: str = ""


def options_of(expected: str | None, consistency: Consistency) -> Options:
    """Return the options that say a precondition, but for its ETag, and a level."""
    return Options(
        Concurrency.FIRST_WRITE if expected == ABSENT else "",
        consistency if consistency is Consistency.STRONG else "",
    )


def query_of(consistency: Consistency) -> dict[str, str]:
    """Return the query that asks for a level."""
    return {"consistency": consistency.value} if consistency is Consistency.STRONG else {}


def decoded(answer: Answer, shape: type[T]) -> T:
    """Read the body of an answer; one that makes no sense raises `Interrupted`."""
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise unreadable(answer, error) from error


def bodies(
    items: Sequence[bytes], limit: int, start: bytes = b"[", end: bytes = b"]"
) -> Iterator[tuple[int, bytes]]:
    """Join items to as few bodies as their size allows; yield how many are in each, and the body.

    An item that is too large for any body travels alone: the server refuses it better than we can.
    """
    chosen: list[bytes] = []
    size = 0
    for item in items:
        if chosen and size + len(item) + 1 > limit - len(start) - len(end):
            yield len(chosen), start + b",".join(chosen) + end
            chosen, size = [], 0
        chosen.append(item)
        size += len(item) + 1
    if chosen:
        yield len(chosen), start + b",".join(chosen) + end


def check_size(body: bytes, limit: int) -> None:
    """Refuse a body that the server would."""
    if len(body) > limit:
        raise TooLarge(f"a request of {len(body)} bytes; the server takes up to {limit}")


def largest_value(limit: int) -> int:
    """Return how many bytes a value may have whose base64 is to fit in a body."""
    return (limit - min(ROOM, limit // 2)) * 3 // 4


def fits_header(etag: str) -> bool:
    """Tell whether an ETag can travel in a header, and come out as it went in."""
    return etag.isascii() and etag.isprintable() and etag == etag.strip()

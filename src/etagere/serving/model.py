"""What the faces of the server ask of it, and the words they share.

The structs are at once the shape of the JSON bodies and what a gRPC face fills in: a face only
translates. Everything may be left out or null, as in Dapr; `StateService` decides what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Final

from msgspec import Raw, Struct, field

from etagere.errors import InvalidArgument
from etagere.operations import Item, Keep

NULL: Final = Raw(b"null")
MAX_TTL_SECONDS: Final = 2**31 - 1
NO_METADATA: Final[Mapping[str, str]] = {}


class StateOptions(Struct, forbid_unknown_fields=True, gc=False):
    """The options of a write, in Dapr's words; "" and None both mean the default."""

    concurrency: str | None = None
    consistency: str | None = None


class StateItem(Struct, forbid_unknown_fields=True, gc=False):
    """One item of a save, of a transaction or of a bulk delete."""

    key: str | None = None
    value: Raw = NULL
    """The bytes to store, as they are: JSON text over HTTP, anything over gRPC."""
    etag: str | None = None
    metadata: dict[str, str] | None = None
    options: StateOptions | None = None
    content_type: str | None = field(default=None, name="contentType")
    """Accepted, and of no effect: values are kept byte for byte."""


class BulkGetRequest(Struct, forbid_unknown_fields=True, gc=False):
    """The body of a bulk get."""

    keys: list[str] | None = None
    parallelism: int | None = None
    """Accepted, and of no effect: all keys travel to the store together."""
    metadata: dict[str, str] | None = None


class TransactionOperation(Struct, forbid_unknown_fields=True, gc=False):
    """One operation of a transaction."""

    operation: str | None = None
    """`upsert` or `delete`."""
    request: StateItem | None = None


class TransactionRequest(Struct, forbid_unknown_fields=True, gc=False):
    """The body of a transaction."""

    operations: list[TransactionOperation] | None = None
    metadata: dict[str, str] | None = None
    """Of the transaction as a whole: of no effect."""


class TouchRequest(Struct, forbid_unknown_fields=True, gc=False):
    """The body of a touch."""

    key: str | None = None
    ttl_seconds: int | None = field(default=None, name="ttlInSeconds")
    """None, 0 and -1: the key never expires."""
    ttl_milliseconds: int | None = field(default=None, name="ttlInMilliseconds")
    """Goes before `ttl_seconds`."""
    etag: str | None = None
    consistency: str | None = None


class KeyPage(Struct, frozen=True):
    """Some of a store's keys, in order."""

    keys: list[str]
    next: str | None = None
    """Give it as `after` for the keys that follow; None: there are no more."""


def ttl_of(
    item: Mapping[str, str] | None, request: Mapping[str, str], default: float | None
) -> float | Keep | None:
    """Return the time to live that metadata asks for; that of the request goes before the item's.

    -1 and 0 mean for ever, also where the store has a default. Raises `InvalidArgument`.
    """
    if not item and not request:
        return default
    text = _word(request, "ttlinseconds") or _word(item or NO_METADATA, "ttlinseconds")
    return ttl_from(text) if text else default


def ttl_from(text: str) -> float | None:
    """Return the time to live that a text says, as Dapr reads it."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
        raise InvalidArgument(f"ttlInSeconds is a whole number of seconds, not {text[:40]!r}")
    return ttl_of_seconds(int(text))


def ttl_of_seconds(seconds: int | None) -> float | None:
    """Return the time to live that a number of seconds stands for; None, 0 and -1 mean for ever."""
    if seconds is None or -1 <= seconds <= 0:
        return None
    if not 0 < seconds <= MAX_TTL_SECONDS:
        raise InvalidArgument(
            f"ttlInSeconds is from -1 (never expire) to {MAX_TTL_SECONDS}, not {seconds}"
        )
    return seconds


def metadata_of(item: Item[bytes]) -> dict[str, str]:
    """Return what a read says about an item beside its value and ETag."""
    if item.expires_at is None:
        return {}
    return {"ttlExpireTime": item.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


def _word(metadata: Mapping[str, str], name: str) -> str:
    return next((value for key, value in metadata.items() if key.lower() == name), "")

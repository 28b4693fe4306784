"""Exact requests: what a client of ours means, to the byte and the millisecond.

With `metadata.exact=true` in the query, Dapr's requests say what Dapr's words have no place for:
values that are any bytes, the ETag that a write gives its key, times to live in milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Raw

from etagere.errors import InvalidArgument
from etagere.operations import KEEP, Item, Keep
from etagere.serving.model import NO_METADATA, StateItem

EXACT: Final = "exact"
NEW_ETAG: Final = "newETag"
TTL: Final = "ttlInMilliseconds"
EXPIRES_AT: Final = "expiresAt"


def is_exact(metadata: Mapping[str, str]) -> bool:
    """Tell whether the metadata of a request says that it is exact."""
    return metadata.get(EXACT) == "true"


def bytes_in(value: Raw) -> bytes:
    """Return the bytes that a JSON string holds as base64."""
    try:
        return msgspec.json.decode(value, type=bytes)
    except msgspec.MsgspecError as error:
        raise InvalidArgument(f"an exact value is a string of base64: {error}") from error


def new_etag_of(item: StateItem) -> str | None:
    """Return the ETag that the writer wants for its write, if it minted one."""
    return (item.metadata or NO_METADATA).get(NEW_ETAG)


def exact_ttl_of(item: StateItem, default: float | None) -> float | timedelta | Keep | None:
    """Return the time to live that an item asks for: milliseconds, or `keep`."""
    text = (item.metadata or NO_METADATA).get(TTL)
    if text is None:
        return default
    return KEEP if text == KEEP.value else ttl_of_milliseconds(text)


def ttl_of_milliseconds(text: str) -> timedelta:
    """Return the time to live that a text says."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise InvalidArgument(f"{TTL} is a whole number or {KEEP.value!r}, not {text[:40]!r}")
    return timedelta(milliseconds=int(text))


def exact_metadata_of(item: Item[bytes]) -> dict[str, str]:
    """Return what an exact read says about an item beside its value and ETag."""
    if item.expires_at is None:
        return {}
    return {EXPIRES_AT: str(round(item.expires_at.timestamp() * 1000))}

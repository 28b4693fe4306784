"""From the words of the API to those of a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from etagere.contract import PREFIX_SEPARATOR, is_storable
from etagere.errors import InvalidArgument
from etagere.operations import Concurrency, Consistency, Delete, Set
from etagere.serving.errors import KEY_MISSING, UNKNOWN_OPERATION, ApiError, illegal_key
from etagere.serving.exact import (
    bytes_in,
    exact_ttl_of,
    is_exact,
    new_etag_of,
    ttl_of_milliseconds,
)
from etagere.serving.model import (
    StateItem,
    StateOptions,
    TouchRequest,
    TransactionOperation,
    ttl_of,
    ttl_of_seconds,
)
from etagere.serving.stores import NamedStore

NO_OPTIONS: Final = StateOptions()
UPSERT, DELETE = "upsert", "delete"


def check_key(named: NamedStore, key: str) -> None:
    """Refuse a key that could reach into another application's, in Dapr's words."""
    if PREFIX_SEPARATOR in key:
        raise illegal_key(named.name, key)


def check_storable(*texts: str) -> None:
    """Refuse text that no key can hold, before it reaches a database that chokes on it."""
    if not all(is_storable(text) for text in texts):
        raise InvalidArgument("no key contains NUL")


def set_of(named: NamedStore, item: StateItem, metadata: Mapping[str, str]) -> Set:
    """Return what a store is asked to write."""
    if not item.key:
        raise ApiError(KEY_MISSING)
    check_key(named, item.key)
    exact = is_exact(metadata)
    return Set(
        item.key,
        bytes_in(item.value) if exact else bytes(item.value),
        item.etag,
        (item.options or NO_OPTIONS).concurrency or Concurrency.LAST_WRITE,
        exact_ttl_of(item, named.default_ttl)
        if exact
        else ttl_of(item.metadata, metadata, named.default_ttl),
        new_etag_of(item) if exact else None,
    )


def delete_of(named: NamedStore, item: StateItem) -> Delete:
    """Return what a store is asked to delete."""
    key = item.key or ""
    check_key(named, key)
    concurrency = (item.options or NO_OPTIONS).concurrency
    return Delete(key, item.etag, concurrency or Concurrency.LAST_WRITE)


def request_of(
    named: NamedStore, operation: TransactionOperation, metadata: Mapping[str, str]
) -> Set | Delete:
    """Return what a store is asked to do as a part of a transaction."""
    item = operation.request or StateItem()
    if operation.operation == UPSERT:
        return set_of(named, item, metadata)
    if operation.operation == DELETE:
        return delete_of(named, item)
    raise ApiError(UNKNOWN_OPERATION, operation=operation.operation or "")


def touch_ttl_of(request: TouchRequest) -> float | timedelta | None:
    """Return the time to live that a touch asks for."""
    if request.ttl_milliseconds is None:
        return ttl_of_seconds(request.ttl_seconds)
    return ttl_of_milliseconds(str(request.ttl_milliseconds))


def read_level(word: str) -> Consistency:
    """Return the level of a read: whatever is not "strong" is eventual, as in Dapr."""
    return Consistency.STRONG if word == Consistency.STRONG else Consistency.EVENTUAL


def write_level(item: StateItem) -> Consistency | str:
    """Return the level of a write, for the store to check."""
    return (item.options or NO_OPTIONS).consistency or Consistency.EVENTUAL


def strongest(items: Iterable[StateItem]) -> Consistency | str:
    """Return the level of a transaction: strong if one of its items asks for that.

    A word that is no level goes before all others, so that the store refuses it.
    """
    asked = {write_level(item) for item in items} - {Consistency.EVENTUAL}
    return max(asked, key=lambda word: word != Consistency.STRONG, default=Consistency.EVENTUAL)

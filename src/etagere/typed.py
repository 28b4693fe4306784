"""A view of a store whose values are of one type, kept as JSON."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from etagere.errors import DecodeError, InvalidArgument
from etagere.operations import KEEP, Concurrency, Consistency, Item, Keep

if TYPE_CHECKING:
    from etagere.store import Store

T = TypeVar("T")


class TypedStore(Generic[T]):
    """Reads and writes values of one type: a msgspec Struct, a dataclass, a TypedDict, a list.

    Everything else is as in the `Store` it came from, which stays the owner of the connection.
    """

    def __init__(self, store: Store, model: type[T]) -> None:
        self.store = store
        """The store that this is a view of."""
        self.model = model
        """The type of the values."""
        self._decoder = msgspec.json.Decoder(model)
        self._encoder = msgspec.json.Encoder()

    async def get(
        self,
        key: str,
        *,
        consistency: Consistency | str = Consistency.EVENTUAL,
        timeout: float | None = None,
    ) -> Item[T] | None:
        """Return the item under a key, or None, as `Store.get` does; may raise `DecodeError`."""
        item = await self.store.get(key, consistency=consistency, timeout=timeout)
        if item is None:
            return None
        return Item(key, self._decode(key, item.value), item.etag, item.expires_at)

    async def set(
        self,
        key: str,
        value: T,
        *,
        etag: str | None = None,
        concurrency: Concurrency | str = Concurrency.LAST_WRITE,
        ttl: float | timedelta | Keep | None = None,
        consistency: Consistency | str = Consistency.EVENTUAL,
        timeout: float | None = None,
    ) -> str:
        """Write a value and return its new ETag, as `Store.set` does."""
        return await self.store.set(
            key,
            self._encode(key, value),
            etag=etag,
            concurrency=concurrency,
            ttl=ttl,
            consistency=consistency,
            timeout=timeout,
        )

    async def update(
        self,
        key: str,
        change: Callable[[T | None], T | Awaitable[T]],
        *,
        ttl: float | timedelta | Keep | None = KEEP,
        consistency: Consistency | str = Consistency.EVENTUAL,
        attempts: int = 32,
        timeout: float | None = None,
    ) -> Item[T]:
        """Let `change` make the new value of the old and write it, as `Store.update` does."""
        written: list[T] = []

        async def change_bytes(old: bytes | None) -> bytes:
            value = change(None if old is None else self._decode(key, old))
            written[:] = [await _resolved(value)]
            return self._encode(key, written[0])

        item = await self.store.update(
            key,
            change_bytes,
            ttl=ttl,
            consistency=consistency,
            attempts=attempts,
            timeout=timeout,
        )
        return Item(key, written[0], item.etag)

    def _decode(self, key: str, value: bytes) -> T:
        try:
            return self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            name = getattr(self.model, "__name__", str(self.model))
            raise DecodeError(f"the value of key {key!r} is not a {name}: {error}") from error

    def _encode(self, key: str, value: T) -> bytes:
        try:
            return self._encoder.encode(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgument(
                f"the value for key {key!r} cannot be kept as JSON: {error}"
            ) from error


async def _resolved(value: T | Awaitable[T]) -> T:
    if inspect.isawaitable(value):
        return await value
    return value  # pyright: ignore[reportReturnType]

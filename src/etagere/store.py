"""`Store`: what users hold."""

from __future__ import annotations

import inspect
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import anyio

from etagere.backend import Backend, Capabilities, Feature
from etagere.contract import is_storable
from etagere.engine import Engine, check_timeout
from etagere.errors import (
    Certainty,
    EtagereError,
    ETagMismatch,
    Interrupted,
    InvalidArgument,
    NotSupported,
    OutcomeUnknown,
)
from etagere.keylocks import KeyLocks
from etagere.listing import in_chunks, keys_of_store
from etagere.minting import mint_etag
from etagere.operations import (
    KEEP,
    Concurrency,
    Consistency,
    Delete,
    Item,
    Keep,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Set,
    Stored,
    Touch,
    Write,
)
from etagere.outcomes import error_of, interrupted
from etagere.requests import Requests, as_deletes, as_sets
from etagere.settling import keys_of, verdict
from etagere.typed import TypedStore

T = TypeVar("T")

Result: TypeAlias = T | EtagereError
"""What a bulk call says of one of its items: its result, or the error that it alone ran into."""
Seconds: TypeAlias = float | timedelta

DEFAULT_TIMEOUT = 10.0
EVENTUAL = Consistency.EVENTUAL
LAST_WRITE = Concurrency.LAST_WRITE
EPOCH = datetime.fromtimestamp(0, UTC)
ITEMS_AT_ONCE = 500


class Store:
    """Versioned state behind one contract, whatever the database.

    Get one from `etagere.open`, and use it inside `async with`. It may be used by any number of
    tasks at once; calls made at the same time share round trips.

    Options of all calls:

    - `consistency`: "eventual" (default) or "strong"; refused with `NotSupported` where the store
      cannot give it.
    - `timeout`: seconds within which the call ends, instead of the store's own.

    Cancelling a call never means that it did not happen, and never harms another call. Every error
    says in `certainty` whether the write is in the store.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        require: Iterable[Feature | str] = (),
        mint: Callable[[], str] = mint_etag,
    ) -> None:
        check_timeout(timeout)
        self._backend = backend
        self._require = frozenset(require)
        self._engine = Engine(backend, timeout)
        self._perform = self._engine.perform
        self._requests = Requests(lambda: backend.capabilities, mint)
        self._updating = KeyLocks()

    async def __aenter__(self) -> Self:
        self._refuse_what_is_missing()
        await self._engine.start()
        try:
            if self._require:
                await self.ping()  # what a database can do is known once it has answered
                self._refuse_what_is_missing()
        except BaseException:
            await self._engine.stop()
            raise
        self._requests.refresh()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._engine.stop()

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do, as its database is set up now."""
        return self._backend.capabilities

    # --- one key ------------------------------------------------------------------------------

    async def get(
        self,
        key: str,
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> Item[bytes] | None:
        """Return the item under a key, or None if there is none.

        Raises `Unavailable` when the store cannot be reached.
        """
        operation = self._requests.read(key)
        level = self._requests.level(consistency)
        outcome = await self._perform(operation, level, timeout)
        if outcome is None:
            return None
        if isinstance(outcome, Record):
            return item_of(key, outcome)
        raise failure(operation, outcome)

    async def set(
        self,
        key: str,
        value: bytes,
        *,
        etag: str | None = None,
        concurrency: Concurrency | str = LAST_WRITE,
        ttl: Seconds | Keep | None = None,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> str:
        """Write a value and return its new ETag.

        With `etag`: only if that is the key's ETag. With `concurrency="first-write"` and no etag:
        only if the key is absent. `ttl` (seconds or a timedelta) makes the key expire; without it
        the key stays for good, with `ttl=KEEP` its expiry stays as it is.

        Where `capabilities.etags` is "server" and the store does not tell which ETag it gave, what
        is returned matches nothing, so that passing it back is a conflict: read the key instead.

        Raises `ETagMismatch`, `OutcomeUnknown`, `NotReplicated`, `Unavailable`.
        """
        operation = self._requests.write(key, value, etag, concurrency, ttl)
        level = self._requests.level(consistency)
        outcome = await self._perform(operation, level, timeout)
        if (given := etag_of(operation, outcome)) is not None:
            return given
        raise failure(operation, outcome)

    async def delete(
        self,
        key: str,
        *,
        etag: str | None = None,
        concurrency: Concurrency | str = LAST_WRITE,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> bool:
        """Delete a key; return whether there was something to delete.

        `etag` and `concurrency` mean what they mean in `set`. Raises what `set` raises.
        """
        operation = self._requests.remove(key, etag, concurrency)
        return await self._flag(operation, consistency, timeout)

    async def touch(
        self,
        key: str,
        ttl: Seconds | None,
        *,
        etag: str | None = None,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> bool:
        """Change only when a key expires (None: never); return whether the key is there.

        Value and ETag stay as they are. With `etag`: only if that is the key's ETag. Raises what
        `set` raises.
        """
        operation = self._requests.touch(key, ttl, etag)
        return await self._flag(operation, consistency, timeout)

    async def exists(
        self,
        key: str,
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> bool:
        """Return whether there is an item under a key."""
        return await self.get(key, consistency=consistency, timeout=timeout) is not None

    async def update(
        self,
        key: str,
        change: Callable[[bytes | None], bytes | Awaitable[bytes]],
        *,
        ttl: Seconds | Keep | None = KEEP,
        consistency: Consistency | str = EVENTUAL,
        attempts: int = 32,
        timeout: float | None = None,
    ) -> Item[bytes]:
        """Read a key, let `change` make the new value of the old, and write it if nobody else did.

        On a mismatch it reads and calls `change` again, after a short random pause, up to
        `attempts` times; then it raises the last `ETagMismatch`. `change` gets None for an absent
        key, may be a coroutine function, and may raise to give up. Tasks that update one key
        through one store queue up, so that they do not conflict with each other. `timeout` holds
        for each read and write.

        Returns the item as written; its `expires_at` is left out. Raises what `set` raises.
        """
        level = self._requests.level(consistency)
        reading = self._backend.capabilities.freshest
        async with self._updating.hold(key):
            for attempt in range(1, attempts + 1):
                item = await self.get(key, consistency=reading, timeout=timeout)
                value = change(None if item is None else item.value)
                if inspect.isawaitable(value):
                    value = await value
                try:
                    etag = await self.set(
                        key,
                        value,
                        etag=None if item is None else item.etag,
                        concurrency=Concurrency.FIRST_WRITE,
                        ttl=ttl,
                        consistency=level,
                        timeout=timeout,
                    )
                except ETagMismatch:
                    if attempt == attempts:
                        raise
                    await anyio.sleep(pause_before(attempt))
                else:
                    return Item(key, value, etag)
        raise InvalidArgument(f"attempts is at least 1, not {attempts}")

    async def settle(self, error: OutcomeUnknown, *, timeout: float | None = None) -> Certainty:
        """Read back what became of a write that was never answered.

        `APPLIED`: it is in the store. `NOT_APPLIED`: the ETag that it was to replace is still there
        (a request that is still travelling could yet change that). `UNKNOWN`: others wrote
        meanwhile, or it left no trace to know it by.
        """
        operation = error.operation
        reading = self._backend.capabilities.freshest
        keys = keys_of(operation)
        found = await self.get_many(keys, consistency=reading, timeout=timeout)
        etags: dict[str, str | None] = {}
        for key, item in zip(keys, found, strict=True):
            if isinstance(item, EtagereError):
                raise item
            etags[key] = None if item is None else item.etag
        return verdict(operation, etags, self._backend.capabilities.etags)

    # --- many keys ----------------------------------------------------------------------------

    async def get_many(
        self,
        keys: Iterable[str],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[Result[Item[bytes] | None]]:
        """Return what is under each key, in the order of the keys, duplicates included.

        Not a snapshot: each key is read on its own. A key that could not be read has an
        `EtagereError` in its place. A malformed key raises `InvalidArgument`, and nothing is read.
        """
        if isinstance(keys, str):
            raise InvalidArgument(f"get_many takes a list of keys, not the text {keys!r}")
        reads = [self._requests.read(key) for key in keys]
        level = self._requests.level(consistency)
        outcomes = await self._engine.perform_all(reads, level, timeout)
        return [found(read, outcome) for read, outcome in zip(reads, outcomes, strict=True)]

    async def set_many(
        self,
        requests: Iterable[Set] | Mapping[str, bytes],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[Result[str]]:
        """Write each item on its own; return each new ETag, or the error in its place, in order.

        Not a transaction: a conflict of one item does not stop the others. Items on one key take
        effect in order. A malformed item raises `InvalidArgument`, and nothing is written.
        """
        writes = [self._requests.write_of(request) for request in as_sets(requests)]
        level = self._requests.level(consistency)
        outcomes = await self._engine.perform_all(writes, level, timeout)
        return [
            etag_of(write, outcome) or failure(write, outcome)
            for write, outcome in zip(writes, outcomes, strict=True)
        ]

    async def delete_many(
        self,
        requests: Iterable[Delete | str],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[Result[bool]]:
        """Delete each key on its own; return whether it was there, or the error, in order.

        Not a transaction: a conflict of one item does not stop the others. A malformed item raises
        `InvalidArgument`, and nothing is deleted.
        """
        removes = [self._requests.remove_of(request) for request in as_deletes(requests)]
        level = self._requests.level(consistency)
        outcomes = await self._engine.perform_all(removes, level, timeout)
        return [
            outcome if isinstance(outcome, bool) else failure(remove, outcome)
            for remove, outcome in zip(removes, outcomes, strict=True)
        ]

    async def transact(
        self,
        requests: Iterable[Set | Delete],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[str | bool]:
        """Do all of these in order, or nothing.

        Returns the new ETag of each set, and for each delete whether there was something. Requests
        on one key see the earlier ones. Raises `ETagMismatch` with the `index` of the first
        request whose precondition does not hold, `NotSupported` where the store has no
        transactions or not over these keys, and what `set` raises.
        """
        operation = self._requests.transaction(requests)
        level = self._requests.level(consistency)
        if not operation.operations:
            return []
        outcome = await self._perform(operation, level, timeout)
        if not isinstance(outcome, tuple) or len(outcome) != len(operation.operations):
            raise failure(operation, outcome)
        return [
            result_of(part, done) for part, done in zip(operation.operations, outcome, strict=True)
        ]

    async def keys(
        self,
        *,
        prefix: str = "",
        after: str = "",
        limit: int | None = None,
        consistency: Consistency | str = EVENTUAL,
    ) -> AsyncGenerator[str]:
        """Iterate over the keys that start with `prefix`, in UTF-8 byte order.

        From the first key behind `after`, at most `limit` of them: the last key of one page is the
        `after` of the next. Complete for keys that are there throughout; keys in namespaces are
        left out. Each page that is fetched has the store's timeout. Raises `Unavailable`.
        """
        if not self._backend.capabilities.listing:
            raise NotSupported("this store does not offer listing keys")
        if limit is not None and limit < 0:
            raise InvalidArgument(f"a limit is at least 0, not {limit}")
        for name, text in (("prefix", prefix), ("after", after)):
            if not isinstance(text, str) or not is_storable(text):
                raise InvalidArgument(f"{name} is text without NUL, not {text!r}")
        level = self._requests.level(consistency)
        keys = keys_of_store(self._engine, prefix, after, limit, level)
        async with aclosing(keys):
            async for key in keys:
                yield key

    async def items(
        self,
        *,
        prefix: str = "",
        after: str = "",
        limit: int | None = None,
        consistency: Consistency | str = EVENTUAL,
    ) -> AsyncGenerator[Item[bytes]]:
        """Iterate over items by key, as `keys` does; items deleted meanwhile are left out."""
        names = self.keys(prefix=prefix, after=after, limit=limit, consistency=consistency)
        async with aclosing(in_chunks(names, ITEMS_AT_ONCE)) as chunks:
            async for chunk in chunks:
                for item in await self.get_many(chunk, consistency=consistency):
                    if isinstance(item, EtagereError):
                        raise item
                    if item is not None:
                        yield item

    async def delete_prefix(self, prefix: str, *, consistency: Consistency | str = EVENTUAL) -> int:
        """Delete every key that starts with `prefix`; return how many there were.

        Not atomic: keys written meanwhile may stay. An empty prefix is refused; `keys` and
        `delete_many` can empty a store. Raises what `delete` raises, some keys being deleted then.
        """
        if not prefix:
            raise InvalidArgument("delete_prefix needs a prefix; an empty one means every key")
        deleted = 0
        names = self.keys(prefix=prefix, consistency=consistency)
        async with aclosing(in_chunks(names, ITEMS_AT_ONCE)) as chunks:
            async for chunk in chunks:
                for existed in await self.delete_many(chunk, consistency=consistency):
                    if isinstance(existed, EtagereError):
                        raise existed
                    deleted += existed
        return deleted

    # --- the store itself ---------------------------------------------------------------------

    async def ping(self, *, timeout: float | None = None) -> None:
        """Return if the store answers; raise `Unavailable` if it does not."""
        await self._engine.ping(timeout)

    def typed(self, model: type[T]) -> TypedStore[T]:
        """Return a view of this store whose values are of one type, kept as JSON."""
        return TypedStore(self, model)

    async def _flag(
        self, operation: Remove | Touch, consistency: Consistency | str, timeout: float | None
    ) -> bool:
        level = self._requests.level(consistency)
        outcome = await self._perform(operation, level, timeout)
        if isinstance(outcome, bool):
            return outcome
        raise failure(operation, outcome)

    def _refuse_what_is_missing(self) -> None:
        capabilities = self._backend.capabilities
        if missing := capabilities.missing(self._require):
            name = type(self._backend).__name__
            why = ""
            if Feature.STRONG in missing and capabilities.why_not_strong:
                why = f" ({capabilities.why_not_strong})"
            raise NotSupported(f"{name} does not offer {', '.join(missing)} here{why}")


def item_of(key: str, record: Record) -> Item[bytes]:
    """Return a record as users see it."""
    expires_at = None
    if record.expires_at is not None:
        expires_at = EPOCH + timedelta(milliseconds=record.expires_at)
    return Item(key, record.value, record.etag, expires_at)


def etag_of(write: Write, outcome: Outcome) -> str | None:
    """Return the etag that a write has given its key; None if it failed."""
    if outcome is True:
        return write.etag
    return outcome.etag if isinstance(outcome, Stored) else None


def result_of(part: Write | Remove, done: bool | Stored) -> str | bool:
    """Return what a part of a transaction that was done is to its caller."""
    if isinstance(part, Write):
        return done.etag if isinstance(done, Stored) else part.etag
    return done is True


def found(read: Read, outcome: Outcome) -> Result[Item[bytes] | None]:
    """Return what a read found, or the error that it ran into."""
    if outcome is None:
        return None
    return item_of(read.key, outcome) if isinstance(outcome, Record) else failure(read, outcome)


def failure(operation: Operation, outcome: Outcome) -> EtagereError:
    """Return the error to raise for an outcome that is not a success."""
    if (error := error_of(operation, outcome)) is not None:
        return error
    # A fault of the backend's: nobody knows what it did.
    return interrupted(operation, Interrupted(f"its outcome {outcome!r} makes no sense"))


def pause_before(attempt: int) -> float:
    """Return how long to wait before trying an update again: longer each time, never in step."""
    return random.uniform(0, min(0.25, 0.001 * 2**attempt))  # noqa: S311

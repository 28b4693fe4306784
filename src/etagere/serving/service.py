"""`StateService`: Dapr's state operations over named stores, the same for every face."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager
from itertools import groupby
from typing import TypeVar

from etagere.backend import TransactionScope
from etagere.errors import EtagereError
from etagere.operations import Consistency, Delete, Item, Set
from etagere.serving import failures
from etagere.serving.errors import (
    KEY_MISSING,
    ApiError,
    no_transactions,
    store_not_found,
    too_many_operations,
)
from etagere.serving.exact import is_exact
from etagere.serving.failures import Action, failed, failed_items
from etagere.serving.model import (
    NO_METADATA,
    KeyPage,
    StateItem,
    TouchRequest,
    TransactionOperation,
)
from etagere.serving.stores import NamedStore
from etagere.serving.translating import (
    check_key,
    check_storable,
    delete_of,
    read_level,
    request_of,
    set_of,
    strongest,
    touch_ttl_of,
    write_level,
)
from etagere.store import Result

R = TypeVar("R", Set, Delete)
T = TypeVar("T")


class StateService:
    """What the faces of the server call. Every failure is an `ApiError`.

    With `strict`, what Dapr reports as a plain failure is one here too (see docs/dapr.md).
    """

    def __init__(
        self, stores: Iterable[NamedStore], *, app_id: str = "", strict: bool = False
    ) -> None:
        self.stores = {named.name: named for named in stores}
        self.app_id = app_id
        self.strict = strict

    def find(self, name: str) -> NamedStore:
        """Return the store of that name."""
        try:
            return self.stores[name]
        except KeyError:
            any_stores = bool(self.stores)
            raise store_not_found(name, self.app_id, any_stores=any_stores) from None

    # --- one key ------------------------------------------------------------------------------

    async def get(self, named: NamedStore, key: str, consistency: str = "") -> Item[bytes] | None:
        """Return the item under a key. A word that is no consistency level counts as none."""
        check_key(named, key)
        try:
            return await named.store.get(key, consistency=read_level(consistency))
        except EtagereError as error:
            raise self._failed(failures.GET, named, error, key) from error

    async def delete(self, named: NamedStore, item: StateItem) -> bool:
        """Delete a key; return whether there was something."""
        request = delete_of(named, item)
        try:
            return await named.store.delete(
                request.key,
                etag=request.etag,
                concurrency=request.concurrency,
                consistency=write_level(item),
            )
        except EtagereError as error:
            raise self._failed(failures.DELETE, named, error, request.key) from error

    async def touch(self, named: NamedStore, request: TouchRequest) -> bool:
        """Change only when a key expires; return whether it is there."""
        key = request.key
        if not key:
            raise ApiError(KEY_MISSING)
        check_key(named, key)
        with self._reporting(failures.TOUCH, named, key):
            ttl, level = touch_ttl_of(request), request.consistency or Consistency.EVENTUAL
            return await named.store.touch(key, ttl, etag=request.etag, consistency=level)

    # --- many keys ----------------------------------------------------------------------------

    async def get_bulk(
        self, named: NamedStore, keys: Sequence[str], consistency: str = ""
    ) -> list[Result[Item[bytes] | None]]:
        """Return what is under each key, in order; fails as a whole when no key could be read."""
        for key in keys:
            check_key(named, key)
        with self._reporting(failures.BULK_GET, named):
            found = await named.store.get_many(keys, consistency=read_level(consistency))
            if found and all(isinstance(item, EtagereError) for item in found):
                raise next(item for item in found if isinstance(item, EtagereError))
        return found

    async def save(
        self,
        named: NamedStore,
        items: Sequence[StateItem],
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> list[str]:
        """Write items, each on its own; return their new ETags."""
        if len(items) != 1 or is_exact(metadata):
            return await self._save_several(named, items, metadata)
        item = items[0]
        try:
            request = set_of(named, item, metadata)
            etag = await named.store.set(
                request.key,
                request.value,
                etag=request.etag,
                concurrency=request.concurrency,
                ttl=request.ttl,
                consistency=write_level(item),
            )
        except EtagereError as error:
            raise self._failed(failures.SAVE, named, error) from error
        return [etag]

    async def save_each(
        self, named: NamedStore, items: Sequence[StateItem], metadata: Mapping[str, str]
    ) -> list[Result[str]]:
        """Write items, each on its own; return each new ETag, or the error in its place."""
        with self._reporting(failures.SAVE, named):
            requests = [set_of(named, item, metadata) for item in items]
            return await in_runs(items, requests, named.store.set_many)

    async def delete_each(
        self, named: NamedStore, items: Sequence[StateItem]
    ) -> list[Result[bool]]:
        """Delete keys, each on its own; return whether each was there, or its error in place."""
        with self._reporting(failures.BULK_DELETE, named):
            requests = [delete_of(named, item) for item in items]
            return await in_runs(items, requests, named.store.delete_many)

    async def transact(
        self,
        named: NamedStore,
        operations: Sequence[TransactionOperation],
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> list[str | bool]:
        """Do all of these in order, or nothing. It is strong if one of them asks for that."""
        self.check_transactions(named)
        limit = named.store.capabilities.max_transaction
        if len(operations) > limit:
            raise too_many_operations(named.name, len(operations), limit)
        with self._reporting(failures.TRANSACTION, named):
            requests = [request_of(named, operation, metadata) for operation in operations]
            level = strongest([each.request for each in operations if each.request])
            return await named.store.transact(requests, consistency=level)

    def check_transactions(self, named: NamedStore) -> None:
        """Refuse a transaction on a store that has none."""
        if named.store.capabilities.transactions is TransactionScope.NONE:
            raise no_transactions(named.name)

    # --- by prefix ----------------------------------------------------------------------------

    async def list_keys(
        self, named: NamedStore, prefix: str, after: str, limit: int, consistency: str = ""
    ) -> KeyPage:
        """Return one page of the keys that start with `prefix`."""
        level = read_level(consistency)
        with self._reporting(failures.LIST, named):
            check_storable(prefix, after)
            keys = named.store.keys(prefix=prefix, after=after, limit=limit + 1, consistency=level)
            found = await gathered(keys)
        more = len(found) > limit
        return KeyPage(found[:limit], found[limit - 1] if more else None)

    async def delete_prefix(self, named: NamedStore, prefix: str) -> int:
        """Delete every key that starts with `prefix`; return how many."""
        with self._reporting(failures.DELETE_PREFIX, named):
            check_storable(prefix)
            return await named.store.delete_prefix(prefix)

    # --- failures -----------------------------------------------------------------------------

    async def _save_several(
        self, named: NamedStore, items: Sequence[StateItem], metadata: Mapping[str, str]
    ) -> list[str]:
        results = await self.save_each(named, items, metadata)
        if error := failed_items(failures.SAVE, named.name, results, strict=self.strict):
            raise error
        return [etag for etag in results if isinstance(etag, str)]

    def _failed(
        self, action: Action, named: NamedStore, error: EtagereError, key: str = ""
    ) -> ApiError:
        return failed(action, named.name, error, key=key, strict=self.strict)

    @contextmanager
    def _reporting(self, action: Action, named: NamedStore, key: str = "") -> Generator[None]:
        try:
            yield
        except EtagereError as error:
            raise self._failed(action, named, error, key) from error


async def in_runs(
    items: Sequence[StateItem],
    requests: Sequence[R],
    call: Callable[..., Awaitable[list[Result[T]]]],
) -> list[Result[T]]:
    """Make a bulk call for each run of items of one consistency level, in order."""
    results: list[Result[T]] = []
    for level, run in groupby(zip(items, requests, strict=True), lambda pair: write_level(pair[0])):
        chosen = [request for _, request in run]
        try:
            results += await call(chosen, consistency=level)
        except EtagereError as error:
            if not results:
                raise
            results += [error] * len(chosen)
    return results


async def gathered(keys: AsyncGenerator[str]) -> list[str]:
    """Return everything that an iterator yields."""
    async with aclosing(keys):
        return [key async for key in keys]

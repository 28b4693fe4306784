"""A store whose calls are recorded, as its user sees them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from etagere import contract
from etagere.backend import ETagOrigin
from etagere.errors import EtagereError
from etagere.histories.calling import Calling
from etagere.histories.events import Part, Result
from etagere.histories.history import Kind
from etagere.histories.identities import AS_BEFORE, value_identity
from etagere.operations import Concurrency, Consistency, Delete, Item, Keep, Set
from etagere.requests import as_deletes, as_sets
from etagere.store import EVENTUAL, LAST_WRITE, Seconds, Store
from etagere.store import Result as Outcome

if TYPE_CHECKING:
    from etagere.histories.recording import Recorder


class RecordedStore:
    """The calls of one client on a store; each does what it does on `Store`."""

    def __init__(self, recorder: Recorder, session: str, store: Store) -> None:
        self._recorder = recorder
        self._session = session
        self._store = store

    async def get(
        self,
        key: str,
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> Item[bytes] | None:
        """Return the item under a key, or None if there is none."""
        with self._calling(Kind.GET, key, consistency) as call:
            item = await self._store.get(key, consistency=consistency, timeout=timeout)
            tell(call, item)
        return item

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
        """Write a value and return its new ETag."""
        with self._writing(Set(key, value, etag, concurrency, ttl), consistency) as call:
            written = await self._store.set(
                key,
                value,
                etag=etag,
                concurrency=concurrency,
                ttl=ttl,
                consistency=consistency,
                timeout=timeout,
            )
            tell(call, written)
        return written

    async def delete(
        self,
        key: str,
        *,
        etag: str | None = None,
        concurrency: Concurrency | str = LAST_WRITE,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> bool:
        """Delete a key; return whether there was something to delete."""
        with self._writing(Delete(key, etag, concurrency), consistency) as call:
            found = await self._store.delete(
                key, etag=etag, concurrency=concurrency, consistency=consistency, timeout=timeout
            )
            tell(call, found)
        return found

    async def touch(
        self,
        key: str,
        ttl: Seconds | None,
        *,
        etag: str | None = None,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> bool:
        """Change only when a key expires; return whether the key is there."""
        expected = contract.precondition(LAST_WRITE, etag)
        lifetime = lifetime_of(ttl)
        with self._calling(Kind.TOUCH, key, consistency, expected, ttl=lifetime) as call:
            found = await self._store.touch(
                key, ttl, etag=etag, consistency=consistency, timeout=timeout
            )
            tell(call, found)
        return found

    async def transact(
        self,
        requests: Iterable[Set | Delete],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[str | bool]:
        """Do all of these in order, or nothing."""
        requests = list(requests)
        if not requests:
            return []
        parts = tuple(map(part_of, requests))
        level = contract.consistency_of(consistency)
        with self._recorder.calling(
            self._session, Kind.TRANSACTION, "", parts=parts, consistency=level
        ) as call:
            done = await self._store.transact(requests, consistency=consistency, timeout=timeout)
            call.ok(parts=tuple(map(result_of, done)))
        return done

    async def get_many(
        self,
        keys: Iterable[str],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[Outcome[Item[bytes] | None]]:
        """Return what is under each key, in the order of the keys."""
        keys = keys if isinstance(keys, str) else list(keys)
        calls = [self._calling(Kind.GET, key, consistency) for key in keys]
        with all_of(calls):
            items = await self._store.get_many(keys, consistency=consistency, timeout=timeout)
            for call, item in zip(calls, items, strict=True):
                tell(call, item)
        return items

    async def set_many(
        self,
        requests: Iterable[Set] | Mapping[str, bytes],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[Outcome[str]]:
        """Write each item on its own; return each new ETag, or the error in its place."""
        sets = list(as_sets(requests))
        calls = [self._writing(request, consistency) for request in sets]
        with all_of(calls):
            written = await self._store.set_many(sets, consistency=consistency, timeout=timeout)
            for call, etag in zip(calls, written, strict=True):
                tell(call, etag)
        return written

    async def delete_many(
        self,
        requests: Iterable[Delete | str],
        *,
        consistency: Consistency | str = EVENTUAL,
        timeout: float | None = None,
    ) -> list[Outcome[bool]]:
        """Delete each key on its own; return whether it was there, or the error in its place."""
        deletes = list(as_deletes(requests))
        calls = [self._writing(request, consistency) for request in deletes]
        with all_of(calls):
            found = await self._store.delete_many(deletes, consistency=consistency, timeout=timeout)
            for call, existed in zip(calls, found, strict=True):
                tell(call, existed)
        return found

    def _writing(self, request: Set | Delete, consistency: Consistency | str) -> Calling:
        expected = contract.precondition(request.concurrency, request.etag)
        if isinstance(request, Delete):
            return self._calling(Kind.DELETE, request.key, consistency, expected)
        value, ttl = request.value, lifetime_of(request.ttl)
        return self._calling(Kind.SET, request.key, consistency, expected, value=value, ttl=ttl)

    def _calling(
        self,
        kind: Kind,
        key: str,
        consistency: Consistency | str,
        expected: str | None = None,
        *,
        value: bytes | None = None,
        ttl: int | None = None,
    ) -> Calling:
        return self._known(
            self._recorder.calling(
                self._session,
                kind,
                noted(key),
                value=value if isinstance(value, bytes) else None,
                expected=expected,
                ttl=ttl,
                consistency=consistency,
            )
        )

    def _known(self, call: Calling) -> Calling:
        call.is_minted = self._store.capabilities.etags is ETagOrigin.WRITER
        return call


@contextmanager
def all_of(calls: Sequence[Calling]) -> Generator[None]:
    """Make several calls as one: an error of the whole is one of each that has no answer yet."""
    with ExitStack() as stack:
        for call in calls:
            stack.enter_context(call)
        yield


def tell(call: Calling, outcome: Outcome[Item[bytes] | str | bool | None]) -> None:
    """Answer a call with what its caller got: a result, or an error in its place."""
    if isinstance(outcome, EtagereError):
        call.raised(outcome)
    elif isinstance(outcome, Item):
        call.ok(etag=outcome.etag, value=outcome.value, found=True)
    elif isinstance(outcome, str):
        call.ok(etag=outcome)
    else:
        call.ok(found=bool(outcome))


def part_of(request: Set | Delete) -> Part:
    """Return a request of a transaction as it is recorded."""
    expected = contract.precondition(request.concurrency, request.etag)
    if isinstance(request, Delete):
        return Part(Kind.DELETE, noted(request.key), expected)
    value = value_identity(request.value) if isinstance(request.value, bytes) else None
    return Part(Kind.SET, noted(request.key), expected, value, ttl=lifetime_of(request.ttl))


def result_of(done: str | bool) -> Result:
    """Return what a transaction says of one of its requests, as it is recorded."""
    return Result(found=done) if isinstance(done, bool) else Result(etag=done)


def lifetime_of(ttl: Seconds | Keep | None) -> int | None:
    """Return a time to live as it is recorded."""
    if ttl is None:
        return None
    return AS_BEFORE if isinstance(ttl, Keep) else contract.milliseconds(ttl)


def noted(key: str) -> str:
    """Return a key as it is recorded: one that no store takes could not be written down either."""
    return key if isinstance(key, str) and key and contract.is_storable(key) else ascii(key)

"""Every row of the contract's table, one call at a time, in bulk and in transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import pytest

from etagere import Delete, ETagMismatch, Item, Set, Store
from tests.behaviour.http_store import HttpStore
from tests.behaviour.targets import BACKENDS, HTTP, TARGETS, Target

pytestmark = [pytest.mark.anyio, pytest.mark.targets(*TARGETS)]

STATES = ["absent", "present", "expired"]
OPTIONS = ["last-write", "first-write"]
ETAGS = ["none", "empty", "current", "stale", "foreign", "endless"]
FOREIGN: Final = {"none": None, "empty": "", "foreign": "'; --é\n\\*", "endless": "e" * 100_000}


class Place:
    """A key in a known state."""

    def __init__(self, store: Store, database: Store, key: str, state: str) -> None:
        self.store = store
        self.database = database
        self.key = key
        self.state = state
        self.stale = ""
        self.latest = ""

    async def prepare(self) -> None:
        self.stale = await self.store.set(self.key, b"old")
        self.latest = await self.store.set(self.key, b"current")
        if self.state == "absent":
            await self.store.delete(self.key)
        if self.state == "expired":
            # Not by way of the store: over HTTP time is counted in seconds.
            await self.database.touch(self.key, 0.001)
            await gone(self.store, self.key)

    @property
    def current(self) -> str | None:
        return self.latest if self.state == "present" else None

    def etag(self, kind: str) -> str | None:
        named = {"current": self.latest, "stale": self.stale}
        return named[kind] if kind in named else FOREIGN[kind]

    def allows(self, concurrency: str, kind: str) -> bool:
        if kind in ("none", "empty"):
            return concurrency == "last-write" or self.current is None
        return kind == "current" and self.state == "present"

    async def is_unchanged(self) -> bool:
        item = await self.store.get(self.key, consistency="strong")
        return item == (
            Item(self.key, b"current", self.latest) if self.state == "present" else None
        )

    def is_refusal(self, error: ETagMismatch, kind: str, index: int | None) -> bool:
        expected = "?" if kind == "endless" else self.etag(kind) or None
        return (error.key, error.expected, error.actual, error.index) == (
            self.key,
            expected,
            self.current,
            index,
        )


async def gone(store: Store, key: str) -> None:
    with anyio.fail_after(10):
        while await store.get(key, consistency="strong") is not None:
            await anyio.sleep(0.001)


@pytest.fixture(scope="module")
async def database(target: Target, store: Store) -> AsyncIterator[Store]:
    """The database itself; nothing but the store, unless there is a server in front of it."""
    if target.name != HTTP:
        yield store
        return
    async with target.open_directly() as database:
        yield database


@pytest.fixture(params=STATES)
async def place(request: Any, store: Store, database: Store, key: str) -> Place:
    place = Place(store, database, key, request.param)
    await place.prepare()
    return place


def is_silent(place: Place, way: Any) -> bool:
    """Dapr's own routes do not tell whether there was something to delete."""
    return isinstance(place.store, HttpStore) and way is not in_bulk


async def alone(store: Store, request: Set | Delete) -> Any:
    options = {"etag": request.etag, "concurrency": request.concurrency}
    if isinstance(request, Set):
        return await store.set(request.key, request.value, **options)
    return await store.delete(request.key, **options)


async def in_bulk(store: Store, request: Set | Delete) -> Any:
    neighbours = [f"{request.key}/{n}" for n in range(2)]
    if isinstance(request, Set):
        sets = [Set(neighbours[0], b""), request, Set(neighbours[1], b"")]
        results: list[Any] = list(await store.set_many(sets))
    else:
        results = list(await store.delete_many([neighbours[0], request, neighbours[1]]))
    assert not any(isinstance(result, Exception) for result in (results[0], results[2]))
    if isinstance(results[1], Exception):
        raise results[1]
    return results[1]


async def in_transaction(store: Store, request: Set | Delete) -> Any:
    neighbours = [f"{request.key}/{n}" for n in range(2)]
    try:
        results = await store.transact([Set(neighbours[0], b""), request, Delete(neighbours[1])])
    except ETagMismatch:
        assert await store.exists(neighbours[0], consistency="strong") is False
        raise
    assert await store.exists(neighbours[0], consistency="strong") is True
    return results[1]


WAYS = [alone, in_bulk, in_transaction]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ETAGS)
@pytest.mark.parametrize("concurrency", OPTIONS)
class TestTable:
    async def test_set(self, place: Place, concurrency: str, kind: str, way: Any) -> None:
        request = Set(place.key, b"new", place.etag(kind), concurrency)
        if place.allows(concurrency, kind):
            etag = await way(place.store, request)
            assert etag not in (place.latest, place.stale)
            item = await place.store.get(place.key, consistency="strong")
            assert item == Item(place.key, b"new", etag)
        else:
            await self.refused(place, request, kind, way)

    async def test_delete(self, place: Place, concurrency: str, kind: str, way: Any) -> None:
        request = Delete(place.key, place.etag(kind), concurrency)
        if place.allows(concurrency, kind):
            told = await way(place.store, request)
            assert told is (place.state == "present") or (told is None and is_silent(place, way))
            assert await place.store.get(place.key, consistency="strong") is None
        else:
            await self.refused(place, request, kind, way)

    async def refused(self, place: Place, request: Any, kind: str, way: Any) -> None:
        with pytest.raises(ETagMismatch) as raised:
            await way(place.store, request)
        assert place.is_refusal(raised.value, kind, 1 if way is in_transaction else None)
        assert await place.is_unchanged()


@pytest.mark.parametrize("kind", ETAGS)
async def test_touch(place: Place, kind: str) -> None:
    if place.allows("last-write", kind):
        touched = await place.store.touch(place.key, 1000, etag=place.etag(kind))
        assert touched is (place.state == "present")
        item = await place.store.get(place.key, consistency="strong")
        if place.state == "present":
            assert item is not None
            assert (item.value, item.etag) == (b"current", place.latest)
            assert item.expires_at is not None
        else:
            assert item is None
    else:
        with pytest.raises(ETagMismatch) as raised:
            await place.store.touch(place.key, 1000, etag=place.etag(kind))
        assert place.is_refusal(raised.value, kind, None)
        assert await place.is_unchanged()


@pytest.mark.targets(*BACKENDS)
@pytest.mark.parametrize("level", ["eventual", "strong"])
async def test_both_levels(store: Store, key: str, level: str) -> None:
    etag = await store.set(key, b"1", consistency=level)
    assert await store.get(key, consistency=level) == Item(key, b"1", etag)
    etag = await store.set(key, b"2", etag=etag, consistency=level)
    with pytest.raises(ETagMismatch):
        await store.set(key, b"3", concurrency="first-write", consistency=level)
    assert await store.touch(key, 60, consistency=level) is True
    assert await store.get_many([key, key + "x"], consistency=level) == [
        await store.get(key, consistency=level),
        None,
    ]
    assert await store.exists(key, consistency=level) is True
    item = await store.update(key, lambda old: (old or b"") + b"!", consistency=level)
    await store.transact([Delete(key, etag=item.etag), Set(key, b"4")], consistency=level)
    assert await store.delete(key, consistency=level) is True
    assert await store.exists(key, consistency=level) is False


async def test_an_etag_never_comes_back(store: Store, key: str) -> None:
    seen = set()
    for _ in range(5):
        seen.add(await store.set(key, b"same"))
        seen.add(await store.set(key, b"same"))
        await store.delete(key)
    assert len(seen) == 10
    await store.set(key, b"same")
    for etag in seen:
        with pytest.raises(ETagMismatch):
            await store.set(key, b"", etag=etag)

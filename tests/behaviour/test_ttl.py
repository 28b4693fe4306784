"""Expiry: set with the write, kept, cleared, touched, reported, and final in every respect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import anyio
import pytest

from etagere import KEEP, Delete, ETagMismatch, Set, Store
from tests.behaviour.test_contract_table import gone
from tests.listing import listed

pytestmark = pytest.mark.anyio

A_SECOND = timedelta(seconds=1)
"""How far the clock of a server may be from ours, on one machine, when it is busy."""


async def expiry(store: Store, key: str) -> datetime | None:
    item = await store.get(key, consistency="strong")
    assert item is not None
    return item.expires_at


def is_about(moment: datetime | None, seconds: float) -> bool:
    if moment is None:
        return False
    return abs(moment - datetime.now(UTC) - timedelta(seconds=seconds)) < A_SECOND


@pytest.mark.parametrize("ttl", [60, 60.0, timedelta(minutes=1)])
async def test_is_reported(store: Store, key: str, ttl: float | timedelta) -> None:
    await store.set(key, b"", ttl=ttl)
    assert is_about(await expiry(store, key), 60)
    (item,) = await store.get_many([key])
    assert not isinstance(item, Exception)
    assert item is not None
    assert is_about(item.expires_at, 60)


async def test_has_milliseconds(store: Store, key: str) -> None:
    await store.set_many([Set(f"{key}/{n}", b"", ttl=100 + n / 1000) for n in range(0, 900, 90)])
    moments = [await expiry(store, f"{key}/{n}") for n in range(0, 900, 90)]
    assert all(moment is not None and moment.microsecond % 1000 == 0 for moment in moments)
    for earlier, later in pairwise(moments):
        assert earlier is not None
        assert later is not None
        # All are written by one batch, so on one clock, unless a backend splits it.
        assert timedelta(milliseconds=80) < later - earlier < timedelta(milliseconds=500)


async def test_a_long_one(store: Store, key: str) -> None:
    await store.set(key, b"", ttl=timedelta(days=365_000))
    moment = await expiry(store, key)
    assert moment is not None
    assert moment.year > 3000


async def test_a_write_without_one_clears_it(store: Store, key: str) -> None:
    await store.set(key, b"", ttl=60)
    await store.set(key, b"")
    assert await expiry(store, key) is None
    await store.set(key, b"", ttl=60)
    await store.transact([Set(key, b"")])
    assert await expiry(store, key) is None


async def test_keep_keeps_it(store: Store, key: str) -> None:
    await store.set(key, b"", ttl=60)
    before = await expiry(store, key)
    await store.set(key, b"2", ttl=KEEP)
    await store.set_many([Set(key, b"3", ttl=KEEP)])
    await store.transact([Set(key, b"4", ttl=KEEP), Set(key, b"5", ttl=KEEP)])
    await store.update(key, lambda _: b"6")
    item = await store.get(key, consistency="strong")
    assert item is not None
    assert (item.value, item.expires_at) == (b"6", before)
    assert before is not None


async def test_keep_keeps_none(store: Store, key: str) -> None:
    await store.set(key, b"", ttl=KEEP)
    assert await expiry(store, key) is None
    await store.set(key, b"", ttl=KEEP)
    assert await expiry(store, key) is None


async def test_keep_after_a_delete_in_the_same_transaction_keeps_nothing(
    store: Store, key: str
) -> None:
    await store.set(key, b"", ttl=60)
    await store.transact([Delete(key), Set(key, b"", ttl=KEEP)])
    assert await expiry(store, key) is None
    await store.transact([Set(key, b"", ttl=30), Set(key, b"", ttl=KEEP)])
    assert is_about(await expiry(store, key), 30)


async def test_touch_changes_only_the_expiry(store: Store, key: str) -> None:
    etag = await store.set(key, b"v")
    for ttl in (60, 30.5, timedelta(hours=1)):
        assert await store.touch(key, ttl) is True
        seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
        assert is_about(await expiry(store, key), seconds)
    assert await store.touch(key, None, etag=etag) is True
    assert await expiry(store, key) is None
    item = await store.get(key)
    assert item is not None
    assert (item.value, item.etag) == (b"v", etag)


async def test_touch_of_nothing(store: Store, key: str) -> None:
    assert await store.touch(key, 60) is False
    assert await store.touch(key, None) is False
    assert await store.exists(key) is False


async def test_a_millisecond_is_soon_over(store: Store, key: str) -> None:
    before = datetime.now(UTC)
    await store.set(key, b"", ttl=0.001)
    await gone(store, key)
    assert datetime.now(UTC) - before < 2 * A_SECOND


async def test_it_lives_until_then(store: Store, key: str) -> None:
    await store.set(key, b"", ttl=0.3)
    moment = await expiry(store, key)
    assert moment is not None
    await gone(store, key)
    assert datetime.now(UTC) > moment - timedelta(milliseconds=100)


class TestExpiredIsAbsent:
    @pytest.fixture
    async def etag(self, store: Store, key: str) -> str:
        etag = await store.set(key, b"old", ttl=0.001)
        await gone(store, key)
        return etag

    async def test_for_reads(self, store: Store, key: str, etag: str) -> None:
        assert await store.get(key) is None
        assert await store.exists(key) is False
        assert await store.get_many([key, key]) == [None, None]
        assert await listed(store, prefix=key) == []
        assert [item async for item in store.items(prefix=key)] == []

    async def test_for_touch(self, store: Store, key: str, etag: str) -> None:
        assert await store.touch(key, 60) is False
        assert await store.touch(key, None) is False
        assert await store.exists(key, consistency="strong") is False

    async def test_for_deletes(self, store: Store, key: str, etag: str) -> None:
        assert await store.delete(key) is False
        assert await store.delete_prefix(key) == 0
        assert await store.delete_many([key]) == [False]

    async def test_for_conditions(self, store: Store, key: str, etag: str) -> None:
        with pytest.raises(ETagMismatch) as raised:
            await store.set(key, b"", etag=etag)
        assert raised.value.actual is None
        with pytest.raises(ETagMismatch):
            await store.delete(key, etag=etag)
        created = await store.set(key, b"new", concurrency="first-write")
        item = await store.get(key)
        assert item is not None
        assert (item.value, item.etag, item.expires_at) == (b"new", created, None)

    async def test_for_keep(self, store: Store, key: str, etag: str) -> None:
        await store.set(key, b"new", ttl=KEEP)
        assert await expiry(store, key) is None

    async def test_for_update(self, store: Store, key: str, etag: str) -> None:
        item = await store.update(key, lambda old: b"found" if old else b"absent")
        assert item.value == b"absent"
        assert await expiry(store, key) is None

    async def test_for_transactions(self, store: Store, key: str, etag: str) -> None:
        with pytest.raises(ETagMismatch):
            await store.transact([Delete(key, etag=etag)])
        results = await store.transact(
            [Delete(key), Set(key, b"", concurrency="first-write", ttl=KEEP)]
        )
        assert results[0] is False
        assert await expiry(store, key) is None


async def test_many_that_expire_are_no_burden(store: Store, key: str) -> None:
    """However a backend gets rid of them: a listing never shows one that has expired."""
    keys = [f"{key}/{n:03}" for n in range(300)]
    await store.set_many(
        [Set(name, b"", ttl=0.05 if n % 3 else None) for n, name in enumerate(keys)]
    )
    with anyio.fail_after(10):
        while len(await listed(store, prefix=key)) > 100:
            await anyio.sleep(0.01)
    assert await listed(store, prefix=key) == keys[::3]
    assert await listed(store, prefix=key, limit=5) == keys[:15:3]
    assert await store.delete_prefix(key) == 100

"""Several stores, and several processes, on one database."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import anyio
import pytest

from etagere import Delete, ETagMismatch, Item, Set, Store
from tests.behaviour.targets import SHARED, Target
from tests.listing import listed

pytestmark = [pytest.mark.anyio, pytest.mark.targets(*SHARED)]

PROCESSES = 2


@pytest.fixture
async def other(target: Target) -> AsyncIterator[Store]:
    async with target.open() as other:
        yield other


class TestTwoStores:
    async def test_see_each_others_writes(self, store: Store, other: Store, key: str) -> None:
        for number in range(20):
            one, two = (store, other) if number % 2 else (other, store)
            etag = await one.set(key, b"%d" % number, ttl=60 if number % 3 else None)
            item = await two.get(key, consistency="strong")
            assert item is not None
            assert (item.value, item.etag) == (b"%d" % number, etag)
            assert (item.expires_at is None) == (number % 3 == 0)
            assert await listed(two, prefix=key) == [key]
            assert await two.delete(key, etag=etag) is True
            assert await one.exists(key, consistency="strong") is False

    async def test_conflict_with_each_other(self, store: Store, other: Store, key: str) -> None:
        first = await store.set(key, b"1")
        second = await other.set(key, b"2", etag=first)
        with pytest.raises(ETagMismatch) as raised:
            await store.set(key, b"3", etag=first)
        assert raised.value.actual == second
        with pytest.raises(ETagMismatch):
            await store.transact([Set(key, b"3", etag=first), Delete(f"{key}/x")])
        await store.transact([Set(key, b"3", etag=second)])

    async def test_outlive_each_other(self, target: Target, store: Store, key: str) -> None:
        async with target.open() as brief:
            etag = await brief.set(key, b"v")
        assert await store.get(key, consistency="strong") == Item(key, b"v", etag)
        async with target.open() as again:
            assert await again.get(key, consistency="strong") == Item(key, b"v", etag)


class TestNamespaces:
    async def test_keep_keys_apart(self, target: Target, key: str) -> None:
        one_name, other_name = f"{key}a", f"{key}b"
        async with (
            target.open(namespace=one_name) as one,
            target.open(namespace=other_name) as other,
        ):
            etag = await one.set("k", b"one")
            assert await other.get("k") is None
            await other.set("k", b"other", concurrency="first-write")
            await other.set("only", b"")
            assert await one.get("k") == Item("k", b"one", etag)
            assert await listed(one) == ["k"]
            assert await listed(other) == ["k", "only"]
            assert await other.delete_prefix("k") == 1
            assert await listed(one) == ["k"]
            with pytest.raises(ETagMismatch, match="key 'k' "):
                await one.transact([Set("k", b"", etag="stale")])
            await one.transact([Set("k", b"", etag=etag), Delete("only")])
            assert await listed(other) == ["only"]


class TestProcesses:
    async def test_lose_no_increment(self, target: Target, store: Store, key: str) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(PROCESSES):
                tasks.start_soon(child, "increment", target.url, key)
            for _ in range(50):
                await store.update(key, lambda old: b"%d" % (int(old or 0) + 1), attempts=10_000)
        item = await store.get(key, consistency="strong")
        assert item is not None
        assert item.value == b"%d" % (150 * PROCESSES + 50)

    async def test_win_each_race_once(self, target: Target, store: Store, key: str) -> None:
        won = Counter[int]()

        async def compete() -> None:
            won.update(map(int, (await child("claim", target.url, key)).split()))

        async with anyio.create_task_group() as tasks:
            for _ in range(PROCESSES):
                tasks.start_soon(compete)
        assert won == Counter(range(100))
        assert await store.delete_prefix(f"{key}/") == 100


async def child(task: str, url: str, key: str) -> str:
    """Run a task of `tests.behaviour.children` in a process and return what it prints."""
    command = [sys.executable, "-m", "tests.behaviour.children", task, url, key]
    run = partial(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    done = await anyio.to_thread.run_sync(run)
    assert done.returncode == 0, done.stderr
    return done.stdout

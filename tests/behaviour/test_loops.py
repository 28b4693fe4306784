"""Event loops: the databases run on asyncio, with uvloop too, and refuse trio before connecting."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

import etagere
from etagere import ETagMismatch, Item, NotSupported, Set
from tests.behaviour.targets import Target
from tests.conftest import ALL_LOOPS
from tests.listing import listed

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=ALL_LOOPS[1:])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("anyio_backend", ALL_LOOPS[1:2], indirect=True)
async def test_uvloop(target: Target, key: str) -> None:
    rng = random.Random(3)

    async def use(number: int) -> None:
        name = f"{key}/{number % 10}"
        with anyio.move_on_after(rng.expovariate(1 / 0.01)):
            await store.update(name, lambda _: name.encode())
            for item in await store.get_many([name]):
                assert item is None or item.value == item.key.encode()

    async with target.open() as store:
        etag = await store.set(key, b"1", consistency="strong")
        with pytest.raises(ETagMismatch):
            await store.set(key, b"2", concurrency="first-write")
        await store.transact([Set(key, b"3", etag=etag)])
        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(use, number)
        etag = await store.set(key, b"4", ttl=60)
        item = await store.get(key)
        assert item is not None
        assert (item.value, item.etag) == (b"4", etag)
        await store.update(f"{key}/0", lambda _: b"5")
        assert f"{key}/0" in await listed(store, prefix=f"{key}/")


@pytest.mark.parametrize("anyio_backend", ALL_LOOPS[2:], indirect=True)
@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/x.db", "redis://127.0.0.1:1", "postgres://127.0.0.1:1/x"]
)
async def test_trio_is_refused_before_anything_is_touched(url: str) -> None:
    with pytest.raises(NotSupported, match="Backend runs on asyncio, not trio"):
        async with etagere.open(url):
            pass


@pytest.mark.parametrize("anyio_backend", ALL_LOOPS[2:], indirect=True)
async def test_trio_has_the_memory() -> None:
    async with etagere.open("memory://") as store:
        etag = await store.set("k", b"v")
        assert await store.get("k") == Item("k", b"v", etag)

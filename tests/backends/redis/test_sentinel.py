"""A primary that Sentinels name, and replace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from etagere.backend import Reach
from etagere.errors import Interrupted, Unavailable
from etagere.operations import Read, Record, Write
from etagere_redis import RedisBackend
from tests.backends.redis.support import EVENTUAL, STRONG, do, mint, opened, until
from tests.servers import ValkeySentinel, free_port, valkey_sentinel

pytestmark = pytest.mark.anyio


@pytest.fixture
async def watched(redis_binary: Path | None) -> AsyncIterator[ValkeySentinel]:
    async with valkey_sentinel(3, replicas=2, binary=redis_binary) as servers:
        yield servers


async def test_the_primary_is_found_through_any_sentinel(watched: ValkeySentinel) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    await asyncio.to_thread(watched.sentinels[0].kill)
    url = f"redis+sentinel://{nobody},{watched.addresses}/{watched.service}/3"
    async with opened(url) as backend:
        assert backend.capabilities.reach is Reach.PRIMARY
        assert await do(backend, Write("k", b"", "e"), STRONG) is True
        assert await do(backend, Read("k"), STRONG) == Record(b"", "e")
        assert [keys async for keys in backend.scan("", "", None, STRONG)] == [["k"]]
        await backend.ping()
        assert watched.primary.call("EXISTS", "k") == 0  # it is in database 3


async def test_a_name_that_no_sentinel_knows_is_named(watched: ValkeySentinel) -> None:
    backend = RedisBackend.from_url(f"redis+sentinel://{watched.addresses}/nobody")
    with pytest.raises(Unavailable, match="knows no primary 'nobody'"):
        await backend.open()
    await backend.close()


async def test_without_sentinels_nothing_is_available(watched: ValkeySentinel) -> None:
    backend = RedisBackend.from_url(watched.url)
    for sentinel in watched.sentinels:
        await asyncio.to_thread(sentinel.kill)
    with pytest.raises(Unavailable, match="no Sentinel names the primary"):
        await backend.open()
    await asyncio.to_thread(watched.sentinels[1].restart)
    assert await do(backend, Write("k", b"", mint())) is True
    await backend.close()


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_a_new_primary_is_found(watched: ValkeySentinel, how: str) -> None:
    settings = "?reads=replica&connect_timeout=0.5&reply_timeout=0.5"
    async with opened(watched.url + settings) as backend:
        for number in range(20):
            assert await do(backend, Write(f"k{number}", b"", f"e{number}"), STRONG) is True
        assert watched.primary.call("WAIT", 2, 30_000) == 2
        await asyncio.to_thread(getattr(watched.primary, how))

        async def writes() -> bool:
            outcome = await do(backend, Write("new", b"", mint()), STRONG)
            assert outcome is True or isinstance(outcome, Unavailable | Interrupted), outcome
            return outcome is True

        await until(writes, "the new primary")
        for level in (STRONG, EVENTUAL):
            found = await backend.execute([Read(f"k{n}") for n in range(20)], level)
            assert found == [Record(b"", f"e{n}") for n in range(20)]
        address = watched.sentinels[0].primary_address()
        assert address != (watched.primary.host, watched.primary.port)
        watched.primary.thaw()


async def test_a_primary_that_was_deposed_is_left(watched: ValkeySentinel) -> None:
    """It lives on as a replica, and the connections to it may live on too."""
    async with opened(watched.url) as backend:
        assert await do(backend, Write("k", b"", "e1"), STRONG) is True
        assert await do(backend, Write("k", b"", "e2", "e1")) is True
        sentinel = watched.sentinels[0]
        before = sentinel.primary_address()
        sentinel.call("SENTINEL", "FAILOVER", watched.service)
        await until(lambda: sentinel.primary_address() != before, "the failover")

        async def writes() -> bool:
            return await do(backend, Write("k", b"", mint())) is True

        await until(writes, "the new primary")
        assert isinstance(await do(backend, Read("k"), STRONG), Record)

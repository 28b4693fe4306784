"""Which stores meet in one cluster, and how long it lives."""

from __future__ import annotations

import anyio
import pytest

import etagere
from etagere import Certainty, ConfigurationError, NotSupported
from etagere_sim import SimBackend

pytestmark = pytest.mark.anyio

OWN = "sim://?protocol=caspaxos&latency=constant:0.1&pace=fast"
SHARED = OWN.replace("://", "://shop")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_url_without_a_name_is_another_cluster_each_time() -> None:
    async with etagere.open(OWN) as one, etagere.open(OWN) as other:
        await one.set("key", b"value")
        assert await other.get("key", consistency="strong") is None


async def test_stores_meet_by_name() -> None:
    async with etagere.open(SHARED) as one, etagere.open(SHARED) as other:
        etag = await one.set("key", b"value", consistency="strong")
        found = await other.get("key", consistency="strong")
        assert found is not None
        assert found.etag == etag


async def test_a_cluster_lives_as_long_as_a_store_on_it() -> None:
    async with etagere.open(SHARED) as one:
        await one.set("key", b"value", consistency="strong")
        async with etagere.open(SHARED) as other:
            assert await other.exists("key", consistency="strong")
        assert await one.exists("key", consistency="strong")
    async with etagere.open(SHARED) as later:
        assert not await later.exists("key", consistency="strong")


async def test_one_name_has_one_set_of_settings() -> None:
    async with etagere.open(SHARED):
        with pytest.raises(ConfigurationError, match="'shop' is open already, as sim://shop"):
            await etagere.open(f"{SHARED}&seed=2").__aenter__()


def test_a_name_is_of_one_event_loop() -> None:
    async def write_and_tell() -> bool:
        async with etagere.open(SHARED) as store:
            there = await store.exists("key", consistency="strong")
            await store.set("key", b"value", consistency="strong")
            return there

    assert not anyio.run(write_and_tell)
    assert not anyio.run(write_and_tell)


async def test_a_closed_backend_refuses() -> None:
    backend = SimBackend.from_url(OWN)
    await backend.open()
    await backend.close()
    with pytest.raises(etagere.Closed) as refusal:
        await backend.ping()
    assert refusal.value.certainty is Certainty.NOT_APPLIED


async def test_a_protocol_that_cannot_list_says_so() -> None:
    async with etagere.open(OWN) as store:
        with pytest.raises(NotSupported):
            await anext(aiter(store.keys()))

"""How time passes on a cluster in an ordinary event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

import etagere
from etagere import Consistency, EtagereError, Item, Store
from etagere.operations import Read, Record, Write
from etagere_sim import SimBackend

pytestmark = pytest.mark.anyio

WEAK = "sim://?protocol=dynamo&n=3&r=1&w=1&latency=lnkd-disk"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def freshness(url: str, rounds: int = 100) -> list[bool]:
    """Write and read, over and over; return whether each read saw the write before it."""
    async with etagere.open(url) as store:
        fresh: list[bool] = []
        for _ in range(rounds):
            etag = await store.set("key", b"value")
            item = await store.get("key")
            fresh.append(item is not None and item.etag == etag)
        return fresh


class TestFast:
    async def test_a_seed_gives_the_same_again(self) -> None:
        first = await freshness(f"{WEAK}&pace=fast&seed=7")
        assert await freshness(f"{WEAK}&pace=fast&seed=7") == first
        assert await freshness(f"{WEAK}&pace=fast&seed=8") != first

    async def test_calls_at_the_same_time_do_the_same_again(self) -> None:
        async def race() -> list[object]:
            async with etagere.open(f"{WEAK}&pace=fast&seed=7", layers=()) as store:
                told: list[object] = []

                async def use(name: str) -> None:
                    for number in range(10):
                        await store.set("key", f"{name}{number}".encode())
                        item = await store.get("key")
                        told.append((name, item and item.value))

                async with anyio.create_task_group() as tasks:
                    for name in "abc":
                        tasks.start_soon(use, name)
                return told

        assert await race() == await race()

    async def test_stale_reads_are_as_many_as_the_oracle_says(self) -> None:
        # By the published model 43.67 % are fresh at once, and 99.893 % after 50 ms.
        rounds = 1000
        for pause, share in ((0.0, 0.4367), (0.05, 0.99893)):
            idle = f"&idle={pause}" if pause else ""
            fresh = sum(await freshness(f"{WEAK}&pace=fast{idle}", rounds)) / rounds
            assert abs(fresh - share) <= 4 * (share * (1 - share) / rounds) ** 0.5

    async def test_a_long_time_passes_at_once(self) -> None:
        began = time.monotonic()
        async with etagere.open(f"{WEAK}&pace=fast&idle=30", timeout=60) as store:
            for _ in range(20):
                await store.ping()
        assert time.monotonic() - began < 30

    async def test_a_time_to_live_is_of_the_clusters_time(self) -> None:
        url = "sim://?protocol=caspaxos&pace=fast&idle=1"
        async with etagere.open(url) as store:
            await store.set("key", b"value", ttl=2.5)
            assert await store.exists("key", consistency="strong")
            assert await store.exists("key", consistency="strong")
            assert not await store.exists("key", consistency="strong")


class TestReal:
    async def test_a_message_takes_the_time_it_takes(self) -> None:
        async with etagere.open("sim://?protocol=single&latency=constant:20") as store:
            began = time.monotonic()
            await store.set("key", b"value")
            took = time.monotonic() - began
        assert took + 0.001 >= 0.040
        assert took < 1

    async def test_what_passes_outside_passes_there(self) -> None:
        async with etagere.open("sim://?protocol=caspaxos&latency=constant:0") as store:
            await store.set("key", b"value", ttl=0.3)
            item = await store.get("key", consistency="strong")
            assert item is not None
            assert item.expires_at is not None
            assert abs(item.expires_at.timestamp() - time.time() - 0.3) < 0.2
            await anyio.sleep(0.31)
            assert await store.get("key", consistency="strong") is None


class TestNothingElse:
    @pytest.mark.parametrize("pace", ["real", "fast"])
    async def test_a_cluster_that_is_asked_for_nothing_does_nothing(self, pace: str) -> None:
        url = f"sim://?protocol=primary_backup&latency=constant:1&pace={pace}"
        async with opened(url) as backend:
            await backend.ping()
            agenda = backend._seat.cluster.world.agenda
            steps = agenda.steps
            await anyio.sleep(0.2)  # in which its primary would have been heard eight times
            assert agenda.steps == steps


class TestCancelled:
    @pytest.mark.parametrize("pace", ["real", "fast"])
    async def test_what_was_sent_goes_its_way(self, pace: str) -> None:
        async with opened(f"sim://?protocol=single&latency=constant:10&pace={pace}") as backend:
            write = Write("key", b"value", "etag")
            call = asyncio.create_task(backend.execute([write], Consistency.EVENTUAL))
            for _ in range(3):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await backend.ping()
            assert await read(backend) == b"value"

    async def test_the_rest_of_a_batch_is_not_sent(self) -> None:
        async with opened("sim://?protocol=single&latency=constant:20") as backend:
            writes = [Write("key", b"%d" % number, f"etag{number}") for number in range(3)]
            with anyio.move_on_after(0.05) as scope:
                await backend.execute(writes, Consistency.EVENTUAL)
            assert scope.cancelled_caught
            await backend.ping()
            assert await read(backend) == b"1"  # the second was on its way

    @pytest.mark.parametrize("pace", ["real", "fast"])
    async def test_a_fault_of_a_protocol_is_raised(self, pace: str) -> None:
        async with opened(f"sim://?protocol=single&latency=constant:1&pace={pace}") as backend:
            backend._seat.cluster.world.hosts["r1"].handlers.clear()
            with pytest.raises(LookupError, match="no handler"):
                await backend.ping()


class TestChaos:
    @pytest.mark.parametrize("seed", [1, 5])
    async def test_under_chaos_a_strong_store_stays_right(self, seed: int) -> None:
        # With seed 1 the client's host dies while nothing but its calls lets time pass.
        url = f"sim://?protocol=caspaxos&chaos=all&pace=fast&seed={seed}"
        async with etagere.open(url, timeout=30) as store:
            last: set[bytes] = set()
            for number in range(600):
                value = b"%d" % number
                try:
                    await store.set("key", value, consistency="strong")
                    last = {value}
                except EtagereError:
                    last.add(value)
                item = await _patiently(store)
                assert item is not None
                assert item.value in last
                last = {item.value}
            backend = store._backend
            assert isinstance(backend, SimBackend)
            marks = backend._seat.cluster.world.marks
        assert sum(count for mark, count in marks.items() if mark.startswith("fault")) > 20

    async def test_light_chaos_kills_nobody(self) -> None:
        async with etagere.open("sim://?protocol=caspaxos&chaos=light&pace=fast") as store:
            for number in range(100):
                await store.set("key", b"%d" % number)
            backend = store._backend
            assert isinstance(backend, SimBackend)
            marks = backend._seat.cluster.world.marks
        assert not [mark for mark in marks if "Died" in mark or "Disk" in mark]


async def _patiently(store: Store) -> Item[bytes] | None:
    while True:
        try:
            return await store.get("key", consistency="strong")
        except EtagereError:
            await anyio.sleep(0)


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[SimBackend]:
    backend = SimBackend.from_url(url)
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


async def read(backend: SimBackend) -> bytes | None:
    (found,) = await backend.execute([Read("key")], Consistency.STRONG)
    return found.value if isinstance(found, Record) else None

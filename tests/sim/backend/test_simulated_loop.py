"""Stores in a simulated event loop: they and their cluster share one virtual time."""

from __future__ import annotations

import time

import anyio

import etagere
from etagere_sim.backend import SimBackend
from etagere_sim.kernel.agenda import Agenda
from etagere_sim.kernel.loop import simulate

URL = "sim://shop?protocol=caspaxos&latency=constant:10"


def test_time_is_that_of_the_event_loop() -> None:
    agenda = Agenda()

    async def work() -> float:
        async with etagere.open(URL) as store:
            began = anyio.current_time()
            await store.set("key", b"value")
            return anyio.current_time() - began

    # Two rounds, of a request and an answer each.
    assert abs(simulate(agenda, work) - 0.040) < 1e-9
    assert agenda.now >= 40.0


def test_clients_meet_and_hours_pass_at_once() -> None:
    async def work() -> list[bytes]:
        seen: list[bytes] = []
        async with etagere.open(URL) as one, etagere.open(URL) as other:
            assert isinstance(one._backend, SimBackend)
            assert isinstance(other._backend, SimBackend)
            assert one._backend._seat.cluster is other._backend._seat.cluster
            for number in range(3):
                await one.set("key", b"%d" % number, consistency="strong", ttl=3600)
                await anyio.sleep(3599)
                item = await other.get("key", consistency="strong")
                assert item is not None
                seen.append(item.value)
            await anyio.sleep(3601)
            assert await other.get("key", consistency="strong") is None
        return seen

    began = time.monotonic()
    assert simulate(Agenda(), work) == [b"0", b"1", b"2"]
    assert time.monotonic() - began < 60


def test_the_same_program_does_the_same_again() -> None:
    async def work() -> list[tuple[float, str]]:
        log: list[tuple[float, str]] = []

        async def use(name: str) -> None:
            url = "sim://shop?protocol=dynamo&r=1&w=1&seed=4"
            async with etagere.open(url) as store:
                for number in range(10):
                    await store.set("key", f"{name}{number}".encode())
                    item = await store.get("key")
                    log.append((anyio.current_time(), "" if item is None else item.value.decode()))

        async with anyio.create_task_group() as tasks:
            for name in "abc":
                tasks.start_soon(use, name)
        return log

    first = simulate(Agenda(), work)
    assert len({value for _, value in first}) > 5
    assert simulate(Agenda(), work) == first


def test_chaos_ends_with_the_cluster() -> None:
    agenda = Agenda()

    async def work() -> int:
        async with etagere.open("sim://?protocol=primary_backup&chaos=all") as store:
            await store.set("key", b"value")
            await anyio.sleep(30)
        await anyio.sleep(10)  # in which what was under way comes to its end
        return len(agenda)

    assert simulate(agenda, work) <= 1  # this very sleep

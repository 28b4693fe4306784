"""Programs of anyio over a world's network."""

from __future__ import annotations

import anyio
import pytest

from etagere_sim.kernel.agenda import Deadlock
from etagere_sim.kernel.loop import simulate
from etagere_sim.world.faults import Cut, Died, Paused
from etagere_sim.world.world import World
from tests.sim.world.worlds import DELAY, STEADY, Hello


def world_of_programs(*names):
    """Return a world with hosts that have no process of the world's own."""
    world = World(1, STEADY)
    for name in names:
        world.add(name, lambda _: None)
    return world


def test_programs_talk_in_virtual_time():
    async def server():
        while True:
            source, hello = await b.mailbox.receive()
            b.send(source, Hello(hello.number + 1))

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(server)
            for number in range(3):
                a.send("b", Hello(number))
                _, answer = await a.mailbox.receive()
                seen.append((world.agenda.now, answer.number))
            group.cancel_scope.cancel()

    world, seen = world_of_programs("a", "b"), []
    a, b = world.hosts.values()
    simulate(world.agenda, main)
    assert seen == [(20.0, 1), (40.0, 2), (60.0, 3)]


def test_mail_waits_in_its_order():
    async def main():
        a.send("b", Hello(1))
        a.send("b", Hello(2))
        _ = b.mailbox
        await anyio.sleep(1)
        assert len(b.mailbox) == 2
        return [(await b.mailbox.receive())[1].number for _ in range(2)]

    world = world_of_programs("a", "b")
    a, b = world.hosts.values()
    assert simulate(world.agenda, main) == [1, 2]


def test_each_mail_goes_to_one_receiver_the_first_first():
    async def receive(name):
        _, hello = await b.mailbox.receive()
        seen.append((name, hello.number))

    async def main():
        async with anyio.create_task_group() as group:
            for name in "xyz":
                group.start_soon(receive, name)
            await anyio.sleep(0)
            for number in range(3):
                a.send("b", Hello(number))

    world, seen = world_of_programs("a", "b"), []
    a, b = world.hosts.values()
    simulate(world.agenda, main)
    assert seen == [("x", 0), ("y", 1), ("z", 2)]


def test_a_receiver_that_is_cancelled_takes_nothing():
    async def receive():
        with anyio.move_on_after(DELAY / 1000):  # just when the mail comes
            await b.mailbox.receive()
            seen.append("the first")
            return
        seen.append("cancelled")

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(receive)
            await anyio.sleep(0)
            a.send("b", Hello(1))
            await anyio.sleep(DELAY / 2000)
            with anyio.move_on_after(1):
                await b.mailbox.receive()
                seen.append("the second")

    world, seen = world_of_programs("a", "b"), []
    a, b = world.hosts.values()
    simulate(world.agenda, main)
    assert seen in (["the first"], ["cancelled", "the second"])
    assert len(b.mailbox) == 0


def test_faults_befall_programs_too():
    async def main():
        got = []
        with anyio.move_on_after(0.2):
            while True:
                _, hello = await b.mailbox.receive()
                got.append((hello.number, world.agenda.now))
        return got

    world = world_of_programs("a", "b")
    a, b = world.hosts.values()
    _ = b.mailbox
    Cut(0, 10, sources=("a",), targets=("b",)).schedule(world)
    Died(30, 40, host="b").schedule(world)
    Paused(60, 90, host="b").schedule(world)
    for number, at in enumerate((5, 15, 25, 55)):
        world.agenda.at(at, "", lambda number: a.send("b", Hello(number)), number)
    assert simulate(world.agenda, main) == [(1, 25.0), (3, 90.0)]


def test_nobody_writes_and_the_deadlock_tells():
    async def main():
        await world.hosts["a"].mailbox.receive()

    world = world_of_programs("a")
    with pytest.raises(Deadlock, match=r"waits in .*Mailbox.receive"):
        simulate(world.agenda, main)

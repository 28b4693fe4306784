"""The ping-pong of `simulation`, for each contender.

Pairs of nodes send one message to and fro, each on its way for an exponential time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

import anyio
import simpy

from etagere_sim.kernel.agenda import Agenda
from etagere_sim.kernel.choosers import AtRandom
from etagere_sim.kernel.loop import simulate
from etagere_sim.world.distributions import Exponential
from etagere_sim.world.hosts import Host
from etagere_sim.world.latency import Everywhere
from etagere_sim.world.messages import Message
from etagere_sim.world.tasks import Task
from etagere_sim.world.world import World

PAIRS = 50
RATE = 1.0
"""Of the delays, per millisecond."""


class Ball(Message, frozen=True, gc=False):
    """What goes to and fro."""

    number: int


def times_each(messages: int) -> int:
    """Return how often the first of each pair serves."""
    return messages // PAIRS // 2


# --- ours ---------------------------------------------------------------------------------------


def tasks_of_a_world(messages: int) -> None:
    """Let tasks of hosts ask, and handlers answer."""
    world = World(0, Everywhere(Exponential(RATE)))

    async def ask(host: Host, other: str) -> None:
        for number in range(times_each(messages)):
            await host.ask((other,), Ball(number), enough=1, within=1000.0)

    tasks: list[Task[None]] = []
    for pair in range(PAIRS):
        world.add(f"b{pair}", _answer)
        host = world.add(f"a{pair}", _nothing)
        tasks.append(host.spawn(ask(host, f"b{pair}")))
    world.agenda.run(lambda: tasks[-1].done and all(task.done for task in tasks))


def nodes_of_anyio(messages: int) -> None:
    """Let anyio's tasks receive and send over the network of a world."""
    world = World(0, Everywhere(Exponential(RATE)))

    async def serve(host: Host, other: str) -> None:
        receive = host.mailbox.receive
        for number in range(times_each(messages)):
            host.send(other, Ball(number))
            await receive()

    async def give_back(host: Host, other: str) -> None:
        receive = host.mailbox.receive
        for _ in range(times_each(messages)):
            _, ball = await receive()
            host.send(other, ball)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for pair in range(PAIRS):
                one, other = world.add(f"a{pair}", _nothing), world.add(f"b{pair}", _nothing)
                group.start_soon(give_back, other, one.name)
                group.start_soon(serve, one, other.name)

    simulate(world.agenda, main)


def _answer(host: Host) -> None:
    host.handlers[Ball] = lambda _, ball: ball


def _nothing(host: Host) -> None:
    """Start no process."""


# --- one program of asyncio on several loops ----------------------------------------------------


async def program(messages: int) -> None:
    """Play with queues, and timers of the loop for a network."""
    loop, random = asyncio.get_running_loop(), Random(0)

    async def play(own: asyncio.Queue[int], other: asyncio.Queue[int], *, first: bool) -> None:
        if first:
            loop.call_later(random.expovariate(RATE) / 1000, other.put_nowait, 0)
        for number in range(times_each(messages)):
            await own.get()
            loop.call_later(random.expovariate(RATE) / 1000, other.put_nowait, number)

    players: list[asyncio.Task[None]] = []
    for _ in range(PAIRS):
        one, other = asyncio.Queue[int](), asyncio.Queue[int]()
        players.append(asyncio.create_task(play(one, other, first=True)))
        players.append(asyncio.create_task(play(other, one, first=False)))
    await asyncio.gather(*players)


def our_loop(messages: int) -> None:
    """Let the program run in order."""
    simulate(Agenda(), program, messages)


def our_loop_at_random(messages: int) -> None:
    """Let the program run in an order from a seed, as simloop does."""
    simulate(Agenda(AtRandom(Random(0))), program, messages)


def simloop(messages: int) -> None:
    """Let the program run on simloop."""
    loop: Any = import_module("simloop").SimLoop(0)
    try:
        loop.run_until_complete(program(messages))
    finally:
        loop.close()


# --- SimPy --------------------------------------------------------------------------------------


def with_simpy(messages: int) -> None:
    """Play with stores, and timeouts for a network."""
    environment, random = simpy.Environment(), Random(0)

    def send(store: simpy.Store, ball: Ball) -> None:
        on_its_way = environment.timeout(random.expovariate(RATE))
        on_its_way.callbacks.append(lambda _: store.put(ball))

    def serve(own: simpy.Store, other: simpy.Store) -> Generator[Any, Any, None]:
        for number in range(times_each(messages)):
            send(other, Ball(number))
            yield own.get()

    def give_back(own: simpy.Store, other: simpy.Store) -> Generator[Any, Any, None]:
        for _ in range(times_each(messages)):
            ball = yield own.get()
            send(other, ball)

    for _ in range(PAIRS):
        one, other = simpy.Store(environment), simpy.Store(environment)
        environment.process(give_back(other, one))
        environment.process(serve(one, other))
    environment.run()


CONTENDERS: dict[str, Callable[[int], None]] = {
    "tasks of a world": tasks_of_a_world,
    "nodes of anyio": nodes_of_anyio,
    "SimPy": with_simpy,
    "an asyncio program, our loop": our_loop,
    "an asyncio program, our loop, seeded order": our_loop_at_random,
}
if find_spec("simloop"):
    CONTENDERS["an asyncio program, simloop"] = simloop

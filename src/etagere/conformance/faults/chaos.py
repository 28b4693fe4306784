"""Chaos: what happens to networks, at seeded moments."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import anyio

from etagere.conformance.flows import Flow
from etagere.conformance.lab import Lab
from etagere.conformance.proxy import TcpProxy

CALM: Final = 0.03
"""Seconds from one fault to the next, on average: connections are made anew in between."""
SHORTEST: Final = 0.001
LONGEST: Final = 0.015
"""Seconds that a fault lasts."""
LATENCY: Final = 0.004
MESSAGE: Final = 400
SLOWLY: Final = 40_000
"""Bytes per second."""

Fault: TypeAlias = Callable[[TcpProxy, random.Random], Awaitable[None]]


async def cut(proxy: TcpProxy, choice: random.Random) -> None:
    """Cut every connection."""
    proxy.cut()


async def cut_within(proxy: TcpProxy, choice: random.Random) -> None:
    """Cut a connection in the middle of what goes one way."""
    one_of(proxy, choice).cut_after(choice.randint(1, MESSAGE))


async def lose(proxy: TcpProxy, choice: random.Random) -> None:
    """Lose the next reply, or the one after it."""
    proxy.drop_replies(number=choice.randint(1, 2))


async def delay(proxy: TcpProxy, choice: random.Random) -> None:
    """Make one way longer or shorter."""
    one_of(proxy, choice).delay(choice.uniform(0, LATENCY))


async def hold(proxy: TcpProxy, choice: random.Random) -> None:
    """Let nothing pass for a while."""
    flow = one_of(proxy, choice)
    flow.hold()
    await a_while(choice)
    flow.release()


async def throttle(proxy: TcpProxy, choice: random.Random) -> None:
    """Let little pass for a while."""
    flow = one_of(proxy, choice)
    flow.throttle(SLOWLY)
    await a_while(choice)
    flow.reset()


async def refuse(proxy: TcpProxy, choice: random.Random) -> None:
    """Be gone for a while."""
    proxy.refuse()
    proxy.cut()
    await a_while(choice)
    await proxy.accept()


FAULTS: Final[tuple[Fault, ...]] = (cut, cut_within, lose, delay, hold, throttle, refuse)


@asynccontextmanager
async def chaos(lab: Lab, proxy: TcpProxy) -> AsyncGenerator[None]:
    """Let one thing after another happen to a proxy, and set it right in the end."""
    # Numbers of its own: how many it draws depends on the moment.
    choice = random.Random(lab.random.getrandbits(64))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(unleash, proxy, choice)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
    proxy.reset()
    await proxy.accept()


async def unleash(proxy: TcpProxy, choice: random.Random) -> None:
    """Let one thing after another happen, for ever."""
    while True:
        await anyio.sleep(choice.expovariate(1 / CALM))
        await choice.choice(FAULTS)(proxy, choice)


async def a_while(choice: random.Random) -> None:
    """Wait for as long as a fault lasts."""
    await anyio.sleep(choice.uniform(SHORTEST, LONGEST))


def one_of(proxy: TcpProxy, choice: random.Random) -> Flow:
    """Return one direction."""
    return choice.choice((proxy.requests, proxy.replies))

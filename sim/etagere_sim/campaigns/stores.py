"""Clients that hold a `Store`, as a user's program does, on the cluster of a run.

The same coordinators, below the whole of the library: batching, retries, deadlines and the words in
which a user is told what happened. It takes several times as long as without.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Any

import anyio

from etagere.backend import ETagOrigin
from etagere.errors import EtagereError, ETagMismatch, Interrupted, OutcomeUnknown
from etagere.layers.base import Layer
from etagere.operations import (
    ABSENT,
    ANYTHING,
    Concurrency,
    Conflict,
    Consistency,
    Operation,
    Outcome,
    Record,
    Remove,
    Write,
)
from etagere.recovery import may_be_sent_twice, merge
from etagere.store import Store
from etagere_sim.backend import SimBackend
from etagere_sim.campaigns.clients import Asked, Client
from etagere_sim.campaigns.players import CALM, END, Stage
from etagere_sim.kernel.loop import MILLISECONDS, simulate
from etagere_sim.world.hosts import Host
from etagere_sim.world.tasks import Signal, Task


def play_stores(stage: Stage) -> bool:
    """Play through stores, in an event loop on the agenda of the run."""
    with _random_from(stage.cluster.world.seed):
        return simulate(stage.cluster.world.agenda, _play, stage)


class StoreClient(Client):
    """A client whose requests go through a store."""

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage.cluster, host, stage.outside, stage.notebook)
        self._tag = ""
        backend = SendingTwice(SimBackend.on(stage.cluster, host), host)
        self.store = Store(backend, mint=lambda: self._tag)

    async def _sent(self, operation: Asked, level: Consistency) -> Outcome:
        over = Signal()
        call = asyncio.get_running_loop().create_task(self._call(operation, level))
        call.add_done_callback(lambda _: over.set())
        await over
        return call.result()

    async def _call(self, operation: Asked, level: Consistency) -> Outcome:
        try:
            if type(operation) is Write:
                return await self._set(operation, level)
            if type(operation) is Remove:
                return await self.store.delete(operation.key, consistency=level)
            found = await self.store.get(operation.key, consistency=level)
        except ETagMismatch as conflict:
            return Conflict(conflict.actual)
        except OutcomeUnknown as unknown:
            return Interrupted(str(unknown))
        except EtagereError as error:
            return error
        return None if found is None else Record(found.value, found.etag)

    async def _set(self, write: Write, level: Consistency) -> Outcome:
        self._tag = write.etag
        set_it = partial(self.store.set, write.key, write.value, consistency=level)
        if write.expected == ABSENT:
            await set_it(concurrency=Concurrency.FIRST_WRITE)
        else:
            await set_it(etag=write.expected if write.expected is not ANYTHING else None)
        return True


class SendingTwice(Layer):
    """Sends a request a second time where the world says so, as a driver does below a store."""

    def __init__(self, inner: SimBackend, host: Host) -> None:
        super().__init__(inner)
        self._host = host
        self._requests = 0

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch; if it is to be sent twice, let only the second answer count."""
        self._requests += 1
        world = self._host.world
        again = world.repeats.get((self._host.name, self._requests))
        if again is None or not may_be_sent_twice(operations[0], ETagOrigin.WRITER):
            return await self.inner.execute(operations, consistency)
        first = asyncio.ensure_future(self.inner.execute(operations, consistency))
        try:
            await asyncio.wait([first], timeout=again.after / MILLISECONDS)
            if first.done():
                return first.result()
            world.befell(again)
            outcomes = await self.inner.execute(operations, consistency)
        finally:
            first.cancel()  # what it has sent goes its way
        unknown = Interrupted("not answered in time")
        return [
            merge(operation, unknown, outcome)
            for operation, outcome in zip(operations, outcomes, strict=True)
        ]


async def _play(stage: Stage) -> bool:
    clients = [StoreClient(stage, host) for host in stage.hosts.values()]
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client.store)
        await _all(stage.parts(clients), END)
        stage.cluster.world.calm()
        encores = stage.encores(clients)
        await _all(encores, CALM)
        return all(task.done for task in encores)


async def _all(tasks: Sequence[Task[Any]], milliseconds: float) -> None:
    with anyio.move_on_after(milliseconds / MILLISECONDS):
        for task in tasks:
            await _end_of(task)


async def _end_of(task: Task[Any]) -> None:
    over = anyio.Event()
    task.watch(lambda _: over.set())
    await over.wait()


@contextmanager
def _random_from(seed: int) -> Generator[None]:
    """Have stores draw their pauses from a seed."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)

"""Servers that are killed, paused or replaced while clients are at work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
from msgspec import Struct

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.faults.histories import FAILURES, run
from etagere.conformance.faults.outages import works_again
from etagere.conformance.lab import Lab
from etagere.conformance.suite.replicated import PAUSING, converged
from etagere.operations import Item
from etagere.store import Store

RESTARTS: Final = 3
WRITERS: Final = 8
LEAST: Final = 20
"""Writes of each writer, before and after what happens to the server."""
PAUSE: Final = 0.02
MINUTES: Final = 180.0


class KilledServerClauses:
    """A strong write that returned is not lost."""

    @clause(
        "ETG-FAULT-060",
        Level.STRONG,
        "No strong write that returned is lost when the server is killed under load and started"
        " again; the stores recover by themselves.",
        needs=(needs.CONDITIONAL, needs.STRONG, needs.DURABLE),
        hooks="restart",
        seconds=MINUTES,
    )
    async def test_killed_under_load(self, lab: Lab) -> None:
        async with at_work(lab, [lab.store]) as writers:
            for _ in range(RESTARTS):
                await lab.hooks.restart()
                await works_again(lab, lab.store)
        await nothing_is_lost(lab, writers)

    @clause(
        "ETG-FAULT-061",
        Level.STRONG,
        "While the server is killed and started again, histories of strong calls are linearizable,"
        " where each took effect, did not, or may have, as its caller was told.",
        needs=(needs.CONDITIONAL, needs.STRONG, needs.DURABLE),
        hooks="restart",
        seconds=MINUTES,
    )
    async def test_histories_through_a_restart(self, lab: Lab) -> None:
        async with lab.open(name="other") as other, anyio.create_task_group() as tasks:
            tasks.start_soon(play_on, lab, [lab.store, other])
            for _ in range(RESTARTS):
                await lab.hooks.restart()
                await works_again(lab, lab.store)
                await works_again(lab, other)
            tasks.cancel_scope.cancel()
            await run(lab, [lab.store, other])

    @clause(
        "ETG-FAULT-062",
        Level.STRONG,
        "Where strong reaches across a failover, no strong write that returned is lost when the"
        " primary dies under load and a replica takes over.",
        needs=(needs.CONDITIONAL, needs.ACROSS_FAILOVER),
        hooks="kill_primary",
        seconds=MINUTES,
    )
    async def test_survives_a_failover(self, lab: Lab) -> None:
        async with at_work(lab, [lab.store]) as writers:
            await lab.hooks.kill_primary()
            await works_again(lab, lab.store)
        await nothing_is_lost(lab, writers)


class PausedReplicaClauses:
    """A replica stands still while clients are at work."""

    @clause(
        "ETG-FAULT-065",
        Level.REPLICATED,
        "While a replica stands still under load, strong reads see every strong write that"
        " returned; when it goes on, it converges and nothing is lost.",
        needs=(needs.CONDITIONAL, needs.STRONG),
        hooks=PAUSING,
        seconds=MINUTES,
    )
    async def test_paused_under_load(self, lab: Lab) -> None:
        async with at_work(lab, [lab.store]) as writers:
            await lab.hooks.pause_replica()
            try:
                for _ in range(LEAST):
                    await nothing_is_lost(lab, writers)
            finally:
                await lab.hooks.resume_replica()
        await nothing_is_lost(lab, writers)
        items: dict[str, Item[bytes] | None] = {
            writer.key: await lab.read(writer.key) for writer in writers
        }
        async with lab.open(name="reader") as reader:
            await converged(lab, reader, items)


class ServerFaultClauses(KilledServerClauses, PausedReplicaClauses):
    """What befalls servers."""


# --- the load -----------------------------------------------------------------------------------


class Writer(Struct):
    """A client that counts upwards in a key of its own."""

    key: str
    asked: int = 0
    """The last number that it asked for."""
    told: int = 0
    """The last number that it was told is in the store."""
    etag: str | None = None

    async def write(self, store: Store) -> None:
        """Count on, on the condition that no earlier write comes late and in between."""
        self.asked += 1
        number = self.asked
        self.etag = await store.set(
            self.key,
            b"%d" % number,
            etag=self.etag,
            concurrency="first-write",
            consistency="strong",
        )
        self.told = number

    async def look(self, store: Store) -> None:
        """Find out what became of a write that failed, before another one covers it."""
        item = await store.get(self.key, consistency="strong")
        self.check(item, self.told)
        self.etag = None if item is None else item.etag

    def check(self, item: Item[bytes] | None, told: int) -> None:
        """Fail where less is there than this client was told, or more than it asked for."""
        number = 0 if item is None else int(item.value)
        assert told <= number <= self.asked, (
            f"{self.key!r} holds {number}, but {told} was said to be there"
        )

    async def work(self, store: Store) -> None:
        """Write, and look where that fails, for ever."""
        step = self.write
        while True:
            try:
                await step(store)
                step = self.write
            except FAILURES:
                await anyio.sleep(PAUSE)
                step = self.look


@asynccontextmanager
async def at_work(lab: Lab, stores: Sequence[Store]) -> AsyncGenerator[list[Writer]]:
    """Let clients write inside the block, and for a while before and after."""
    writers = [Writer(key) for key in lab.keys(WRITERS)]

    async def all_wrote() -> bool:
        return all(writer.told >= begun[writer.key] + LEAST for writer in writers)

    begun = {writer.key: 0 for writer in writers}
    async with anyio.create_task_group() as tasks:
        for number, writer in enumerate(writers):
            tasks.start_soon(writer.work, stores[number % len(stores)])
        await lab.until(all_wrote, "each client wrote")
        yield writers
        begun = {writer.key: writer.asked for writer in writers}
        await lab.until(all_wrote, "each client wrote again", seconds=MINUTES)
        tasks.cancel_scope.cancel()


async def nothing_is_lost(lab: Lab, writers: Sequence[Writer]) -> None:
    """Check that what writers were told is there, or what they asked for since."""
    for writer in writers:
        told = writer.told
        writer.check(await lab.store.get(writer.key, consistency="strong"), told)


async def play_on(lab: Lab, stores: Sequence[Store]) -> None:
    """Play one program after the other."""
    while True:
        await run(lab, stores)

"""Replicated: replicas that lag, stop and come back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import conflict, done, listed
from etagere.operations import Item, Set
from etagere.store import Store

REPLICATED = Level.REPLICATED
PAUSING = ("pause_replica", "resume_replica")
READERS = 3


@asynccontextmanager
async def paused(lab: Lab) -> AsyncGenerator[None]:
    """Hold a replica back."""
    await lab.hooks.pause_replica()
    try:
        yield
    finally:
        await lab.hooks.resume_replica()


async def converged(lab: Lab, store: Store, wanted: dict[str, Item[bytes] | None]) -> None:
    """Wait until eventual reads agree with what is there, several times over."""

    async def agrees() -> bool:
        for _ in range(READERS):
            items = await store.get_many(wanted, consistency="eventual")
            if [done(item) for item in items] != list(wanted.values()):
                return False
        return True

    await lab.until(agrees, "eventual reads agree with what was written")


class ConvergingClauses:
    """After writes stop, all replicas converge: said of every store, with replicas or without."""

    @clause(
        "ETG-REPL-001",
        Level.CORE,
        "After writes stop, eventual reads converge to what was written last, deletes included.",
    )
    async def test_converges(self, lab: Lab, path: Path) -> None:
        wanted: dict[str, Item[bytes] | None] = {}
        async with lab.open(name="reader") as reader:
            for number, key in enumerate(lab.keys(30)):
                await path.set(lab, key, b"1")
                # Who keeps what it read has something to keep.
                await reader.get(key)
                etag = await path.set(lab, key, b"2")
                wanted[key] = Item(key, b"2", etag)
                if number % 3 == 0:
                    await path.delete(lab, key)
                    wanted[key] = None
            await converged(lab, lab.store, wanted)
            await converged(lab, reader, wanted)

    @clause(
        "ETG-REPL-002",
        Level.LISTING,
        "After writes stop, eventual listings converge too.",
        needs=needs.LISTING,
    )
    async def test_listings_converge(self, lab: Lab) -> None:
        keys = lab.keys(30)
        prefix = keys[0].partition("/")[0]
        for result in await lab.store.set_many([Set(key, b"") for key in keys]):
            done(result)
        await lab.store.delete_many(keys[::2])

        async def agrees() -> bool:
            return await listed(lab.store.keys(prefix=prefix)) == keys[1::2]

        await lab.until(agrees, "an eventual listing shows what is there")

    @clause(
        "ETG-REPL-003",
        Level.CORE,
        "An eventual read may be old, but never shows what was never written.",
    )
    async def test_old_but_true(self, lab: Lab) -> None:
        key, written = lab.key(), set[tuple[bytes, str]]()
        for number in range(50):
            value = b"%d" % number
            etag = await lab.store.set(key, value)
            written.add((value, await lab.told(key, etag)))
            item = await lab.store.get(key, consistency="eventual")
            assert item is None or (item.value, item.etag) in written


class PausedClauses:
    """While a replica stands still."""

    @clause(
        "ETG-REPL-010",
        REPLICATED,
        "While a replica lags, a strong read sees every strong write that returned.",
        needs=needs.STRONG,
        hooks=PAUSING,
    )
    async def test_strong_reads_stay_fresh(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        async with lab.open(name="reader") as reader, paused(lab):
            for number in range(10):
                value = b"%d" % number
                etag = await path.set(lab, key, value, consistency="strong")
                for _ in range(READERS):
                    item = await reader.get(key, consistency="strong")
                    assert item == Item(key, value, etag)

    @clause(
        "ETG-REPL-011",
        REPLICATED,
        "While a replica lags, an eventual write needs only the primary's word; afterwards all"
        " replicas converge.",
        hooks=PAUSING,
    )
    async def test_catches_up(self, lab: Lab, path: Path) -> None:
        wanted: dict[str, Item[bytes] | None] = {}
        async with paused(lab):
            for key in lab.keys(10):
                wanted[key] = Item(key, b"late", await path.set(lab, key, b"late"))
        async with lab.open(name="reader") as reader:
            await converged(lab, reader, wanted)

    @clause(
        "ETG-REPL-012",
        REPLICATED,
        "A write that expects what a stale replica shows is a conflict: it never wins.",
        hooks=PAUSING,
    )
    async def test_stale_etags_lose(self, lab: Lab, path: Path) -> None:
        old = await lab.place(lab.key(), b"old")
        await converged(lab, lab.store, {old.key: old})
        async with paused(lab):
            new = await lab.place(old.key, b"new")
            with conflict(old.key, expected=old.etag, actual=new.etag):
                await path.set(lab, old.key, b"lost", etag=old.etag)
            with conflict(old.key, expected=None, actual=new.etag):
                await path.set(lab, old.key, b"lost", concurrency="first-write")
            assert await lab.read(old.key) == new


class ReplicatedClauses(ConvergingClauses, PausedClauses):
    """Replicas."""

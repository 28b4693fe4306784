"""Cancelling: callers that lose interest, at any moment."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.faults import deeds
from etagere.conformance.faults.cancelled import CANCELLED, Call, Cancel, Moment, moments, ways
from etagere.conformance.faults.deeds import Ledger
from etagere.conformance.faults.outages import check_read, place_many, works_again
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import listed
from etagere.errors import EtagereError
from etagere.store import Store

CROWD: Final = 40
READERS: Final = 6
ROUNDS: Final = 20
LOCKED_SECONDS: Final = 5.0
WAITING_SECONDS: Final = 0.03


class CancelledCallClauses:
    """Cancelling a call never means that it did not happen, and never harms another call."""

    @clause(
        "ETG-FAULT-040",
        Level.CORE,
        "A write that is cancelled, at whatever moment, ends at once, and is done as a whole or not"
        " at all.",
        soaks=True,
    )
    async def test_cancelled_writes(self, lab: Lab) -> None:
        for _ in lab.rounds(1):
            for make in deeds.offered(lab):
                sample = await make(lab, 0)
                for moment in await moments(lab, partial(sample.do, lab.store)):
                    for cancel in ways():
                        deed = await make(lab, 0)
                        told = await cancel(partial(deed.do, lab.store), moment)
                        await deeds.check(lab, deed, told)

    @clause(
        "ETG-FAULT-041",
        Level.CORE,
        "A read that is cancelled takes nobody's answer with it: later reads, and others at the"
        " same time, get what belongs to their keys.",
        soaks=True,
    )
    async def test_cancelled_reads(self, lab: Lab) -> None:
        values = await place_many(lab, 12)
        (first, *_) = values
        level = lab.capabilities.freshest
        get = partial(lab.store.get, first, consistency=level)
        for _ in lab.rounds(1):
            for moment in await moments(lab, get):
                for cancel in ways():
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(read_each, lab.store, values, level)
                        for key in values:
                            call = partial(lab.store.get, key, consistency=level)
                            tasks.start_soon(read_or_cancel, cancel, call, moment, key, values[key])
                    await read_each(lab.store, values, level)

    @clause(
        "ETG-FAULT-042",
        Level.CORE,
        "Cancelling never harms another call: those that are made at the same time, on other keys,"
        " are all done.",
        soaks=True,
    )
    async def test_neighbours(self, lab: Lab) -> None:
        for _ in lab.rounds(1):
            done: dict[str, bytes] = {}
            async with anyio.create_task_group() as tasks:
                for number in range(READERS):
                    tasks.start_soon(write_undisturbed, lab, done)
                    tasks.start_soon(write_and_cancel, lab, number)
            await deeds.all_read(lab.store, done, consistency=lab.capabilities.freshest)

    @clause(
        "ETG-FAULT-043",
        Level.CORE,
        "Cancelling leaves every connection usable or closed: after any number of cancelled calls,"
        " as many can be made again.",
    )
    async def test_nothing_leaks(self, lab: Lab) -> None:
        keys = lab.keys(CROWD)
        calls: list[Call[object]] = [
            *(partial(lab.store.set, key, b"") for key in keys),
            *(partial(lab.store.get, key) for key in keys),
        ]
        for moment in (1, 2, 3, 5, 8, *(lab.random.uniform(0, 0.005) for _ in range(5))):
            for cancel in ways():
                async with anyio.create_task_group() as tasks:
                    for call in calls:
                        tasks.start_soon(cancel, call, moment)
        values = await place_many(lab, CROWD)
        async with anyio.create_task_group() as tasks:
            for key, value in values.items():
                tasks.start_soon(read_each, lab.store, {key: value}, lab.capabilities.freshest)

    @clause(
        "ETG-FAULT-044",
        Level.CORE,
        "A write that is cancelled leaves no lock behind: another client can write its keys.",
    )
    async def test_cancelled_writers_leave_no_lock(self, lab: Lab) -> None:
        async with lab.open(name="other") as other:
            for make in deeds.offered(lab):
                for moment in (1, 2, 4, lab.random.uniform(0, 0.003)):
                    for cancel in ways():
                        deed = await make(lab, 0)
                        await cancel(partial(deed.do, lab.store), moment)
                        for key in deed.before:
                            await other.set(key, b"other", timeout=LOCKED_SECONDS)

    @clause(
        "ETG-FAULT-045",
        Level.LISTING,
        "A listing that is cancelled, or left in the middle, leaves the store as usable as before.",
        needs=needs.LISTING,
    )
    async def test_cancelled_listings(self, lab: Lab) -> None:
        keys = sorted(await place_many(lab, 50))
        prefix = keys[0].partition("/")[0]

        async def scan() -> list[str]:
            return await listed(lab.store.keys(prefix=prefix, consistency=level))

        level = lab.capabilities.freshest
        for moment in await moments(lab, scan):
            for cancel in ways():
                found = await cancel(scan, moment)
                assert found is CANCELLED or found == keys
        assert await scan() == keys

    @clause(
        "ETG-FAULT-046",
        Level.CORE,
        "A call that is cancelled while its reply is on the way does not leave that reply to"
        " somebody else.",
        proxied=True,
    )
    async def test_cancelled_while_waiting(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            ledger = Ledger(lab)
            await deeds.warm_up(lab, store)
            values = await place_many(lab, 12)
            level = lab.capabilities.freshest
            for make in deeds.offered(lab):
                for cancel in ways():
                    deed = await make(lab, 0)
                    proxy.replies.hold()
                    calls: list[Call[object]] = [
                        partial(store.get, key, consistency=level) for key in values
                    ]
                    calls.append(partial(deed.do, store))
                    async with anyio.create_task_group() as tasks:
                        for call in calls:
                            tasks.start_soon(cancel, call, WAITING_SECONDS)
                    proxy.replies.release()
                    await ledger.enter(deed, CANCELLED)
                    await deeds.all_read(store, values, consistency=level)
            await works_again(lab, store)
            await ledger.check()


async def read_each(store: Store, values: dict[str, bytes], level: str) -> None:
    """Read keys one by one, and check that each has the value that is its own."""
    for key, value in values.items():
        check_read(await store.get(key, consistency=level), key, value)


async def read_or_cancel(
    cancel: Cancel,
    call: Call[object],
    moment: Moment,
    key: str,
    value: bytes,
) -> None:
    """Read a key and cancel that; check what was read if it was faster."""
    item = await cancel(call, moment)
    if item is not CANCELLED:
        check_read(item, key, value)


async def write_undisturbed(lab: Lab, done: dict[str, bytes]) -> None:
    """Write keys, and take note of them."""
    for _ in range(ROUNDS):
        key = lab.key("kept")
        await lab.store.set(key, key.encode())
        done[key] = key.encode()


async def write_and_cancel(lab: Lab, number: int) -> None:
    """Begin to write keys, and hang up."""
    cancel = ways()[number % len(ways())]
    for turn in range(ROUNDS):
        deed = await deeds.blind_set(lab, 0)
        told = await cancel(partial(deed.do, lab.store), turn % 7)
        assert not isinstance(told, EtagereError) or told is CANCELLED, f"it was told {told!r}"

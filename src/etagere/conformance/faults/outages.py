"""Outages: the server cannot be reached, is silent, or is slow."""

from __future__ import annotations

from functools import partial
from typing import Final, cast

import anyio

from etagere.conformance.clauses import Level, clause
from etagere.conformance.faults import deeds
from etagere.conformance.faults.cancelled import Call
from etagere.conformance.faults.deeds import Ledger, Told
from etagere.conformance.lab import Lab
from etagere.conformance.proxy import TcpProxy
from etagere.conformance.suite.checks import gathered
from etagere.errors import Certainty, EtagereError, Unavailable
from etagere.operations import Item
from etagere.store import Store

DEAD_CONNECTIONS: Final = 16
"""Calls that may go out on connections which only seem to be alive."""
TIMEOUT: Final = 0.2
BOUND: Final = TIMEOUT + 2.0
"""Seconds within which a call with that timeout ends, on a busy machine too."""
CUTS: Final = 6
CALLS: Final = 200
SLOWLY: Final = 1_500_000
"""Bytes per second."""
LARGE: Final = 150_000


class UnreachableClauses:
    """Connections are refused or cut."""

    @clause(
        "ETG-FAULT-020",
        Level.CORE,
        "When the server cannot be reached, a call fails with `Unavailable`: nothing was written,"
        " and nothing ever will be by that call. The store recovers by itself.",
        proxied=True,
    )
    async def test_refused_connections(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            ledger = Ledger(lab)
            await deeds.warm_up(lab, store)
            go_away(proxy)
            await until_unavailable(lab, store, ledger)
            for make in deeds.offered(lab):
                deed = await make(lab, 0)
                told = await deed.do(store)
                assert isinstance(told, Unavailable), f"{deed.name} without a server: {told!r}"
                await ledger.enter(deed, told)
            await proxy.accept()
            await works_again(lab, store)
            await ledger.check()

    @clause(
        "ETG-FAULT-021",
        Level.CORE,
        "A server that is down does not stop a store from opening: its calls raise `Unavailable`"
        " until the server is there.",
        proxied=True,
    )
    async def test_opens_without_a_server(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (_, proxy):
            go_away(proxy)
            async with lab.open(url=lab.by_way_of(proxy), name="early") as store:
                deed = await deeds.blind_set(lab, 0)
                told = await deed.do(store)
                assert isinstance(told, Unavailable), f"a set without a server: {told!r}"
                assert not await deeds.check(lab, deed, told)
                await proxy.accept()
                await works_again(lab, store)

    @clause(
        "ETG-FAULT-022",
        Level.CORE,
        "Each time its connections were cut, the store works again without being opened anew.",
        proxied=True,
    )
    async def test_reconnects(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            item = await lab.place(lab.key())
            for _ in range(CUTS):
                assert await store.get(item.key, consistency=lab.capabilities.freshest) == item
                proxy.cut()
                await works_again(lab, store)


class SilentClauses:
    """The server is there, and says nothing in time."""

    @clause(
        "ETG-FAULT-030",
        Level.CORE,
        "When the reply does not come in time, a call ends at its timeout, and what it says of its"
        " write is true. Later calls get their own replies, not late ones of others.",
        proxied=True,
    )
    async def test_late_replies(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            ledger = Ledger(lab)
            await deeds.warm_up(lab, store)
            values = await place_many(lab, 10)
            for make in deeds.offered(lab):
                deed = await make(lab, 0)
                proxy.replies.hold()
                told = await in_time(deed, store)
                proxy.replies.release()
                await ledger.enter(deed, told)
                await deeds.all_read(store, values, consistency=lab.capabilities.freshest)
            await ledger.check()

    @clause(
        "ETG-FAULT-031",
        Level.CORE,
        "A write that reaches the server only after its timeout takes effect late or never, and"
        " only if its caller was told that its outcome is unknown.",
        proxied=True,
    )
    async def test_late_requests(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            ledger = Ledger(lab)
            await deeds.warm_up(lab, store)
            for make in deeds.offered(lab):
                deed = await make(lab, 0)
                proxy.requests.hold()
                told = await in_time(deed, store)
                assert not await ledger.enter(deed, told), "it took effect before it was sent"
                proxy.requests.release()
                await works_again(lab, store)
                await ledger.check()
            await ledger.check()

    @clause(
        "ETG-FAULT-032",
        Level.CORE,
        "On a slow line large values are still whole, and no other call is lost.",
        proxied=True,
    )
    async def test_slow_lines(self, lab: Lab) -> None:
        size = min(LARGE, lab.capabilities.max_value_bytes)
        async with lab.behind_proxy() as (store, proxy):
            ledger = Ledger(lab)
            small = await place_many(lab, 20)
            large = await deeds.blind_set(lab, size)
            proxy.requests.throttle(SLOWLY)
            proxy.replies.throttle(SLOWLY)
            told: list[Told] = []

            async def write() -> None:
                told.append(await large.do(store))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write)
                await deeds.all_read(store, small, consistency=lab.capabilities.freshest)
            assert not isinstance(told[0], EtagereError), f"on a slow line: {told[0]!r}"
            await ledger.enter(large, told[0])
            await deeds.all_read(store, dict_of(large), consistency=lab.capabilities.freshest)

    @clause(
        "ETG-FAULT-033",
        Level.CORE,
        "Any number of calls may wait at once: when the server answers again, each ends rightly.",
        proxied=True,
    )
    async def test_many_calls_wait(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            there = await place_many(lab, CALLS // 2)
            written = {key: key.encode() for key in lab.keys(CALLS // 2)}
            level = lab.capabilities.freshest
            gets: list[Call[object]] = [partial(store.get, key, consistency=level) for key in there]
            sets: list[Call[object]] = [
                partial(store.set, key, value) for key, value in written.items()
            ]
            results = await gathered_while_silent(proxy, [*gets, *sets])
            failed = [result for result in results if isinstance(result, EtagereError)]
            assert not failed, f"{len(failed)} of {CALLS} calls failed: {failed[0]!r}"
            for key, item in zip(there, results[: len(gets)], strict=True):
                check_read(item, key, there[key])
            await deeds.all_read(lab.store, written, consistency=level)


class OutageClauses(UnreachableClauses, SilentClauses):
    """A server that is out of reach, or as good as that."""


# --- making it so -------------------------------------------------------------------------------


def go_away(proxy: TcpProxy) -> None:
    """Refuse connections, and cut those that there are."""
    proxy.refuse()
    proxy.cut()


async def release_when_quiet(proxy: TcpProxy) -> None:
    """Let replies pass as soon as no more requests come in."""
    before = -1
    while proxy.requests.bytes != before:
        before = proxy.requests.bytes
        await anyio.sleep(TIMEOUT)
    proxy.replies.release()


async def gathered_while_silent(proxy: TcpProxy, calls: list[Call[object]]) -> list[object]:
    """Make calls at once; no reply passes until all requests that can be sent are."""
    proxy.replies.hold()
    results: list[object] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(release_when_quiet, proxy)
        results.extend(await gathered(calls))
    return results


async def place_many(lab: Lab, count: int) -> dict[str, bytes]:
    """Write keys, each with a value of its own."""
    values = {key: f"of {key}".encode() for key in lab.keys(count)}
    for result in await lab.store.set_many(values):
        assert not isinstance(result, EtagereError), f"without any fault: {result!r}"
    return values


# --- seeing what comes of it --------------------------------------------------------------------


async def in_time(deed: deeds.Deed, store: Store) -> Told:
    """Do a deed that gets no answer, and check that it ends when it must."""
    began = anyio.current_time()
    told = await deed.do(store, timeout=TIMEOUT)
    took = anyio.current_time() - began
    assert took < BOUND, f"a {deed.name} with a timeout of {TIMEOUT:g} s took {took:.1f} s"
    assert isinstance(told, EtagereError), f"a {deed.name} without an answer returned {told!r}"
    assert told.certainty is not Certainty.APPLIED, f"nobody can know that: {told!r}"
    return told


async def until_unavailable(lab: Lab, store: Store, ledger: Ledger) -> None:
    """Write until it is noticed, on every connection, that the server is gone."""
    for _ in range(DEAD_CONNECTIONS):
        deed = await deeds.blind_set(lab, 0)
        told = await deed.do(store)
        assert not await ledger.enter(deed, told), "it was written without a server"
        if isinstance(told, Unavailable):
            return
    raise AssertionError(f"{DEAD_CONNECTIONS} writes without a server: none was `Unavailable`")


async def works_again(lab: Lab, store: Store) -> None:
    """Wait until the store writes and reads."""
    level = lab.capabilities.freshest

    async def works() -> bool:
        key = lab.key("again")
        try:
            await store.set(key, b"again", consistency=level)
            item = await store.get(key, consistency=level)
        except EtagereError:
            return False
        return item is not None and item.value == b"again"

    await lab.until(works, "the store works again")


def check_read(read: object, key: str, value: bytes) -> None:
    """Check that a read returned what belongs to its key."""
    assert isinstance(read, Item), f"{key!r} is there, but was read as {read!r}"
    item = cast("Item[bytes]", read)
    assert (item.key, item.value) == (key, value), f"under {key!r} is what belongs elsewhere"


def dict_of(deed: deeds.Deed) -> dict[str, bytes]:
    """Return the values that a deed leaves behind."""
    return {key: value for key, value in deed.after.items() if value is not None}

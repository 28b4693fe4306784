"""Lost replies: on a real connection, which is cut when the server has answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.faults import deeds
from etagere.conformance.faults.deeds import Deed, Ledger, Make
from etagere.conformance.lab import Lab
from etagere.conformance.proxy import TcpProxy
from etagere.operations import Consistency
from etagere.store import Store

TURNS: Final = 8
"""Of client and server in one call: more are not expected."""
UNREADABLE: Final = "its traffic cannot be read, so that no reply can be aimed at"
SIZES: Final = (0, 200_000)
CUTS: Final = 2


class LostReplyClauses:
    """A write whose reply is lost is done once, and what is said of it is true."""

    @clause(
        "ETG-FAULT-010",
        Level.CONDITIONAL,
        "A lost reply to a compare-and-set that succeeded does not come back as a conflict; the"
        " value is there once.",
        proxied=True,
        needs=needs.CONDITIONAL,
    )
    async def test_a_lost_reply_to_a_conditional_set(self, lab: Lab) -> None:
        await lose_each_reply(lab, [deeds.conditional_set])

    @clause(
        "ETG-FAULT-011",
        Level.CONDITIONAL,
        "When the reply to any other single write is lost, it is said to be applied, or to be"
        " unknown: never not to be applied when it was.",
        proxied=True,
        needs=needs.CONDITIONAL,
    )
    async def test_a_lost_reply_to_a_single_write(self, lab: Lab) -> None:
        await lose_each_reply(lab, [deeds.creation, deeds.blind_set, *deeds.DELETES])

    @clause(
        "ETG-FAULT-012",
        Level.TRANSACTIONAL,
        "Whichever reply within a transaction is lost, it is done as a whole or not at all, and"
        " what is said of it is true.",
        needs=(needs.CONDITIONAL, needs.TRANSACTIONS),
        proxied=True,
    )
    async def test_a_lost_reply_within_a_transaction(self, lab: Lab) -> None:
        await lose_each_reply(lab, [deeds.transaction])

    @clause(
        "ETG-FAULT-013",
        Level.CORE,
        "A read whose reply is lost, or ends in the middle, is asked for again or fails; it never"
        " returns a part of a value.",
        proxied=True,
    )
    async def test_a_lost_reply_to_a_read(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            for size in SIZES:
                item = await lab.place(lab.key("read"), deeds.new("read", size))
                for level in deeds.levels(lab):
                    await store.get(item.key, consistency=level)
                    proxy.drop_replies(containing=item.key.encode())
                    assert await store.get(item.key, consistency=level) == item
                    for length in lengths(lab, size):
                        proxy.replies.cut_after(length)
                        assert await store.get(item.key, consistency=level) == item
                        proxy.reset()

    @clause(
        "ETG-FAULT-014",
        Level.CONDITIONAL,
        "A reply that ends in the middle counts as none: the write is there as a whole or not at"
        " all, and what is said of it is true.",
        proxied=True,
    )
    async def test_a_reply_that_is_cut(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            ledger = Ledger(lab)
            await deeds.warm_up(lab, store)
            for make in deeds.offered(lab):
                for length in lengths(lab, 30):
                    deed = await make(lab, 0)
                    proxy.replies.cut_after(length)
                    await ledger.enter(deed, await deed.do(store))
                    proxy.reset()
            await ledger.check()

    @clause(
        "ETG-FAULT-015",
        Level.CONDITIONAL,
        "A request that ends in the middle leaves the record old or new, as a whole, and what is"
        " said of it is true.",
        proxied=True,
    )
    async def test_a_request_that_is_cut(self, lab: Lab) -> None:
        async with lab.behind_proxy() as (store, proxy):
            ledger = Ledger(lab)
            await deeds.warm_up(lab, store)
            for size in SIZES:
                for make in deeds.offered(lab):
                    for length in lengths(lab, size):
                        deed = await make(lab, size)
                        proxy.requests.cut_after(length)
                        await ledger.enter(deed, await deed.do(store))
                        proxy.reset()
            await ledger.check()


async def lose_each_reply(lab: Lab, makers: Sequence[Make]) -> None:
    """Do each kind of deed, and lose the first reply to it; then again and lose the second; ..."""
    async with lab.behind_proxy() as (store, proxy):
        await deeds.warm_up(lab, store)
        for level in deeds.levels(lab):
            for make in makers:
                turns = 1
                while await loses_reply(lab, store, proxy, await make(lab, 0), level, turns):
                    turns += 1
                    assert turns <= TURNS, f"one call takes more than {TURNS} turns"
                if turns == 1:
                    pytest.skip(UNREADABLE)


async def loses_reply(
    lab: Lab, store: Store, proxy: TcpProxy, deed: Deed, level: Consistency, number: int
) -> bool:
    """Do a deed and lose one reply to it; return whether there were so many."""
    before = proxy.dropped
    proxy.drop_replies(containing=deed.mark, number=number)
    told = await deed.do(store, consistency=level)
    proxy.reset()
    await deeds.check(lab, deed, told)
    await deeds.check_settled(lab, store, deed, told)
    return proxy.dropped > before


def lengths(lab: Lab, size: int) -> list[int]:
    """Return after how many bytes to cut a message of about this size: at once, and anywhere."""
    return [1, *(lab.random.randint(2, size + 60) for _ in range(CUTS))]

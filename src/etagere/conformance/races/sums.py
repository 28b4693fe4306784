"""What many clients do together adds up: no update is lost, none is seen in half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import anyio

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.races.racers import racers
from etagere.conformance.suite.checks import there
from etagere.errors import ETagMismatch
from etagere.operations import Set
from etagere.store import Store

CLIENTS: Final = 8
ROUNDS: Final = 10
ATTEMPTS: Final = 10_000
BALANCE: Final = 100


class SumClauses:
    """Read, compute, write on the condition that nobody wrote in between, or begin again."""

    @clause(
        "ETG-RACE-010",
        Level.CONDITIONAL,
        "Of updates that many clients make to one key, none is lost.",
        soaks=True,
        needs=needs.CONDITIONAL,
    )
    async def test_counter(self, lab: Lab) -> None:
        key = lab.key()
        async with racers(lab, CLIENTS) as stores:
            for number in lab.rounds(1):
                async with anyio.create_task_group() as tasks:
                    for store in stores:
                        tasks.start_soon(count, lab, store, key)
                counted = int(there(await lab.read(key)).value)
                assert counted == (number + 1) * CLIENTS * ROUNDS, f"{counted} updates are there"

    @clause(
        "ETG-RACE-011",
        Level.TRANSACTIONAL,
        "Of transactions that many clients make between the same keys, each takes place as a"
        " whole: what moves from one key to another is neither lost nor doubled.",
        needs=(needs.CONDITIONAL, needs.TRANSACTIONS),
        soaks=True,
    )
    async def test_transfers(self, lab: Lab) -> None:
        accounts = lab.together("a", "b", "c")
        balances = dict.fromkeys(accounts, BALANCE)
        for account in accounts:
            await lab.place(account, b"%d" % BALANCE)
        async with racers(lab, CLIENTS) as stores:
            for _ in lab.rounds(1):
                async with anyio.create_task_group() as tasks:
                    for number, store in enumerate(stores):
                        turn = number % len(accounts)
                        order = accounts[turn:] + accounts[:turn]
                        tasks.start_soon(transfer, lab, store, order, balances)
                # Not only their sum: what was lost and what was doubled can make up for each other.
                found = {each: int(there(await lab.read(each)).value) for each in accounts}
                assert found == balances

    @clause(
        "ETG-RACE-012",
        Level.CORE,
        "A read returns the value and the ETag of one version, while others write.",
        soaks=True,
    )
    async def test_no_torn_reads(self, lab: Lab) -> None:
        seen: dict[str, bytes] = {}
        async with racers(lab, CLIENTS) as stores:
            for _ in lab.rounds(1):
                key = lab.key()
                await lab.place(key)
                async with anyio.create_task_group() as tasks:
                    for number, store in enumerate(stores[: CLIENTS // 2]):
                        tasks.start_soon(overwrite, store, key, number)
                    for store in stores[CLIENTS // 2 :]:
                        tasks.start_soon(watch, lab, store, key, seen)


async def count(lab: Lab, store: Store, key: str) -> None:
    """Add one, again and again."""
    for _ in range(ROUNDS):
        await update(lab, store, key)


async def update(lab: Lab, store: Store, key: str) -> None:
    """Add one, however often another client is faster."""
    for _ in range(ATTEMPTS):
        item = await store.get(key, consistency=lab.capabilities.freshest)
        value = b"%d" % (1 + int(item.value if item else 0))
        try:
            await store.set(key, value, etag=item.etag if item else None, concurrency="first-write")
        except ETagMismatch:
            await anyio.sleep(lab.random.random() / 1000)
        else:
            return
    raise AssertionError(f"{ATTEMPTS} attempts to write {key!r} were conflicts")


async def transfer(
    lab: Lab, store: Store, accounts: Sequence[str], balances: dict[str, int]
) -> None:
    """Move one from the first account to the second, again and again, and keep the books."""
    giver, taker, *_ = accounts
    for _ in range(ROUNDS):
        for _ in range(ATTEMPTS):
            try:
                await store.transact(await moved(lab, store, giver, taker))
            except ETagMismatch:
                await anyio.sleep(lab.random.random() / 1000)
            else:
                balances[giver] -= 1
                balances[taker] += 1
                break


async def moved(lab: Lab, store: Store, giver: str, taker: str) -> list[Set]:
    """Return the transaction that moves one from what is there now."""
    level = lab.capabilities.freshest
    given = there(await store.get(giver, consistency=level))
    taken = there(await store.get(taker, consistency=level))
    return [
        Set(giver, b"%d" % (int(given.value) - 1), etag=given.etag),
        Set(taker, b"%d" % (int(taken.value) + 1), etag=taken.etag),
    ]


async def overwrite(store: Store, key: str, number: int) -> None:
    """Write values of different lengths, each only once."""
    for turn in range(ROUNDS):
        await store.set(key, b"%d in turn %d " % (number, turn) * (turn * 97 + 1))


async def watch(lab: Lab, store: Store, key: str, seen: dict[str, bytes]) -> None:
    """Read, and hold each version against what others saw of it."""
    for _ in range(2 * ROUNDS):
        item = there(await store.get(key, consistency=lab.capabilities.freshest))
        known = seen.setdefault(item.etag, item.value)
        assert item.value == known, f"two values were read under the ETag {item.etag!r}"

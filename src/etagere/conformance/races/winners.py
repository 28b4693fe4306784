"""One version, many who want to replace it: one does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import pytest

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import PATHS, Path
from etagere.conformance.races.racers import racers
from etagere.conformance.suite.checks import gathered
from etagere.errors import EtagereError, ETagMismatch
from etagere.operations import Item, Set
from etagere.store import Store

ROUNDS: Final = 10


class WinnerClauses:
    """Of many clients with the same precondition, one wins."""

    @clause(
        "ETG-RACE-001",
        Level.CONDITIONAL,
        "Of many writers that expect the same ETag, exactly one wins; the others are told of a"
        " conflict, and the key holds what the winner wrote.",
        soaks=True,
        needs=needs.CONDITIONAL,
    )
    async def test_writers(self, lab: Lab) -> None:
        async with racers(lab) as stores:
            for _ in lab.rounds(ROUNDS):
                item = await lab.place(lab.key())
                winner = await sole_winner(item.key, overwriting(stores, item))
                await holds_what_the_winner_wrote(lab, item.key, winner)

    @clause(
        "ETG-RACE-002",
        Level.CONDITIONAL,
        "Of many writers that expect a key to be absent, exactly one creates it.",
        soaks=True,
        needs=needs.CONDITIONAL,
    )
    async def test_creators(self, lab: Lab) -> None:
        async with racers(lab) as stores:
            for _ in lab.rounds(ROUNDS):
                key = lab.key()
                winner = await sole_winner(key, creating(stores, key))
                await holds_what_the_winner_wrote(lab, key, winner)

    @clause(
        "ETG-RACE-003",
        Level.CONDITIONAL,
        "Of many who delete or overwrite a key and expect the same ETag, exactly one wins.",
        soaks=True,
        needs=needs.CONDITIONAL,
    )
    async def test_deleters_and_writers(self, lab: Lab) -> None:
        async with racers(lab) as stores:
            for _ in lab.rounds(ROUNDS):
                item = await lab.place(lab.key())
                calls = overwriting(stores, item)
                calls[::2] = deleting(stores[::2], item)
                winner = await sole_winner(item.key, calls)
                if winner % 2:
                    await holds_what_the_winner_wrote(lab, item.key, winner)
                else:
                    assert await lab.read(item.key) is None, "it was deleted, and is still there"

    @clause(
        "ETG-RACE-004",
        Level.EXPIRING,
        "Of many writers that expect an expired key to be absent, exactly one creates it.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
        soaks=True,
    )
    async def test_creators_after_expiry(self, lab: Lab) -> None:
        async with racers(lab) as stores:
            for _ in lab.rounds(2):
                key = lab.key()
                await lab.expired(key)
                winner = await sole_winner(key, creating(stores, key))
                await holds_what_the_winner_wrote(lab, key, winner)

    @clause(
        "ETG-RACE-005",
        Level.TRANSACTIONAL,
        "Of many transactions that expect the same ETags, in whatever order they name the keys,"
        " exactly one takes place, and all of it.",
        needs=(needs.CONDITIONAL, needs.TRANSACTIONS),
        soaks=True,
    )
    async def test_transactions(self, lab: Lab) -> None:
        async with racers(lab) as stores:
            for _ in lab.rounds(ROUNDS):
                items = [await lab.place(key) for key in lab.together("one", "other")]
                winner = await sole_winner(None, transacting(stores, items))
                for item in items:
                    await holds_what_the_winner_wrote(lab, item.key, winner)

    @clause(
        "ETG-RACE-006",
        Level.CONDITIONAL,
        "Writers with the same ETag race each other whichever way their writes travel.",
        soaks=True,
        needs=needs.CONDITIONAL,
    )
    @pytest.mark.parametrize("one", ["single", "bulk"])
    async def test_ways(self, lab: Lab, one: str) -> None:
        ways = [path for path in PATHS if path.name != one and offered(lab, path)]
        (own,) = (path for path in PATHS if path.name == one)
        for _ in lab.rounds(ROUNDS // 2):
            item = await lab.place(lab.key())
            paths = [path for other in ways for path in (own, other)]
            calls: Calls = [
                partial(path.set, lab, item.key, written_by(number), etag=item.etag)
                for number, path in enumerate(paths)
            ]
            winner = await sole_winner(item.key, calls)
            await holds_what_the_winner_wrote(lab, item.key, winner)


# --- the runners --------------------------------------------------------------------------------


Calls = list[Callable[[], Awaitable[object]]]


def overwriting(stores: Sequence[Store], item: Item[bytes]) -> Calls:
    """Return calls that replace an item."""
    return [
        partial(store.set, item.key, written_by(number), etag=item.etag)
        for number, store in enumerate(stores)
    ]


def creating(stores: Sequence[Store], key: str) -> Calls:
    """Return calls that create a key."""
    return [
        partial(store.set, key, written_by(number), concurrency="first-write")
        for number, store in enumerate(stores)
    ]


def deleting(stores: Sequence[Store], item: Item[bytes]) -> Calls:
    """Return calls that delete an item."""
    return [partial(store.delete, item.key, etag=item.etag) for store in stores]


def transacting(stores: Sequence[Store], items: Sequence[Item[bytes]]) -> Calls:
    """Return transactions that replace all of the items, every other one back to front."""
    calls: Calls = []
    for number, store in enumerate(stores):
        sets = [Set(item.key, written_by(number), etag=item.etag) for item in items]
        calls.append(partial(store.transact, sets[:: -1 if number % 2 else 1]))
    return calls


def written_by(number: int) -> bytes:
    """Return the value that a client writes."""
    return b"written by client %d" % number


# --- the finish ---------------------------------------------------------------------------------


async def sole_winner(key: str | None, calls: Calls) -> int:
    """Make the calls at once; return which of them was done, where that is exactly one."""
    results = await gathered(calls)
    winners = [n for n, result in enumerate(results) if not isinstance(result, EtagereError)]
    for error in results:
        if isinstance(error, EtagereError):
            assert isinstance(error, ETagMismatch), f"a loser was told {error!r}"
            assert key in (None, error.key), f"a loser of {key!r} was told of {error.key!r}"
    assert len(winners) == 1, f"{len(winners)} of {len(calls)} clients won: {winners}"
    return winners[0]


async def holds_what_the_winner_wrote(lab: Lab, key: str, winner: int) -> None:
    """Check that a key has the value of the client that was told it had won."""
    item = await lab.read(key)
    assert item is not None, f"client {winner} won, but the key is absent"
    assert item.value == written_by(winner), f"client {winner} won, but another's value is there"


def offered(lab: Lab, path: Path) -> bool:
    """Tell whether a store can be written to on a path."""
    return not any(need.why_not(lab.capabilities) for need in path.needs)

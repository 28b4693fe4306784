"""Transactional: all or nothing."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import (
    check_conflict,
    conflict,
    executed,
    not_supported,
    refused,
    there,
)
from etagere.conformance.suite.rolling_back import RollingBackClauses
from etagere.errors import InvalidArgument, NotSupported, TooLarge
from etagere.minting import mint_etag
from etagere.operations import Delete, Item, Read, Record, Set, Transaction, Write

TRANSACTIONAL = Level.TRANSACTIONAL
CLAIMED = needs.TRANSACTIONS


class AllClauses:
    """What a transaction does."""

    @clause(
        "ETG-TXN-001",
        TRANSACTIONAL,
        "A transaction does all of its operations, and returns the result of each, in order.",
        needs=CLAIMED,
    )
    async def test_all(self, lab: Lab) -> None:
        a, b, c, d = lab.together("a", "b", "c", "d")
        await lab.place(a)
        await lab.place(b)
        first, existed, missed, last = await lab.store.transact(
            [Set(a, b"new a"), Delete(b), Delete(c), Set(d, b"new d")]
        )
        assert (existed, missed) == (True, False)
        assert await lab.read(a) == Item(a, b"new a", await lab.told(a, first))
        assert await lab.read(d) == Item(d, b"new d", await lab.told(d, last))
        assert [await lab.read(b), await lab.read(c)] == [None, None]

    @clause(
        "ETG-TXN-002",
        TRANSACTIONAL,
        "Preconditions hold inside transactions: ETags that match, keys that are absent.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_preconditions_that_hold(self, lab: Lab) -> None:
        a, b, c = lab.together("a", "b", "c")
        one, two = await lab.place(a), await lab.place(b)
        first, existed, last = await lab.store.transact(
            [
                Set(a, b"new", etag=one.etag),
                Delete(b, etag=two.etag),
                Set(c, b"created", concurrency="first-write"),
            ]
        )
        assert existed is True
        assert await lab.read(a) == Item(a, b"new", await lab.told(a, first))
        assert await lab.read(b) is None
        assert await lab.read(c) == Item(c, b"created", await lab.told(c, last))

    @clause(
        "ETG-TXN-003",
        TRANSACTIONAL,
        "Operations on one key take effect in order.",
        needs=CLAIMED,
    )
    async def test_one_key_in_order(self, lab: Lab) -> None:
        (key,) = lab.together("key")
        results = await lab.store.transact(
            [Set(key, b"1"), Set(key, b"2"), Delete(key), Delete(key), Set(key, b"3")]
        )
        assert results[2:4] == [True, False]
        assert await lab.read(key) == Item(key, b"3", await lab.told(key, results[4]))
        assert await lab.store.transact([Set(key, b"4"), Delete(key)]) != []
        assert await lab.read(key) is None

    @clause(
        "ETG-TXN-004",
        TRANSACTIONAL,
        "Operations see the earlier ones: after a delete in the transaction, first-write creates.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_delete_then_create(self, lab: Lab) -> None:
        (key,) = lab.together("key")
        item = await lab.place(key)
        existed, etag = await lab.store.transact(
            [Delete(key, etag=item.etag), Set(key, b"new", concurrency="first-write")]
        )
        assert existed is True
        assert await lab.read(key) == Item(key, b"new", await lab.told(key, etag))

    @clause(
        "ETG-TXN-005",
        TRANSACTIONAL,
        "Operations see the earlier ones: what one wrote, deleted or created is a conflict for"
        " another that expects what was before; then nothing is changed.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_conflicts_with_an_earlier_one(self, lab: Lab) -> None:
        key, new = lab.together("key", "new")
        item = await lab.place(key)
        attempts: list[list[Set | Delete]] = [
            [Set(key, b"1"), Set(key, b"2", etag=item.etag)],
            [Delete(key), Set(key, b"2", etag=item.etag)],
            [Delete(key, etag=item.etag), Delete(key, etag=item.etag)],
            [Set(new, b"1"), Set(new, b"2", concurrency="first-write")],
            [Delete(key), Set(key, b"1"), Set(key, b"2", concurrency="first-write")],
        ]
        for requests in attempts:
            results = await attempted(lab, requests)
            last = requests[-1]
            assert isinstance(results, Exception), f"{requests} was done"
            # It never came to be, so its ETag is nobody's: only that there was one is known.
            seen = getattr(results, "actual", None)
            assert seen != item.etag
            check_conflict(
                results, last.key, expected=last.etag, actual=seen, index=len(requests) - 1
            )
            assert await lab.read(key) == item
            assert await lab.read(new) is None

    @clause(
        "ETG-TXN-006",
        TRANSACTIONAL,
        "The ETags that a transaction gives are good for later writes, and those before are not.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_etags_afterwards(self, lab: Lab) -> None:
        a, b = lab.together("a", "b")
        old = [await lab.place(key) for key in (a, b)]
        await lab.store.transact([Set(a, b"1"), Set(b, b"1")])
        for item in old:
            etag = await lab.version(item.key)
            with conflict(item.key, expected=item.etag, actual=etag):
                await lab.store.set(item.key, b"lost", etag=item.etag)
            await lab.store.set(item.key, b"2", etag=etag)

    @clause(
        "ETG-TXN-007",
        TRANSACTIONAL,
        "A transaction may have as many operations as the limit, and not one more.",
        needs=CLAIMED,
    )
    async def test_the_limit(self, lab: Lab) -> None:
        most = lab.capabilities.max_transaction
        keys = lab.together(*(f"{number:05}" for number in range(most + 1)))
        results = await lab.store.transact([Set(key, key.encode()) for key in keys[:most]])
        assert len(set(results)) == most
        for key in lab.random.sample(keys[:most], min(most, 20)):
            assert there(await lab.read(key)).value == key.encode()
        with refused(TooLarge, "a transaction over the limit"):
            await lab.store.transact([Set(key, b"") for key in keys])
        assert await lab.read(keys[most]) is None
        assert there(await lab.read(keys[0])).value == keys[0].encode()
        assert await lab.store.transact([Delete(key) for key in keys[:most]]) == [True] * most

    @clause(
        "ETG-TXN-008",
        TRANSACTIONAL,
        "A transaction of nothing does nothing.",
        needs=CLAIMED,
    )
    async def test_an_empty_one(self, lab: Lab) -> None:
        assert await lab.store.transact([]) == []

    @clause(
        "ETG-TXN-009",
        TRANSACTIONAL,
        "A malformed operation refuses the transaction, and nothing is done.",
        needs=CLAIMED,
    )
    async def test_malformed_transactions(self, lab: Lab) -> None:
        a, b = lab.together("a", "b")
        with refused(InvalidArgument, "an empty key"):
            await lab.store.transact([Set(a, b""), Set("", b"")])
        with refused(InvalidArgument, "an unknown option"):
            await lab.store.transact([Set(a, b""), Delete(b, concurrency="sometimes")])
        assert await lab.read(a) is None

    @clause(
        "ETG-TXN-010",
        TRANSACTIONAL,
        "Transactions may span any keys.",
        needs=needs.FULL_TRANSACTIONS,
    )
    async def test_any_keys(self, lab: Lab) -> None:
        keys = lab.keys(50)
        await lab.store.transact([Set(key, key.encode()) for key in keys])
        for key in keys:
            assert there(await lab.read(key)).value == key.encode()

    @clause(
        "ETG-TXN-011",
        TRANSACTIONAL,
        "A transaction that is sent again after a lost answer succeeds and changes nothing.",
        needs=(CLAIMED, needs.WRITER_ETAGS),
    )
    async def test_transaction_sent_again(self, lab: Lab) -> None:
        a, b = lab.together("a", "b")
        old = await lab.place(a)
        one, two = mint_etag(), mint_etag()
        transaction = Transaction((Write(a, b"1", one, old.etag), Write(b, b"2", two, "")))
        for _ in range(3):
            assert await executed(lab, transaction) == (True, True)
            assert await executed(lab, Read(a)) == Record(b"1", one)
            assert await executed(lab, Read(b)) == Record(b"2", two)


class NotTransactionalClauses:
    """Where transactions are not claimed, or not over all keys."""

    @clause(
        "ETG-TXN-090",
        TRANSACTIONAL,
        "A store without transactions refuses them with `NotSupported`, and does nothing.",
        needs=~needs.TRANSACTIONS,
    )
    async def test_transactions_are_refused(self, lab: Lab) -> None:
        item, absent = await lab.place(lab.key()), lab.key()
        for requests in (
            [Set(absent, b"")],
            [Delete(item.key)],
            [Set(item.key, b""), Set(absent, b"")],
        ):
            with not_supported("a transaction"):
                await lab.store.transact(requests)
        assert await lab.read(item.key) == item
        assert await lab.read(absent) is None

    @clause(
        "ETG-TXN-091",
        TRANSACTIONAL,
        "A store whose transactions do not span all keys refuses one that does, and does nothing.",
        needs=needs.SAME_SLOT,
    )
    async def test_too_far_apart(self, lab: Lab) -> None:
        keys = lab.keys(50)
        with refused(NotSupported, "a transaction over keys that are far apart"):
            await lab.store.transact([Set(key, b"") for key in keys])
        for key in keys:
            assert await lab.read(key) is None


class TransactionalClauses(AllClauses, RollingBackClauses, NotTransactionalClauses):
    """All or nothing."""


async def attempted(lab: Lab, requests: Sequence[Set | Delete]) -> object:
    """Return the results of a transaction, or the error that it raises."""
    try:
        return await lab.store.transact(requests)
    except Exception as error:  # noqa: BLE001 - it is looked at by the caller
        return error

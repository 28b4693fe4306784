"""Bulk: many keys in one call, and many calls at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import check_conflict, done, found, placed, refused
from etagere.conformance.suite.crowds import CrowdClauses
from etagere.errors import InvalidArgument, TooLarge
from etagere.operations import Delete, Item, Set
from etagere.store import Result

BULK = Level.BULK
MIB: Final = 2**20


class BulkClauses:
    """A result for each item, in the order in which they were asked."""

    @clause("ETG-BULK-001", BULK, "`set_many` returns each new ETag, in request order.")
    async def test_sets_in_order(self, lab: Lab) -> None:
        keys = lab.random.sample(lab.keys(50), 50)
        results = await lab.store.set_many([Set(key, key.encode()) for key in keys])
        for key, result in zip(keys, results, strict=True):
            assert await lab.read(key) == Item(key, key.encode(), await lab.told(key, done(result)))

    @clause(
        "ETG-BULK-002",
        BULK,
        "`get_many` returns what is under each key, in request order, absent and repeated ones"
        " included.",
    )
    async def test_gets_in_order(self, lab: Lab) -> None:
        absent = lab.key("absent")
        items = await placed(lab, lab.keys(20))
        assert [item.value for item in items] == [item.key.encode() for item in items]
        asked = lab.random.choices([*items, None], k=60)
        keys = [absent if item is None else item.key for item in asked]
        assert await found(lab, keys) == asked

    @clause(
        "ETG-BULK-003",
        BULK,
        "`delete_many` tells for each key whether it was there, repeated ones included.",
    )
    async def test_deletes_in_order(self, lab: Lab) -> None:
        a, b, c = lab.keys(3)
        await placed(lab, [a, b])
        assert await lab.store.delete_many([c, b, b, a, c, a]) == [
            False,
            True,
            False,
            True,
            False,
            False,
        ]
        assert await found(lab, [a, b, c]) == [None, None, None]

    @clause(
        "ETG-BULK-004",
        BULK,
        "Items on one key take effect in the order of the call.",
        needs=(needs.CONDITIONAL, needs.WRITER_ETAGS),
    )
    async def test_items_on_one_key(self, lab: Lab) -> None:
        key = lab.key()
        results = await lab.store.set_many(
            [
                Set(key, b"1", concurrency="first-write"),
                Set(key, b"2", concurrency="first-write"),
                Set(key, b"3"),
                Set(key, b"4", etag="stale"),
                Set(key, b"5"),
                Set(key, b"6", concurrency="first-write"),
            ]
        )
        first, third, fifth = done(results[0]), done(results[2]), done(results[4])
        assert len({first, third, fifth}) == 3
        check_conflict(results[1], key, expected=None, actual=first)
        check_conflict(results[3], key, expected="stale", actual=third)
        check_conflict(results[5], key, expected=None, actual=fifth)
        assert await lab.read(key) == Item(key, b"5", fifth)

    @clause(
        "ETG-BULK-005",
        BULK,
        "One item's conflict does not stop the others: sets.",
        needs=needs.CONDITIONAL,
    )
    async def test_conflicts_of_sets(self, lab: Lab) -> None:
        items = await placed(lab, lab.keys(30))
        for bad in ({0}, {29}, {7, 8, 20}, set(range(30))):
            results = await lab.store.set_many(
                [
                    Set(item.key, b"new", etag="stale" if n in bad else item.etag)
                    for n, item in enumerate(items)
                ]
            )
            after = await found(lab, [item.key for item in items])
            for n, (item, result) in enumerate(zip(items, results, strict=True)):
                if n in bad:
                    check_conflict(result, item.key, expected="stale", actual=item.etag)
                    assert after[n] == item
                else:
                    assert after[n] == Item(
                        item.key, b"new", await lab.told(item.key, done(result))
                    )
            items = after

    @clause(
        "ETG-BULK-006",
        BULK,
        "One item's conflict does not stop the others: deletes.",
        needs=needs.CONDITIONAL,
    )
    async def test_conflicts_of_deletes(self, lab: Lab) -> None:
        items = await placed(lab, lab.keys(30))
        bad = {0, 10, 11, 29}
        results = await lab.store.delete_many(
            [
                Delete(item.key, etag="stale" if n in bad else item.etag)
                for n, item in enumerate(items)
            ]
        )
        after = await found(lab, [item.key for item in items])
        for n, (item, result) in enumerate(zip(items, results, strict=True)):
            if n in bad:
                check_conflict(result, item.key, expected="stale", actual=item.etag)
                assert after[n] == item
            else:
                assert done(result) is True
                assert after[n] is None

    @clause(
        "ETG-BULK-007",
        BULK,
        "Each conflict is told with its own key and ETags.",
        needs=needs.CONDITIONAL,
    )
    async def test_each_conflict_is_its_own(self, lab: Lab) -> None:
        items, absent = await placed(lab, lab.keys(5)), lab.keys(5)
        requests = [Set(item.key, b"", etag=f"stale-{n}") for n, item in enumerate(items)]
        requests += [Set(key, b"", etag=f"gone-{n}") for n, key in enumerate(absent)]
        results = await lab.store.set_many(requests)
        for n, item in enumerate(items):
            check_conflict(results[n], item.key, expected=f"stale-{n}", actual=item.etag)
        for n, key in enumerate(absent):
            check_conflict(results[5 + n], key, expected=f"gone-{n}", actual=None)

    @clause("ETG-BULK-008", BULK, "An empty list has no results, and is no error.")
    async def test_nothing(self, lab: Lab) -> None:
        assert await lab.store.set_many([]) == []
        assert await lab.store.get_many([]) == []
        assert await lab.store.delete_many([]) == []

    @clause("ETG-BULK-009", BULK, "A thousand keys in one call are a thousand keys.")
    async def test_a_thousand(self, lab: Lab) -> None:
        keys = lab.keys(1000)
        items = await placed(lab, keys)
        assert [(item.key, item.value) for item in items] == [(key, key.encode()) for key in keys]
        assert len({item.etag for item in items}) == 1000
        assert await lab.store.delete_many(keys) == [True] * 1000
        assert await found(lab, keys) == [None] * 1000

    @clause("ETG-BULK-010", BULK, "However long a call is, items on one key keep their order.")
    async def test_long_calls_keep_the_order(self, lab: Lab) -> None:
        keys = lab.keys(7)
        requests = [Set(keys[n % 7], b"%d" % n) for n in range(2000)]
        etags = [done(result) for result in await lab.store.set_many(requests)]
        last = {n % 7: (b"%d" % n, etag) for n, etag in enumerate(etags)}
        assert await found(lab, keys) == [
            Item(key, last[n][0], await lab.told(key, last[n][1])) for n, key in enumerate(keys)
        ]

    @clause("ETG-BULK-011", BULK, "Large values travel side by side.")
    async def test_large_values(self, lab: Lab) -> None:
        size = min(3 * MIB, lab.capabilities.max_value_bytes - 8)
        values = {key: lab.random.randbytes(size + n) for n, key in enumerate(lab.keys(6))}
        etags = [done(result) for result in await lab.store.set_many(values)]
        items = await found(lab, list(values))
        assert all(item.value == values[item.key] for item in items), "a value is another"
        told = [await lab.told(key, etag) for key, etag in zip(values, etags, strict=True)]
        assert [item.etag for item in items] == told

    @clause(
        "ETG-BULK-012",
        BULK,
        "A malformed item refuses the whole call, and nothing is done.",
    )
    async def test_malformed_items(self, lab: Lab) -> None:
        a, b = lab.keys(2)
        await placed(lab, [b])
        too_long = "x" * (lab.capabilities.max_key_bytes + 1)
        with refused(InvalidArgument, "an empty key"):
            await lab.store.set_many([Set(a, b""), Set("", b"")])
        with refused(TooLarge, "a key over the limit"):
            await lab.store.delete_many([b, too_long])
        with refused(TooLarge, "a key over the limit"):
            await lab.store.get_many([b, too_long])
        assert [item and item.key for item in await found(lab, [a, b])] == [None, b]

    @clause(
        "ETG-BULK-013",
        BULK,
        "However long a call is, the precondition of each item counts.",
        needs=needs.CONDITIONAL,
    )
    async def test_preconditions_of_a_thousand(self, lab: Lab) -> None:
        items, absent = await placed(lab, lab.keys(700)), lab.keys(300)
        requests = [
            *(Set(item.key, b"new", etag=item.etag) for item in items[:350]),
            *(Set(item.key, b"lost", etag="stale") for item in items[350:]),
            *(Set(key, b"created", concurrency="first-write") for key in absent[:150]),
            *(Set(key, b"lost", etag="stale") for key in absent[150:]),
        ]
        results = dict(zip(requests, await lab.store.set_many(requests), strict=True))
        await self.are_as_their_results(lab, results, {item.key: item for item in items})

    async def are_as_their_results(
        self, lab: Lab, results: dict[Set, Result[str]], before: dict[str, Item[bytes]]
    ) -> None:
        """Check that each item is what its result says."""
        after = dict(zip(keys_of(results), await found(lab, keys_of(results)), strict=True))
        for request, result in results.items():
            key, old = request.key, before.get(request.key)
            if request.value == b"lost":
                actual = None if old is None else old.etag
                check_conflict(result, key, expected="stale", actual=actual)
                assert after[key] == old
            else:
                etag = await lab.told(key, done(result))
                assert after[key] == Item(key, request.value, etag)


class BulkLevelClauses(BulkClauses, CrowdClauses):
    """Many keys at once."""


def keys_of(requests: Iterable[Set]) -> list[str]:
    """Return the keys of requests."""
    return [request.key for request in requests]

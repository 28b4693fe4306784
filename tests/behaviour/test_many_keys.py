"""Bulk calls report per item; transactions are all or nothing."""

from __future__ import annotations

import anyio
import pytest

from etagere import Delete, ETagMismatch, Item, NotSupported, Set, Store, TooLarge
from tests.behaviour.targets import TARGETS, Target
from tests.listing import listed

pytestmark = pytest.mark.anyio


@pytest.mark.targets(*TARGETS)
class TestBulk:
    async def test_order_and_duplicates(self, store: Store, key: str) -> None:
        a, b, c = (f"{key}/{name}" for name in "abc")
        etags = await store.set_many([Set(b, b"1"), Set(a, b"2"), Set(b, b"3"), Set(b, b"4")])
        assert len(set(etags)) == 4
        ours, theirs = Item(b, b"4", str(etags[3])), Item(a, b"2", str(etags[1]))
        assert await store.get_many([b, c, a, b, c, b]) == [ours, None, theirs, ours, None, ours]
        assert await store.delete_many([c, b, b, a, c]) == [False, True, False, True, False]

    async def test_items_on_one_key_see_the_earlier_ones(self, store: Store, key: str) -> None:
        results = await store.set_many(
            [
                Set(key, b"1", concurrency="first-write"),
                Set(key, b"2", concurrency="first-write"),
                Set(key, b"3"),
                Set(key, b"4", etag="stale"),
            ]
        )
        first, second, third, fourth = results
        assert isinstance(second, ETagMismatch)
        assert second.actual == first
        assert isinstance(fourth, ETagMismatch)
        assert (fourth.expected, fourth.actual) == ("stale", third)
        assert await store.get(key) == Item(key, b"3", str(third))

    async def test_one_conflict_stops_nobody(self, store: Store, key: str) -> None:
        keys = [f"{key}/{n}" for n in range(60)]
        etags = [str(etag) for etag in await store.set_many(dict.fromkeys(keys, b"1"))]
        requests = [
            Set(name, b"2", etag=etag if n % 3 else "stale")
            for n, (name, etag) in enumerate(zip(keys, etags, strict=True))
        ]
        results = await store.set_many(requests)
        items = await store.get_many(keys)
        for n, (name, result, item) in enumerate(zip(keys, results, items, strict=True)):
            assert isinstance(item, Item)
            if n % 3:
                assert item == Item(name, b"2", str(result))
            else:
                assert isinstance(result, ETagMismatch)
                assert (result.key, result.actual, item.etag) == (name, etags[n], etags[n])
        gone = await store.delete_many([Delete(name, etag=etags[0]) for name in keys[:2]])
        assert gone[0] is True
        assert isinstance(gone[1], ETagMismatch)

    async def test_more_than_one_batch_keeps_the_order(self, store: Store, key: str) -> None:
        requests = [Set(f"{key}/{n % 7}", b"%d" % n) for n in range(2_000)]
        etags = await store.set_many(requests)
        assert len(set(etags)) == 2_000
        items = await store.get_many([f"{key}/{n}" for n in range(7)])
        last = {n % 7: (b"%d" % n, etags[n]) for n in range(2_000)}
        assert [(i.value, i.etag) for i in items if isinstance(i, Item)] == [
            last[n] for n in range(7)
        ]

    async def test_thousands(self, store: Store, key: str) -> None:
        values = {f"{key}/{n:05}": b"%d" % n for n in range(5_000)}
        etags = await store.set_many(values)
        items = await store.get_many(values)
        assert [(i.key, i.value, i.etag) for i in items if isinstance(i, Item)] == [
            (name, value, etag) for (name, value), etag in zip(values.items(), etags, strict=True)
        ]
        assert await store.delete_prefix(key) == 5_000


class TestTransactions:
    async def test_all(self, store: Store, key: str) -> None:
        a, b, c = (f"{key}/{name}" for name in "abc")
        etag = await store.set(a, b"1")
        results = await store.transact(
            [
                Set(b, b"2", concurrency="first-write"),
                Delete(a, etag=etag),
                Delete(c),
                Set(c, b"3", ttl=60),
            ]
        )
        assert results[1:3] == [True, False]
        found = await store.get_many([a, b, c], consistency="strong")
        assert found[:2] == [None, Item(b, b"2", str(results[0]))]
        assert isinstance(found[2], Item)
        assert (found[2].etag, found[2].expires_at is None) == (results[3], False)

    @pytest.mark.targets(*TARGETS)
    @pytest.mark.parametrize("position", [0, 1, 3])
    async def test_or_nothing(self, store: Store, key: str, position: int) -> None:
        a, b, c = (f"{key}/{name}" for name in "abc")
        before = await store.set_many([Set(a, b"1"), Set(b, b"2", ttl=60)])
        items = await store.get_many([a, b, c], consistency="strong")
        requests: list[Set | Delete] = [Set(a, b"x"), Delete(b), Set(c, b"x", ttl=5)]
        requests.insert(position, Set(f"{key}/d", b"x", etag="stale"))
        with pytest.raises(ETagMismatch) as raised:
            await store.transact(requests)
        assert (raised.value.key, raised.value.index) == (f"{key}/d", position)
        assert (raised.value.expected, raised.value.actual) == ("stale", None)
        assert await store.get_many([a, b, c], consistency="strong") == items
        assert len(before) == 2

    @pytest.mark.targets(*TARGETS)
    async def test_the_first_of_several_conflicts_is_named(self, store: Store, key: str) -> None:
        etag = await store.set(key, b"")
        with pytest.raises(ETagMismatch) as raised:
            await store.transact(
                [
                    Delete(f"{key}/x"),
                    Set(key, b"", concurrency="first-write"),
                    Set(f"{key}/y", b"", etag="stale"),
                ]
            )
        assert (raised.value.index, raised.value.expected, raised.value.actual) == (1, None, etag)

    async def test_the_same_key_again_and_again(self, store: Store, key: str) -> None:
        results = await store.transact(
            [
                Set(key, b"1", concurrency="first-write"),
                Set(key, b"2"),
                Delete(key),
                Delete(key),
                Set(key, b"3", concurrency="first-write", ttl=60),
                Set(key, b"4"),
            ]
        )
        assert results[2:4] == [True, False]
        assert await store.get(key, consistency="strong") == Item(key, b"4", str(results[5]))

    async def test_an_operation_conflicts_with_an_earlier(self, store: Store, key: str) -> None:
        etag = await store.set(key, b"old")
        for requests in (
            [Set(key, b"1"), Set(key, b"2", etag=etag)],
            [Delete(key), Delete(key, etag=etag)],
            [Delete(key), Set(key, b"1"), Set(key, b"2", concurrency="first-write")],
        ):
            with pytest.raises(ETagMismatch) as raised:
                await store.transact(requests)
            assert raised.value.index == len(requests) - 1
            assert raised.value.actual != etag
            assert await store.get(key, consistency="strong") == Item(key, b"old", etag)

    async def test_many_operations(self, store: Store, key: str) -> None:
        most = store.capabilities.max_transaction
        etags = await store.transact([Set(f"{key}/{n:04}", b"%d" % n) for n in range(most)])
        assert len(set(etags)) == most
        assert len(await listed(store, prefix=key)) == most
        with pytest.raises(TooLarge, match=f"the limit is {most}"):
            await store.transact([Set(f"{key}/{n:04}", b"") for n in range(most + 1)])
        gone = await store.transact([Delete(f"{key}/{n:04}") for n in range(most)])
        assert gone == [True] * most

    @pytest.mark.targets(*TARGETS)
    async def test_nobody_sees_half_of_one(self, store: Store, target: Target, key: str) -> None:
        """Money moves between accounts; every transaction that reads them sees the same sum."""
        accounts = [f"{key}/{n}" for n in range(4)]
        await store.set_many(dict.fromkeys(accounts, b"100"))

        async def move(number: int) -> None:
            source, sink = accounts[number % 4], accounts[(number * 3 + 1) % 4]
            if source == sink:
                return
            for _ in range(50):
                items = await store.get_many([source, sink], consistency="strong")
                one, other = (item for item in items if isinstance(item, Item))
                try:
                    await store.transact(
                        [
                            Set(source, b"%d" % (int(one.value) - 1), etag=one.etag),
                            Set(sink, b"%d" % (int(other.value) + 1), etag=other.etag),
                        ]
                    )
                except ETagMismatch:
                    continue
                moved.append(number)
                return

        moved: list[int] = []
        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(move, number)
        items = await store.get_many(accounts, consistency="strong")
        assert sum(int(item.value) for item in items if isinstance(item, Item)) == 400
        assert moved

    async def test_what_is_claimed_is_what_is_offered(self, store: Store, key: str) -> None:
        assert store.capabilities.transactions.value == "full"
        try:
            await store.transact([Set(f"{key}/{n}", b"") for n in range(20)])
        except NotSupported as error:
            pytest.fail(str(error))

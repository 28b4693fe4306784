"""`Store`: what it makes of requests and of their outcomes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from etagere import (
    KEEP,
    Concurrency,
    Consistency,
    Delete,
    ETagMismatch,
    InvalidArgument,
    Item,
    Set,
    Store,
    StoreFailed,
    TooLarge,
    Unavailable,
)
from etagere.memory import MemoryBackend
from etagere.operations import Conflict, Read, Record, Write
from tests.core.scripted import ScriptedBackend, answering, fail, refuse
from tests.listing import listed

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


T0 = 1_700_000_000_000


class TestOneKey:
    async def test_write_read_delete(self, store: Store) -> None:
        assert await store.get("k") is None
        assert await store.exists("k") is False
        etag = await store.set("k", b"v")
        assert await store.get("k") == Item("k", b"v", etag)
        assert await store.exists("k") is True
        assert await store.delete("k", etag=etag) is True
        assert await store.delete("k") is False
        assert await store.get("k") is None

    async def test_every_write_has_an_etag_of_its_own(self, store: Store) -> None:
        etags = {await store.set("k", b"same") for _ in range(100)}
        assert len(etags) == 100
        assert {len(etag) for etag in etags} == {32}

    async def test_etags_can_be_minted_otherwise(self) -> None:
        names = iter(["one", "two"])
        async with Store(ScriptedBackend(), mint=lambda: next(names)) as store:
            assert await store.set("k", b"") == "one"
            assert await store.set("k", b"", etag="one") == "two"

    async def test_a_conflict_tells_what_was_expected_and_found(self, store: Store) -> None:
        first = await store.set("k", b"1")
        second = await store.set("k", b"2")
        for call in (
            store.set("k", b"3", etag=first),
            store.delete("k", etag=first),
            store.touch("k", 5, etag=first),
        ):
            with pytest.raises(ETagMismatch) as raised:
                await call
            error = raised.value
            assert (error.key, error.expected, error.actual) == ("k", first, second)
            assert error.index is None
        with pytest.raises(ETagMismatch) as raised:
            await store.delete("k", concurrency="first-write")
        assert (raised.value.expected, raised.value.actual) == (None, second)

    async def test_options_are_words_or_enums(self, store: Store) -> None:
        await store.set("a", b"", concurrency="first-write", consistency="strong")
        await store.set("b", b"", concurrency=Concurrency.FIRST_WRITE)
        await store.get("a", consistency=Consistency.STRONG)

    async def test_strong_is_passed_on(self, backend: ScriptedBackend, store: Store) -> None:
        for level in Consistency:
            await store.set("k", b"", consistency=level)
            await store.get("k", consistency=level.value)
            await store.exists("k", consistency=level)
            await store.touch("k", 5, consistency=level)
            await store.delete("k", consistency=level)
            await store.get_many(["k"], consistency=level)
            await store.set_many({"k": b""}, consistency=level)
            await store.delete_many(["k"], consistency=level)
            await store.transact([Set("k", b"")], consistency=level)
            assert set(backend.levels) == {level}
            backend.levels.clear()

    async def test_nothing_is_sent_of_a_request_that_makes_no_sense(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        wrong: list[Any] = [
            store.get(""),
            store.get("k", consistency="weak"),
            store.set("k", "text"),  # type: ignore[arg-type]
            store.set("k", b"", ttl=0),
            store.set("k", b"", concurrency="maybe"),
            store.set("k", b"", etag=7),  # type: ignore[arg-type]
            store.delete("a||b"),
            store.touch("k", KEEP),  # type: ignore[arg-type]
            store.get_many("text"),
            store.get_many(["k", ""]),
            store.set_many([Set("k", b""), Set("", b"")]),
            store.set_many([Delete("k")]),  # type: ignore[list-item]
            store.set_many(["k"]),  # type: ignore[list-item]
            store.delete_many("text"),
            store.delete_many([Set("k", b"")]),  # type: ignore[list-item]
            store.transact([Set("k", b""), "k"]),  # type: ignore[list-item]
            store.transact({"k": b""}),  # type: ignore[arg-type]
            store.update("k", lambda _: "text"),  # type: ignore[arg-type,return-value]
            store.update("k", lambda _: b"", attempts=0),
            store.delete_prefix(""),
        ]
        for call in wrong:
            with pytest.raises(InvalidArgument):
                await call
        assert [b for b in backend.batches if not isinstance(b[0], Read)] == []

    async def test_limits_are_the_backends(self) -> None:
        async with Store(ScriptedBackend(max_key_bytes=3, max_value_bytes=4)) as store:
            await store.set("kkk", b"vvvv")
            with pytest.raises(TooLarge):
                await store.set("kkkk", b"")
            with pytest.raises(TooLarge):
                await store.set("k", b"vvvvv")


class TestTtl:
    @pytest.fixture
    def backend(self) -> MemoryBackend:
        return MemoryBackend(clock=lambda: self.now)

    @pytest.fixture
    async def store(self, backend: MemoryBackend) -> AsyncIterator[Store]:
        self.now = T0
        async with Store(backend) as store:
            yield store

    async def expires(self, store: Store) -> datetime | None:
        item = await store.get("k")
        assert item is not None
        return item.expires_at

    async def test_is_reported_in_utc(self, store: Store) -> None:
        await store.set("k", b"", ttl=1.5)
        assert await self.expires(store) == datetime(2023, 11, 14, 22, 13, 21, 500_000, UTC)

    async def test_seconds_timedelta_keep_none(self, store: Store) -> None:
        later = datetime.fromtimestamp(T0 / 1000, UTC)
        await store.set("k", b"", ttl=timedelta(minutes=1))
        assert await self.expires(store) == later + timedelta(minutes=1)
        await store.set("k", b"", ttl=KEEP)
        assert await self.expires(store) == later + timedelta(minutes=1)
        await store.touch("k", 7)
        assert await self.expires(store) == later + timedelta(seconds=7)
        await store.update("k", lambda _: b"new")
        assert await self.expires(store) == later + timedelta(seconds=7)
        await store.update("k", lambda _: b"new", ttl=9)
        assert await self.expires(store) == later + timedelta(seconds=9)
        await store.touch("k", None)
        assert await self.expires(store) is None
        await store.transact([Set("k", b"", ttl=3)])
        await store.set("k", b"")
        assert await self.expires(store) is None

    async def test_an_expired_item_is_absent(self, store: Store) -> None:
        etag = await store.set("k", b"", ttl=0.001)
        self.now += 1
        assert await store.get("k") is None
        assert await store.touch("k", 5) is False
        assert await listed(store) == []
        with pytest.raises(ETagMismatch, match="is absent"):
            await store.set("k", b"", etag=etag)
        await store.set("k", b"", concurrency="first-write")

    async def test_the_memory_backend_sweeps(self, store: Store, backend: MemoryBackend) -> None:
        await store.set_many([Set("a", b"", ttl=1), Set("b", b"", ttl=2), Set("c", b"")])
        self.now += 1000
        await backend.maintain()
        assert set(backend._records) == {"b", "c"}

    async def test_far_in_the_future(self, store: Store) -> None:
        await store.set("k", b"", ttl=timedelta(days=365_000))
        expires = await self.expires(store)
        assert expires is not None
        assert expires.year > 3000


class TestBulk:
    async def test_a_result_for_each_in_order_with_duplicates(self, store: Store) -> None:
        etags = await store.set_many([Set("a", b"1"), Set("b", b"2"), Set("a", b"3")])
        assert len(set(etags)) == 3
        a, b, nothing, again = await store.get_many(["a", "b", "x", "a"])
        assert (a, nothing) == (Item("a", b"3", str(etags[2])), None)
        assert (b, again) == (Item("b", b"2", str(etags[1])), a)
        assert await store.delete_many(["a", "x", "a", "b"]) == [True, False, False, True]

    async def test_one_conflict_does_not_stop_the_others(self, store: Store) -> None:
        etag = await store.set("a", b"1")
        first, wrong, last = await store.set_many(
            [Set("b", b"2"), Set("a", b"x", concurrency="first-write"), Set("a", b"3", etag=etag)]
        )
        assert isinstance(wrong, ETagMismatch)
        assert (wrong.key, wrong.expected, wrong.actual, wrong.index) == ("a", None, etag, None)
        assert [i.etag for i in await store.get_many(["b", "a"]) if isinstance(i, Item)] == [
            first,
            last,
        ]
        gone, kept = await store.delete_many([Delete("b", etag=str(first)), Delete("a", etag="?")])
        assert gone is True
        assert isinstance(kept, ETagMismatch)

    async def test_a_mapping_is_blind_sets(self, store: Store) -> None:
        etags = await store.set_many({"a": b"1", "b": b"2"})
        items = await store.get_many(iter(["a", "b"]))
        assert [item.etag for item in items if isinstance(item, Item)] == etags

    async def test_nothing_asked_nothing_sent(self, backend: ScriptedBackend, store: Store) -> None:
        assert await store.get_many([]) == []
        assert await store.set_many({}) == []
        assert await store.delete_many([]) == []
        assert await store.transact([]) == []
        assert backend.batches == []

    async def test_errors_are_per_item(self, backend: ScriptedBackend, store: Store) -> None:
        backend.script.append(answering(Record(b"v", "e"), StoreFailed("page torn"), None))
        item, broken, nothing = await store.get_many(["a", "b", "c"])
        assert item == Item("a", b"v", "e")
        assert isinstance(broken, StoreFailed)
        assert str(broken) == "key 'b' was not read: page torn"
        assert nothing is None


class TestTransact:
    async def test_results(self, store: Store) -> None:
        etag = await store.set("a", b"1")
        results = await store.transact(
            [Set("b", b"2"), Delete("a", etag=etag), Delete("a"), Set("a", b"3", ttl=KEEP)]
        )
        assert results[1:3] == [True, False]
        a, b = await store.get_many(["a", "b"])
        assert (a, b) == (Item("a", b"3", str(results[3])), Item("b", b"2", str(results[0])))

    async def test_a_conflict_leaves_everything_as_it_was(self, store: Store) -> None:
        etag = await store.set("a", b"1")
        with pytest.raises(ETagMismatch, match=r"key 'a' \(operation 2 of the transaction\)") as e:
            await store.transact(
                [Set("b", b"2"), Delete("a"), Set("a", b"3", etag=etag), Set("c", b"")]
            )
        assert (e.value.index, e.value.expected, e.value.actual) == (2, etag, None)
        assert await listed(store) == ["a"]

    async def test_its_limit(self) -> None:
        async with Store(ScriptedBackend(max_transaction=3)) as store:
            await store.transact([Set(f"k{n}", b"") for n in range(3)])
            with pytest.raises(TooLarge, match="has 4 operations; the limit is 3"):
                await store.transact(Delete(f"k{n}") for n in range(4))


class TestUpdate:
    async def test_creates_and_changes(self, store: Store) -> None:
        first = await store.update("k", lambda old: (old or b"") + b"x")
        second = await store.update("k", lambda old: (old or b"") + b"y")
        assert (first.value, second.value) == (b"x", b"xy")
        assert await store.get("k") == second

    async def test_change_can_wait(self, store: Store) -> None:
        async def change(old: bytes | None) -> bytes:
            await anyio.sleep(0)
            return b"slow"

        assert (await store.update("k", change)).value == b"slow"

    async def test_change_can_give_up(self, store: Store) -> None:
        await store.set("k", b"1")

        def change(old: bytes | None) -> bytes:
            raise LookupError("enough")

        with pytest.raises(LookupError, match="enough"):
            await store.update("k", change)
        assert (await store.update("k", lambda old: (old or b"") + b"2")).value == b"12"

    async def test_no_increment_is_lost(self, store: Store) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(store.update, "n", lambda old: b"%d" % (int(old or 0) + 1))
        item = await store.get("n")
        assert item is not None
        assert item.value == b"200"

    async def test_no_increment_of_several_stores_is_lost(self, backend: ScriptedBackend) -> None:
        async def increment(store: Store) -> None:
            for _ in range(25):
                await store.update("n", lambda old: b"%d" % (int(old or 0) + 1), attempts=1000)

        twins = Store(Twin(backend)), Store(Twin(backend))
        async with Store(backend) as one, twins[0], twins[1]:
            async with anyio.create_task_group() as tasks:
                for store in (one, *twins):
                    for _ in range(4):
                        tasks.start_soon(increment, store)
            item = await one.get("n")
        assert item is not None
        assert item.value == b"300"

    async def test_conflicts_are_tried_again(self, backend: ScriptedBackend, store: Store) -> None:
        seen = []

        async def change(old: bytes | None) -> bytes:
            seen.append(old)
            if len(seen) < 4:
                await backend.apply([Write("k", b"%d" % len(seen), f"o{len(seen)}")])
            return b"mine"

        item = await store.update("k", change)
        assert seen == [None, b"1", b"2", b"3"]
        assert await store.get("k") == item

    async def test_gives_up_after_so_many_attempts(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        calls = 0

        async def change(old: bytes | None) -> bytes:
            nonlocal calls
            calls += 1
            await backend.apply([Write("k", b"", f"o{calls}")])
            return b"mine"

        with pytest.raises(ETagMismatch) as raised:
            await store.update("k", change, attempts=5)
        assert calls == 5
        assert raised.value.actual == "o5"

    async def test_other_errors_are_not_tried_again(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        await store.set("k", b"")
        for act, error in [(fail, StoreFailed), (refuse, Unavailable)]:
            backend.script.extend([act] * 4)
            with pytest.raises(error):
                await store.update("k", lambda _: b"")
            backend.script.clear()

    async def test_those_who_wait_for_their_turn_can_be_cancelled(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        async def change(old: bytes | None) -> bytes:
            entered.set()
            await leave.wait()
            return (old or b"") + b"1"

        entered, leave = anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.update, "k", change)
            await entered.wait()
            with anyio.move_on_after(0.02):
                await store.update("k", lambda old: (old or b"") + b"never")
            tasks.start_soon(store.update, "k", lambda old: (old or b"") + b"2")
            leave.set()
        item = await store.get("k")
        assert item is not None
        assert item.value == b"12"
        assert store._updating._locks == {}


class Twin:
    """A second connection to the same data."""

    def __init__(self, other: ScriptedBackend) -> None:
        self.other = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self.other, name)

    async def close(self) -> None:
        pass


async def test_an_actual_etag_is_told_as_found(store: Store, backend: ScriptedBackend) -> None:
    backend.script.append(answering(Conflict("foreign")))
    with pytest.raises(ETagMismatch, match="is at ETag 'foreign'"):
        await store.set("k", b"", etag="mine")


@pytest.mark.parametrize("foreign", ["x" * 300, "nul\0", "\ud800"])
async def test_an_etag_that_no_store_holds_does_not_match(store: Store, foreign: str) -> None:
    etag = await store.set("k", b"")
    with pytest.raises(ETagMismatch) as raised:
        await store.set("k", b"", etag=foreign)
    assert (raised.value.expected, raised.value.actual) == ("?", etag)

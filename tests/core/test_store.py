"""`Store`: what it makes of requests and outcomes, whatever the backend."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from etagere import (
    KEEP,
    Batching,
    Capabilities,
    Clock,
    Closed,
    Concurrency,
    Consistency,
    Delete,
    ETagMismatch,
    Feature,
    InvalidArgument,
    Item,
    NotReplicated,
    NotSupported,
    OutcomeUnknown,
    Reach,
    Set,
    Store,
    StoreFailed,
    TooLarge,
    TransactionScope,
    TypedStore,
    Unavailable,
    engine,
)
from etagere.memory import MemoryBackend
from etagere.operations import Conflict, Read, Record, Write
from tests.core.scripted import ScriptedBackend, answering, fail, raising, refuse
from tests.listing import listed

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]

ANY_LOOP = frozenset({"asyncio", "trio"})
POOR = Capabilities(why_not_strong="add replicas to the URL", durable=False, event_loops=ANY_LOOP)
T0 = 1_700_000_000_000


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
async def store(backend: ScriptedBackend) -> AsyncIterator[Store]:
    async with Store(backend) as store:
        yield store


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


class TestListing:
    @pytest.fixture
    async def store(self, backend: ScriptedBackend) -> AsyncIterator[Store]:
        async with Store(backend) as store:
            await store.set_many({key: key.encode() for key in self.KEYS})
            yield store

    KEYS = ("b", "a", "ab", "a/1", "a/2", "é", "🦜", "\uffff", "z", "A")

    async def test_in_byte_order(self, store: Store) -> None:
        names = await listed(store)
        assert names == sorted(self.KEYS, key=str.encode)
        assert names[-2:] == ["\uffff", "🦜"]

    async def test_prefix_after_limit(self, store: Store) -> None:
        assert await listed(store, prefix="a") == ["a", "a/1", "a/2", "ab"]
        assert await listed(store, prefix="a", after="a/1") == ["a/2", "ab"]
        assert await listed(store, prefix="a", limit=2) == ["a", "a/1"]
        assert await listed(store, prefix="a", after="ab") == []
        assert await listed(store, prefix="a", after="A", limit=1) == ["a"]
        assert await listed(store, limit=0) == []
        assert await listed(store, prefix="no") == []

    async def test_paging_by_the_last_key(self, store: Store) -> None:
        names: list[str] = []
        while page := await listed(store, after=names[-1] if names else "", limit=3):
            names += page
        assert names == sorted(self.KEYS)

    async def test_items(self, store: Store) -> None:
        items = [item async for item in store.items(prefix="a/")]
        assert [(item.key, item.value) for item in items] == [("a/1", b"a/1"), ("a/2", b"a/2")]
        assert [item.key async for item in store.items(after="z", limit=1)] == ["é"]

    async def test_items_deleted_meanwhile_are_left_out(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        backend.script.append(answering(None, Record(b"", "e")))
        assert [item.key async for item in store.items(prefix="a/")] == ["a/2"]

    async def test_items_that_cannot_be_read(self, backend: ScriptedBackend, store: Store) -> None:
        backend.script.append(fail)
        with pytest.raises(StoreFailed, match="key 'A' was not read"):
            [item async for item in store.items()]

    async def test_delete_prefix(self, backend: ScriptedBackend, store: Store) -> None:
        assert await store.delete_prefix("a/") == 2
        assert await store.delete_prefix("a/") == 0
        assert await listed(store, prefix="a") == ["a", "ab"]
        backend.script.append(fail)
        with pytest.raises(StoreFailed, match="key 'a' was not written"):
            await store.delete_prefix("a")

    async def test_more_than_a_page_and_a_chunk(self, store: Store) -> None:
        keys = [f"many/{n:05}" for n in range(2_345)]
        await store.set_many(dict.fromkeys(keys, b""))
        assert await listed(store, prefix="many/") == keys
        assert [item.key async for item in store.items(prefix="many/")] == keys
        assert await store.delete_prefix("many/") == 2_345

    @pytest.mark.parametrize("wrong", [{"limit": -1}, {"consistency": "weak"}])
    async def test_what_makes_no_sense(self, store: Store, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument):
            await listed(store, **wrong)

    @pytest.mark.parametrize("name", ["prefix", "after"])
    @pytest.mark.parametrize("text", ["\0", "a\ud800", b"a", None])
    async def test_bounds_that_no_database_can_compare(
        self, store: Store, name: str, text: Any
    ) -> None:
        with pytest.raises(InvalidArgument, match=name):
            await listed(store, **{name: text})

    async def test_the_backends_scan_is_closed_when_the_caller_stops(self) -> None:
        backend = Scanner()
        async with Store(backend) as store:
            async with aclosing(store.keys()) as names:
                assert await anext(names) == "a"
            assert backend.closed == 1
            async with aclosing(store.items()) as items:
                async for item in items:
                    raise AssertionError(item)
            assert backend.closed == 2

    async def test_a_page_that_does_not_come(self) -> None:
        backend = Scanner(hangs=True)
        async with Store(backend, timeout=0.05) as store:
            with pytest.raises(Unavailable, match="the keys were not listed in time"):
                await listed(store)
            assert backend.closed == 1

    async def test_a_scan_that_fails(self) -> None:
        async with Store(Scanner(error=Unavailable("gone"))) as store:
            with pytest.raises(Unavailable, match="the keys were not listed: gone"):
                await listed(store)


class Scanner(ScriptedBackend):
    """Notices how its scans end."""

    def __init__(self, *, hangs: bool = False, error: Exception | None = None) -> None:
        super().__init__()
        self.hangs = hangs
        self.error = error
        self.closed = 0

    async def scan(self, *_: Any) -> AsyncIterator[Sequence[str]]:
        try:
            yield ["a", "b"]
            if self.error:
                raise self.error
            if self.hangs:
                await anyio.sleep_forever()
            yield ["c"]
        finally:
            self.closed += 1


class TestNamespaces:
    """Keys with `||` belong to somebody else's namespace."""

    async def test_a_listing_shows_no_key_that_cannot_be_read(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        await backend.apply([Write(key, b"", f"e{key}") for key in ("a||x", "b", "c||y", "d")])
        assert [item.key async for item in store.items()] == ["b", "d"]
        assert await listed(store) == ["b", "d"]
        assert await listed(store, limit=2) == ["b", "d"]
        assert await store.delete_prefix("a") == 0


class TestCapabilities:
    async def test_what_is_not_offered_is_refused(self) -> None:
        backend = ScriptedBackend(capabilities=POOR)
        async with Store(backend) as store:
            assert store.capabilities is POOR
            await store.set("k", b"")
            await store.set("k", b"", ttl=KEEP)
            await store.touch("k", None)
            sent = len(backend.batches)
            for call, message in [
                (store.get("k", consistency="strong"), "strong consistency: add replicas"),
                (store.set("k", b"", consistency="strong"), "strong consistency: add replicas"),
                (store.set("k", b"", ttl=5), "keys that expire"),
                (store.touch("k", 5), "keys that expire"),
                (store.transact([Set("k", b"")]), "transactions"),
                (anext(store.keys()), "listing keys"),
                (store.delete_prefix("k"), "listing keys"),
                (anext(store.items()), "listing keys"),
            ]:
                with pytest.raises(NotSupported, match=f"does not offer {message}"):
                    await call
            assert len(backend.batches) == sent

    async def test_update_and_settle_do_without_strong(self) -> None:
        backend = ScriptedBackend(capabilities=POOR)
        async with Store(backend) as store:
            await store.update("k", lambda _: b"v")
        assert set(backend.levels) == {Consistency.EVENTUAL}

    async def test_require_names_what_is_missing(self) -> None:
        backend = ScriptedBackend(capabilities=POOR)
        wanted = ["ttl", Feature.STRONG, "listing"]
        with pytest.raises(NotSupported) as raised:
            async with Store(backend, require=wanted):
                pass
        assert str(raised.value) == (
            "ScriptedBackend does not offer strong, ttl, listing here (add replicas to the URL)"
        )
        assert backend.lives == []

    async def test_a_reason_is_given_only_for_what_is_missing(self) -> None:
        with pytest.raises(NotSupported) as raised:
            async with Store(ScriptedBackend(capabilities=POOR), require=["ttl"]):
                pass
        assert str(raised.value) == "ScriptedBackend does not offer ttl here"

    async def test_require_looks_again_once_the_database_answers(self) -> None:
        class Disappointing(ScriptedBackend):
            async def ping(self) -> None:
                self.capabilities = POOR

        backend = Disappointing()
        with pytest.raises(NotSupported, match="does not offer strong here"):
            async with Store(backend, require={"strong"}):
                pass
        assert backend.lives == ["open", "close"]
        async with Store(Disappointing(), require={"durable"} - {"durable"}) as store:
            assert store.capabilities.strong

    async def test_require_needs_an_answer(self) -> None:
        class Down(ScriptedBackend):
            async def ping(self) -> None:
                raise Unavailable("connection refused")

        backend = Down()
        with pytest.raises(Unavailable, match="the store did not answer: connection refused"):
            async with Store(backend, require={"strong"}):
                pass
        assert backend.lives == ["open", "close"]

    async def test_an_unknown_feature_lists_the_known_ones(self) -> None:
        with pytest.raises(InvalidArgument, match="no feature 'speed' to require; there are stro"):
            async with Store(ScriptedBackend(), require=["speed"]):
                pass

    async def test_what_is_met_opens(self) -> None:
        async with Store(ScriptedBackend(), require=Feature) as store:
            assert store.capabilities.features() == frozenset(Feature)

    async def test_limits_can_narrow_on_opening(self) -> None:
        class Narrowing(ScriptedBackend):
            async def open(self) -> None:
                self.capabilities = Capabilities(max_key_bytes=2, event_loops=ANY_LOOP)

        async with Store(Narrowing()) as store:
            with pytest.raises(TooLarge):
                await store.get("kkk")

    async def test_an_event_loop_that_the_backend_does_not_know(self) -> None:
        other = Capabilities(event_loops=frozenset({"curio", "twisted"}))
        backend = ScriptedBackend(capabilities=other)
        with pytest.raises(NotSupported, match="ScriptedBackend runs on curio, twisted, not "):
            async with Store(backend):
                pass
        assert backend.lives == []


class TestBackendsThatMisbehave:
    @pytest.mark.parametrize("nonsense", [None, False, Record(b"", "e"), (True,), 7])
    async def test_no_outcome_that_makes_no_sense_passes_for_a_success(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        backend.script.append(answering(nonsense))
        with pytest.raises(OutcomeUnknown, match=r"'k' .* makes no sense"):
            await store.set("k", b"")
        backend.script.append(answering(nonsense))
        (result,) = await store.set_many({"k": b""})
        assert isinstance(result, OutcomeUnknown)

    @pytest.mark.parametrize("nonsense", [True, False, (True,), 7])
    async def test_nor_in_reads(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        backend.script.append(answering(nonsense))
        with pytest.raises(Unavailable, match=r"'k' .* makes no sense"):
            await store.get("k")
        backend.script.append(answering(nonsense))
        (result,) = await store.get_many(["k"])
        assert isinstance(result, Unavailable)

    @pytest.mark.parametrize("nonsense", [None, (True,), Record(b"", "e")])
    async def test_nor_in_deletes(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        for call in (lambda: store.delete("k"), lambda: store.touch("k", 5)):
            backend.script.append(answering(nonsense))
            with pytest.raises(OutcomeUnknown, match=r"'k' .* makes no sense"):
                await call()
        backend.script.append(answering(nonsense))
        (result,) = await store.delete_many(["k"])
        assert isinstance(result, OutcomeUnknown)

    @pytest.mark.parametrize("nonsense", [None, True, (True,), (True, True, True)])
    async def test_nor_in_transactions(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        backend.script.append(answering(nonsense))
        with pytest.raises(OutcomeUnknown, match=r"'k' and 1 more .* makes no sense"):
            await store.transact([Set("k", b""), Delete("x")])

    async def test_an_error_for_one_operation_is_raised_as_it_is(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        error = NotReplicated("k", "e", "0 of 2 replicas")
        backend.script.append(answering(error))
        with pytest.raises(NotReplicated, match="0 of 2 replicas"):
            await store.set("k", b"", consistency="strong")
        backend.script.append(answering(NotSupported("keys in different slots")))
        with pytest.raises(NotSupported, match="different slots"):
            await store.transact([Set("k", b"")])


class TestLife:
    async def test_a_database_that_is_down_does_not_stop_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Down(ScriptedBackend):
            async def open(self) -> None:
                raise Unavailable("connection refused")

        backend = Down(refuse, refuse, refuse, refuse)
        async with Store(backend) as store:
            with pytest.raises(Unavailable, match="connection refused"):
                await store.get("k")
            await store.set("k", b"")
        assert "Down is not available yet: connection refused" in caplog.text

    async def test_a_database_that_does_not_answer_does_not_stop_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Slow(ScriptedBackend):
            async def open(self) -> None:
                await anyio.sleep_forever()

        async with Store(Slow(), timeout=0.05) as store:
            await store.set("k", b"")
        assert "Slow is not available yet" in caplog.text

    async def test_a_backend_that_cannot_open_at_all_is_closed(self) -> None:
        class Broken(ScriptedBackend):
            async def open(self) -> None:
                raise StoreFailed("not a database")

        backend = Broken()
        with pytest.raises(StoreFailed, match="not a database"):
            async with Store(backend):
                pass
        assert backend.lives == ["close"]

    @pytest.mark.parametrize("batching", [None, Batching()])
    async def test_it_opens_only_once(self, batching: Batching | None) -> None:
        backend = ScriptedBackend(batching=batching)
        store = Store(backend)
        async with store:
            with pytest.raises(Closed, match="open another one"):
                async with store:
                    pass
            await store.set("k", b"")
        with pytest.raises(Closed, match="open another one"):
            async with store:
                pass
        assert backend.lives == ["open", "close"]

    async def test_a_backend_that_does_not_close(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Clinging(ScriptedBackend):
            async def close(self) -> None:
                await anyio.sleep_forever()

        monkeypatch.setattr(engine, "CLOSING_SECONDS", 0.02)
        async with Store(Clinging()):
            pass
        assert "Clinging did not close in time" in caplog.text

    @pytest.mark.parametrize("timeout", [0, -1, float("nan")])
    async def test_a_timeout_is_more_than_nothing(self, timeout: float) -> None:
        with pytest.raises(InvalidArgument, match="a timeout is more than 0 seconds"):
            Store(ScriptedBackend(), timeout=timeout)

    @pytest.mark.parametrize("batching", [None, Batching()])
    @pytest.mark.parametrize("timeout", [0, -1, float("nan")])
    async def test_so_is_that_of_a_call(self, batching: Batching | None, timeout: float) -> None:
        async with Store(ScriptedBackend(batching=batching)) as store:
            for call in (
                lambda: store.get("k", timeout=timeout),
                lambda: store.set_many({"k": b""}, timeout=timeout),
                lambda: store.ping(timeout=timeout),
            ):
                with pytest.raises(InvalidArgument, match="a timeout is more than 0 seconds"):
                    await call()

    async def test_a_typed_view_is_a_view(self, store: Store) -> None:
        view = store.typed(list[int])
        assert isinstance(view, TypedStore)
        assert view.store is store


class TestHousekeeping:
    async def test_goes_on_in_the_background(self, caplog: pytest.LogCaptureFixture) -> None:
        class Busy(ScriptedBackend):
            turns = 0

            async def maintain(self) -> float | None:
                self.turns += 1
                if self.turns == 3:
                    done.set()
                    return None
                return 0.001

        done = anyio.Event()
        backend = Busy()
        async with Store(backend):
            with anyio.fail_after(10):
                await done.wait()
        assert backend.turns == 3

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (Unavailable("down"), "housekeeping did not work, and will be tried again: down"),
            (ZeroDivisionError("bug"), "housekeeping failed"),
        ],
    )
    async def test_failures_are_logged_and_tried_again(
        self,
        error: Exception,
        said: str,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        class Unlucky(ScriptedBackend):
            turns = 0

            async def maintain(self) -> float | None:
                self.turns += 1
                if self.turns == 2:
                    done.set()
                    return None
                raise error

        done = anyio.Event()
        monkeypatch.setattr(engine, "MAINTENANCE_RETRY_SECONDS", 0.001)
        with caplog.at_level(logging.INFO, logger="etagere"):
            async with Store(Unlucky()) as store:
                with anyio.fail_after(10):
                    await done.wait()
                await store.set("k", b"")
        assert said in caplog.text

    async def test_is_given_up_at_once_when_the_store_closes(self) -> None:
        class Long(ScriptedBackend):
            async def maintain(self) -> float | None:
                started.set()
                await anyio.sleep_forever()
                raise AssertionError

        started = anyio.Event()
        with anyio.fail_after(10):
            async with Store(Long()):
                await started.wait()


class TestMemory:
    """The reference backend has no lanes: each call goes straight to it."""

    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        async with Store(MemoryBackend()) as store:
            yield store

    async def test_bulk_and_single(self, store: Store) -> None:
        etags = await store.set_many({"a": b"1", "b": b"2"}, timeout=5)
        assert [item and item.etag for item in await store.get_many(["a", "b"])] == etags
        assert await store.delete("a", timeout=5) is True
        await store.ping()

    async def test_forgets_everything_on_closing(self) -> None:
        backend = MemoryBackend()
        async with Store(backend) as store:
            await store.set("k", b"")
        assert backend._records == {}

    async def test_a_loop_of_calls_can_be_cancelled(self, store: Store) -> None:
        with anyio.move_on_after(0.01) as scope:
            for _ in range(20_000):
                await store.set("k", b"")
        assert scope.cancelled_caught

    async def test_neighbours_get_their_turn(self, store: Store) -> None:
        turns = []

        async def use(name: str) -> None:
            for _ in range(3):
                await store.set("k", b"")
                turns.append(name)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(use, "a")
            tasks.start_soon(use, "b")
        assert turns not in ([*"aaabbb"], [*"bbbaaa"])


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


async def test_no_reference_cycle_keeps_a_closed_store() -> None:
    gc.collect()
    async with Store(ScriptedBackend()) as store:
        await store.set("k", b"")
    assert store._engine._flights is None


async def test_unexpected_errors_become_ours(store: Store, backend: ScriptedBackend) -> None:
    backend.script.extend([raising(KeyError("k"))] * 4)
    with pytest.raises(Unavailable, match="ScriptedBackend failed"):
        await store.get("k")


def test_capabilities_are_values() -> None:
    assert POOR.features() == frozenset()
    assert POOR.missing(["durable", "ttl"]) == [Feature.TTL, Feature.DURABLE]
    full = Capabilities(
        reach=Reach.ALWAYS, transactions=TransactionScope.SAME_SLOT, clock=Clock.SERVER
    )
    assert full.features() == {
        Feature.STRONG,
        Feature.STRONG_ACROSS_FAILOVER,
        Feature.TRANSACTIONS,
        Feature.TTL,
        Feature.DURABLE,
    }

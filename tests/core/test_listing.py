"""`Store`: listing keys, and what is built on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from etagere import InvalidArgument, Store, StoreFailed, Unavailable
from etagere.operations import Record, Write
from tests.core.scripted import ScriptedBackend, answering, fail
from tests.listing import listed

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


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

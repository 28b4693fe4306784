"""Layers: a backend in, a backend out."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from etagere import (
    Backend,
    ConfigurationError,
    Delete,
    ETagMismatch,
    NotReplicated,
    Set,
    Store,
    TooLarge,
)
from etagere.layers import KeyPrefix, Layer
from etagere.memory import MemoryBackend
from etagere.operations import Write
from tests.core.scripted import ScriptedBackend, answering, lose
from tests.listing import listed

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


@pytest.fixture
def inner() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
async def store(inner: ScriptedBackend) -> AsyncIterator[Store]:
    async with Store(KeyPrefix(inner, "app||")) as store:
        yield store


async def test_a_layer_passes_everything_on(inner: ScriptedBackend) -> None:
    layer = Layer(inner)
    assert isinstance(layer, Backend)
    assert (layer.capabilities, layer.batching) == (inner.capabilities, inner.batching)
    async with Store(layer) as store:
        await store.set("k", b"v", consistency="strong")
        assert await listed(store) == ["k"]
        await store.ping()
        assert await layer.maintain() is None
    assert inner.lives == ["open", "close"]


class TestKeyPrefix:
    async def test_every_kind_of_operation(self, inner: ScriptedBackend, store: Store) -> None:
        etag = await store.set("k", b"v")
        assert set(inner.memory._records) == {"app||k"}
        assert await store.touch("k", 60, etag=etag) is True
        item = await store.get("k")
        assert item is not None
        assert (item.key, item.etag) == ("k", etag)
        await store.update("k", lambda old: (old or b"") + b"!")
        await store.transact([Set("a", b""), Delete("k")])
        assert set(inner.memory._records) == {"app||a"}
        assert await store.delete("a") is True

    async def test_errors_name_the_users_key(self, inner: ScriptedBackend, store: Store) -> None:
        await store.set("k", b"v")
        with pytest.raises(ETagMismatch, match="key 'k' was"):
            await store.set("k", b"v", concurrency="first-write")
        with pytest.raises(ETagMismatch, match="key 'k' "):
            await store.transact([Set("k", b"v", concurrency="first-write")])
        inner.script.append(answering(NotReplicated("app||k", "e", "0 of 1 replicas in time")))
        with pytest.raises(NotReplicated) as raised:
            await store.set("k", b"v", consistency="strong")
        assert raised.value.key == "k"

    async def test_lost_answers_are_found(self, inner: ScriptedBackend, store: Store) -> None:
        inner.script.append(lose)
        await store.set("k", b"v")
        inner.script.append(lose)
        await store.transact([Set("k", b"v")])

    async def test_listing(self, inner: ScriptedBackend) -> None:
        neighbours = ["app", "app|", "apq||k", "aa||k", "ap||k", "zz"]
        async with Store(KeyPrefix(inner, "app||")) as store:
            await inner.apply([Write(key, b"", f"e{key}") for key in neighbours])
            await store.set_many(dict.fromkeys(("b", "a", "ba", "🦜"), b""))
            assert await listed(store) == ["a", "b", "ba", "🦜"]
            assert await listed(store, prefix="b") == ["b", "ba"]
            assert await listed(store, after="a", limit=2) == ["b", "ba"]
            assert await listed(store, limit=1) == ["a"]
            assert [item.key async for item in store.items(prefix="b")] == ["b", "ba"]
            assert await store.delete_prefix("b") == 2

    async def test_keys_are_shorter_by_the_prefix(self, inner: ScriptedBackend) -> None:
        layer = KeyPrefix(inner, "é||")
        assert layer.capabilities.max_key_bytes == 1020
        async with Store(layer) as store:
            await store.set("x" * 1020, b"")
            with pytest.raises(TooLarge):
                await store.set("x" * 1021, b"")

    async def test_prefixes_of_prefixes(self, inner: ScriptedBackend) -> None:
        async with Store(KeyPrefix(KeyPrefix(inner, "outer||"), "inner||")) as store:
            await store.set("k", b"")
            assert set(inner.memory._records) == {"outer||inner||k"}
            assert await listed(store) == ["k"]

    @pytest.mark.parametrize("prefix", ["", "nul\0", "\ud800", "x" * 1024])
    async def test_what_cannot_be_a_prefix(self, prefix: str) -> None:
        with pytest.raises(ConfigurationError, match="must be text of 1 to 1023 bytes"):
            KeyPrefix(MemoryBackend(), prefix)

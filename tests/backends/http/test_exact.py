"""Servers of ours: nothing is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import etagere
from etagere import KEEP, Delete, ETagMismatch, ETagOrigin, InvalidArgument, Set, Store, TooLarge
from etagere.minting import mint_etag
from etagere.operations import (
    ABSENT,
    Conflict,
    Consistency,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_http import HttpBackend

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]

EVENTUAL = Consistency.EVENTUAL


async def test_capabilities_are_those_of_the_store(store: Store) -> None:
    offered = store.capabilities
    assert offered.etags is ETagOrigin.WRITER
    assert (offered.strong, offered.listing, offered.durable) == (True, True, False)
    assert offered.max_value_bytes == (64 - 16) * 2**10 * 3 // 4


@pytest.mark.parametrize("key", [".", "..", "a/b", "a%2Fb", "a+b c", "ä\u2603\U0001f600", "?&#;="])
async def test_any_key_and_any_value(store: Store, key: str) -> None:
    value = bytes(range(256))
    etag = await store.set(key, value)
    for item in [await store.get(key), *await store.get_many([key, key])]:
        assert item == etagere.Item(key, value, etag)
    assert await store.delete(key) is True
    assert await store.delete(key) is False


async def test_a_time_to_live_is_told_to_the_millisecond(store: Store) -> None:
    before = datetime.now(UTC)
    await store.set("ttl", b"", ttl=1000.123)
    item = await store.get("ttl")
    assert item is not None
    assert item.expires_at is not None
    low = timedelta(milliseconds=1_000_122)
    assert low <= item.expires_at - before <= low + timedelta(seconds=20)
    await store.set("ttl", b"kept", ttl=KEEP)
    kept = await store.get("ttl")
    assert kept is not None
    assert kept.expires_at == item.expires_at
    assert await store.touch("ttl", 7.5)


async def test_a_batch_in_order_whatever_is_in_it(ours: str) -> None:
    backend = HttpBackend.from_url(ours)
    await backend.open()
    first, second, third = mint_etag(), mint_etag(), mint_etag()
    outcomes = await backend.execute(
        [
            Write("b1", b"1", first),
            Write("b2", b"1", first),
            Remove("b1", first),
            Write("b1", b"2", second, ABSENT),
            Touch("b1", 60_000, first),
            Transaction((Write("b1", b"3", third, second), Remove("b2"), Remove("b2"))),
            Remove("b1", "é"),
            Write("b1", b"4", first, ABSENT),
            Remove("nothing"),
        ],
        EVENTUAL,
    )
    assert outcomes == [
        True,
        True,
        True,
        True,
        Conflict(second),
        (True, True, False),
        Conflict(third),
        Conflict(third),
        False,
    ]
    assert await backend.execute([Read("b1"), Read("b2")], EVENTUAL) == [Record(b"3", third), None]
    await backend.close()


async def test_a_write_that_is_sent_again_is_in_place(ours: str) -> None:
    backend = HttpBackend.from_url(ours)
    await backend.open()
    write = Write("again", b"1", mint_etag(), ABSENT)
    together = [write, Write("beside", b"", mint_etag())]
    try:
        assert await backend.execute([Remove("again")], EVENTUAL) == [False]
        for _ in range(2):
            assert await backend.execute([write], EVENTUAL) == [True]
            assert await backend.execute(together, EVENTUAL) == [True, True]
        assert await backend.execute([Remove("again")], EVENTUAL) == [True]
    finally:
        await backend.close()


async def test_more_than_one_body_holds(store: Store) -> None:
    values = {f"large{number}": bytes([number]) * 30_000 for number in range(9)}
    etags = await store.set_many(values)
    items = await store.get_many(values)
    assert items == [
        etagere.Item(key, value, etag)
        for (key, value), etag in zip(values.items(), etags, strict=True)
    ]
    assert await store.delete_many(values) == [True] * 9


async def test_what_no_body_holds_is_too_large(store: Store) -> None:
    largest = bytes(store.capabilities.max_value_bytes)
    await store.set("k" * 1024, largest, etag=None)
    with pytest.raises(TooLarge):
        await store.set("k", largest + b"x")
    with pytest.raises(TooLarge, match="the server takes up to 65536"):
        await store.transact([Set("a", largest), Set("b", largest)])
    assert await store.get_many(["k", "a", "b"]) == [None] * 3


async def test_a_conflict_says_what_is_there(store: Store) -> None:
    etag = await store.set("c", b"1")
    with pytest.raises(ETagMismatch) as single:
        await store.delete("c", etag="other")
    assert single.value.actual == etag
    with pytest.raises(ETagMismatch) as part:
        await store.transact([Set("d", b""), Delete("c"), Set("c", b"", etag=etag)])
    assert (part.value.key, part.value.index, part.value.actual) == ("c", 2, None)
    assert await store.exists("c")


async def test_keys_are_listed_by_the_page(store: Store) -> None:
    keys = [f"list/{number:04}" for number in range(2500)]
    await store.set_many(dict.fromkeys(keys, b""))
    assert [key async for key in store.keys(prefix="list/")] == keys
    after = store.keys(prefix="list/", after=keys[99], limit=1200)
    assert [key async for key in after] == keys[100:1300]
    assert await store.delete_prefix("list/") == 2500


async def test_a_namespace_cannot_be_opened_over_http(ours: str) -> None:
    async with etagere.open(ours, namespace="other") as store:
        with pytest.raises(InvalidArgument, match="can't contain"):
            await store.set("k", b"")

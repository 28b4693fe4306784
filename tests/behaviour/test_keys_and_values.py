"""Bytes in, the same bytes out, under any key that is allowed."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etagere import Delete, InvalidArgument, Item, Set, Store, TooLarge
from tests.behaviour.targets import TARGETS
from tests.listing import listed

pytestmark = pytest.mark.anyio

MIB = 2**20


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.targets(*TARGETS)
@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\0",
        b"\0\0\0",
        bytes(range(256)),
        b"\xff\xfe\x00\xd8",
        b"null",
        b"\\x00",
        b"'; DROP TABLE etagere; --",
        "é🦜".encode(),
        noise(MIB),
        noise(8 * MIB),
    ],
    ids=lambda value: f"{len(value)}B",
)
async def test_values(store: Store, key: str, value: bytes) -> None:
    etag = await store.set(key, value)
    assert await store.get(key) == Item(key, value, etag)
    (again,) = await store.set_many({key: value})
    assert await store.get_many([key]) == [Item(key, value, str(again))]
    (third,) = await store.transact([Set(key, value, etag=str(again))])
    assert [item async for item in store.items(prefix=key)] == [Item(key, value, str(third))]
    assert (await store.update(key, lambda old: b"?" if old is None else old)).value == value
    assert await store.delete_many([key]) == [True]


@pytest.mark.targets(*TARGETS)
async def test_large_values_side_by_side(store: Store, key: str) -> None:
    values = {f"{key}/{n}": noise(3 * MIB + n) for n in range(6)}
    etags = await store.set_many(values)
    items = await store.get_many(values)
    assert [(item.key, item.value, item.etag) for item in items if isinstance(item, Item)] == [
        (name, value, etag) for (name, value), etag in zip(values.items(), etags, strict=True)
    ]


STRANGE = [
    "a",
    " ",
    "  two  ",
    "\t\n\r",
    "%",
    "%s%d",
    "100%_",
    "*",
    "?",
    "[a-z]",
    "[",
    "]",
    "\\",
    "\\\\",
    "\\x00",
    "'",
    '"',
    "''\"\"",
    "`",
    "{}",
    "{tag}key",
    "}{",
    "a/b/c",
    "/",
    "../..",
    "a|b",
    "|",
    ":",
    "app:key:1",
    "$1",
    "#",
    "é",
    "e\u0301",
    "ß",
    "İ",
    "\u202eright to left",
    "שלום",
    "مفتاح",
    "日本語",
    "🦜",
    "👩‍👩‍👧",
    "\U0010ffff",
    "\ufffe",
    "\ue000",
    "\x01",
    "\x7f",
    "\x85",
    "\u2028",
    "NULL",
    "true",
    "0",
    "00",
    "1e3",
    "x" * 1024,
    "é" * 512,
    "🦜" * 256,
]


@pytest.mark.targets(*TARGETS)
@pytest.mark.parametrize("name", STRANGE, ids=ascii)
async def test_keys(store: Store, name: str) -> None:
    etag = await store.set(name, name.encode(), concurrency="first-write")
    assert await store.get(name) == Item(name, name.encode(), etag)
    etag = await store.set(name, b"2", etag=etag)
    assert await store.touch(name, 60, etag=etag) is True
    assert await store.touch(name, None) is True
    assert await store.get_many([name, name]) == [Item(name, b"2", etag)] * 2
    assert await listed(store, prefix=name) == [name]
    await store.transact([Set(name, b"3", etag=etag), Delete(name), Set(name, b"4")])
    assert await store.delete(name) in (True, None)
    assert await store.exists(name) is False
    assert await listed(store, prefix=name) == []


@pytest.mark.targets(*TARGETS)
async def test_keys_that_look_alike_are_different(store: Store) -> None:
    alike = ["Key", "key", "KEY", "key ", " key", "e\u0301", "é", "ﬁ", "fi", "k\u200bey", "K"]
    etags = await store.set_many({name: name.encode() for name in alike})
    items = await store.get_many(alike)
    assert items == [
        Item(name, name.encode(), str(etag)) for name, etag in zip(alike, etags, strict=True)
    ]
    for name in alike:
        assert await store.delete_many([name]) == [True]


@pytest.mark.targets(*TARGETS)
@pytest.mark.parametrize("name", ["x" * 1025, "é" * 513, "🦜" * 257])
async def test_keys_over_the_limit(store: Store, name: str) -> None:
    for call in (store.get(name), store.set(name, b""), store.delete(name), store.touch(name, 5)):
        with pytest.raises(TooLarge, match="the limit is 1024"):
            await call


@pytest.mark.parametrize("name", ["", "\0", "a\0b", "\ud800", "a||b"])
async def test_keys_that_no_store_takes(store: Store, name: str) -> None:
    for call in (store.get(name), store.set(name, b""), store.delete(name), store.touch(name, 5)):
        with pytest.raises(InvalidArgument):
            await call
    with pytest.raises(InvalidArgument):
        await store.transact([Set(name, b"")])


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20).filter(lambda t: "\0" not in t and "||" not in t),
        st.binary(max_size=64),
        min_size=1,
        max_size=30,
    )
)
@example({"\ud7ff": b"", "\ue000": b"", "\U00010000": b"", "\uffff": b""})
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_any_text_and_any_bytes(store: Store, values: dict[str, bytes]) -> None:
    etags = await store.set_many(values)
    items = await store.get_many(values)
    assert items == [
        Item(name, value, str(etag))
        for (name, value), etag in zip(values.items(), etags, strict=True)
    ]
    everything = await listed(store)
    assert everything == sorted(everything, key=str.encode)
    assert set(values) <= set(everything)
    assert await store.delete_many(list(values)) == [True] * len(values)

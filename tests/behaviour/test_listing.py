"""Keys by prefix, in UTF-8 byte order, page by page, complete while others write."""

from __future__ import annotations

import random

import anyio
import pytest

from etagere import InvalidArgument, Item, Store
from tests.behaviour.targets import BACKENDS, TARGETS
from tests.listing import listed

pytestmark = [pytest.mark.anyio, pytest.mark.targets(*TARGETS)]

NAMES = ["", "!", "A", "B", "a", "aa", "ab", "b", "~", "é", "\ud7ff", "\ue000", "\uffff", "🦜"]
SPECIAL = ["%", "_", "*", "?", "[", "]", "\\", "'", '"', "{", "^", "-", "[a-z]", "\\%", "%%", "__"]


async def fill(store: Store, prefix: str, names: list[str]) -> list[str]:
    keys = [f"{prefix}:{name}" for name in names]
    random.Random(7).shuffle(keys)
    await store.set_many({key: key.encode() for key in keys})
    return sorted(keys, key=str.encode)


async def test_in_byte_order(store: Store, key: str) -> None:
    keys = await fill(store, key, NAMES)
    assert await listed(store, prefix=key) == keys
    assert [item.key async for item in store.items(prefix=key)] == keys


@pytest.mark.parametrize("special", SPECIAL)
async def test_a_prefix_is_taken_literally(store: Store, key: str, special: str) -> None:
    wanted = [f"{key}{special}", f"{key}{special}1", f"{key}{special}{special}"]
    others = [f"{key}x", f"{key}xx", f"{key}a1", key]
    others = [other for other in others if not other.startswith(f"{key}{special}")]
    await store.set_many(dict.fromkeys([*wanted, *others], b""))
    assert await listed(store, prefix=f"{key}{special}") == sorted(set(wanted), key=str.encode)
    assert await store.delete_prefix(f"{key}{special}") == len(set(wanted))
    assert await listed(store, prefix=key) == sorted(others, key=str.encode)


@pytest.mark.parametrize("edge", ["\ud7ff", "\uffff", "\U0010ffff", "a\U0010ffff\U0010ffff"])
async def test_a_prefix_that_ends_where_text_ends(store: Store, key: str, edge: str) -> None:
    prefix = key + edge
    keys = [prefix, prefix + "!", prefix + "\U0010ffff"]
    await store.set_many(dict.fromkeys([*keys, key, key + "b"], b""))
    assert await listed(store, prefix=prefix) == keys


async def test_after_and_limit(store: Store, key: str) -> None:
    keys = await fill(store, key, [f"{n:03}" for n in range(50)])
    assert await listed(store, prefix=key, limit=0) == []
    assert await listed(store, prefix=key, limit=7) == keys[:7]
    assert await listed(store, prefix=key, limit=1000) == keys
    assert await listed(store, prefix=key, after=keys[6], limit=7) == keys[7:14]
    assert await listed(store, prefix=key, after=keys[6] + "!") == keys[7:]
    assert await listed(store, prefix=key, after=keys[-1]) == []
    assert await listed(store, prefix=key, after="\U0010ffff") == []
    assert await listed(store, prefix=key, after=key) == keys
    assert await listed(store, prefix=key, after=" ", limit=2) == keys[:2]
    assert (await listed(store, after=keys[20]))[:3] == keys[21:24]


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_paging(store: Store, key: str, size: int) -> None:
    keys = await fill(store, key, [f"{n:03}" for n in range(30)])
    found: list[str] = []
    while page := await listed(store, prefix=key, after=found[-1] if found else "", limit=size):
        found += page
    assert found == keys


async def test_all_keys(store: Store, key: str) -> None:
    keys = await fill(store, key, NAMES)
    everything = await listed(store)
    assert everything == sorted(set(everything), key=str.encode)
    assert set(keys) <= set(everything)


@pytest.mark.targets(*BACKENDS)
@pytest.mark.parametrize("level", ["eventual", "strong"])
async def test_both_levels(store: Store, key: str, level: str) -> None:
    keys = await fill(store, key, NAMES)
    assert await listed(store, prefix=key, consistency=level) == keys
    items = [item async for item in store.items(prefix=key, consistency=level)]
    assert [(item.key, item.value) for item in items] == [(k, k.encode()) for k in keys]


async def test_thousands(store: Store, key: str) -> None:
    keys = await fill(store, key, [f"{n:04}" for n in range(2_500)])
    assert await listed(store, prefix=key) == keys
    assert await listed(store, prefix=key, limit=1_500, after=keys[300]) == keys[301:1_801]
    assert [item.key async for item in store.items(prefix=key)] == keys


async def test_deleted_keys_are_not_listed(store: Store, key: str) -> None:
    keys = await fill(store, key, ["a", "b", "c"])
    await store.delete(keys[1])
    assert await listed(store, prefix=key) == [keys[0], keys[2]]
    assert await store.delete_prefix(key) == 2
    assert await listed(store, prefix=key) == []


async def test_complete_while_others_write(store: Store, key: str) -> None:
    """What is there throughout is listed once, whatever comes and goes around it."""
    steady = await fill(store, key, [f"{n:04}" for n in range(0, 3_000, 2)])
    busy = True

    async def come_and_go(seed: int) -> None:
        rng = random.Random(seed)
        while busy:
            names = [f"{key}:{rng.randrange(1, 3_000, 2):04}" for _ in range(50)]
            await store.set_many(dict.fromkeys(names, b""))
            await store.delete_many(names)

    async with anyio.create_task_group() as tasks:
        for seed in range(3):
            tasks.start_soon(come_and_go, seed)
        for _ in range(3):
            found = await listed(store, prefix=key)
            assert found == sorted(set(found))
            assert set(steady) <= set(found)
        items = {item.key async for item in store.items(prefix=key)}
        assert set(steady) <= items
        busy = False


async def test_values_belong_to_their_keys_while_others_write(store: Store, key: str) -> None:
    await fill(store, key, [f"{n:03}" for n in range(200)])

    async def rewrite() -> None:
        for _ in range(5):
            await fill(store, key, [f"{n:03}" for n in range(200)])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rewrite)
        for _ in range(5):
            items = [item async for item in store.items(prefix=key)]
            assert all(isinstance(item, Item) and item.value == item.key.encode() for item in items)
            assert len(items) == 200


@pytest.mark.targets(*BACKENDS)
@pytest.mark.parametrize("bounds", [{"prefix": "\0"}, {"after": "\ud800"}, {"limit": -1}])
async def test_bounds_that_make_no_sense(store: Store, bounds: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        await listed(store, **bounds)


async def test_long_bounds(store: Store, key: str) -> None:
    await store.set(key, b"")
    assert await listed(store, prefix=key + "x" * 5_000) == []
    assert await listed(store, prefix=key, after=key + "x" * 5_000) == []

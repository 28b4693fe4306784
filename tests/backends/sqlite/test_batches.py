"""A batch does what the contract says, and so does a listing."""

from __future__ import annotations

import asyncio
import random
import re
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etagere.memory import MemoryBackend
from etagere.operations import (
    ABSENT,
    KEEP,
    Conflict,
    Consistency,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_sqlite import SqliteBackend
from tests.backends.sqlite.support import (
    EVENTUAL,
    STRONG,
    etag,
    inside,
    keys,
    one,
    opened,
    value,
)

pytestmark = pytest.mark.anyio


TOP = "\U0010ffff"
KEYS = ["a", "é\\\"'\x01\x7f", f"b{TOP}"]
ETAGS = ["e1", "e2", "e3"]

some_key = st.sampled_from(KEYS)
some_value = st.binary(max_size=3)
some_expected = st.sampled_from([None, ABSENT, *ETAGS])
some_ttl = st.sampled_from([None, 1, 5, 30])

a_write = st.builds(
    Write,
    some_key,
    some_value,
    st.sampled_from(ETAGS),
    some_expected,
    st.sampled_from([None, None, KEEP, 1, 5, 30]),
)
a_remove = st.builds(Remove, some_key, some_expected)
a_touch = st.builds(Touch, some_key, some_ttl, some_expected)
a_transaction = st.builds(
    Transaction, st.lists(a_write | a_remove, min_size=1, max_size=4).map(tuple)
)
a_batch = st.lists(a_write | a_write | a_remove | a_touch | a_transaction, min_size=1, max_size=6)
an_hour = st.tuples(st.integers(0, 20), a_batch, st.booleans())


@pytest.mark.parametrize("where", ["memory", "file"])
@given(hours=st.lists(an_hour, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_batches_agree_with_the_contract(
    where: str, hours: list[tuple[int, list[Operation], bool]]
) -> None:
    """Etags are used again here, as no store does, so that every comparison is put to the test."""
    now = 1_000_000

    async def play(url: str) -> None:
        nonlocal now
        model = MemoryBackend(clock=lambda: now)
        async with opened(url, clock=lambda: now) as backend:
            for elapsed, batch, sweep in hours:
                now += elapsed
                expected = await model.execute(batch, EVENTUAL)
                assert await backend.execute(batch, EVENTUAL) == expected
                if sweep:
                    await backend.maintain()
                reads = [Read(key) for key in (*KEYS, *KEYS)]
                assert await backend.execute(reads, STRONG) == await model.execute(reads, STRONG)
                assert await keys(backend) == await keys(model)

    if where == "memory":
        asyncio.run(play("sqlite://"))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(f"sqlite:///{folder}/state.db"))


async def test_second_blind_write_of_a_batch_sees_the_first(backend: SqliteBackend) -> None:
    first, between = Write("k", b"1", etag()), Write("k", b"2", etag())
    await one(backend, first)
    back = Write("k", b"3", first.etag)
    assert await backend.execute([between, back], EVENTUAL) == [True, True]
    assert await value(backend, "k") == b"3"


async def test_large_batch_with_every_kind_of_operation(backend: SqliteBackend) -> None:
    model = MemoryBackend()
    dice = random.Random(5)
    for _ in range(5):
        names = [f"key-{dice.randrange(2000)}" for _ in range(1000)]
        batch: list[Operation] = [
            dice.choice(
                [
                    Write(name, name.encode(), etag()),
                    Write(name, b"new", etag(), ABSENT),
                    Remove(name),
                    Touch(name, None),
                    Transaction((Write(name, b"t", etag()), Remove(name + "0"))),
                ]
            )
            for name in names
        ]
        assert await backend.execute(batch, EVENTUAL) == await model.execute(batch, EVENTUAL)
    reads = [Read(f"key-{number}") for number in range(2000)]
    assert await backend.execute(reads, EVENTUAL) == await model.execute(reads, EVENTUAL)
    assert await keys(backend) == await keys(model)


@pytest.mark.parametrize("size", [1, 2, 3, 64, 65, 127, 128, 129, 300])
@pytest.mark.parametrize("ttl", [None, 60_000])
async def test_batches_of_plain_sets_of_every_size(
    backend: SqliteBackend, size: int, ttl: int | None
) -> None:
    model = MemoryBackend()
    for consistency in (EVENTUAL, STRONG):
        # Some keys come twice, and the last one counts.
        names = [f"key-{number % 100}" for number in range(size)]
        batch = [
            Write(name, b"%d" % number * (number % 40), etag(), ttl=ttl)
            for number, name in enumerate(names)
        ]
        assert await backend.execute(batch, consistency) == [True] * size
        await model.execute(batch, consistency)
    found = await backend.execute([Read(name) for name in names], STRONG)
    expected = await model.execute([Read(name) for name in names], STRONG)
    assert list(map(_without_expiry, found)) == list(map(_without_expiry, expected))
    assert all((_expiry(record) is None) is (ttl is None) for record in found)
    assert await keys(backend) == await keys(model)


def _without_expiry(outcome: Outcome) -> tuple[bytes, str]:
    assert isinstance(outcome, Record)
    return outcome.value, outcome.etag


def _expiry(outcome: Outcome) -> int | None:
    assert isinstance(outcome, Record)
    return outcome.expires_at


async def test_conditional_set_of_a_record_that_expires(sqlite_url: str) -> None:
    now = 1_000

    async with opened(sqlite_url, clock=lambda: now) as backend:
        await one(backend, Write("k", b"old", "e1", ttl=100))
        now += 50
        assert await one(backend, Write("k", b"new", "e2", expected="e1")) is True
        assert await one(backend, Write("k", b"new", "e2", expected="e1")) is True
        assert await one(backend, Read("k")) == Record(b"new", "e2", None)
        await one(backend, Write("k", b"old", "e3", ttl=100))
        now += 100
        assert await one(backend, Write("k", b"new", "e4", expected="e3")) == Conflict(None)


async def test_conditional_set_in_place_changes_nothing(backend: SqliteBackend) -> None:
    await one(backend, Write("k", b"first", "e1"))
    assert await one(backend, Write("k", b"second", "e1", expected="e1")) is True
    assert await value(backend, "k") == b"first"


@pytest.mark.parametrize("size", [0, 1, 4096, 5_000_001])
async def test_values_come_back_as_they_went_in(backend: SqliteBackend, size: int) -> None:
    written = random.Random(size).randbytes(size)
    await one(backend, Write("k", written, etag()), STRONG)
    assert await value(backend, "k") == written
    await one(backend, Touch("k", 60_000))
    assert await value(backend, "k") == written


@given(key=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_key(key: str) -> None:
    async def play() -> None:
        async with opened("sqlite://") as backend:
            tag = etag()
            assert await one(backend, Write(key, b"v", tag)) is True
            assert await one(backend, Write(key, b"w", etag(), ABSENT)) == Conflict(tag)
            assert await value(backend, key) == b"v"
            assert await keys(backend, prefix=key) == [key]

    asyncio.run(play())


async def test_repeated_blind_write_is_in_place_until_it_expires(sqlite_url: str) -> None:
    now = 1_000

    async with opened(sqlite_url, clock=lambda: now) as backend:
        write = Write("k", b"v", etag(), ttl=100)
        assert await one(backend, write) is True
        now += 50
        assert await one(backend, write) is True
        assert await one(backend, Read("k")) == Record(b"v", write.etag, 1_100)
        now += 50
        assert await one(backend, Read("k")) is None
        assert await one(backend, write) is True
        assert await one(backend, Read("k")) == Record(b"v", write.etag, 1_200)


# --- listing ------------------------------------------------------------------------------------

NAMES = [
    "a",
    "a\x7f",
    "a\ud7ff",
    "a\ue000",
    f"a{TOP}",
    f"a{TOP}{TOP}",
    f"a{TOP}b",
    "b",
    TOP,
    "ab%_",
]


@pytest.mark.parametrize("prefix", ["", *NAMES, "a\ud7fe", "c", f"{TOP}{TOP}"])
async def test_prefixes_of_all_kinds(backend: SqliteBackend, prefix: str) -> None:
    await backend.execute([Write(name, b"", etag()) for name in NAMES], EVENTUAL)
    for after in ["", "A", "a", "aa", *NAMES]:
        wanted = sorted(name for name in NAMES if name.startswith(prefix) and name > after)
        assert await keys(backend, prefix, after) == wanted
        assert await keys(backend, prefix, after, limit=2) == wanted[:2]


@pytest.mark.parametrize("limit", [None, 0, 1, 999, 1000, 1001, 2000, 2499, 2500, 3000])
async def test_pages(backend: SqliteBackend, limit: int | None) -> None:
    names = [f"{number:05}" for number in range(2500)]
    await backend.execute([Write(name, b"", etag()) for name in names], EVENTUAL)
    assert await keys(backend, limit=limit) == names[:limit]


async def test_listing_searches_the_index(backend: SqliteBackend) -> None:
    given = {"prefix": "a", "start": "a", "now": 0, "limit": 10}
    plan = await inside(backend, "EXPLAIN QUERY PLAN " + backend._statements.page, given)
    assert len(plan) == 1
    assert re.search(r"SEARCH etagere USING INDEX \S+ \(key>\? AND key<\?\)", plan[0][3])


# --- durability ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("durability", "consistency", "level"),
    [("normal", EVENTUAL, 1), ("normal", STRONG, 2), ("full", EVENTUAL, 2), ("full", STRONG, 2)],
)
async def test_synchronous(
    sqlite_url: str, durability: str, consistency: Consistency, level: int
) -> None:
    async with opened(f"{sqlite_url}?durability={durability}") as backend:
        for before in (EVENTUAL, STRONG):
            await one(backend, Write("k", b"", etag()), before)
            await one(backend, Write("k", b"", etag()), consistency)
            assert await inside(backend, "PRAGMA synchronous") == [(level,)]
            assert await inside(backend, "PRAGMA journal_mode") == [("wal",)]

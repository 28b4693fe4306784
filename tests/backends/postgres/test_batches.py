"""What one batch does: outcomes in order, whatever way its operations take."""

from __future__ import annotations

import time

import pytest

from etagere.operations import (
    ABSENT,
    KEEP,
    Conflict,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from tests.backends.postgres.support import (
    EVENTUAL,
    STRONG,
    connected,
    do,
    held,
    mint,
    opened,
    value,
    write,
)

pytestmark = pytest.mark.anyio

HOUR = 3_600_000


async def test_outcomes_keep_the_order_of_a_mixed_batch(postgres_url: str):
    async with opened(postgres_url) as backend:
        first = write("a")
        await backend.execute([first, write("gone"), write("old")], EVENTUAL)
        outcomes = await backend.execute(
            [
                Remove("gone"),
                write("a", expected="wrong"),
                write("new", expected=ABSENT),
                Touch("old", HOUR),
                write("free"),
                write("a2", expected=ABSENT),
                Remove("never"),
                Transaction((write("t1"), Remove("t2"))),
                write("old2", ttl=KEEP),
            ],
            EVENTUAL,
        )
        assert outcomes == [
            True,
            Conflict(first.etag),
            True,
            True,
            True,
            True,
            False,
            (True, False),
            True,
        ]


async def test_many_operations_on_one_key_take_effect_in_order(postgres_url: str):
    async with opened(postgres_url) as backend:
        first = write("k", b"1", expected=ABSENT)
        second = write("k", b"2", expected=first.etag)
        late = write("k", b"3", expected=first.etag)
        outcomes = await backend.execute(
            [first, second, late, Touch("k", HOUR, second.etag), Remove("other")], EVENTUAL
        )
        assert outcomes == [True, True, Conflict(second.etag), True, False]
        record = await held(backend, "k")
        assert record is not None
        assert (record.value, record.etag) == (b"2", second.etag)
        assert record.expires_at is not None


async def test_of_several_overwrites_of_one_key_the_last_stays(postgres_url: str):
    async with opened(postgres_url) as backend:
        writes = [write("k", bytes([number])) for number in range(20)]
        assert await backend.execute([*writes, write("l")], EVENTUAL) == [True] * 21
        record = await held(backend, "k")
        assert record is not None
        assert (record.value, record.etag) == (b"\x13", writes[-1].etag)


@pytest.mark.parametrize("expected", [None, ABSENT, "the one before"])
@pytest.mark.parametrize("consistency", [EVENTUAL, STRONG])
async def test_a_write_that_is_in_place_is_not_done_again(
    postgres_url: str, expected: str | None, consistency
):
    async with opened(postgres_url) as backend:
        once = Write("k", b"v", mint(), expected, ttl=HOUR)
        if expected:
            await backend.execute([Write("k", b"", expected)], EVENTUAL)
        assert await do(backend, once, consistency) is True
        before = await held(backend, "k")
        assert await do(backend, once, consistency) is True
        assert await held(backend, "k") == before


async def test_a_write_that_comes_twice_in_a_batch_is_done_once(postgres_url: str):
    async with opened(postgres_url) as backend:
        once = write("k", b"1", ttl=HOUR)
        assert await backend.execute([once, once, write("l"), once], EVENTUAL) == [True] * 4
        assert await value(backend, "k") == b"1"


async def test_a_write_that_comes_again_after_another_one_is_done(postgres_url: str):
    async with opened(postgres_url) as backend:
        once = write("k", b"1", ttl=HOUR)
        again = Write("k", b"1", once.etag)
        assert await do(backend, once) is True
        assert await backend.execute([write("k", b"2"), again], EVENTUAL) == [True] * 2
        assert await held(backend, "k") == Record(b"1", once.etag)


async def test_a_write_whose_record_has_expired_is_done_again(postgres_url: str):
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        for once in (write("k", ttl=HOUR), write("l", ttl=HOUR, expected=ABSENT)):
            assert await do(backend, once) is True
            await behind.execute("UPDATE etagere SET expires_at = now()")
            assert await held(backend, once.key) is None
            assert await do(backend, once) is True
            assert await held(backend, once.key) is not None


async def test_reads_come_in_the_order_asked_duplicates_included(postgres_url: str):
    async with opened(postgres_url) as backend:
        await backend.execute([write("a", b"1"), write("b", b"2")], EVENTUAL)
        reads = [Read("b"), Read("none"), Read("a"), Read("b")]
        found = await backend.execute(reads, STRONG)
        assert [record and record.value for record in found] == [b"2", None, b"1", b"2"]


@pytest.mark.parametrize("size", [0, 1, 2000, 2**20, 20 * 2**20])
async def test_values_come_back_byte_for_byte(postgres_url: str, size: int):
    everything = bytes(range(256)) * (size // 256 + 1)
    async with opened(postgres_url) as backend:
        first = write("k", everything[:size])
        assert await do(backend, first) is True
        assert await value(backend, "k") == everything[:size]
        # Through the ledger, which changes the expiry without ever seeing the value.
        both = [Touch("k", HOUR), Touch("k", 2 * HOUR)]
        assert await backend.execute(both, EVENTUAL) == [True, True]
        assert await value(backend, "k") == everything[:size]


async def test_keys_are_any_text(postgres_url: str):
    keys = [
        "'; DROP TABLE etagere; --",
        '"quoted" \\ {table} $1 %s',
        "ключ",
        "\U0001f600" * 256,
        "\U0010ffff",
        " ",
        "\t\r\n",
        "NULL",
        "k" * 1024,
        "\ud7ff\ue000",
    ]
    async with opened(postgres_url) as backend:
        writes = [write(key, key.encode()) for key in keys]
        assert await backend.execute(writes, EVENTUAL) == [True] * len(keys)
        found = await backend.execute([Read(key) for key in keys], EVENTUAL)
        assert [record.value for record in found] == [key.encode() for key in keys]
        (page,) = [page async for page in backend.scan("", "", None, EVENTUAL)]
        assert page == sorted(keys)


async def test_an_expiry_is_in_milliseconds_of_the_servers_clock(postgres_url: str):
    async with opened(postgres_url) as backend:
        before = time.time_ns() // 1_000_000
        await backend.execute([write("a", ttl=1), write("b", ttl=HOUR)], EVENTUAL)
        await backend.execute([write("x", ttl=HOUR), Touch("x", 365_000 * 24 * HOUR)], EVENTUAL)
        after = time.time_ns() // 1_000_000
        soon, later = await held(backend, "b"), await held(backend, "x")
        assert before + HOUR <= soon.expires_at <= after + HOUR
        far = 365_000 * 24 * HOUR
        assert before + far <= later.expires_at <= after + far


async def test_a_record_is_gone_when_its_time_has_come(postgres_url: str):
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        batch = [write("k", ttl=60), write("other", ttl=HOUR)]
        await backend.execute(batch, EVENTUAL)
        record = await held(backend, "k")
        assert record is not None
        # Wait on the server's clock, to the millisecond that was reported.
        now = await behind.fetchval("SELECT extract(epoch FROM clock_timestamp()) * 1000")
        await behind.execute("SELECT pg_sleep($1)", float(record.expires_at - now) / 1000)
        assert await held(backend, "k") is None
        assert await do(backend, write("k", expected=record.etag)) == Conflict(None)
        assert await do(backend, Touch("k", HOUR)) is False
        assert await do(backend, Remove("k")) is False
        assert await do(backend, write("k", ttl=KEEP)) is True
        assert (await held(backend, "k")).expires_at is None


async def test_a_transaction_names_the_first_operation_that_does_not_hold(postgres_url: str):
    async with opened(postgres_url) as backend:
        base = write("base")
        await backend.execute([base], EVENTUAL)
        part = write("a", expected=ABSENT)
        transaction = Transaction(
            (
                part,
                write("a", expected=part.etag),
                Remove("base", "wrong"),
                write("b", expected="wrong"),
            )
        )
        assert await do(backend, transaction) == Conflict(base.etag, 2)
        assert await held(backend, "a") is None
        async with connected(postgres_url) as behind:
            assert await behind.fetchval("SELECT count(*) FROM etagere") == 1


async def test_a_batch_of_transactions_is_done_one_after_the_other(postgres_url: str):
    async with opened(postgres_url) as backend:
        first, second = write("k"), write("k")
        chain = [
            Transaction((first,)),
            Transaction((write("k", expected=first.etag), write("l", expected=ABSENT))),
            Transaction((write("l", expected=ABSENT), second)),
            Transaction((Remove("k", second.etag),)),
            Transaction(()),
        ]
        outcomes = await backend.execute(chain, EVENTUAL)
        assert outcomes[:2] == [(True,), (True, True)]
        assert isinstance(outcomes[2], Conflict)
        assert outcomes[2].index == 0
        assert outcomes[3] == Conflict(chain[1].operations[0].etag)
        assert outcomes[4] == ()


async def test_pages_are_in_byte_order_and_complete(postgres_url: str):
    keys = [f"p{number:05}" for number in range(2500)]
    async with opened(postgres_url) as backend:
        others = ["o", "p", "q", "P", "ö"]
        await backend.execute([write(key) for key in keys[:1250] + others], EVENTUAL)
        await backend.execute([write(key) for key in keys[1250:]], EVENTUAL)
        pages = [page async for page in backend.scan("p0", "", None, STRONG)]
        assert [len(page) for page in pages] == [1000, 1000, 500]
        assert [key for page in pages for key in page] == keys
        (page,) = [page async for page in backend.scan("p", "p00010", 3, EVENTUAL)]
        assert page == keys[11:14]
        assert [page async for page in backend.scan("p", "", 0, EVENTUAL)] == []
        assert [page async for page in backend.scan("nothing", "", None, EVENTUAL)] == []


@pytest.mark.parametrize("last", ["a", "\x7f", "\ud7ff", "\ufffd", "\U0010ffff"])
async def test_a_prefix_ends_where_its_last_character_says(postgres_url: str, last: str):
    inside = [f"p{last}", f"p{last}x", f"p{last}\U0010ffff"]
    outside = ["p", "o", "q", "p\x01"]
    async with opened(postgres_url) as backend:
        await backend.execute([write(key) for key in inside + outside], EVENTUAL)
        (page,) = [page async for page in backend.scan(f"p{last}", "", None, EVENTUAL)]
        assert page == inside


async def test_expired_records_are_swept_a_step_at_a_time(postgres_url: str):
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        batch = [write(f"k{number}", ttl=HOUR) for number in range(700)]
        await backend.execute([*batch, write("stays", ttl=HOUR), write("for ever")], EVENTUAL)
        await behind.execute("UPDATE etagere SET expires_at = now() WHERE key LIKE 'k%'")
        soon = await backend.maintain()
        assert await behind.fetchval("SELECT count(*) FROM etagere") == 202
        later = await backend.maintain()
        rows = await behind.fetch("SELECT key FROM etagere ORDER BY key")
        assert [row["key"] for row in rows] == ["for ever", "stays"]
        assert soon < later


async def test_only_one_process_sweeps_at_a_time(postgres_url: str):
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        await backend.execute([write("k", ttl=1)], EVENTUAL)
        await behind.execute("UPDATE etagere SET expires_at = now()")
        async with behind.transaction():
            await behind.execute(
                "SELECT pg_advisory_xact_lock(1702125927, 'etagere'::regclass::oid::integer)"
            )
            await backend.maintain()
            assert await behind.fetchval("SELECT count(*) FROM etagere") == 1
        await backend.maintain()
        assert await behind.fetchval("SELECT count(*) FROM etagere") == 0

"""Several writers on the same keys: one after the other, and never in a circle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from etagere.operations import ABSENT, Conflict, Outcome, Read, Remove, Transaction, Write
from etagere_postgres import PostgresBackend
from tests.backends.postgres.support import (
    EVENTUAL,
    connected,
    do,
    held,
    mint,
    opened,
    until,
    value,
    write,
)
from tests.servers import PostgresServer, tcp_proxy

pytestmark = pytest.mark.anyio

ROUNDS = 60


@asynccontextmanager
async def two(url: str) -> AsyncIterator[tuple[PostgresBackend, PostgresBackend]]:
    """Yield two backends, as two processes have them."""
    async with opened(url) as one, opened(url) as other:
        yield one, other


async def deadlocks(url: str) -> int:
    async with connected(url) as behind:
        return await behind.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )


async def test_no_increment_is_lost(postgres_url: str):
    async def increment(backend: PostgresBackend) -> None:
        for _ in range(10):
            while True:
                record = await held(backend, "counter")
                number = b"%d" % (int(record.value) + 1)
                if await do(backend, write("counter", number, expected=record.etag)) is True:
                    break

    async with two(postgres_url) as backends:
        await do(backends[0], write("counter", b"0"))
        await asyncio.gather(*(increment(backend) for backend in backends * 8))
        assert await value(backends[0], "counter") == b"160"


async def test_a_new_key_has_one_creator(postgres_url: str):
    async with two(postgres_url) as backends:
        for round_ in range(ROUNDS):
            keys = [f"{round_}-{number}" for number in range(5)]
            batches = [[write(key, expected=ABSENT) for key in keys] for _ in backends]
            batches[1].reverse()
            outcomes = await asyncio.gather(
                *(b.execute(batch, EVENTUAL) for b, batch in zip(backends, batches, strict=True))
            )
            for mine, theirs, ours, their in zip(
                batches[0], reversed(batches[1]), outcomes[0], reversed(outcomes[1]), strict=True
            ):
                expected = [(True, Conflict(mine.etag)), (Conflict(theirs.etag), True)]
                assert (ours, their) in expected
    assert await deadlocks(postgres_url) == 0


def transfer(found: list, keys: list[str], amount: int) -> Transaction:
    balances = [int(record.value) for record in found]
    new = [balances[0] - amount, balances[1] + amount]
    return Transaction(
        tuple(
            Write(key, b"%d" % balance, mint(), record.etag)
            for key, balance, record in zip(keys, new, found, strict=True)
        )
    )


async def test_transactions_in_opposite_orders_keep_the_total(postgres_url: str):
    accounts = [f"account-{number}" for number in range(4)]

    async def clerk(backend: PostgresBackend, order: int) -> int:
        done = 0
        for _ in range(ROUNDS):
            keys = sorted(random.sample(accounts, 2))[::order]
            found = await backend.execute([Read(key) for key in keys], EVENTUAL)
            done += isinstance(await do(backend, transfer(found, keys, 1)), tuple)
        return done

    async with two(postgres_url) as (one, other):
        await one.execute([write(account, b"100") for account in accounts], EVENTUAL)
        done = await asyncio.gather(clerk(one, 1), clerk(other, -1), clerk(one, -1))
        found = await one.execute([Read(account) for account in accounts], EVENTUAL)
        assert sum(int(record.value) for record in found) == 400
        assert sum(done) > 0
    assert await deadlocks(postgres_url) == 0


async def test_transactions_that_find_each_others_keys_absent_do_not_both_succeed(
    postgres_url: str,
):
    async with two(postgres_url) as (one, other):
        for number in range(ROUNDS):
            a, b = f"a{number}", f"b{number}"
            outcomes = await asyncio.gather(
                do(one, Transaction((write(a), Remove(b, ABSENT)))),
                do(other, Transaction((write(b), Remove(a, ABSENT)))),
            )
            assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 1


async def test_quick_batches_and_transactions_never_wait_in_a_circle(postgres_url: str):
    keys = [f"k{number}" for number in range(8)]

    async def batches(backend: PostgresBackend) -> None:
        for _ in range(ROUNDS):
            chosen = random.sample(keys, 6)
            kind = random.randrange(4)
            if kind == 0:
                await backend.execute([write(key) for key in chosen], EVENTUAL)
            elif kind == 1:
                found = await backend.execute([Read(key) for key in chosen], EVENTUAL)
                etags = [record.etag if record else ABSENT for record in found]
                pairs = zip(chosen, etags, strict=True)
                await backend.execute([write(key, expected=etag) for key, etag in pairs], EVENTUAL)
            elif kind == 2:
                await backend.execute([Remove(key) for key in chosen], EVENTUAL)
            else:
                await do(backend, Transaction(tuple(write(key) for key in chosen)))

    async with two(postgres_url) as backends:
        await asyncio.gather(*(batches(backend) for backend in backends * 2))
    assert await deadlocks(postgres_url) == 0


@pytest.mark.parametrize("as_transaction", [False, True])
async def test_a_deadlock_with_somebody_else_is_tried_again(
    postgres_url: str, as_transaction: bool
):
    writes = (write("a", b"ours"), write("b", b"ours"))
    batch = [Transaction(writes)] if as_transaction else list(writes)
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        await backend.execute([write("a"), write("b")], EVENTUAL)
        await behind.execute("SET deadlock_timeout = '60s'")  # so the backend is the victim
        async with behind.transaction():
            await behind.execute("UPDATE etagere SET value = 'theirs' WHERE key = 'b'")
            ours = asyncio.create_task(backend.execute(batch, EVENTUAL))
            async with connected(postgres_url) as watching:
                query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                await until(lambda: watching.fetchval(query), "the backend to wait for b")
            await behind.execute("UPDATE etagere SET value = 'theirs' WHERE key = 'a'")
        assert await ours == ([(True, True)] if as_transaction else [True, True])
        assert await value(backend, "a") == await value(backend, "b") == b"ours"
    assert await deadlocks(postgres_url) >= 1


async def change_meanwhile(
    server: PostgresServer, url: str, operation: Write, change: str
) -> Outcome:
    """Return what becomes of an operation if `change` comes before it looks what it missed."""
    database = url.rpartition("/")[2]
    async with (
        tcp_proxy(server.host, server.port) as proxy,
        opened(f"postgres://postgres@{proxy.host}:{proxy.port}/{database}") as backend,
        connected(url) as behind,
    ):
        # The statement is prepared, so that its own answer is the next.
        await do(backend, write("warm", expected=operation.expected))
        before = proxy.replies.bytes
        proxy.replies.hold()
        ours = asyncio.create_task(do(backend, operation))
        await until(lambda: proxy.replies.bytes > before, "the statement to be done")
        await behind.execute(change)
        proxy.replies.release()
        return await ours


async def test_a_key_that_goes_before_it_can_be_named_is_created(
    postgres_server: PostgresServer, postgres_url: str
):
    async with opened(postgres_url) as backend:
        await do(backend, write("k", b"theirs"))
        create = write("k", b"ours", expected=ABSENT)
        outcome = await change_meanwhile(
            postgres_server, postgres_url, create, "DELETE FROM etagere"
        )
        assert outcome is True
        assert await value(backend, "k") == b"ours"


async def test_an_etag_that_comes_before_another_can_be_named_is_replaced(
    postgres_server: PostgresServer, postgres_url: str
):
    async with opened(postgres_url) as backend:
        await do(backend, write("k", b"theirs"))
        replace = write("k", b"ours", expected="awaited")
        outcome = await change_meanwhile(
            postgres_server, postgres_url, replace, "UPDATE etagere SET etag = 'awaited'"
        )
        assert outcome is True
        assert await value(backend, "k") == b"ours"

"""Locks of other processes, calls that are cancelled, and the sweep."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from etagere.errors import Unavailable
from etagere.operations import Mutation, Read, Remove, Transaction, Write
from etagere_sqlite import SqliteBackend
from tests.backends.sqlite.support import (
    EVENTUAL,
    STRONG,
    Gate,
    cancel,
    etag,
    in_transaction,
    inside,
    keys,
    locked,
    one,
    opened,
    value,
)

pytestmark = pytest.mark.anyio


async def test_locked_for_too_long_is_unavailable(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(f"{sqlite_url}?busy_timeout=0.05") as backend:
        await one(backend, Write("k", b"old", etag()))
        with locked(tmp_path / "state.db"):
            with pytest.raises(
                Unavailable, match=r"state\.db' locked.*busy_timeout=0\.05"
            ) as caught:
                await one(backend, Write("k", b"new", etag()))
            assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
            assert await value(backend, "k") == b"old"
            await backend.ping()
        assert await one(backend, Write("k", b"new", etag())) is True


async def test_write_waits_for_a_lock(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url) as backend, anyio.create_task_group() as tasks:
        with locked(tmp_path / "state.db"):
            tasks.start_soon(one, backend, Write("k", b"v", etag()))
            await anyio.sleep(0.05)
            assert await value(backend, "k") is None
        with anyio.fail_after(5):
            while await value(backend, "k") is None:
                await anyio.sleep(0.005)


async def test_opening_a_ready_file_needs_no_lock(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url) as backend:
        await one(backend, Write("k", b"v", etag()))
    with locked(tmp_path / "state.db"):
        async with opened(f"{sqlite_url}?busy_timeout=0.05") as backend:
            assert await value(backend, "k") == b"v"


async def test_opening_a_new_file_waits_for_a_lock(sqlite_url: str, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "state.db").close()
    backend = SqliteBackend.from_url(f"{sqlite_url}?busy_timeout=0.05")
    try:
        with locked(tmp_path / "state.db"), pytest.raises(Unavailable, match="locked"):
            await backend.open()
        await backend.open()
        assert await one(backend, Write("k", b"v", etag())) is True
    finally:
        await backend.close()


# --- sweeping -----------------------------------------------------------------------------------


async def test_sweep_goes_in_steps_and_takes_only_what_has_expired(sqlite_url: str) -> None:
    now = 1_000
    async with opened(f"{sqlite_url}?sweep=7", clock=lambda: now) as backend:
        await backend.execute([Write(f"x{n}", b"", etag(), ttl=5) for n in range(1200)], EVENTUAL)
        await one(backend, Write("later", b"", etag(), ttl=6))
        await one(backend, Write("never", b"", etag()))
        now += 5
        assert await keys(backend) == ["later", "never"]
        rests = [await backend.maintain() for _ in range(4)]
        assert rests == [0.05, 0.05, 7, 7]
        assert await inside(backend, "SELECT key FROM etagere ORDER BY key") == [
            ("later",),
            ("never",),
        ]


async def test_sweep_does_not_wait_for_others(sqlite_url: str, tmp_path: Path) -> None:
    now = 1_000
    async with opened(f"{sqlite_url}?busy_timeout=60", clock=lambda: now) as backend:
        await one(backend, Write("k", b"", etag(), ttl=5))
        now += 5
        with locked(tmp_path / "state.db"), anyio.fail_after(10):
            assert await backend.maintain() == 10
        assert await inside(backend, "SELECT count(*) FROM etagere") == [(1,)]
        assert await inside(backend, "PRAGMA busy_timeout") == [(60_000,)]
        assert await backend.maintain() == 10
        assert await inside(backend, "SELECT count(*) FROM etagere") == [(0,)]


async def test_sweep_uses_its_index(backend: SqliteBackend) -> None:
    given = {"now": 0, "limit": 10}
    plan = await inside(backend, "EXPLAIN QUERY PLAN " + backend._statements.sweep, given)
    assert any("etagere_expiry" in row[3] for row in plan), plan


# --- cancellation -------------------------------------------------------------------------------


async def test_write_cancelled_in_its_transaction_is_rolled_back(hop: str, sqlite_url: str) -> None:
    gate = Gate()
    async with opened(sqlite_url, clock=gate) as backend:
        gate.shut = True
        batch = [Write("k", b"1", etag()), Write("l", b"1", etag())]
        writing = asyncio.create_task(backend.execute(batch, STRONG))
        await gate.until_reached()
        await cancel(writing)
        next_write = asyncio.create_task(one(backend, Write("l", b"2", etag())))
        await asyncio.sleep(0.01)
        assert not next_write.done()
        gate.open()
        assert await next_write is True
        assert (await value(backend, "k"), await value(backend, "l")) == (None, b"2")
        assert await inside(backend, "PRAGMA integrity_check") == [("ok",)]


async def test_write_cancelled_before_its_turn_never_happens(hop: str, sqlite_url: str) -> None:
    gate = Gate()
    async with opened(sqlite_url, clock=gate) as backend:
        gate.shut = True
        first = asyncio.create_task(one(backend, Write("first", b"1", etag())))
        await gate.until_reached()
        queued = asyncio.create_task(one(backend, Write("queued", b"1", etag())))
        await asyncio.sleep(0.01)
        await cancel(queued)
        gate.open()
        assert await first is True
        assert await one(backend, Write("third", b"1", etag())) is True
        assert await keys(backend) == ["first", "third"]


@pytest.mark.parametrize(
    "batch",
    [
        [Write("k", b"new", "e2")],
        [Write("k", b"new", "e2"), Write("m", b"new", "e3")],
        [Write("k", b"new", "e2", expected="e1")],
        [Write("k", b"new", "e2"), Remove("l")],
    ],
    ids=["set", "sets", "conditional", "mixed"],
)
async def test_write_cancelled_while_it_waits_for_a_lock_never_happens(
    hop: str, sqlite_url: str, tmp_path: Path, batch: list[Mutation]
) -> None:
    async with opened(f"{sqlite_url}?busy_timeout=30") as backend:
        await one(backend, Write("k", b"old", "e1"))
        with locked(tmp_path / "state.db"):
            waiting = asyncio.create_task(backend.execute(batch, EVENTUAL))
            await asyncio.sleep(0.05)
            await cancel(waiting)
        assert await one(backend, Write("l", b"v", etag())) is True
        assert await keys(backend) == ["k", "l"]
        assert await value(backend, "k") == b"old"


async def test_cancelled_read_is_interrupted(hop: str, sqlite_url: str) -> None:
    # It would count for hours, with nothing to stop it but an interrupt.
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    async with opened(f"{sqlite_url}?readers=1&inline=off") as backend:
        await one(backend, Write("k", b"v", etag()))
        assert backend._database is not None
        reader = backend._database.reader
        begun = threading.Event()

        def count_on(session: Any) -> None:
            begun.set()
            session.raw.execute(endless).fetchall()

        counting = asyncio.create_task(reader.run(count_on))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(value(backend, "k"))
        await cancel(counting)
        with anyio.fail_after(10):
            assert await waiting == b"v"


async def test_cancellation_at_any_moment_mixes_nothing_up(hop: str, sqlite_url: str) -> None:
    dice = random.Random(11)
    async with opened(sqlite_url) as backend:

        async def worker(name: str) -> None:
            acknowledged = b""
            for number in range(40):
                written = b"%d" % number
                both = Transaction(
                    (Write(name, written, etag()), Write(f"{name}'", written, etag()))
                )
                with anyio.move_on_after(dice.random() * 0.003) as scope:
                    assert await one(backend, both, dice.choice([EVENTUAL, STRONG])) == (True, True)
                # A cancelled commit may be under way; what is written after it shows its end.
                await one(backend, Remove("nothing"))
                pair = await backend.execute([Read(name), Read(f"{name}'")], EVENTUAL)
                found, mirror = (record and record.value for record in pair)
                assert found == mirror
                if scope.cancelled_caught:
                    assert found in {acknowledged or None, written}
                    acknowledged = found or b""
                else:
                    assert found == written
                    acknowledged = written
                with anyio.move_on_after(dice.random() * 0.0005):
                    assert await value(backend, name) == found

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(worker, f"w{number}")
        assert not await in_transaction(backend)


async def test_readers_share_the_work(sqlite_url: str) -> None:
    gate = Gate()
    async with opened(f"{sqlite_url}?readers=2&inline=off", clock=gate) as backend:
        await one(backend, Write("k", b"v", etag()))
        gate.shut = True
        stuck = asyncio.create_task(value(backend, "k"))
        await gate.until_reached()
        gate.shut = False
        with anyio.fail_after(10):
            for _ in range(3):
                assert await value(backend, "k") == b"v"
        gate.open()
        assert await stuck == b"v"

"""Short reads on the event loop itself, and what keeps them away from it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from pathlib import Path

import anyio
import pytest

from etagere.memory import wall_clock
from etagere.operations import Read, Record, Write
from etagere_sqlite import SqliteBackend, inline
from tests.backends.sqlite.support import EVENTUAL, STRONG, cancel, etag, locked, one, opened, value

pytestmark = pytest.mark.anyio


class Witness:
    """A clock that remembers in which thread it was asked, and can take its time."""

    def __init__(self) -> None:
        self.thread = threading.main_thread()
        self.slow = 0.0

    def __call__(self) -> int:
        self.thread = threading.current_thread()
        time.sleep(self.slow)
        return wall_clock()

    @property
    def on_loop(self) -> bool:
        return self.thread is threading.current_thread()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy is not taken for a disk that is slow."""
    monkeypatch.setattr(inline, "_SLOW_SECONDS", 0.2)


async def test_short_value_is_read_on_the_loop(sqlite_url: str) -> None:
    witness = Witness()
    async with opened(sqlite_url, clock=witness) as backend:
        for number in range(3):
            write = Write("k", b"%d" % number, etag())
            await one(backend, write, STRONG)
            assert not witness.on_loop
            assert await one(backend, Read("k"), STRONG) == Record(write.value, write.etag)
            assert witness.on_loop
        assert await one(backend, Read("nothing")) is None


async def test_batch_is_read_in_a_thread(sqlite_url: str) -> None:
    witness = Witness()
    async with opened(sqlite_url, clock=witness) as backend:
        assert await backend.execute([Read("k"), Read("l")], EVENTUAL) == [None, None]
        assert not witness.on_loop


@pytest.mark.parametrize("more", [0, 1])
async def test_long_value_is_read_in_a_thread(sqlite_url: str, more: int) -> None:
    witness = Witness()
    async with opened(sqlite_url, clock=witness) as backend:
        long = bytes(inline.LONGEST + more)
        await one(backend, Write("k", long, etag()))
        assert await value(backend, "k") == long
        assert witness.on_loop is not bool(more)


async def test_inline_off(sqlite_url: str) -> None:
    witness = Witness()
    async with opened(f"{sqlite_url}?inline=off", clock=witness) as backend:
        await one(backend, Write("k", b"v", etag()))
        assert await value(backend, "k") == b"v"
        assert not witness.on_loop


async def test_two_slow_reads_send_the_next_to_a_thread_for_a_while(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness()
    async with opened(sqlite_url, clock=witness) as backend:
        await one(backend, Write("k", b"v", etag()))
        monkeypatch.setattr(inline, "_REST", 5)
        for witness.slow in (0.25, 0.0, 0.25, 0.25):
            assert await value(backend, "k") == b"v"
            assert witness.on_loop
        witness.slow = 0
        assert await value(backend, "k") == b"v"
        assert not witness.on_loop
        with anyio.fail_after(10):
            while not witness.on_loop:
                await anyio.sleep(0.01)
                assert await value(backend, "k") == b"v"


async def test_expired_record_is_absent(sqlite_url: str) -> None:
    now = 1_000
    async with opened(sqlite_url, clock=lambda: now) as backend:
        write = Write("k", b"v", etag(), ttl=5)
        await one(backend, write)
        assert await one(backend, Read("k")) == Record(b"v", write.etag, 1_005)
        now += 5
        assert await one(backend, Read("k")) is None


async def test_sees_what_another_process_wrote(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url) as backend:
        await one(backend, Write("k", b"v", etag()))
        assert await value(backend, "k") == b"v"
        with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as other, other:
            other.execute("UPDATE etagere SET value = ?", (b"theirs",))
        assert await value(backend, "k") == b"theirs"


async def test_holds_no_snapshot_between_reads(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url) as backend:
        await one(backend, Write("k", b"v", etag()))
        for key in ("k", "nothing"):
            await one(backend, Read(key))
            await one(backend, Write("l", b"v", etag()))
            with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as other:
                busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            assert not busy


async def test_reads_beside_a_writer(sqlite_url: str, tmp_path: Path) -> None:
    witness = Witness()
    async with opened(sqlite_url, clock=witness) as backend:
        await one(backend, Write("k", b"v", etag()))
        with locked(tmp_path / "state.db"):
            assert await value(backend, "k") == b"v"
            assert witness.on_loop


async def test_what_fails_on_the_loop_goes_to_a_thread(sqlite_url: str) -> None:
    witness = Witness()
    async with opened(sqlite_url, clock=witness) as backend:
        await one(backend, Write("k", b"v", etag()))
        assert backend._database is not None
        assert backend._database.inline is not None
        backend._database.inline.raw.close()
        assert await value(backend, "k") == b"v"
        assert not witness.on_loop


async def test_loop_of_reads_lets_others_run_and_can_be_cancelled(backend: SqliteBackend) -> None:
    await one(backend, Write("k", b"v", etag()))

    async def read_on() -> None:
        while True:
            assert await value(backend, "k") == b"v"

    reading = asyncio.create_task(read_on())
    with anyio.fail_after(10):
        await asyncio.sleep(0.01)
        await cancel(reading)

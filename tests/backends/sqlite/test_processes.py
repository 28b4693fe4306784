"""Several processes on one file, processes that die, disks that fail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from etagere.errors import Interrupted, StoreFailed
from etagere.operations import Read, Write
from etagere_sqlite import SqliteBackend
from etagere_sqlite.failures import Translation
from etagere_sqlite.settings import Settings
from tests.backends.sqlite.children import fill_up, increment_often, write_pairs
from tests.backends.sqlite.support import (
    EVENTUAL,
    PROCESSES,
    STRONG,
    child,
    etag,
    inside,
    one,
    opened,
    start,
    value,
)

pytestmark = pytest.mark.anyio


def test_processes_that_start_at_once_on_a_new_file_lose_no_increment(sqlite_url: str) -> None:
    together = PROCESSES.Barrier(4)
    with contextlib.ExitStack() as children:
        for _ in range(4):
            children.enter_context(child(increment_often, sqlite_url, 200, together))

    async def look() -> None:
        async with opened(sqlite_url) as backend:
            assert await value(backend, "counter") == b"800"

    asyncio.run(look())


@pytest.mark.parametrize("acknowledged", [1, 40, 150])
def test_killed_process_leaves_whole_transactions(sqlite_url: str, acknowledged: int) -> None:
    process, answers = start(write_pairs, sqlite_url)
    last = 0
    while last < acknowledged:
        last = answers.recv()
    process.kill()
    with contextlib.suppress(EOFError):
        while True:
            last = answers.recv()
    process.join()

    async def look() -> None:
        async with opened(sqlite_url) as backend:
            left, right = await value(backend, "left"), await value(backend, "right")
            assert left == right
            assert left in {b"%d" % number * 500 for number in (last, last + 1)}
            assert await inside(backend, "PRAGMA integrity_check") == [("ok",)]

    asyncio.run(look())


# --- disks --------------------------------------------------------------------------------------


def test_full_disk_fails_the_batch_and_nothing_else(sqlite_url: str) -> None:
    with child(fill_up, sqlite_url) as answers:
        said, held, after = answers.recv()
    assert re.search(r"state\.db'.*SQLITE_(IOERR_WRITE|FULL).*nothing was written.*disk", said)
    assert (held, after) == ([b"kept", None, None], True)


async def test_full_database_says_so(backend: SqliteBackend) -> None:
    await one(backend, Write("k", b"kept", etag()))
    await inside(backend, "PRAGMA max_page_count = 12")
    with pytest.raises(StoreFailed, match=r"SQLITE_FULL.*nothing was written; make room"):
        await backend.execute([Write("k", b"", etag()), Write("l", bytes(2**16), etag())], EVENTUAL)
    assert await value(backend, "k") == b"kept"
    assert await one(backend, Write("k", b"new", etag())) is True


async def test_damaged_file_says_so(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url) as backend:
        await backend.execute([Write(f"k{n}", bytes(1000), etag()) for n in range(100)], STRONG)
    path = tmp_path / "state.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    backend = SqliteBackend.from_url(sqlite_url)
    try:
        with pytest.raises(StoreFailed, match=r"state\.db'.*SQLITE_CORRUPT.*backup"):
            await one(backend, Read("k1"))
    finally:
        await backend.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to get at SQLite's files")
async def test_failed_sync_is_uncertain(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url) as backend:
        await one(backend, Write("k", b"v", etag()))
        with Path("/dev/null").open("wb") as nowhere:
            for entry in Path("/proc/self/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if entry.readlink() == tmp_path / "state.db-wal":
                        # It takes every write, and refuses to sync.
                        os.dup2(nowhere.fileno(), int(entry.name))
        with pytest.raises(Interrupted, match=r"state\.db' could not be synced"):
            await one(backend, Write("k", b"w", etag()), STRONG)


def test_other_errors_of_the_driver_are_not_hidden() -> None:
    translation = Translation(Settings.from_url("sqlite:///x.db"))
    with pytest.raises(ZeroDivisionError), translation:
        _ = 1 / 0
    with pytest.raises(StoreFailed, match=r"ProgrammingError.*nothing was written"), translation:
        raise sqlite3.ProgrammingError("misuse")

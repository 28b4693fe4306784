"""Opening and closing: files that are not fit, threads that end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import stat
import tempfile
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from etagere.errors import Closed, ConfigurationError, NotSupported, StoreFailed
from etagere.operations import Write
from etagere_sqlite import SqliteBackend, database
from etagere_sqlite.settings import Settings
from tests.backends.sqlite.children import use_read_only_file
from tests.backends.sqlite.support import (
    Gate,
    cancel,
    child,
    etag,
    locked,
    one,
    opened,
    value,
)

pytestmark = pytest.mark.anyio


async def refused(url: str, kind: type[Exception], said: str) -> None:
    before = set(threading.enumerate())
    backend = SqliteBackend.from_url(url)
    with pytest.raises(kind, match=said):
        await backend.open()
    assert set(threading.enumerate()) == before
    await backend.close()


async def test_missing_folder_is_named_and_can_be_made_later(tmp_path: Path) -> None:
    backend = SqliteBackend.from_url(f"sqlite:///{tmp_path}/sub/state.db")
    try:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"folder of '.*/sub/state\.db'.*make it"):
                await backend.open()
        (tmp_path / "sub").mkdir()
        assert await one(backend, Write("k", b"v", etag())) is True
    finally:
        await backend.close()


async def test_folder_is_refused(tmp_path: Path) -> None:
    await refused(f"sqlite:///{tmp_path}", ConfigurationError, f"{tmp_path}' is a folder")


async def test_other_kind_of_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    await refused(
        f"sqlite:///{path}", ConfigurationError, r"letter\.txt' is not an SQLite database"
    )
    assert path.read_text() == "Dear Sir or Madam, " * 100


async def test_other_text_encoding_is_refused_and_left_alone(
    tmp_path: Path, sqlite_url: str
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as raw:
        raw.execute("PRAGMA encoding = 'UTF-16'")
        raw.execute("CREATE TABLE theirs (x)")
    await refused(sqlite_url, ConfigurationError, "UTF-16")
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


async def test_tables_of_another_version_are_refused(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as raw, raw:
        raw.execute("UPDATE etagere_meta SET value = 2")
    await refused(sqlite_url, ConfigurationError, "of version 2.*knows version 1")


async def test_foreign_table_of_that_name_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as raw:
        raw.execute("CREATE TABLE etagere (x)")
    await refused(sqlite_url, StoreFailed, "name another with table=")
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("etagere",)]


def test_place_without_write_ahead_log_is_refused(tmp_path: Path) -> None:
    # A file system that cannot share memory between processes looks to SQLite like this one.
    raw = sqlite3.connect(f"file:{tmp_path}/x.db?vfs=unix-dotfile", uri=True, isolation_level=None)
    with contextlib.closing(raw), pytest.raises(NotSupported, match=r"journal mode delete.*local"):
        database._prepare(raw, Settings.from_url("sqlite:///x.db"), None)  # type: ignore[arg-type]


async def make(url: str) -> None:
    async with opened(url) as backend:
        await one(backend, Write("k", b"v", etag()))


@pytest.mark.parametrize("existing", [True, False], ids=["file", "folder"])
def test_what_may_not_be_written_is_refused(existing: bool) -> None:
    # Not in tmp_path, which lets no other user in.
    folder = Path(tempfile.mkdtemp())
    try:
        if existing:
            asyncio.run(make(f"sqlite:///{folder}/state.db"))
            (folder / "state.db").chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        folder.chmod(0o555)
        with child(use_read_only_file, str(folder)) as answers:
            said, threads = answers.recv()
        assert f"{folder}/state.db" in said
        assert "this process" in said
        assert threads == 1
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


# --- opening and closing ------------------------------------------------------------------------


async def test_close_waits_for_what_runs(hop: str, sqlite_url: str) -> None:
    gate = Gate()
    backend = SqliteBackend(Settings.from_url(sqlite_url), clock=gate)
    await backend.open()
    gate.shut = True
    writing = asyncio.create_task(one(backend, Write("k", b"v", etag())))
    await gate.until_reached()
    closing = asyncio.create_task(backend.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    gate.open()
    await closing
    assert await writing is True
    async with opened(sqlite_url) as backend:
        assert await value(backend, "k") == b"v"


@pytest.mark.parametrize("how", ["task", "scope"])
async def test_cancelled_close_closes_all_the_same(hop: str, sqlite_url: str, how: str) -> None:
    before = set(threading.enumerate())
    gate = Gate()
    backend = SqliteBackend(Settings.from_url(sqlite_url), clock=gate)
    await backend.open()
    gate.shut = True
    writing = asyncio.create_task(one(backend, Write("k", b"v", etag())))
    await gate.until_reached()
    if how == "task":
        closing = asyncio.create_task(backend.close())
        for _ in range(3):
            await asyncio.sleep(0.005)
            closing.cancel()
        asyncio.get_running_loop().call_later(0.01, gate.open)
        with pytest.raises(asyncio.CancelledError):
            await closing
    else:
        asyncio.get_running_loop().call_later(0.05, gate.open)
        with anyio.move_on_after(0.01) as scope:
            await backend.close()
            await anyio.sleep(0)
        assert scope.cancelled_caught
    assert await writing is True
    left = {thread for thread in threading.enumerate() if "AnyIO" not in thread.name}
    assert left <= before


async def test_close_without_open_and_after_close(sqlite_url: str) -> None:
    backend = SqliteBackend.from_url(sqlite_url)
    await backend.close()
    with pytest.raises(Closed):
        await backend.maintain()
    with pytest.raises(Closed):
        await backend.open()


async def test_cancelled_open_goes_on_for_the_others(sqlite_url: str, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "state.db").close()
    backend = SqliteBackend.from_url(sqlite_url)
    try:
        with locked(tmp_path / "state.db"):
            opening = asyncio.create_task(backend.open())
            also = asyncio.create_task(backend.open())
            await asyncio.sleep(0.03)
            await cancel(opening)
        await also
        assert await one(backend, Write("k", b"v", etag())) is True
    finally:
        await backend.close()


@pytest.mark.parametrize("fails", [False, True])
async def test_close_in_the_midst_of_opening(sqlite_url: str, tmp_path: Path, fails: bool) -> None:
    sqlite3.connect(tmp_path / "state.db").close()
    backend = SqliteBackend.from_url(f"{sqlite_url}?busy_timeout={0.05 if fails else 30}")
    with contextlib.ExitStack() as lock:
        lock.enter_context(locked(tmp_path / "state.db"))
        opening = asyncio.create_task(backend.open())
        await asyncio.sleep(0.02)
        await cancel(opening)
        if not fails:
            lock.close()
        await backend.close()


async def test_many_first_calls_open_once(sqlite_url: str) -> None:
    backend = SqliteBackend.from_url(f"{sqlite_url}?readers=3")
    before = threading.active_count()
    try:
        writes = (one(backend, Write(f"k{n}", b"", etag())) for n in range(50))
        assert await asyncio.gather(*writes) == [True] * 50
        assert threading.active_count() == before + 4
    finally:
        await backend.close()


def test_failed_reader_leaves_nothing_open(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: database.Database) -> Any:
        with database._connected(self._settings) as raw:
            raw.execute("SELECT * FROM nowhere")

    monkeypatch.setattr(database.Database, "_reader", fail)
    asyncio.run(refused(sqlite_url, StoreFailed, "nowhere"))

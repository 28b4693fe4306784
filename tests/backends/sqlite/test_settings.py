"""What a URL says."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from etagere.backend import Backend, Reach
from etagere.errors import ConfigurationError
from etagere.operations import Write
from etagere_sqlite import SqliteBackend
from etagere_sqlite.settings import Settings
from tests.backends.sqlite.support import (
    STRONG,
    etag,
    keys,
    one,
    opened,
    value,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///state.db", Path.cwd() / "state.db"),
        ("sqlite:///a/b.db", Path.cwd() / "a" / "b.db"),
        ("sqlite:////var/x.db", Path("/var/x.db")),
        ("sqlite:////a%3Fb%23c%25d%20e.db", Path("/a?b#c%d e.db")),
        ("sqlite:////%C3%A9.db", Path("/é.db")),
        ("sqlite:////é.db", Path("/é.db")),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("sqlite://?table=x", None),
    ],
)
def test_url_names_a_file(url: str, path: Path | None) -> None:
    assert Settings.from_url(url).path == path


def test_relative_path_does_not_follow_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_url("sqlite:///state.db")
    monkeypatch.chdir("/")
    assert settings.path == tmp_path / "state.db"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///", "names no file"),
        ("sqlite:////a%00b", "names no file"),
        ("sqlite:////a%FF", "not UTF-8"),
        ("sqlite://state.db", "slashes"),
        ("sqlite:state.db", "slashes"),
        ("sqlite:///a#b.db", "%23"),
        ("sqlite:///x.db?reader=3", "'reader'"),
        ("sqlite:///x.db?readers=0", "readers='0'"),
        ("sqlite:///x.db?busy_timeout=0", "busy_timeout='0'"),
        ("sqlite:///x.db?durability=none", "normal, full"),
        ("sqlite:///x.db?sweep=never", "sweep='never'"),
        ("sqlite:///x.db?table=", "table=''"),
        ("sqlite:///x.db?table=a%00b", "NUL"),
        ("sqlite:///x.db?table=SQLite_x", "sqlite_"),
    ],
)
def test_wrong_url_is_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        SqliteBackend.from_url(url)


def test_settings() -> None:
    url = "sqlite:///x.db?table=t&readers=5&busy_timeout=0.5&durability=full&sweep=60"
    read = Settings.from_url(url)
    assert (read.table, read.readers, read.busy_timeout) == ("t", 5, 0.5)
    assert (read.always_durable, read.sweep) == (True, 60)
    batching = SqliteBackend.from_url(url).batching
    assert batching is not None
    assert (batching.reads, batching.writes) == (5, 1)


def test_capabilities() -> None:
    on_disk, in_memory = (
        SqliteBackend.from_url("sqlite:///x.db"),
        SqliteBackend.from_url("sqlite://"),
    )
    assert isinstance(on_disk, Backend)
    assert on_disk.capabilities == SqliteBackend.capabilities
    assert (on_disk.capabilities.reach, on_disk.capabilities.durable) == (Reach.ALWAYS, True)
    assert (in_memory.capabilities.reach, in_memory.capabilities.durable) == (Reach.PRIMARY, False)


@pytest.mark.parametrize("table", ['"', "a b", "{records}", "select", "é;--", "x'y"])
async def test_any_table_name(sqlite_url: str, table: str) -> None:
    async with opened(f"{sqlite_url}?table={quote(table)}") as backend:
        assert await one(backend, Write("k", b"v", etag())) is True
        assert await keys(backend) == ["k"]
        assert await backend.maintain() == 10


async def test_tables_in_one_file_are_apart(sqlite_url: str, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("PRAGMA user_version = 7")
    async with opened(sqlite_url) as one_table, opened(f"{sqlite_url}?table=two") as another:
        await one(one_table, Write("k", b"1", etag()))
        await one(another, Write("k", b"2", etag()))
        assert (await value(one_table, "k"), await value(another, "k")) == (b"1", b"2")
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as other:
        assert other.execute("SELECT count(*) FROM theirs").fetchone() == (0,)
        assert other.execute("PRAGMA user_version").fetchone() == (7,)


async def test_memory_is_gone_on_close_and_never_shared() -> None:
    async with opened("sqlite://") as first, opened("sqlite://") as second:
        await one(first, Write("k", b"v", etag()), STRONG)
        assert (await value(first, "k"), await value(second, "k")) == (b"v", None)
    async with opened("sqlite://") as first:
        assert await value(first, "k") is None

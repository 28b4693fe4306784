"""Every test of SQLite on both event loops of asyncio, and none leaves a thread behind."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from etagere_sqlite import SqliteBackend, connection
from tests.backends.sqlite.support import opened
from tests.conftest import ALL_LOOPS


@pytest.fixture(params=ALL_LOOPS[:2])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    """No test leaves a connection's thread behind. Idle threads of anyio's belong to the loop."""
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    assert [thread for thread in left if "AnyIO" not in thread.name] == []


@pytest.fixture
async def backend(sqlite_url: str) -> AsyncIterator[SqliteBackend]:
    async with opened(sqlite_url) as backend:
        yield backend


@pytest.fixture(params=["private", "public"])
def hop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test in aiosqlite's thread, and in one of anyio's as if that could not be entered."""
    if request.param == "public":
        monkeypatch.setattr(connection, "_hop", None)
    return request.param

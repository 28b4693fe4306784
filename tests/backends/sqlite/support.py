"""What the tests of SQLite share. Their child processes import it, so it needs no pytest."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import anyio

from etagere.backend import Backend
from etagere.memory import wall_clock
from etagere.operations import (
    Consistency,
    Operation,
    Outcome,
    Read,
    Record,
)
from etagere_sqlite import SqliteBackend
from etagere_sqlite.settings import Settings

EVENTUAL, STRONG = Consistency.EVENTUAL, Consistency.STRONG
PROCESSES = multiprocessing.get_context("spawn")


# --- using a backend ----------------------------------------------------------------------------


@asynccontextmanager
async def opened(url: str, clock: Callable[[], int] = wall_clock) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend(Settings.from_url(url), clock=clock)
    try:
        await backend.open()
        yield backend
    finally:
        await backend.close()


_numbers = count()


def etag() -> str:
    return f"etag-{os.getpid()}-{next(_numbers)}"


async def one(
    backend: Backend, operation: Operation, consistency: Consistency = EVENTUAL
) -> Outcome:
    (outcome,) = await backend.execute([operation], consistency)
    return outcome


async def value(backend: Backend, key: str) -> bytes | None:
    record = await one(backend, Read(key))
    assert record is None or isinstance(record, Record)
    return record and record.value


async def keys(
    backend: Backend, prefix: str = "", after: str = "", limit: int | None = None
) -> list[str]:
    pages = [page async for page in backend.scan(prefix, after, limit, EVENTUAL)]
    assert all(pages), "an empty page"
    return [key for page in pages for key in page]


async def inside(backend: SqliteBackend, sql: str, given: Any = ()) -> list[tuple[Any, ...]]:
    """Run a statement on the connection that writes."""
    assert backend._database is not None
    return await backend._database.writer.run(
        lambda session: session.raw.execute(sql, given).fetchall()
    )


async def in_transaction(backend: SqliteBackend) -> bool:
    assert backend._database is not None
    return await backend._database.writer.run(lambda session: session.raw.in_transaction)


# --- standing in its way ------------------------------------------------------------------------


class Gate:
    """A clock at which a connection's thread can be made to stop, in the midst of a batch."""

    def __init__(self) -> None:
        self.shut = False
        self.reached = threading.Event()
        self._opened = threading.Event()

    def __call__(self) -> int:
        if self.shut:
            self.reached.set()
            assert self._opened.wait(30)
        return wall_clock()

    async def until_reached(self) -> None:
        while not self.reached.is_set():
            await anyio.sleep(0.001)

    def open(self) -> None:
        self.shut = False
        self._opened.set()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        raise AssertionError(f"not cancelled but finished: {await task!r}")


def start(run: Callable[..., None], *arguments: Any) -> tuple[Any, Any]:
    """Run a function in a process of its own; return that, and what its last argument sends."""
    answers, ours_no_more = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=run, args=(*arguments, ours_no_more), daemon=True)
    process.start()
    ours_no_more.close()
    return process, answers


@contextlib.contextmanager
def child(run: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    process, answers = start(run, *arguments)
    try:
        yield answers
        process.join(60)
        assert process.exitcode == 0
    finally:
        process.kill()
        process.join()

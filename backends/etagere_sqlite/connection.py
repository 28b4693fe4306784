"""One SQLite connection in a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, TypeVarTuple

import aiosqlite
import anyio.to_thread

from etagere.errors import Closed


class Session(Protocol):
    """A connection of the driver's and what is done with it."""

    raw: sqlite3.Connection

    def interrupt(self) -> None:
        """Stop what runs. Called from another thread."""
        ...


Arguments = TypeVarTuple("Arguments")
S = TypeVar("S", bound=Session)
T = TypeVar("T")

# A hop to the thread and back costs more than most statements, so a batch takes one hop. What runs
# any function in aiosqlite's thread is private to it. Should it go away, the hop is to one of
# anyio's threads instead: the same, only slower.
_hop: Callable[..., Awaitable[Any]] | None = getattr(aiosqlite.Connection, "_execute", None)


class Connection(Generic[S]):
    """Runs functions on one connection, one at a time, each in a single hop to its thread."""

    def __init__(self, connect: Callable[[], S]) -> None:
        self.waiting = 0
        """How many calls of `run` wait for their answer."""
        self._connect = connect
        self._driver = aiosqlite.Connection(self._connect_in_thread, iter_chunk_size=64)
        self._thread: threading.Thread | None = None
        self._session: S | None = None
        self._turn = threading.Lock()

    async def open(self) -> None:
        """Connect. Raises what the driver raises."""
        await self._driver

    async def close(self) -> None:
        """Let what runs come to its end, disconnect and end the thread. Must not be cancelled."""
        if self._session is not None:
            await self.run(lambda session: session.raw.close())
        await self._driver.close()
        if self._thread is not None:
            # aiosqlite reports the end of its thread a moment before the thread ends.
            self._thread.join()

    async def run(self, work: Callable[[S, *Arguments], T], *arguments: *Arguments) -> T:
        """Return what `work` returns, called with the session in the connection's thread.

        Cancelled, it returns at once: `work` is left out if it has not begun, and interrupted if it
        has, so that SQLite fails its statement. The next call waits until it is done.
        """
        if self._session is None:
            raise Closed("the SQLite connection is not open; open the store first")
        job = _Job(self._session.interrupt, partial(work, self._session, *arguments))
        self.waiting += 1
        try:
            return await self._in_thread(job)
        except asyncio.CancelledError:
            job.abandon()
            raise
        finally:
            self.waiting -= 1

    def _connect_in_thread(self) -> sqlite3.Connection:
        self._thread = threading.current_thread()
        self._session = self._connect()
        return self._session.raw

    def _in_thread(self, job: Callable[[], T]) -> Awaitable[T]:
        if _hop is not None:
            return _hop(self._driver, job)
        return anyio.to_thread.run_sync(self._in_turn, job, abandon_on_cancel=True)

    def _in_turn(self, job: Callable[[], T]) -> T:
        with self._turn:
            return job()


class _Job(Generic[T]):
    """A function for the thread, which can be stopped when nobody waits for it any more."""

    __slots__ = ("_abandoned", "_interrupt", "_lock", "_running", "_work")

    def __init__(self, interrupt: Callable[[], None], work: Callable[[], T]) -> None:
        self._interrupt = interrupt
        self._work = work
        self._lock = threading.Lock()
        self._running = self._abandoned = False

    def __call__(self) -> T:
        self._running = True
        try:
            if self._abandoned:
                raise asyncio.CancelledError
            return self._work()
        finally:
            with self._lock:
                self._running = False

    def abandon(self) -> None:
        self._abandoned = True
        # Under the lock it is still this job that runs: the interrupt cannot hit another.
        with self._lock:
            if self._running:
                self._interrupt()

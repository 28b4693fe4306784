"""Connections kept for one purpose each, without a pool's cost per use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg

from etagere.errors import Closed

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

T = TypeVar("T")

CLOSED: Final = "the PostgreSQL backend is closed"
RECOVERY_SECONDS: Final = 2.0
GOODBYE_SECONDS: Final = 1.0


class Lane:
    """A few connections, opened when first needed, each used by one batch at a time.

    What a batch leaves undone, because it failed or was cancelled, goes on in a task of the lane's:
    a connection is opened to its end, or brought back to rest. The next batch finds it ready.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], width: int) -> None:
        self._connect = connect
        # Each place holds a connection at rest, or None where one is still to be opened.
        self._places: asyncio.LifoQueue[Connection | None] = asyncio.LifoQueue()
        for _ in range(width):
            self._places.put_nowait(None)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def connection(self) -> Loan:
        """Lend a connection for the length of an `async with`. Raises `Unavailable`."""
        return Loan(self)

    async def borrow(self) -> Connection:
        """Wait for a connection; it has to be brought back."""
        connection = await self._places.get()
        if connection is not None and not connection.is_closed():
            return connection
        opening = self._start(self._open())
        try:
            # Waited for, not awaited: a caller who is cancelled does not cancel it.
            await asyncio.wait({opening})
        except BaseException:
            opening.add_done_callback(self._keep)
            raise
        if has_failed(opening):
            self._places.put_nowait(None)
        if opening.cancelled():
            raise Closed(CLOSED)
        return opening.result()

    def give_back(self, connection: Connection) -> None:
        """Take back a connection that is at rest."""
        if self._closed:
            connection.terminate()
        self._places.put_nowait(connection)

    def give_back_broken(self, connection: Connection) -> None:
        """Take back a connection that may have a statement or a transaction open."""
        if self._closed:
            self.give_back(connection)
        else:
            self._start(self._bring_to_rest(connection))

    async def close(self) -> None:
        """Say goodbye on every connection; cancelled, end them without."""
        self._closed = True
        connections = self._take_all()
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=GOODBYE_SECONDS)
            await asyncio.gather(*map(hang_up, connections))
        finally:
            for connection in connections:
                connection.terminate()
            for task in self._tasks:
                task.cancel()

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self) -> Connection:
        if self._closed:
            raise Closed(CLOSED)
        return await self._connect()

    def _keep(self, opening: asyncio.Task[Connection]) -> None:
        if has_failed(opening):
            self._places.put_nowait(None)
        else:
            self.give_back(opening.result())

    async def _bring_to_rest(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(RECOVERY_SECONDS):
                await settle(connection)
                if not is_at_rest(connection):
                    await connection.execute("ROLLBACK")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection.terminate()
        except BaseException:
            connection.terminate()
            raise
        finally:
            self.give_back(connection)

    def _take_all(self) -> list[Connection]:
        places = [self._places.get_nowait() for _ in range(self._places.qsize())]
        for _ in places:
            self._places.put_nowait(None)
        return [connection for connection in places if connection is not None]


def has_failed(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task has ended without a result."""
    return task.cancelled() or task.exception() is not None


class Loan:
    """A connection, for the length of an `async with`."""

    __slots__ = ("_connection", "_lane")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._connection: Connection

    async def __aenter__(self) -> Connection:
        self._connection = await self._lane.borrow()
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and is_at_rest(self._connection):
            self._lane.give_back(self._connection)
        else:
            self._lane.give_back_broken(self._connection)


def is_at_rest(connection: Connection) -> bool:
    """Tell whether no transaction is open on a connection, be it because it is closed."""
    return connection.is_closed() or not connection.is_in_transaction()


async def settle(connection: Connection) -> None:
    """Wait until the server is done with a statement that was cancelled."""
    # The driver sends nothing before that. What comes back does not matter: in a transaction that
    # has failed it is an error.
    with suppress(asyncpg.PostgresError):
        await connection.execute("SELECT 1")


async def hang_up(connection: Connection) -> None:
    """Close a connection in order, or at least close it."""
    try:
        await connection.close(timeout=GOODBYE_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()

"""The SQLite backend."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final, Self, cast

import anyio
from msgspec.structs import replace

from etagere.backend import Batching, Capabilities, Clock, Reach, TransactionScope
from etagere.errors import Closed
from etagere.memory import wall_clock
from etagere.operations import Consistency, Mutation, Operation, Outcome, Read
from etagere_sqlite.database import Database
from etagere_sqlite.failures import Translation
from etagere_sqlite.reader import Reader
from etagere_sqlite.settings import Settings
from etagere_sqlite.statements import Statements
from etagere_sqlite.writer import Writer

PAGE: Final = 1000
SWEEP_STEP: Final = 500
SWEEP_BREATHER: Final = 0.05


class SqliteBackend:
    """Records in a table of an SQLite file, which any number of processes may share."""

    capabilities = Capabilities(
        # There is one copy, and strong writes are on its disk: no failover can lead to another.
        reach=Reach.ALWAYS,
        transactions=TransactionScope.FULL,
        clock=Clock.CLIENT,
        listing=True,
    )
    batching: Batching | None = Batching(inline=True)
    server_version = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, settings: Settings, *, clock: Callable[[], int] = wall_clock) -> None:
        self._settings = settings
        self._statements = Statements(settings.table)
        self._translation = Translation(settings)
        self._clock = clock
        self._opening: asyncio.Task[Database] | None = None
        self._database: Database | None = None
        self._closed = False
        if settings.path is not None:
            self.batching = Batching(reads=settings.readers, inline=True)
        else:
            self.capabilities = replace(self.capabilities, reach=Reach.PRIMARY, durable=False)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a backend for `sqlite:///relative.db`, `sqlite:////absolute.db` or `sqlite://`."""
        return cls(Settings.from_url(url))

    async def open(self) -> None:
        """Open the file, make it and its table if need be, and switch it to a write-ahead log."""
        await self._opened()

    async def close(self) -> None:
        """Let go of the file and end the threads; a cancellation meanwhile is raised after that."""
        self._closed = True
        await _to_its_end(self._let_go())

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch in one transaction; a strong one is synced to the disk.

        Cancelled, a batch is rolled back as a whole, unless it was being committed already.
        """
        database = self._database or await self._opened()
        with self._translation:
            if type(operations[0]) is Read:
                return await self._read(database, cast("Sequence[Read]", operations))
            writes = cast("Sequence[Mutation]", operations)
            durable = consistency is Consistency.STRONG
            return await database.writer.run(Writer.write, writes, durable)

    async def _read(self, database: Database, reads: Sequence[Read]) -> Sequence[Outcome]:
        if database.inline is not None and len(reads) == 1:
            # Nothing else here waits: a loop of reads must let other tasks have their turn.
            await asyncio.sleep(0)
            found = database.inline.read(reads[0].key)
            if found is not None:
                return found
        return await database.reader.run(Reader.read, reads)

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield pages of keys, each as of the moment it is fetched."""
        left = float("inf") if limit is None else limit
        while left > 0:
            size = int(min(PAGE, left))
            keys = await self._page(prefix, after, size)
            if keys:
                yield keys
            if len(keys) < size:
                return
            after = keys[-1]
            left -= size

    async def ping(self) -> None:
        """Return if the table can be read."""
        database = self._database or await self._opened()
        with self._translation:
            await database.reader.run(Reader.ping)

    async def maintain(self) -> float:
        """Delete some expired records, unless another process is writing."""
        database = self._database or await self._opened()
        with self._translation:
            swept = await database.writer.run(Writer.sweep, SWEEP_STEP)
        return SWEEP_BREATHER if swept == SWEEP_STEP else self._settings.sweep

    async def _page(self, prefix: str, after: str, limit: int) -> list[str]:
        database = self._database or await self._opened()
        with self._translation:
            return await database.reader.run(Reader.page, prefix, after, limit)

    async def _opened(self) -> Database:
        if self._closed:
            raise Closed("the SQLite backend is closed")
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
            self._opening.add_done_callback(_retrieve)
        opening = self._opening
        # Waited for, not awaited: a caller who is cancelled must not cancel it for the others.
        await asyncio.wait({opening})
        return opening.result()

    async def _connect(self) -> Database:
        database = Database(self._settings, self._statements, self._clock)
        try:
            with self._translation:
                await database.open()
        except BaseException:
            self._opening = None  # the next call tries again
            raise
        self._database = database
        return database

    async def _let_go(self) -> None:
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._database is not None:
            await self._database.close()
            self._database = None


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled from task.exception()
    task.result()


def _retrieve(opening: asyncio.Task[Database]) -> None:
    # Everybody who waited may be gone; asyncio complains about failures that nobody looks at.
    if not opening.cancelled():
        opening.exception()

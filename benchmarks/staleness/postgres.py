"""PostgreSQL with two standbys.

What standbys do is told by themselves, so that no polling disturbs what is measured. A standby
reports what it has flushed, and again when it has applied all that it has. The primary keeps when
it sent its last report, by the clock that all share here, and how long it took from sending a write
until it was reported as flushed and as applied. Under `remote_apply` a standby is asked for a
report and makes its own as well; of two, the second is kept, which is late. So acknowledgements are
measured under `on`: they take the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg

from benchmarks.staleness.trials import PLACES, Copy, Mode, until
from tests.servers import PostgresServer, postgres

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

WAL_WRITER_DELAY: Final = 200.0
"""Milliseconds, PostgreSQL's default: how long a commit may wait to be flushed under `off`."""
NAMES: Final = ("s1", "s2")
TABLE: Final = "CREATE TABLE writes (key bigint PRIMARY KEY)"
READ: Final = "SELECT EXISTS (SELECT FROM writes WHERE key = $1)"
CLOCK: Final = f"SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8, {READ[7:]}"
STATES: Final = "SELECT array_agg(sync_state ORDER BY application_name) FROM pg_stat_replication"
REPORTS: Final = """
    SELECT (extract(epoch FROM reply_time) * 1000)::float8 AS sent,
           (extract(epoch FROM replay_lag - flush_lag) * 1000)::float8 AS applying
    FROM pg_stat_replication WHERE replay_lsn >= $1 ORDER BY application_name"""


class Postgres:
    """A primary and two standbys, one of which strong writes wait for."""

    name = "PostgreSQL 18"
    modes: tuple[Mode, ...] = (
        Mode(
            "off", times=(0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0), gap=WAL_WRITER_DELAY
        ),
        Mode("local"),
        Mode("on", acks=1, kept=True),
        Mode("remote_apply", acks=1),
    )

    def __init__(
        self, server: PostgresServer, primary: Connection, standbys: Sequence[Connection]
    ) -> None:
        self._server = server
        self._primary = primary
        self._standbys = standbys

    async def prepare(self) -> None:
        """Make the table, and have everybody prepare what is asked again and again."""
        await self._primary.execute(TABLE)
        for standby in self._server.standbys:
            await asyncio.to_thread(standby.catch_up)
        self._insert = await self._primary.prepare("INSERT INTO writes VALUES ($1)")
        self._reads = [await standby.prepare(READ) for standby in self._standbys]
        self._clocks = [await one.prepare(CLOCK) for one in (*self._standbys, self._primary)]
        self._reports = await self._primary.prepare(REPORTS)

    async def use(self, mode: Mode) -> None:
        """Commit in this way from now on."""
        await self._wait_for(PLACES)
        await self._commit_as(mode.name)

    async def observe(self, mode: Mode, needed: int | None) -> None:
        """Commit as in a mode, but wait for this standby or none."""
        await self._wait_for(() if needed is None else (needed,))
        await self._commit_as("on" if mode.name == "remote_apply" else mode.name)

    async def write(self, key: int) -> None:
        """Insert a new row, which is a transaction."""
        await self._insert.fetch(key)

    async def read(self, place: int, key: int) -> bool:
        """Tell whether a standby shows a row."""
        return bool(await self._reads[place].fetchval(key))

    async def clock(self, place: int | None) -> float:
        """Return when a standby, or the primary, was about to look for a row."""
        asked = self._clocks[-1 if place is None else place]
        return float(await asked.fetchval(0))

    async def copies(self, key: int) -> list[Copy]:
        """Return when each standby had flushed and when it had applied the last write."""
        written = await self._primary.fetchval("SELECT pg_current_wal_insert_lsn()")
        rows: list[asyncpg.Record] = []

        async def are_told() -> bool:
            rows[:] = await self._reports.fetch(written)
            return len(rows) == len(PLACES)

        await until(are_told)
        return [Copy(row["sent"] - (row["applying"] or 0.0), row["sent"]) for row in rows]

    async def _commit_as(self, name: str) -> None:
        await self._primary.execute(f"SET synchronous_commit = {name}")

    async def _wait_for(self, needed: Sequence[int]) -> None:
        names = f"ANY 1 ({', '.join(NAMES[place] for place in needed)})" if needed else ""
        wanted = ["quorum" if place in needed else "async" for place in PLACES]
        await self._primary.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        await self._primary.execute("SELECT pg_reload_conf()")

        async def is_in_force() -> bool:
            return bool(await self._primary.fetchval(STATES) == wanted)

        await until(is_in_force)


@asynccontextmanager
async def replicated_postgres() -> AsyncIterator[Postgres]:
    """Start the servers and yield them."""
    async with AsyncExitStack() as stack:
        # Reports at intervals would be mistaken for those of a write.
        settings = {"wal_receiver_status_interval": "60s"}
        server = postgres(standbys=2, version=18, durable=True, settings=settings)
        await stack.enter_async_context(server)

        async def connected(to: PostgresServer) -> Connection:
            connection = await asyncpg.connect(to.url)
            stack.push_async_callback(connection.close)
            return connection

        primary = await connected(server)
        standbys = [await connected(standby) for standby in server.standbys]
        subject = Postgres(server, primary, standbys)
        await subject.prepare()
        yield subject

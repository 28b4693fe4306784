"""The backend: what `Store` holds of a PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar, Final, Self, cast

from msgspec.structs import replace

from etagere.backend import Batching, Capabilities, Clock, Reach, TransactionScope
from etagere.errors import EtagereError, Unavailable
from etagere.operations import Consistency, Mutation, Operation, Outcome, Read
from etagere_postgres.cluster import Cluster
from etagere_postgres.failures import translated
from etagere_postgres.lanes import Lane
from etagere_postgres.reader import Reader, fetch
from etagere_postgres.replication import Strength
from etagere_postgres.settings import Settings
from etagere_postgres.statements import Statements
from etagere_postgres.writer import Writer

BATCHING: Final = Batching(inline=True)
PAGE: Final = 1000
SWEEP_STEP: Final = 500
SWEEP_BREATHER: Final = 0.05
UPKEEP_SECONDS: Final = 5.0


class PostgresBackend:
    """Records in a table of a PostgreSQL database, which any number of processes may share."""

    capabilities = Capabilities(
        reach=Reach.FAILOVER,
        transactions=TransactionScope.FULL,
        clock=Clock.SERVER,
        listing=True,
        max_value_bytes=256 * 2**20,  # in hex, as in a dump, still well within PostgreSQL's 1 GB
    )
    batching: Batching | None = BATCHING
    default_ports: ClassVar[Mapping[str, int]] = dict.fromkeys(("postgres", "postgresql"), 5432)
    """Of the schemes behind which one server speaks, and not through TLS."""

    def __init__(self, settings: Settings) -> None:
        self._statements = statements = Statements(settings.schema, settings.table)
        self._cluster = cluster = Cluster(settings, statements, self._learn)
        self._errands = Lane(cluster.primary, 1)
        # Both levels read from the primary when there is no standby to read from.
        reads = Lane(cluster.primary, 2 * BATCHING.reads)
        standby = Lane(cluster.standby, BATCHING.reads) if settings.reads_standbys else None
        writes = {level: Lane(cluster.primary, BATCHING.writes) for level in Consistency}
        self._reader = Reader(reads, standby, statements)
        self._writer = Writer(writes, cluster, settings, statements)
        self._lanes = [self._errands, reads, *([standby] if standby else []), *writes.values()]

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a backend for `postgres://user:password@host:port/database`."""
        return cls(Settings.from_url(url))

    @property
    def server_version(self) -> str:
        """Such as "PostgreSQL 18.4", once it is open."""
        return self._cluster.version

    async def open(self) -> None:
        """Connect to the primary and bring the schema up to date.

        Raises `Unavailable` when no primary answers, `ConfigurationError` when it refuses the login
        or its schema is newer than this etagere.
        """
        await self.ping()

    async def close(self) -> None:
        """Say goodbye on every connection; cancelled, end them all without."""
        await asyncio.gather(*(lane.close() for lane in self._lanes))

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch, in one round trip where all of it is of one kind.

        Cancelled, a part that is under way may or may not be done, and is never half done.
        """
        if isinstance(operations[0], Read):
            keys = [operation.key for operation in cast("Sequence[Read]", operations)]
            return await self._reader.read(keys, consistency)
        return await self._writer.write(cast("Sequence[Mutation]", operations), consistency)

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncGenerator[Sequence[str]]:
        """Yield pages of keys, each as of the moment it is fetched."""
        left = float("inf") if limit is None else limit
        while left > 0:
            size = int(min(PAGE, left))
            keys = await self._reader.page(prefix, after, size, consistency)
            if keys:
                yield keys
            if len(keys) < size:
                return
            after = keys[-1]
            left -= size

    async def ping(self) -> None:
        """Return if the primary answers."""
        await fetch(self._errands, "SELECT 1")

    async def maintain(self) -> float:
        """Look for standbys, at how they are to acknowledge, and sweep some expired records."""
        with suppress(EtagereError):
            await self._reader.wake_standby()
        async with self._errands.connection() as connection:
            await self._cluster.look(connection)
            with translated(lost=Unavailable):
                swept = await connection.execute(
                    self._statements.sweep, self._statements.table, SWEEP_STEP
                )
        return SWEEP_BREATHER if swept == f"DELETE {SWEEP_STEP}" else UPKEEP_SECONDS

    def _learn(self, strength: Strength) -> None:
        self.capabilities = replace(
            type(self).capabilities, reach=strength.reach, why_not_strong=strength.why_not_strong
        )

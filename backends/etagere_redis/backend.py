"""The Redis backend."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import ClassVar, Self, cast

from msgspec.structs import replace

from etagere.backend import Batching, Capabilities, Clock, Reach, TransactionScope
from etagere.errors import (
    EtagereError,
    Interrupted,
    NotReplicated,
    NotSupported,
    StoreFailed,
    Unavailable,
)
from etagere.operations import Consistency, Mutation, Operation, Outcome, Read
from etagere_redis.commands import note_reads, note_writes, read_commands, write_commands
from etagere_redis.connections import Connections, Lane
from etagere_redis.delivery import Delivery
from etagere_redis.listing import keys_of_node
from etagere_redis.replication import Replication
from etagere_redis.sentinel import Sentinel
from etagere_redis.settings import PORT, Settings, Shape
from etagere_redis.topology import Shard, Single, Topology
from etagere_redis.wire import pack

PAGE = 1000
LOOK_AROUND_SECONDS = 10.0
_PING = pack(b"PING")
_INFO = pack(b"INFO", b"server")
_VERSION = re.compile(rb"^(valkey|redis)_version:(\S+)", re.MULTILINE)


class RedisBackend:
    """Records in hashes of a Redis or Valkey server, or of a cluster of them."""

    capabilities = Capabilities(
        reach=Reach.PRIMARY,
        transactions=TransactionScope.FULL,
        clock=Clock.SERVER,
        listing=True,
    )
    batching: Batching | None = Batching(reads=2, writes=2)
    default_ports: ClassVar[Mapping[str, int]] = {"redis": PORT}
    """Of the schemes behind which one server speaks, and not through TLS."""

    def __init__(self, settings: Settings) -> None:
        self.server_version = ""
        """Such as "Valkey 9.1.2", once it is open."""
        self._settings = settings
        self._connections = Connections(settings)
        self._topology = _topology(settings, self._connections)
        self._replication = Replication(settings, self._connections)
        self._delivery = Delivery(settings, self._topology, self._connections, self._replication)
        if settings.shape is Shape.CLUSTER:
            self.capabilities = replace(self.capabilities, transactions=TransactionScope.SAME_SLOT)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a backend for a URL as `etagere_redis` describes them."""
        return cls(Settings.from_url(url))

    async def open(self) -> None:
        """Find the servers, and whether they have the replicas that strong needs."""
        await self._look_around()
        with suppress(EtagereError):  # not everybody may ask
            await self._ask_version()

    async def close(self) -> None:
        """Close all connections."""
        await self._connections.close()

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch: a read is one HMGET, all writes of a hash slot are one script.

        What was sent stays sent when the call is cancelled: it may still be done.
        """
        outcomes: list[Outcome] = [None] * len(operations)
        if isinstance(operations[0], Read):
            reads = cast("Sequence[Read]", operations)
            commands = read_commands(reads, self._topology)
            await self._delivery.read(commands, consistency)
            for command in commands:
                note_reads(command, reads, outcomes)
        else:
            writes = cast("Sequence[Mutation]", operations)
            commands = write_commands(writes, self._topology, outcomes)
            await self._delivery.write(commands, consistency)
            for command in commands:
                note_writes(command, writes, outcomes)
        self._review(outcomes)
        return outcomes

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield pages of keys, once all keys of the prefix were fetched: that takes memory.

        Keys that move from one node of a cluster to another meanwhile may be missed.
        """
        keys: set[str] = set()
        with self._looking_again():
            for shard in await self._topology.shards():
                keys |= await self._keys_of(shard, prefix, consistency)
        # Code points sort as their UTF-8 bytes do.
        chosen = sorted(key for key in keys if key > after)[:limit]
        for start in range(0, len(chosen), PAGE):
            yield chosen[start : start + PAGE]

    async def ping(self) -> None:
        """Return if every primary answers."""
        with self._looking_again():
            for shard in await self._topology.shards():
                await self._connections.ask(shard.primary, _PING)

    async def maintain(self) -> float:
        """See whether replicas came or went. What has expired Redis sweeps itself."""
        await self._look_around()
        return LOOK_AROUND_SECONDS

    async def _look_around(self) -> None:
        reach, why_not = Reach.PRIMARY, ""
        with self._looking_again():
            for shard in await self._topology.shards():
                if self._settings.acks is not None:
                    await self._connections.get(shard.primary, Lane.READS)
                    continue
                try:
                    await self._replication.acks_needed(shard)
                except (NotSupported, StoreFailed) as error:
                    reach, why_not = Reach.NONE, str(error)
        self.capabilities = replace(self.capabilities, reach=reach, why_not_strong=why_not)

    async def _ask_version(self) -> None:
        shard, *_ = await self._topology.shards()
        (info,) = await self._connections.ask(shard.primary, _INFO)
        versions = dict(_VERSION.findall(info))
        # Valkey says which Redis it is like, besides its own.
        name = b"valkey" if b"valkey" in versions else b"redis"
        if name in versions:
            self.server_version = f"{name.decode().title()} {versions[name].decode()}"

    async def _keys_of(self, shard: Shard, prefix: str, consistency: Consistency) -> set[str]:
        if consistency is Consistency.EVENTUAL:
            return await keys_of_node(self._connections, shard.primary, prefix)
        await self._replication.acks_needed(shard)
        keys = await keys_of_node(self._connections, shard.primary, prefix)
        # Asked last: if it still is the primary, it was when it listed the keys.
        await self._replication.survey(shard)
        return keys

    def _review(self, outcomes: Sequence[Outcome]) -> None:
        """Raise what the whole batch failed of, and doubt what we know where servers failed."""
        failures = [outcome for outcome in outcomes if isinstance(outcome, EtagereError)]
        if any(isinstance(error, Unavailable | Interrupted) for error in failures):
            self._topology.forget()
        shared = failures and all(outcome is failures[0] for outcome in outcomes)
        if shared and not isinstance(failures[0], NotReplicated):
            raise failures[0]

    @contextmanager
    def _looking_again(self) -> Generator[None]:
        try:
            yield
        except Unavailable:
            self._topology.forget()
            raise


def _topology(settings: Settings, connections: Connections) -> Topology:
    match settings.shape:
        case Shape.SINGLE:
            return Single(settings)
        case Shape.SENTINEL:
            return Sentinel(settings)
        case Shape.CLUSTER:
            # Here, because it brings in redis-py, which takes its time.
            from etagere_redis.cluster import Cluster

            return Cluster(settings, connections)

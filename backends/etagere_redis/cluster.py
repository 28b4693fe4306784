"""A cluster: slots spread over several primaries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from etagere.errors import EtagereError, Unavailable
from etagere_redis.connections import Connections
from etagere_redis.settings import Address, Settings
from etagere_redis.topology import Shard
from etagere_redis.wire import pack

_QUESTION = pack(b"CLUSTER", b"SLOTS")


class Cluster:
    """The nodes of a cluster, as any of them knows them."""

    slots = REDIS_CLUSTER_HASH_SLOTS

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._connections = connections
        self._seeds = settings.addresses
        self._shards: Sequence[Shard] = ()
        self._owners: list[Shard | None] = [None] * self.slots
        self._known = False
        self._asking = asyncio.Lock()

    def slot_of(self, key: str) -> int:
        """Return the slot of a key: of its part in braces, if it has one."""
        return key_slot(key.encode())

    async def shards(self) -> Sequence[Shard]:
        """Return all shards."""
        if not self._known:
            async with self._asking:
                if not self._known:
                    await self._ask_any()
                    self._known = True
        return self._shards

    async def shard_of(self, slot: int) -> Shard:
        """Return the shard of a slot."""
        await self.shards()
        if shard := self._owners[slot]:
            return shard
        self.forget()
        raise Unavailable(f"no node of the Redis cluster serves slot {slot}")

    def forget(self) -> None:
        """Ask the nodes again."""
        self._known = False

    async def _ask_any(self) -> None:
        problems: list[EtagereError] = []
        for address in dict.fromkeys([*(shard.primary for shard in self._shards), *self._seeds]):
            try:
                (ranges,) = await self._connections.ask(address, _QUESTION)
            except EtagereError as error:
                problems.append(error)
            else:
                return self._learn(ranges, address)
        raise Unavailable(
            f"no node of the Redis cluster says how it is made up: {'; '.join(map(str, problems))}"
        ) from problems[-1]

    def _learn(self, ranges: Sequence[Any], asked: Address) -> None:
        shards: dict[Address, Shard] = {}
        owners: list[Shard | None] = [None] * self.slots
        first: int
        last: int
        nodes: list[Any]
        for first, last, *nodes in ranges:
            primary, *replicas = (_address(node, asked) for node in nodes)
            before = self._owners[first]
            shard = shards.setdefault(primary, Shard(primary, replicas))
            shard.most_replicas = max(shard.most_replicas, before.most_replicas if before else 0)
            owners[first : last + 1] = [shard] * (last + 1 - first)
        self._shards, self._owners = list(shards.values()), owners


def _address(node: Sequence[Any], asked: Address) -> Address:
    host, port = node[0], node[1]
    # A node that does not know its own name is to be reached as it was asked.
    known = host and host != b"?"
    return Address(host.decode() if known else asked.host, port)

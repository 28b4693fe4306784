"""Replicas: how many must confirm a strong write, and which may serve a read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from math import inf

from etagere.errors import EtagereError, NotSupported, Unavailable
from etagere_redis.connections import Connections
from etagere_redis.settings import Address, Settings, Shape
from etagere_redis.topology import Shard
from etagere_redis.wire import Reply, pack

SURVEY_SECONDS = 5.0
SHUN_SECONDS = 5.0
ROLE = pack(b"ROLE")


class Replication:
    """What is known of replicas, looked at again every few seconds of use."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._settings = settings
        self._connections = connections
        self._shunned: dict[Address, float] = {}
        self._turn = random.randrange(2**16)  # noqa: S311

    async def survey(self, shard: Shard) -> None:
        """Ask a primary for its replicas; raise `Unavailable` if it is none any more."""
        shard.surveyed = asyncio.get_running_loop().time()
        (role,) = await self._connections.ask(shard.primary, ROLE)
        check_primary(role, shard.primary)
        online = [Address(host.decode(), int(port)) for host, port, _ in role[2]]
        shard.most_replicas = max(shard.most_replicas, len(online))
        if self._settings.shape is not Shape.CLUSTER:
            shard.replicas = online

    async def acks_needed(self, shard: Shard) -> int:
        """Return how many replicas must have a strong write; raise `NotSupported` if there is none.

        With the primary they make a majority of the most replicas that were seen at a time: one
        that is down for a while still counts.
        """
        if self._settings.acks is not None:
            return self._settings.acks
        if not shard.most_replicas or self._is_due(shard):
            await self.survey(shard)
        if not shard.most_replicas:
            raise NotSupported(why_not_strong(shard))
        return (shard.most_replicas + 1) // 2

    async def readable(self, shard: Shard) -> Sequence[Address]:
        """Return the replicas to read from, best first; always the same one while it works."""
        named = self._settings.replicas
        if not named and self._is_due(shard):
            # Replicas can be read while the primary is down.
            with suppress(EtagereError):
                await self.survey(shard)
        now = asyncio.get_running_loop().time()
        replicas = sorted(
            address for address in named or shard.replicas if self._shunned.get(address, -inf) < now
        )
        turn = self._turn % len(replicas) if replicas else 0
        return replicas[turn:] + replicas[:turn]

    def shun(self, replica: Address) -> None:
        """Leave a replica alone for a while."""
        self._shunned[replica] = asyncio.get_running_loop().time() + SHUN_SECONDS

    def _is_due(self, shard: Shard) -> bool:
        return asyncio.get_running_loop().time() - shard.surveyed > SURVEY_SECONDS


def check_primary(role: Reply, address: Address) -> None:
    """Raise `Unavailable` unless a reply to ROLE is that of a primary."""
    if role[0] != b"master":
        raise Unavailable(f"Redis at {address} is not a primary but a {role[0].decode()}")


def why_not_strong(shard: Shard) -> str:
    """Return what to change so that a shard offers strong."""
    return (
        f"strong needs replicas, and Redis at {shard.primary} has none: attach some,"
        " or add acks=0 to the URL to make the primary's word enough"
    )

"""Which server holds a key."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Protocol

from msgspec import Struct

from etagere_redis.settings import Address, Settings


class Shard(Struct, eq=False):
    """A primary with its replicas, and what is known of them."""

    primary: Address
    replicas: Sequence[Address] = ()
    most_replicas: int = 0
    """The most that were connected at a time."""
    surveyed: float = -inf
    """When the primary was last asked for its replicas, on the event loop's clock."""


class Topology(Protocol):
    """Leads from a key to its slot, and from a slot to the shard that has it."""

    @property
    def slots(self) -> int:
        """How many slots there are. Keys of one slot are always together."""
        ...

    def slot_of(self, key: str) -> int:
        """Return the slot of a key."""
        ...

    async def shards(self) -> Sequence[Shard]:
        """Return all shards; raise `Unavailable` where they cannot be found."""
        ...

    async def shard_of(self, slot: int) -> Shard:
        """Return the shard of a slot; raise `Unavailable` where it cannot be found."""
        ...

    def forget(self) -> None:
        """Look again before the next use: what is known was wrong."""
        ...


class Single:
    """One primary, and one slot."""

    slots = 1

    def __init__(self, settings: Settings) -> None:
        self._shard = Shard(settings.addresses[0])

    def slot_of(self, key: str) -> int:
        """Return the only slot."""
        return 0

    async def shards(self) -> Sequence[Shard]:
        """Return the only shard."""
        return (await self.shard_of(0),)

    async def shard_of(self, slot: int) -> Shard:
        """Return the only shard."""
        return self._shard

    def forget(self) -> None:
        """Ask for the replicas again."""
        self._shard.surveyed = -inf

"""Backends that promise more freshness, or more safety, than they give."""

from __future__ import annotations

from collections.abc import Sequence

from etagere import contract
from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Sound
from etagere.operations import Consistency, Operation, Outcome, Read, Record


class StrongReadFromReplica(Sound):
    """Serves strong reads from a replica that may lag."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        if consistency is Consistency.STRONG and isinstance(operations[0], Read):
            replica, now = self.server.replica, self._now()
            reads = [each for each in operations if isinstance(each, Read)]
            return [contract.apply(replica.get(read.key), read, now)[1] for read in reads]
        return await super()._batch(operations, consistency)


class CachesReads(Sound):
    """Answers eventual reads from what it read before, as long as it did not write the key."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._cache: dict[str, Outcome] = {}

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        outcomes = await super()._batch(operations, consistency)
        if consistency is Consistency.STRONG or not isinstance(operations[0], Read):
            return outcomes
        reads = [each for each in operations if isinstance(each, Read)]
        return [
            self._cache.setdefault(read.key, outcome)
            for read, outcome in zip(reads, outcomes, strict=True)
        ]

    def _put(self, key: str, record: Record | None) -> None:
        self._cache.pop(key, None)
        super()._put(key, record)


class SavedTooLate(Sound):
    """Acknowledges a write before it is saved; a crash takes it back."""

    def _put(self, key: str, record: Record | None) -> None:
        self.server.unsaved = {key: self.server.records.get(key)}
        super()._put(key, record)


class WaitElsewhere(Sound):
    """Acknowledges a strong write before any replica has it; a failover takes it back."""

    _strong = False

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        self._strong = consistency is Consistency.STRONG
        return await super()._batch(operations, consistency)

    def _put(self, key: str, record: Record | None) -> None:
        if self._strong:
            self.server.unsaved = {key: self.server.records.get(key)}
        super()._put(key, record)


class LostOnClose(Sound):
    """Forgets the last write when the store closes."""

    _last: tuple[str, Record | None, Record | None] | None = None

    async def close(self) -> None:
        """Take back the last write, if nobody wrote since."""
        if self._last:
            key, before, after = self._last
            if self.server.records.get(key) is after:
                self._put(key, before)

    def _put(self, key: str, record: Record | None) -> None:
        before = self.server.records.get(key)
        if before is not record:
            self._last = key, before, record
        super()._put(key, record)

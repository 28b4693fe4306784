"""Backends that promise more freshness, or more safety, than they give."""

from __future__ import annotations

from collections.abc import Sequence

from etagere import contract
from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Single, Sound
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
    """Keeps what it has read, and does not notice what others write."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._cache: dict[str, Outcome] = {}

    def _apply(self, operation: Single) -> Outcome:
        if not isinstance(operation, Read):
            self._cache.pop(operation.key, None)
            return super()._apply(operation)
        if operation.key not in self._cache:
            self._cache[operation.key] = super()._apply(operation)
        return self._cache[operation.key]


class SavedTooLate(Sound):
    """Acknowledges a write before it is saved; a crash takes it back."""

    def _put(self, key: str, record: Record | None) -> None:
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

"""Backends that get a precondition wrong."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from etagere import contract
from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Single, Sound
from etagere.operations import (
    ABSENT,
    ANYTHING,
    Conflict,
    Consistency,
    Operation,
    Outcome,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)


class EtagCreates(Sound):
    """A write with an etag creates a key that is not there."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write) and self._find(operation.key) is None:
            operation = replace(operation, expected=ANYTHING)
        return super()._apply(operation)


class FirstWriteOverwrites(Sound):
    """A first-write replaces a key that was created by a plain write."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._guarded: set[str] = set()

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write) and operation.expected == ABSENT:
            if operation.key not in self._guarded:
                operation = replace(operation, expected=ANYTHING)
            self._guarded.add(operation.key)
        return super()._apply(operation)

    def _put(self, key: str, record: Record | None) -> None:
        super()._put(key, record)
        if record is None:
            self._guarded.discard(key)


class StickyFirstWrite(Sound):
    """Plain writes fail on a key that was once written first-write."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._stuck: set[str] = set()

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write):
            if operation.expected == ABSENT:
                self._stuck.add(operation.key)
            elif operation.expected is ANYTHING and operation.key in self._stuck:
                operation = replace(operation, expected=ABSENT)
        return super()._apply(operation)


class DeleteIgnoresFirstWrite(Sound):
    """A first-write delete, which wants the key absent, deletes it."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Remove) and operation.expected == ABSENT:
            operation = replace(operation, expected=ANYTHING)
        return super()._apply(operation)


class DeleteIgnoresEtag(Sound):
    """A delete with an etag deletes whatever is there."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Remove) and operation.expected and self._find(operation.key):
            operation = replace(operation, expected=ANYTHING)
        return super()._apply(operation)


class ConditionalDeleteOfNothing(Sound):
    """A delete with an etag succeeds on a key that is not there."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Remove) and self._find(operation.key) is None:
            operation = replace(operation, expected=ANYTHING)
        return super()._apply(operation)


class TouchIgnoresEtag(Sound):
    """A touch with an etag changes the expiry of whatever is there."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Touch) and self._find(operation.key):
            operation = replace(operation, expected=ANYTHING)
        return super()._apply(operation)


class ZeroMatchesAll(Sound):
    """The etag "0" matches every record."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write | Remove) and operation.expected == "0":
            operation = replace(operation, expected=ANYTHING)
        return super()._apply(operation)


class ExpiredStillMatches(Sound):
    """A record that has expired still matches its etag until it is swept away."""

    def _apply(self, operation: Single) -> Outcome:
        record = self.server.records.get(operation.key)
        if isinstance(operation, Write) and record and record.etag == operation.expected:
            operation = replace(operation, expected=ANYTHING)
        return super()._apply(operation)


class EtagsIgnoredInBulk(Sound):
    """Etags are looked at in single calls and not in bulk calls."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        if len(operations) > 1:
            operations = [without_precondition(operation) for operation in operations]
        return await super()._batch(operations, consistency)


class EtagsIgnoredInLargeBatches(Sound):
    """Etags are looked at in small batches and not in those of more than 100 operations."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        if len(operations) > 100:
            operations = [without_precondition(operation) for operation in operations]
        return await super()._batch(operations, consistency)


class EtagsIgnoredInTransactions(Sound):
    """Preconditions are looked at in single calls and not in transactions."""

    def _transact(self, transaction: Transaction) -> Outcome:
        parts = tuple(replace(part, expected=ANYTHING) for part in transaction.operations)
        return super()._transact(Transaction(parts))


class TransactionSeesOldEtags(Sound):
    """All preconditions of a transaction are compared with what was there before it."""

    def _transact(self, transaction: Transaction) -> Outcome:
        for index, part in enumerate(transaction.operations):
            _, outcome = contract.apply(self._find(part.key), part, self._now())
            if isinstance(outcome, Conflict):
                return Conflict(outcome.actual, index)
        parts = tuple(replace(part, expected=ANYTHING) for part in transaction.operations)
        return super()._transact(Transaction(parts))


def without_precondition(operation: Operation) -> Operation:
    """Return a write or a delete as if nothing had been expected."""
    if isinstance(operation, Write | Remove):
        return replace(operation, expected=ANYTHING)
    return operation

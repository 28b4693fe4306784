"""Backends that get the time to live wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Single, Sound, pause
from etagere.operations import (
    KEEP,
    Consistency,
    Operation,
    Outcome,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)

Op = TypeVar("Op", bound=Operation)


class TtlInClientTime(Sound):
    """Reckons expiry by the clock of the client, and says that it is that of the server."""

    def _now(self) -> int:
        return super()._now() + self.server.client_is_ahead


class TtlInSecondStep(Sound):
    """Writes the value, and then sets its expiry in a second round trip."""

    async def _perform(self, operation: Operation) -> Outcome:
        if not isinstance(operation, Write) or not isinstance(operation.ttl, int):
            return await super()._perform(operation)
        outcome = await super()._perform(replace(operation, ttl=None))
        if outcome is True:
            await pause()
            await super()._perform(Touch(operation.key, operation.ttl, operation.etag))
        return outcome


class TtlInTenths(Sound):
    """Rounds a time to live up to tenths of a second, and says that it reckons in milliseconds."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write | Touch) and isinstance(operation.ttl, int):
            operation = replace(operation, ttl=-(-operation.ttl // 100) * 100)
        return super()._apply(operation)


class TtlOverflows(Sound):
    """Keeps a time to live in 32 bits of milliseconds: more than 49 days become a few."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write | Touch) and isinstance(operation.ttl, int):
            operation = replace(operation, ttl=operation.ttl % 2**32)
        return super()._apply(operation)


class TtlIgnored(Sound):
    """Keys do not expire, and say so."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Touch) and operation.ttl is not None:
            operation = replace(operation, ttl=None)
        return super()._apply(without_ttl(operation))


class TtlIgnoredInBulk(Sound):
    """Keys that are written in bulk do not expire."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        if len(operations) > 1:
            operations = [without_ttl(operation) for operation in operations]
        return await super()._batch(operations, consistency)


class TtlIgnoredInTransactions(Sound):
    """Keys that are written in a transaction do not expire."""

    def _transact(self, transaction: Transaction) -> Outcome:
        parts = tuple(without_ttl(part) for part in transaction.operations)
        return super()._transact(Transaction(parts))


class UpdateKeepsTtl(Sound):
    """An update without a time to live leaves the old one in place."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write) and operation.ttl is None:
            operation = replace(operation, ttl=KEEP)
        return super()._apply(operation)


class KeepForgets(Sound):
    """An update that is to keep the expiry clears it."""

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write) and operation.ttl is KEEP:
            operation = replace(operation, ttl=None)
        return super()._apply(operation)


class KeepStartsAnew(Sound):
    """An update that is to keep the expiry starts the time to live from the beginning."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._ttl_of: dict[str, int] = {}

    def _apply(self, operation: Single) -> Outcome:
        if isinstance(operation, Write) and isinstance(operation.ttl, int):
            self._ttl_of[operation.key] = operation.ttl
        record = self._find(operation.key)
        if isinstance(operation, Write) and operation.ttl is KEEP and record and record.expires_at:
            operation = replace(operation, ttl=self._ttl_of.get(operation.key))
        return super()._apply(operation)


class TouchCannotPersist(Sound):
    """A touch that is to clear the expiry leaves it."""

    def _apply(self, operation: Single) -> Outcome:
        before = self._find(operation.key)
        outcome = super()._apply(operation)
        if isinstance(operation, Touch) and operation.ttl is None and before:
            self._put(operation.key, before)
        return outcome


class ExpiryNotTold(Sound):
    """Reads do not say when a key expires."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        return replace(outcome, expires_at=None) if isinstance(outcome, Record) else outcome


class ExpiredCanBeDeleted(Sound):
    """A delete of a record that has expired says that there was something."""

    def _apply(self, operation: Single) -> Outcome:
        key = operation.key
        ghost = key in self.server.records and self._find(key) is None
        outcome = super()._apply(operation)
        return True if ghost and isinstance(operation, Remove) and outcome is False else outcome


def without_ttl(operation: Op) -> Op:
    """Return an operation as if no time to live had been asked for."""
    if isinstance(operation, Write) and isinstance(operation.ttl, int):
        return replace(operation, ttl=None)
    return operation

"""Backends that do the right thing and say the wrong one."""

from __future__ import annotations

from msgspec.structs import replace

from etagere.conformance.broken.sound import Single, Sound
from etagere.errors import StoreFailed
from etagere.operations import ABSENT, Conflict, Outcome, Remove, Touch, Transaction, Write


class ConflictWithoutActual(Sound):
    """A conflict does not tell which etag was found."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        return Conflict(None) if isinstance(outcome, Conflict) else outcome


class ConflictWithOwnEtag(Sound):
    """A conflict names the etag that was to be written as the one that was found."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        if isinstance(outcome, Conflict) and outcome.actual and isinstance(operation, Write):
            return Conflict(operation.etag)
        return outcome


class ConflictWithoutIndex(Sound):
    """The conflict of a transaction names its first operation, whichever it was."""

    def _transact(self, transaction: Transaction) -> Outcome:
        outcome = super()._transact(transaction)
        return replace(outcome, index=0) if isinstance(outcome, Conflict) else outcome


class FirstWriteConflictIsFailure(Sound):
    """A first-write that finds the key taken fails with a plain error instead of a mismatch."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        first_write = isinstance(operation, Write) and operation.expected == ABSENT
        if first_write and isinstance(outcome, Conflict):
            return StoreFailed("no item was updated")
        return outcome


class DeleteSaysTrue(Sound):
    """A delete says that there was something, whether or not there was."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        return True if isinstance(operation, Remove) and outcome is False else outcome


class TouchSaysTrue(Sound):
    """A touch says that the key is there, whether or not it is."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        return True if isinstance(operation, Touch) and outcome is False else outcome


class ConflictWithItself(Sound):
    """A write that is sent again after a lost answer meets its own etag and calls it a conflict."""

    def _apply(self, operation: Single) -> Outcome:
        record = self._find(operation.key)
        if isinstance(operation, Write) and record and record.etag == operation.etag:
            return Conflict(record.etag)
        return super()._apply(operation)

"""Backends that get the etags wrong which they keep and compare."""

from __future__ import annotations

import itertools

from msgspec.structs import replace

from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Single, Sound
from etagere.errors import InvalidArgument
from etagere.minting import mint_etag
from etagere.operations import Outcome, Read, Record, Touch, Transaction, Write


class CounterEtags(Sound):
    """Gives what a transaction writes etags of its own, 1, 2, 3, and not those it is asked for."""

    _count = itertools.count(1)

    def _transact(self, transaction: Transaction) -> Outcome:
        parts = tuple(
            replace(part, etag=str(next(self._count))) if isinstance(part, Write) else part
            for part in transaction.operations
        )
        return super()._transact(Transaction(parts))


class Mistaking(Sound):
    """Takes some etags for the one that is there."""

    def _matches(self, expected: str, record: Record) -> bool:
        raise NotImplementedError

    def _apply(self, operation: Single) -> Outcome:
        record = self._find(operation.key)
        expected = None if isinstance(operation, Read) else operation.expected
        if record and expected and self._matches(expected, record):
            operation = replace(operation, expected=record.etag)
        return super()._apply(operation)


class VersionsRestart(Mistaking):
    """Compares versions that count from 1 again once the key was deleted: old etags come back."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._version_of: dict[str, int] = {}

    def _matches(self, expected: str, record: Record) -> bool:
        return self._version_of.get(expected, 0) == self._version_of.get(record.etag)

    def _put(self, key: str, record: Record | None) -> None:
        before = self._find(key)
        if record and (before is None or before.etag != record.etag):
            last = self._version_of.get(before.etag, 0) if before else 0
            self._version_of[record.etag] = last + 1
        super()._put(key, record)


class ComparesValues(Mistaking):
    """Takes an etag to match as long as the value is the one that it was given to."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._value_of: dict[str, bytes] = {}

    def _matches(self, expected: str, record: Record) -> bool:
        return self._value_of.get(expected) == record.value

    def _put(self, key: str, record: Record | None) -> None:
        if record:
            self._value_of[record.etag] = record.value
        super()._put(key, record)


class EtagsFoldCase(Mistaking):
    """Compares etags without regard to case."""

    def _matches(self, expected: str, record: Record) -> bool:
        return expected.lower() == record.etag.lower()


class ForeignEtagRefused(Sound):
    """Calls an etag in a form that is not its own an invalid argument instead of a mismatch."""

    def _apply(self, operation: Single) -> Outcome:
        expected = getattr(operation, "expected", None)
        if expected and len(expected) != len(mint_etag()):
            return InvalidArgument(f"the etag {expected!r} is not in the form of this store")
        return super()._apply(operation)


class TouchChangesEtag(Sound):
    """A touch gives the key a new etag."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        if isinstance(operation, Touch) and (record := self._find(operation.key)):
            self._put(operation.key, replace(record, etag=mint_etag()))
        return outcome

"""What runs in the thread of the connection that writes.

The semantics are `etagere.contract`: a batch fetches the versions that are there, lets the contract
decide, and puts down what changed, in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from typing import Final, cast

from etagere import contract
from etagere.operations import (
    ANYTHING,
    KEEP,
    Mutation,
    Outcome,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_sqlite.failures import is_locked
from etagere_sqlite.reader import Reader, as_json
from etagere_sqlite.statements import MOST_ROWS, Statements

_END_OF_TIME: Final = 2**63 - 1
_LONG: Final = 4096
_UNREAD: Final = b"(not read)"
"""In place of a value that stays as it is, so that none is read. Told by identity, not content."""


_Row = tuple[str, str, int, bytes | bytearray]
"""Key, etag, expiry (0: never) and value of a record."""
_COLUMNS: Final = 4


class Writer(Reader):
    """Writes through one connection, and reads where there is no other."""

    def __init__(
        self,
        raw: sqlite3.Connection,
        statements: Statements,
        clock: Callable[[], int],
        always_durable: bool,
    ) -> None:
        super().__init__(raw, statements, clock)
        self._always_durable = always_durable
        self._durable: bool | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        """Make the statement that runs fail, or at the latest the commit."""
        self._interrupted = True
        super().interrupt()

    def write(self, operations: Sequence[Mutation], durable: bool) -> list[Outcome]:
        """Do a batch in one transaction; `durable`: it is on the disk itself on return."""
        self._interrupted = False
        self._make_durable(durable)
        if _are_blind_puts(operations):
            return self._put_all(cast("Sequence[Write]", operations))
        if len(operations) == 1 and self._swap(operations[0]):
            return [True]
        # Immediate, because a transaction that has read is failed without any waiting when it comes
        # to write and another process has written meanwhile.
        self.raw.execute("BEGIN IMMEDIATE")
        try:
            outcomes = self._apply(operations)
            self._check_interrupt()
            self.raw.execute("COMMIT")
        except BaseException:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")
            raise
        return outcomes

    def sweep(self, limit: int) -> int:
        """Delete some expired records and return how many; none while another process writes."""
        self._make_durable(False)
        (patience,) = self.raw.execute("PRAGMA busy_timeout").fetchone()
        self.raw.execute("PRAGMA busy_timeout = 0")
        try:
            given = {"now": self._clock(), "limit": limit}
            return self.raw.execute(self._statements.sweep, given).rowcount
        except sqlite3.OperationalError as error:
            if is_locked(error):
                return 0
            raise
        finally:
            self.raw.execute(f"PRAGMA busy_timeout = {patience:d}")

    def _make_durable(self, durable: bool) -> None:
        durable = durable or self._always_durable
        if durable is not self._durable:
            self.raw.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def _check_interrupt(self) -> None:
        # SQLite hears no interrupt while it waits for a lock, nor between two statements. A batch
        # that nobody waits for any more must not turn up seconds later.
        if self._interrupted:
            raise sqlite3.OperationalError("interrupted")

    # A transaction of one statement needs no BEGIN and COMMIT, which cost as much again. Not with a
    # time to live: that counts from when the lock is there.

    def _put_all(self, operations: Sequence[Write]) -> list[Outcome]:
        now = self._clock()
        self._check_interrupt()
        self._put([(put.key, put.etag, 0, bindable(put.value)) for put in operations], now)
        return [True] * len(operations)

    def _swap(self, write: Mutation) -> bool:
        if type(write) is not Write or write.ttl is not None or not write.expected:
            return False
        if write.etag == write.expected:
            return False
        self._check_interrupt()
        given = (write.etag, bindable(write.value), write.key, write.expected)
        return self.raw.execute(self._statements.swap, given).rowcount == 1

    def _apply(self, operations: Sequence[Mutation]) -> list[Outcome]:
        now = self._clock()
        decisive = _decisive(operations)
        held = self._find(decisive, now) if decisive else {}
        changes: dict[str, Record | None] = {}
        outcomes: list[Outcome] = []
        for operation in operations:
            if type(operation) is Transaction:
                changed, outcome = contract.apply_transaction(held.get, operation, now)
                held |= changed
                changes |= changed
            else:
                before = held.get(operation.key)
                after, outcome = contract.apply(before, operation, now)
                if after is not before:
                    held[operation.key] = changes[operation.key] = after
            outcomes.append(outcome)
        self._put_down(changes, decisive, now)
        return outcomes

    def _find(self, keys: Collection[str], now: int) -> dict[str, Record | None]:
        if len(keys) == 1:
            found = self.raw.execute(self._statements.find_one, tuple(keys))
        else:
            found = self.raw.execute(self._statements.find, (as_json(keys),))
        return {
            key: Record(_UNREAD, etag, expires_at)
            for key, etag, expires_at in found.fetchall()
            if not contract.is_expired(expires_at, now)
        }

    def _put_down(
        self, changes: dict[str, Record | None], decisive: dict[str, None], now: int
    ) -> None:
        blind: list[_Row] = []
        decided: list[_Row] = []
        touched: list[tuple[int | None, str]] = []
        removed: list[tuple[str]] = []
        for key, record in changes.items():
            if record is None:
                removed.append((key,))
            elif record.value is _UNREAD:
                touched.append((record.expires_at, key))
            else:
                put = decided if key in decisive else blind
                expires_at = record.expires_at or 0
                put.append((key, record.etag, expires_at, bindable(record.value)))
        self._put(blind, now)
        self._put(decided, _END_OF_TIME)
        self._run(self._statements.touch, touched)
        self._run(self._statements.remove, removed)

    def _put(self, rows: Sequence[_Row], by: int) -> None:
        for begin in range(0, len(rows), MOST_ROWS):
            block = rows[begin : begin + MOST_ROWS]
            statement, size = self._statements.put(len(block))
            filling = (0,) * (_COLUMNS * (size - len(block)))
            given = (*chain.from_iterable(block), *filling, len(block), by)
            self.raw.execute(statement, given)

    def _run(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            self.raw.executemany(statement, rows)


def _decisive(operations: Iterable[Mutation]) -> dict[str, None]:
    """Return, in order, the keys for which it matters what is there: all not written blindly."""
    decisive: dict[str, None] = {}
    blind: set[str] = set()
    for operation in operations:
        if type(operation) is Transaction:
            decisive |= dict.fromkeys(part.key for part in operation.operations)
        elif operation.key not in blind and _is_blind(operation):
            blind.add(operation.key)
        else:
            decisive[operation.key] = None
    return decisive


def bindable(value: bytes) -> bytes | bytearray:
    """Return a value as the parameter that costs least.

    For each that is bytes, sqlite3 looks for an adapter. To copy a short one takes less.
    """
    return bytearray(value) if len(value) < _LONG else value


def _are_blind_puts(operations: Sequence[Mutation]) -> bool:
    """Tell whether a batch only puts records down that never expire, no matter what is there."""
    return len(operations) <= MOST_ROWS and all(
        type(operation) is Write and operation.expected is ANYTHING and operation.ttl is None
        for operation in operations
    )


def _is_blind(operation: Write | Remove | Touch) -> bool:
    return (
        isinstance(operation, Write)
        and operation.expected is ANYTHING
        and operation.ttl is not KEEP
    )

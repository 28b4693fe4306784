"""What runs in the thread of a connection that reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence

import msgspec

from etagere import contract
from etagere.operations import Read, Record
from etagere_sqlite.statements import Statements


class Reader:
    """Reads through one connection, whole batches at a time. Expired records are left out."""

    def __init__(
        self, raw: sqlite3.Connection, statements: Statements, clock: Callable[[], int]
    ) -> None:
        self.raw = raw
        self._statements = statements
        self._clock = clock

    def interrupt(self) -> None:
        """Make the statement that runs fail. Called from another thread."""
        self.raw.interrupt()

    def read(self, operations: Sequence[Read]) -> list[Record | None]:
        """Fetch a batch, all as of one moment."""
        if len(operations) == 1:
            return [self._read_one(operations[0].key)]
        wanted = as_json({operation.key for operation in operations})
        rows = self.raw.execute(self._statements.read, (wanted,)).fetchall()
        now = self._clock()
        found = {
            key: Record(value, etag, expires_at)
            for key, value, etag, expires_at in rows
            if not contract.is_expired(expires_at, now)
        }
        return [found.get(operation.key) for operation in operations]

    def _read_one(self, key: str) -> Record | None:
        row = self.raw.execute(self._statements.read_one, (key,)).fetchone()
        if row is None or contract.is_expired(row[2], self._clock()):
            return None
        return Record(*row)

    def page(self, prefix: str, after: str, limit: int) -> list[str]:
        """Fetch the next keys of a scan."""
        # Nothing sorts between a text and the same text with a NUL behind it.
        start = max(prefix, f"{after}\0") if after else prefix
        given = {"prefix": prefix, "start": start, "now": self._clock(), "limit": limit}
        return [key for (key,) in self.raw.execute(self._statements.page, given)]

    def ping(self) -> None:
        """Touch the file."""
        self.raw.execute(self._statements.schema).fetchone()


def as_json(keys: Iterable[str]) -> str:
    """Return keys as the one parameter that `read.sql` and `find.sql` take."""
    return msgspec.json.encode(list(keys)).decode()

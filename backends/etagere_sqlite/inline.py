"""Reading on the event loop itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from etagere import contract
from etagere.operations import Record
from etagere_sqlite.statements import Statements

LONGEST: Final = 16_384
"""Bytes of the longest value that is read here."""
_SLOW_SECONDS: Final = 0.000_5
_REST: Final = 100


class InlineReader:
    """Reads single short values without a thread, as long as that goes fast.

    The way to a thread and back takes more of the loop's own time than to read a value whose pages
    are in memory. A page that is not holds the loop up for as long as its disk takes. So after two
    slow reads in a row threads have the next ones, for a hundred times as long as the last one
    took. A single one is forgiven: most often another process had the processor meanwhile.
    """

    def __init__(
        self, raw: sqlite3.Connection, statements: Statements, clock: Callable[[], int]
    ) -> None:
        self.raw = raw
        self._statement = statements.read_inline
        self._clock = clock
        self._last_was_slow = False
        self._resting_until = 0.0

    def read(self, key: str) -> list[Record | None] | None:
        """Return the outcome of reading one key; None if that is for a thread to find out."""
        begin = time.perf_counter()
        if begin < self._resting_until:
            return None
        try:
            row = self.raw.execute(self._statement, (key, LONGEST)).fetchone()
        except sqlite3.Error:
            return None  # locked, perhaps: a thread waits for it, or meets the error again
        now = self._clock()
        self._learn(begin)
        if row is None:
            return [None]
        value, etag, expires_at = row
        if contract.is_expired(expires_at, now):
            return [None]
        return None if value is None else [Record(value, etag, expires_at)]

    def _learn(self, begin: float) -> None:
        took = time.perf_counter() - begin
        slow = took > _SLOW_SECONDS
        if slow and self._last_was_slow:
            self._resting_until = begin + took * _REST
        self._last_was_slow = slow

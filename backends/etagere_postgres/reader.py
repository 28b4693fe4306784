"""Carries reads to the primary, or to a standby where any server will do."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from etagere.errors import EtagereError, Interrupted
from etagere.operations import Consistency, Outcome, Record
from etagere_postgres.failures import translated
from etagere_postgres.lanes import Lane
from etagere_postgres.packing import texts
from etagere_postgres.statements import Statements


class Reader:
    """Reads from a standby as long as one answers, and from the primary otherwise."""

    def __init__(self, primary: Lane, standby: Lane | None, statements: Statements) -> None:
        self._primary = primary
        self._standby = standby
        self._statements = statements
        self._standby_rests = False

    async def read(self, keys: Sequence[str], consistency: Consistency) -> Sequence[Outcome]:
        """Return the record under each key, or None."""
        rows = await self._fetch(consistency, self._statements.read, texts(keys))
        found = {row[0]: Record(row[1], row[2], row[3]) for row in rows}
        return [found.get(key) for key in keys]

    async def page(
        self, prefix: str, after: str, size: int, consistency: Consistency
    ) -> Sequence[str]:
        """Return so many of the keys that start with a prefix and sort after another."""
        bounds = after, prefix, end_of(prefix)
        rows = await self._fetch(consistency, self._statements.page, *bounds, size)
        return [row[0] for row in rows]

    async def wake_standby(self) -> None:
        """Try again to reach a standby, if none answered before."""
        if self._standby_rests and self._standby is not None:
            async with self._standby.connection():
                self._standby_rests = False

    async def _fetch(
        self, consistency: Consistency, statement: str, *arguments: object
    ) -> list[asyncpg.Record]:
        standby = self._standby
        if consistency is Consistency.STRONG or standby is None:
            return await fetch(self._primary, statement, *arguments)
        # Whatever is wrong with one (down, restarting, without the table yet), the other may know.
        rests = self._standby_rests
        failed: dict[Lane, EtagereError] = {}
        for lane in (self._primary, standby) if rests else (standby, self._primary):
            try:
                rows = await fetch(lane, statement, *arguments)
            except EtagereError as error:
                failed[lane] = error
            else:
                self._standby_rests = lane is not standby
                return rows
        raise failed[self._primary]


async def fetch(lane: Lane, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Run one statement that only reads."""
    async with lane.connection() as connection:
        with translated(lost=Interrupted):
            return await connection.fetch(statement, *arguments)


def end_of(prefix: str) -> str:
    """Return a text that sorts right behind everything that starts with a prefix.

    In UTF-8 byte order, which is that of the code points.
    """
    while prefix:
        head, last = prefix[:-1], ord(prefix[-1])
        if last < LAST:
            return head + chr(0xE000 if last == 0xD7FF else last + 1)
        prefix = head
    return BEHIND_ALL


LAST = 0x10FFFF
# No key is that long.
BEHIND_ALL = chr(LAST) * 300

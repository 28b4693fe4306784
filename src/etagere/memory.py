"""The reference backend: `contract.apply` over a dict.

It forgets everything when it is closed. Use it in tests, and as the yardstick for other backends.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self

from etagere import contract
from etagere.backend import Batching, Capabilities, Clock, Reach, TransactionScope
from etagere.operations import Consistency, Operation, Outcome, Record, Transaction
from etagere.urls import Options

SWEEP_SECONDS = 10.0
PAGE = 1000


def wall_clock() -> int:
    """Return the time in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class MemoryBackend:
    """Records in a dict. Each call is atomic because it never waits; nothing is shared or saved."""

    capabilities = Capabilities(
        reach=Reach.PRIMARY,
        transactions=TransactionScope.FULL,
        clock=Clock.CLIENT,
        listing=True,
        durable=False,
        event_loops=frozenset({"asyncio", "trio"}),
    )
    batching: Batching | None = None

    def __init__(self, *, clock: Callable[[], int] = wall_clock) -> None:
        self._clock = clock
        self._records: dict[str, Record] = {}

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a backend for `memory://`; it takes no settings."""
        Options(url).done()
        return cls()

    async def open(self) -> None:
        """Do nothing: a dict is ready."""

    async def close(self) -> None:
        """Forget everything."""
        self._records.clear()

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Apply each operation to the dict, at once: no other task runs in between."""
        now = self._clock()
        return [self._apply(operation, now) for operation in operations]

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield the keys that are there when the scan starts."""
        now = self._clock()
        # Code points sort as their UTF-8 bytes do.
        keys = sorted(
            key
            for key, record in self._records.items()
            if key.startswith(prefix)
            and key > after
            and not contract.is_expired(record.expires_at, now)
        )[:limit]
        for start in range(0, len(keys), PAGE):
            yield keys[start : start + PAGE]

    async def ping(self) -> None:
        """Return: a dict always answers."""

    async def maintain(self) -> float:
        """Drop the records that have expired."""
        now = self._clock()
        gone = [k for k, r in self._records.items() if contract.is_expired(r.expires_at, now)]
        for key in gone:
            del self._records[key]
        return SWEEP_SECONDS

    def _apply(self, operation: Operation, now: int) -> Outcome:
        if isinstance(operation, Transaction):
            changes, outcome = contract.apply_transaction(self._records.get, operation, now)
            for key, record in changes.items():
                self._put(key, record)
            return outcome
        before = self._records.get(operation.key)
        after, outcome = contract.apply(before, operation, now)
        if after is not before:
            self._put(operation.key, after)
        return outcome

    def _put(self, key: str, record: Record | None) -> None:
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = record

"""`Sound`: a backend that keeps the contract, cut into the steps that the broken ones get wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeAlias

import anyio

from etagere import contract
from etagere.backend import Batching, Capabilities, Clock, Reach, TransactionScope
from etagere.conformance.broken.server import Server
from etagere.conformance.hooks import Hooks
from etagere.memory import wall_clock
from etagere.operations import (
    Conflict,
    Consistency,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)

Single: TypeAlias = Read | Write | Remove | Touch

PAGE = 20
PAUSE = 0.002  # seconds


class Sound:
    """A backend for a `Server`, right in every respect; each broken one overrides one step."""

    capabilities = Capabilities(
        reach=Reach.PRIMARY,
        transactions=TransactionScope.FULL,
        clock=Clock.SERVER,
        listing=True,
        event_loops=frozenset({"asyncio", "trio"}),
    )
    batching: Batching | None = None

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def hooks(self) -> Hooks:
        """What the kit can do to the server."""
        return self.server.hooks

    # --- what a backend is --------------------------------------------------------------------

    async def open(self) -> None:
        """Do nothing: the server is there."""

    async def close(self) -> None:
        """Do nothing: the server goes on without us."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do the operations one after the other; no others come in between."""
        return await self._batch(operations, consistency)

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield the keys that are there when the scan starts, in small pages."""
        keys = self._listed(prefix, after)[:limit]
        for start in range(0, len(keys), PAGE):
            yield keys[start : start + PAGE]

    async def ping(self) -> None:
        """Return: the server is always there."""

    async def maintain(self) -> None:
        """Do nothing: expired records are in nobody's way."""

    # --- the steps ----------------------------------------------------------------------------

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        return [await self._perform(operation) for operation in operations]

    async def _perform(self, operation: Operation) -> Outcome:
        if isinstance(operation, Transaction):
            return self._transact(operation)
        return self._apply(operation)

    def _apply(self, operation: Single) -> Outcome:
        """Do one operation on one key, inside a transaction or out."""
        before = self.server.records.get(operation.key)
        after, outcome = contract.apply(before, operation, self._now())
        # A read leaves an expired record where it is: some of the broken trip over it.
        if not isinstance(operation, Read):
            self._put(operation.key, after)
        return outcome

    def _transact(self, transaction: Transaction) -> Outcome:
        before = {part.key: self._find(part.key) for part in transaction.operations}
        outcomes: list[bool] = []
        for index, part in enumerate(transaction.operations):
            outcome = self._apply(part)
            if not isinstance(outcome, bool):
                self._undo(before)
                return Conflict(outcome.actual, index) if type(outcome) is Conflict else outcome
            outcomes.append(outcome)
        return tuple(outcomes)

    def _undo(self, before: Mapping[str, Record | None]) -> None:
        for key, record in before.items():
            self._put(key, record)

    def _find(self, key: str) -> Record | None:
        """Return the record under a key, unless it has expired."""
        record = self.server.records.get(key)
        if record is None or contract.is_expired(record.expires_at, self._now()):
            return None
        return record

    def _put(self, key: str, record: Record | None) -> None:
        self.server.put(key, record)

    def _now(self) -> int:
        """Return the time by which records expire."""
        return wall_clock()

    def _listed(self, prefix: str, after: str) -> list[str]:
        """Return the keys of a listing, in order."""
        # Code points sort as their UTF-8 bytes do.
        return sorted(key for key in self._matching(prefix) if key > after)

    def _matching(self, prefix: str) -> list[str]:
        return [key for key in self.server.records if key.startswith(prefix) and self._find(key)]


async def pause() -> None:
    """Let everybody who called at the same time take this step before anybody takes the next."""
    await anyio.sleep(PAUSE)

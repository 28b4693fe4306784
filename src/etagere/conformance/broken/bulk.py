"""Backends that get something wrong about several operations in one call."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.conformance.broken.sound import Sound
from etagere.errors import StoreFailed
from etagere.operations import Conflict, Consistency, Operation, Outcome, Read, Transaction


class BulkOutOfOrder(Sound):
    """Answers in the order of the keys, not in that of the requests."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        outcomes = await super()._batch(operations, consistency)
        order = sorted(range(len(operations)), key=lambda place: key_of(operations[place]))
        return [outcomes[place] for place in order]


class BulkStopsAtConflict(Sound):
    """Leaves out everything that comes after the first conflict."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for operation in operations:
            if any(isinstance(outcome, Conflict) for outcome in outcomes):
                outcomes.append(StoreFailed("an earlier item failed"))
            else:
                outcomes.append(await self._perform(operation))
        return outcomes


class BulkCollapsesDuplicates(Sound):
    """Does only the last of several operations on one key, and answers all of them with it."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        last = {key_of(operation): operation for operation in operations}
        outcomes = await super()._batch(list(last.values()), consistency)
        by_key = dict(zip(last, outcomes, strict=True))
        return [by_key[key_of(operation)] for operation in operations]


class BulkReordersDuplicates(Sound):
    """Does several operations on one key in the opposite order."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        return (await super()._batch(operations[::-1], consistency))[::-1]


class BulkAllOrNothing(Sound):
    """Writes nothing of a bulk call in which one item conflicts, and says otherwise."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        before = {key: self._find(key) for key in map(key_of, operations)}
        outcomes = await super()._batch(operations, consistency)
        if any(isinstance(outcome, Conflict) for outcome in outcomes):
            self._undo(before)
        return outcomes


class BulkReadIsCut(Sound):
    """Finds nothing behind the hundredth key of a bulk read."""

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        outcomes = await super()._batch(operations, consistency)
        if isinstance(operations[0], Read):
            return [*outcomes[:100], *[None] * len(outcomes[100:])]
        return outcomes


def key_of(operation: Operation) -> str:
    """Return the key of an operation; of a transaction, its first."""
    part = operation.operations[0] if isinstance(operation, Transaction) else operation
    return part.key

"""Backends whose transactions are not what they claim to be."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from etagere import contract
from etagere.conformance.broken.sound import Sound, pause
from etagere.operations import Conflict, Operation, Outcome, Record, Remove, Transaction


class NoRollback(Sound):
    """A conflict stops a transaction; what came before it stays."""

    def _undo(self, before: Mapping[str, Record | None]) -> None:
        """Put nothing back."""


class ConflictSkipsOne(Sound):
    """A conflict leaves out one operation of a transaction; the others take effect."""

    def _transact(self, transaction: Transaction) -> Outcome:
        outcomes = [self._apply(part) for part in transaction.operations]
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Conflict):
                return Conflict(outcome.actual, index)
        return tuple(outcome is True for outcome in outcomes)


class HalfApplied(Sound):
    """Does the operations of a transaction one by one; others see, and interrupt, the half."""

    async def _perform(self, operation: Operation) -> Outcome:
        if not isinstance(operation, Transaction):
            return await super()._perform(operation)
        changes, outcome = contract.apply_transaction(self._find, operation, self._now())
        for key, record in changes.items():
            self._put(key, record)
            await pause()
        return outcome


class DeletesLast(Sound):
    """A transaction does its sets first and its deletes last."""

    def _transact(self, transaction: Transaction) -> Outcome:
        parts = transaction.operations
        order = sorted(range(len(parts)), key=lambda place: isinstance(parts[place], Remove))
        outcome = super()._transact(Transaction(tuple(parts[place] for place in order)))
        if isinstance(outcome, Conflict):
            return replace(outcome, index=order[outcome.index])
        if not isinstance(outcome, tuple):
            return outcome
        in_order = sorted(zip(order, outcome, strict=True))
        return tuple(done for _, done in in_order)

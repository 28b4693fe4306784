"""Layers that draw the wrong conclusion when the database behind them does not answer."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.backend import Backend
from etagere.errors import EtagereError, Interrupted, Unavailable
from etagere.layers.base import Layer
from etagere.operations import Conflict, Consistency, Operation, Outcome, Remove, Write


class ErrorsAreConflicts(Layer):
    """Calls every error of a write or a delete with an etag a mismatch."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch; make conflicts of what goes wrong."""
        try:
            outcomes = await super().execute(operations, consistency)
        except EtagereError as error:
            outcomes = [error] * len(operations)
        return list(map(self._told, operations, outcomes))

    def _told(self, operation: Operation, outcome: Outcome) -> Outcome:
        conditional = isinstance(operation, Write | Remove) and operation.expected
        return Conflict(None) if conditional and isinstance(outcome, EtagereError) else outcome


class LostReplyIsNotApplied(Layer):
    """Says that nothing was written when a batch was sent and not answered."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch; play down what is not known."""
        try:
            return await super().execute(operations, consistency)
        except Interrupted as error:
            raise Unavailable(str(error)) from error


class RetriesBlindly(Layer):
    """Sends a batch again that was sent and not answered, whatever is in it."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch, and do it again."""
        try:
            return await super().execute(operations, consistency)
        except Interrupted:
            return await super().execute(operations, consistency)


class NeverReconnects(Layer):
    """Stays down for good once the connection broke."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self._broken: EtagereError | None = None

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch, as long as it always answered."""
        if self._broken:
            raise Unavailable(f"the connection is broken: {self._broken}")
        try:
            return await super().execute(operations, consistency)
        except (Interrupted, Unavailable) as error:
            self._broken = error
            raise

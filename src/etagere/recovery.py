"""What becomes of operations whose batch failed on the way.

One logical write must never take effect twice, and must never be reported as a conflict with
itself. So after a batch that was sent and not answered, only this is done:

- a read is sent again;
- a write or a touch that expects an etag is sent again: that etag can never come back, so it takes
  effect once at most, and if it did already, its own etag is in place and the backend says so;
- any other write is looked for: its own etag under its key means that it took effect. It is not
  sent again, because the first sending could have been applied and then overwritten by somebody;
- a delete leaves no etag behind to be recognised by, and stays unknown.

What was surely not applied (`Unavailable`) is simply sent again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import anyio

from etagere.backend import Backend
from etagere.errors import EtagereError, Interrupted, NotSupported, StoreFailed, Unavailable
from etagere.operations import (
    ABSENT,
    ANYTHING,
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

PAUSES = (0.0, 0.02, 0.1)
"""Seconds before each further attempt, each drawn from half to all of it."""


class Courier:
    """Takes batches of one consistency level to a backend and always brings outcomes back."""

    def __init__(self, backend: Backend, consistency: Consistency) -> None:
        self._backend = backend
        self._consistency = consistency

    async def fly(self, operations: Sequence[Operation], outcomes: list[Outcome]) -> None:
        """Write down an outcome for each operation; raise only when cancelled."""
        outcomes[:] = await self._attempt(operations, self._consistency)
        for pause in PAUSES:
            if not any(isinstance(outcome, Unavailable | Interrupted) for outcome in outcomes):
                break
            await anyio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            await self._look_for(operations, outcomes)
            await self._send_again(operations, outcomes)

    async def _send_again(self, operations: Sequence[Operation], outcomes: list[Outcome]) -> None:
        again = {
            position: outcome
            for position, outcome in enumerate(outcomes)
            if isinstance(outcome, Unavailable)
            or (isinstance(outcome, Interrupted) and may_be_sent_twice(operations[position]))
        }
        if not again:
            return
        for position in again:
            outcomes[position] = Interrupted("the store did not answer in time")
        batch = [operations[position] for position in again]
        fresh = await self._attempt(batch, self._consistency)
        for (position, before), after in zip(again.items(), fresh, strict=True):
            outcomes[position] = merge(operations[position], before, after)

    async def _look_for(self, operations: Sequence[Operation], outcomes: list[Outcome]) -> None:
        sought = {
            position: trace
            for position, outcome in enumerate(outcomes)
            if isinstance(outcome, Interrupted)
            and not may_be_sent_twice(operations[position])
            and (trace := trace_of(operations[position]))
        }
        if not sought:
            return
        reads = [Read(trace.key) for trace in sought.values()]
        found = await self._attempt(reads, self._backend.capabilities.freshest)
        for (position, trace), record in zip(sought.items(), found, strict=True):
            if isinstance(record, Record) and record.etag == trace.etag:
                outcomes[position] = outcome_when_applied(operations[position])

    async def _attempt(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        try:
            outcomes = await self._backend.execute(operations, consistency)
        except (Unavailable, Interrupted, StoreFailed, NotSupported) as error:
            return [error] * len(operations)
        except Exception as error:  # noqa: BLE001
            # A fault of the backend's: nobody knows how far it came.
            fault = Interrupted(f"{type(self._backend).__name__} failed: {error!r}")
            fault.__cause__ = error
            return [fault] * len(operations)
        if len(outcomes) != len(operations):
            fault = Interrupted(
                f"{type(self._backend).__name__} gave {len(outcomes)} outcomes"
                f" for {len(operations)} operations"
            )
            return [fault] * len(operations)
        return outcomes


def may_be_sent_twice(operation: Operation) -> bool:
    """Tell whether sending an operation again cannot make it take effect twice."""
    if isinstance(operation, Write | Touch):
        return operation.expected not in (ANYTHING, ABSENT)
    return isinstance(operation, Read)


def merge(operation: Operation, before: Outcome, after: Outcome) -> Outcome:
    """Return the outcome of an operation that was sent twice.

    When the first sending of a write was not answered, a conflict or a failure of the second says
    nothing about the first: it may have been applied, and overwritten since.
    """
    unanswered = isinstance(before, Interrupted) and not isinstance(operation, Read)
    return before if unanswered and isinstance(after, Conflict | EtagereError) else after


def trace_of(operation: Operation) -> Write | None:
    """Return a write whose etag stays in the store if `operation` was applied."""
    if isinstance(operation, Write):
        return operation
    if not isinstance(operation, Transaction):
        return None
    last = {part.key: part for part in operation.operations}
    return next((part for part in last.values() if isinstance(part, Write)), None)


def outcome_when_applied(operation: Operation) -> Outcome:
    """Return what a caller is told of a write that was found to be in place."""
    if not isinstance(operation, Transaction):
        return True
    for part in operation.operations:
        if isinstance(part, Remove) and part.expected is ANYTHING:
            return Interrupted("the transaction was applied; what its deletes found is not known")
    return (True,) * len(operation.operations)

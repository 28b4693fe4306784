"""What becomes of operations whose batch failed on the way.

One logical write must never take effect twice, and must never be reported as a conflict with
itself. So after a batch that was sent and not answered, only this is done:

- a read is sent again;
- a write that expects an etag is sent again: that etag can never come back, so it takes effect
  once at most, and if it did already, its own etag is in place and the backend says so;
- any other write is looked for: its own etag under its key means that it took effect. It is not
  sent again, because the first sending could have been applied and then overwritten by somebody;
- a delete or a touch leaves no etag behind to be recognised by, and stays unknown;
- where the server chooses the etags, so does every write: it is neither known by its own etag, nor
  is it sure that the expected one cannot come back.

What was surely not applied (`Unavailable`) is simply sent again, unless a later operation on its
key has been done: the order on a key stays.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import repeat

import anyio
from msgspec.structs import replace

from etagere.backend import Backend, ETagOrigin
from etagere.culprits import name_of, told
from etagere.errors import (
    EtagereError,
    Interrupted,
    NotReplicated,
    Unavailable,
)
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
    Stored,
    Transaction,
    Write,
)
from etagere.settling import keys_of
from etagere.waiting import is_being_cancelled

PAUSES = (0.0, 0.02, 0.1)
"""Seconds before each further attempt, each drawn from half to all of it."""
ANSWERS = frozenset({Record, bool, type(None), Conflict, Stored, tuple})
"""The types of outcomes that are not errors."""


class Courier:
    """Takes batches of one consistency level to a backend and always brings outcomes back."""

    def __init__(self, backend: Backend, consistency: Consistency) -> None:
        self._backend = backend
        self._consistency = consistency

    async def fly(self, operations: Sequence[Operation], outcomes: list[Outcome]) -> None:
        """Write down an outcome for each operation; raise only when cancelled."""
        outcomes[:] = await self._attempt(operations)
        if ANSWERS.issuperset(map(type, outcomes)):
            return  # nothing to mend, told quickly: this is the hot path
        origin = self._backend.capabilities.etags
        for pause in PAUSES:
            if not any(map(is_worth_a_try, operations, outcomes, repeat(origin))):
                break
            await anyio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            if origin is ETagOrigin.WRITER:
                await self._look_for(operations, outcomes)
            await self._send_again(operations, outcomes, origin)

    async def _send_again(
        self, operations: Sequence[Operation], outcomes: list[Outcome], origin: ETagOrigin
    ) -> None:
        positions = to_send_again(operations, outcomes, origin)
        again = {position: outcomes[position] for position in positions}
        if not again:
            return
        for position in again:
            outcomes[position] = Interrupted("the store did not answer in time")
        fresh = await self._attempt([operations[position] for position in again])
        for (position, before), after in zip(again.items(), fresh, strict=True):
            outcomes[position] = merge(operations[position], before, after)

    async def _look_for(self, operations: Sequence[Operation], outcomes: list[Outcome]) -> None:
        sought = {
            position: trace
            for position, outcome in enumerate(outcomes)
            if isinstance(outcome, Interrupted)
            and not may_be_sent_twice(operations[position], ETagOrigin.WRITER)
            and (trace := trace_of(operations[position]))
        }
        if not sought:
            return
        # By a write that expects itself, not by a read: it changes nothing, and where it succeeds
        # it gives the guarantee of its consistency level, which the lost answer was to bring.
        probes = [replace(trace, expected=trace.etag) for trace in sought.values()]
        for position, found in zip(sought, await self._attempt(probes), strict=True):
            if found is True:
                outcomes[position] = outcome_when_applied(operations[position])
            elif isinstance(found, NotReplicated):
                outcomes[position] = found

    async def _attempt(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        try:
            outcomes = await self._backend.execute(operations, self._consistency)
        except EtagereError as error:
            return [error] * len(operations)
        except (Exception, asyncio.CancelledError) as error:
            # A cancelled future of the driver's, say, which must not end our task.
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            # A fault of the backend's: nobody knows how far it came.
            return [interrupted(told(self._backend, error), error)] * len(operations)
        if len(outcomes) != len(operations):
            name, count = name_of(self._backend), len(outcomes)
            what = f"{name} gave {count} outcomes for {len(operations)} operations"
            return [Interrupted(what)] * len(operations)
        return outcomes


def is_worth_a_try(operation: Operation, outcome: Outcome, origin: ETagOrigin) -> bool:
    """Tell whether sending an operation again, or looking for it, could bring a better outcome."""
    if isinstance(outcome, Interrupted):
        is_known_by_its_etag = origin is ETagOrigin.WRITER and trace_of(operation) is not None
        return is_known_by_its_etag or may_be_sent_twice(operation, origin)
    return isinstance(outcome, Unavailable)


def to_send_again(
    operations: Sequence[Operation], outcomes: Sequence[Outcome], origin: ETagOrigin
) -> list[int]:
    """Return the positions of what to send again, in order.

    What was not sent must not be sent behind a later operation on its key that may be done.
    """
    again: list[int] = []
    passed: set[str] = set()
    for position in reversed(range(len(operations))):
        operation, outcome = operations[position], outcomes[position]
        keys = keys_of(operation)
        if isinstance(outcome, Unavailable) and passed.isdisjoint(keys):
            again.append(position)
            continue
        if isinstance(outcome, Interrupted) and may_be_sent_twice(operation, origin):
            again.append(position)
        if not isinstance(operation, Read):
            passed.update(keys)
    return again[::-1]


def may_be_sent_twice(operation: Operation, origin: ETagOrigin) -> bool:
    """Tell whether sending an operation again cannot make it take effect twice."""
    if isinstance(operation, Write):
        return origin is ETagOrigin.WRITER and operation.expected not in (ANYTHING, ABSENT)
    return isinstance(operation, Read)


def merge(operation: Operation, before: Outcome, after: Outcome) -> Outcome:
    """Return the outcome of an operation that was sent twice.

    When the first sending of a write was not answered, a conflict or a failure of the second says
    nothing about the first: it may have been applied, and overwritten since.
    """
    if isinstance(operation, Read) or not isinstance(before, Interrupted):
        return after
    is_in_place = not isinstance(after, Conflict | EtagereError) or isinstance(after, NotReplicated)
    return after if is_in_place else before


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


def interrupted(message: str, cause: BaseException) -> Interrupted:
    """Return an `Interrupted` with a cause."""
    error = Interrupted(message)
    error.__cause__ = cause
    return error

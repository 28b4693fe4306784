"""Backends that do not stand being cancelled."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import anyio
from msgspec.structs import replace

from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Sound, pause
from etagere.errors import StoreFailed
from etagere.operations import Consistency, Operation, Outcome, Read, Write

ANSWER_SECONDS = 3.5
"""A little more than the kit allows a call that was cancelled."""
POOL_SECONDS = 0.2


class CancellationSwallowed(Sound):
    """Goes on waiting for the answer to a write when the call is cancelled."""

    async def _perform(self, operation: Operation) -> Outcome:
        outcome = await super()._perform(operation)
        if not isinstance(operation, Write):
            return outcome
        try:
            await pause()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.sleep(ANSWER_SECONDS)
        return outcome


class CancelledWriteHalfDone(Sound):
    """A write that is cancelled leaves its value behind with the etag of the one before."""

    async def _perform(self, operation: Operation) -> Outcome:
        if not isinstance(operation, Write):
            return await super()._perform(operation)
        before = self._find(operation.key)
        outcome = await super()._perform(operation)
        try:
            await pause()
        except BaseException:
            if before and outcome is True:
                self._put(operation.key, replace(before, value=operation.value))
            raise
        return outcome


class RepliesMixedUp(Sound):
    """Leaves the answer to a cancelled read on the connection, where the next read finds it."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._unread: deque[Outcome] = deque()

    async def _perform(self, operation: Operation) -> Outcome:
        outcome = await super()._perform(operation)
        if not isinstance(operation, Read):
            return outcome
        try:
            await pause()
        except BaseException:
            self._unread.append(outcome)
            raise
        self._unread.append(outcome)
        return self._unread.popleft()


class ConnectionsLeak(Sound):
    """Takes a connection for each call from a pool of two, to which a cancelled one is lost."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._free = anyio.Semaphore(2)

    async def _batch(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        await self._take_connection()
        await pause()
        outcomes = await super()._batch(operations, consistency)
        self._free.release()
        return outcomes

    async def _take_connection(self) -> None:
        try:
            with anyio.fail_after(POOL_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreFailed("no connection is free") from error

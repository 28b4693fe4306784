"""What stands between a `Store` and its `Backend`: lanes, flights, deadlines, and their life."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Generator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Final

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from etagere.backend import Backend
from etagere.batching import NOT_TAKEN, UNANSWERED, Call, Lane, withdrawing
from etagere.deadlines import Watch
from etagere.errors import (
    Closed,
    EtagereError,
    Interrupted,
    InvalidArgument,
    NotSupported,
    Unavailable,
)
from etagere.operations import Consistency, Operation, Outcome, Read
from etagere.recovery import Courier
from etagere.waiting import Loop

log = logging.getLogger("etagere")

CLOSING_SECONDS = 10.0
MAINTENANCE_RETRY_SECONDS = 30.0
# Looked up once: until Python 3.12 that is a call, and so is the hash of a level.
STRONG: Final = Consistency.STRONG


class Engine:
    """Carries operations to one backend and outcomes back."""

    def __init__(self, backend: Backend, timeout: float) -> None:
        self.backend = backend
        self.timeout = timeout
        self._couriers = {level: Courier(backend, level) for level in Consistency}
        self._lanes: dict[tuple[bool, bool], Lane] = {}  # for reads or not, strong or not
        self._loop: Loop
        self._watch: Watch
        self._upkeep: anyio.CancelScope
        self._background: TaskGroup
        self._flights: TaskGroup | None = None
        self._opened = False

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the backend and start its flights. A database that is down does not stop this."""
        if self._opened:
            raise Closed("a store opens only once; open another one")
        self._loop = Loop()
        name, loops = type(self.backend).__name__, self.backend.capabilities.event_loops
        if self._loop.name not in loops:
            raise NotSupported(f"{name} runs on {', '.join(sorted(loops))}, not {self._loop.name}")
        self._opened = True
        try:
            await self._open_backend(name)
        except BaseException:
            await self._close_backend()
            raise
        self._watch = Watch(self._loop)
        self._upkeep = anyio.CancelScope()
        self._background = await anyio.create_task_group().__aenter__()
        self._background.start_soon(self._watch.run)
        self._background.start_soon(self._maintain)
        self._flights = await anyio.create_task_group().__aenter__()
        self._start_lanes(self._flights)

    async def stop(self) -> None:
        """Answer what was asked, then close the backend. Ends within bounds, cancelled or not."""
        flights, self._flights = self._flights, None
        if flights is None:
            return
        self._upkeep.cancel()
        for lane in self._lanes.values():
            lane.close()
        try:
            await flights.__aexit__(None, None, None)
        finally:
            self._watch.close()
            try:
                await self._background.__aexit__(None, None, None)
            finally:
                await self._close_backend()

    async def _open_backend(self, name: str) -> None:
        try:
            with anyio.fail_after(self.timeout):
                await self.backend.open()
        except (Unavailable, TimeoutError) as error:
            log.warning("%s is not available yet: %s", name, error)

    async def _close_backend(self) -> None:
        with anyio.move_on_after(CLOSING_SECONDS, shield=True) as scope:
            await self.backend.close()
        if scope.cancelled_caught:
            log.error("%s did not close in time", type(self.backend).__name__)

    def _start_lanes(self, tasks: TaskGroup) -> None:
        limits = self.backend.batching
        if limits is None:
            return
        for reading, level in product((True, False), Consistency):
            lane = Lane(self._couriers[level].fly, self._watch, self._loop, limits, self.timeout)
            lane.start(tasks, limits.reads if reading else limits.writes)
            self._lanes[reading, level is STRONG] = lane

    async def _maintain(self) -> None:
        with self._upkeep:
            pause: float | None = 0.0
            while pause is not None:
                await anyio.sleep(pause)
                try:
                    pause = await self.backend.maintain()
                except EtagereError as error:
                    log.info("housekeeping did not work, and will be tried again: %s", error)
                    pause = MAINTENANCE_RETRY_SECONDS
                except Exception:
                    log.exception("housekeeping failed")
                    pause = MAINTENANCE_RETRY_SECONDS

    # --- work ---------------------------------------------------------------------------------

    def perform(
        self, operation: Operation, consistency: Consistency, timeout: float | None
    ) -> Awaitable[Outcome]:
        """Carry out one operation; await its outcome, which may be an error."""
        # Not a coroutine itself: on the hot path each one in between has its price.
        if timeout is None and self._lanes and self._flights is not None:
            return self._lanes[type(operation) is Read, consistency is STRONG].perform(operation)
        return self._perform_one(operation, consistency, timeout)

    async def _perform_one(
        self, operation: Operation, consistency: Consistency, timeout: float | None
    ) -> Outcome:
        return (await self.perform_all((operation,), consistency, timeout))[0]

    async def perform_all(
        self, operations: Sequence[Operation], consistency: Consistency, timeout: float | None
    ) -> Sequence[Outcome]:
        """Carry out operations of one kind; return an outcome for each, in order."""
        if self._flights is None:
            raise Closed(CLOSED)
        if timeout is not None:
            check_timeout(timeout)
        if not operations:
            return []
        if not self._lanes:
            return await self._perform_here(operations, consistency)
        if timeout is not None:
            return await self._perform_within(timeout, operations, consistency)
        lane = self._lanes[type(operations[0]) is Read, consistency is STRONG]
        calls = [lane.submit(operation) for operation in operations]
        with withdrawing(calls):
            return [await call.answer for call in calls]

    async def _perform_here(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        # Nothing else in here waits: without this a loop of calls could not be cancelled, nor would
        # any other task get its turn.
        await anyio.lowlevel.checkpoint()
        outcomes: list[Outcome] = [UNANSWERED] * len(operations)
        await self._couriers[consistency].fly(operations, outcomes)
        return outcomes

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncGenerator[Sequence[str]]:
        """Yield pages of keys, each fetched within the store's timeout."""
        pages = self.backend.scan(prefix, after, limit, consistency)
        try:
            while True:
                with self._answering_within(None, "the keys were not listed"):
                    page = await anext(pages, None)
                if page is None:
                    return
                yield page
        finally:
            # Not left to the garbage collector: there may be a connection in it.
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()

    async def ping(self, timeout: float | None) -> None:
        """Return if the backend answers."""
        if timeout is not None:
            check_timeout(timeout)
        with self._answering_within(timeout, "the store did not answer"):
            await self.backend.ping()

    @contextmanager
    def _answering_within(self, timeout: float | None, what: str) -> Generator[None]:
        if self._flights is None:
            raise Closed(CLOSED)
        try:
            with anyio.fail_after(self.timeout if timeout is None else timeout):
                yield
        except TimeoutError as error:
            raise Unavailable(f"{what} in time") from error
        except (Interrupted, Unavailable) as error:
            raise Unavailable(f"{what}: {error}") from error

    async def _perform_within(
        self, timeout: float, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        deadline = self._loop.time() + timeout
        lane = self._lanes[type(operations[0]) is Read, consistency is STRONG]
        if timeout > self.timeout:
            # The shared lanes keep the store's own deadline: who may take longer travels alone.
            lane = self._private_lane(consistency, timeout)
        calls = [lane.submit(operation) for operation in operations]
        if timeout > self.timeout:
            lane.close()
        with withdrawing(calls):
            return [await answer_by(deadline, call) for call in calls]

    def _private_lane(self, consistency: Consistency, timeout: float) -> Lane:
        assert self._flights is not None  # noqa: S101
        assert self.backend.batching is not None  # noqa: S101
        fly = self._couriers[consistency].fly
        lane = Lane(fly, self._watch, self._loop, self.backend.batching, timeout)
        lane.start(self._flights, flights=1)
        return lane


CLOSED = "the store is closed; use it inside its `async with` block"


def check_timeout(timeout: float) -> None:
    """Refuse a timeout within which nothing can be done."""
    if not timeout > 0:
        raise InvalidArgument(f"a timeout is more than 0 seconds, not {timeout}")


async def answer_by(deadline: float, call: Call) -> Outcome:
    """Wait for a call's outcome, but not beyond the deadline."""
    with anyio.CancelScope(deadline=deadline):
        return await call.answer
    return UNANSWERED if call.departed else NOT_TAKEN

"""Natural batching: concurrent calls share one round trip.

A lane carries the calls of one kind (reads or writes, of one consistency level) to the backend.
While it is idle a call leaves at once; calls that arrive while a batch is in flight leave together
when it is back. There is no timer and nothing to tune: batches grow with the load.

Batches fly in tasks of the store's own. A caller that is cancelled takes its call along if that has
not left yet, and otherwise leaves it to its fate; neighbours and connections never notice. Only a
call that is all alone flies in its caller's own task, where the backend can stand that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

from anyio.abc import TaskGroup
from msgspec import Struct

from etagere.backend import Batching
from etagere.deadlines import Flight, Watch
from etagere.errors import Interrupted, Unavailable
from etagere.operations import Operation, Outcome, Transaction, Write
from etagere.waiting import Answer, Loop

Fly = Callable[[Sequence[Operation], list[Outcome]], Awaitable[None]]
"""Take a batch to the backend and write down what becomes of each operation.

The list holds what is known at every moment, also when the flight is cancelled.
"""

UNANSWERED = Interrupted("the store did not answer in time")
NOT_TAKEN = Unavailable("the store was too busy to take the call in time")


class Call(Struct, eq=False):
    """One operation on its way, and the answer that its caller waits for."""

    operation: Operation
    answer: Answer[Outcome]
    since: float
    departed: bool = False


class Lane:
    """Calls of one kind, waiting to leave together."""

    def __init__(
        self, fly: Fly, watch: Watch, loop: Loop, limits: Batching, timeout: float
    ) -> None:
        self._fly = fly
        self._watch = watch
        self._loop = loop
        self._limits = limits
        self._timeout = timeout
        self._waiting: deque[Call] = deque()
        self._idle: list[Flight] = []
        self._crowd = 1  # how many calls the last batch carried
        self._closing = False

    def start(self, tasks: TaskGroup, flights: int) -> None:
        """Start the lane's flights: so many batches can be on their way at once."""
        for _ in range(flights):
            tasks.start_soon(self._run)

    def submit(self, operation: Operation) -> Call:
        """Put an operation on the lane; the call's answer will be its outcome."""
        call = Call(operation, self._loop.new_answer(), self._loop.time())
        self._waiting.append(call)
        if self._idle:
            self._idle.pop().ring()
        return call

    def perform(self, operation: Operation) -> Awaitable[Outcome]:
        """Carry out one operation; await its outcome."""
        # Among many, one that leaves first would only make all the others wait for it.
        alone = self._idle and self._crowd == 1 and not self._waiting
        if alone and self._limits.inline:
            return self._perform_alone(operation)
        return self.submit(operation).answer

    def close(self) -> None:
        """Let the flights end once all waiting calls are answered."""
        self._closing = True
        while self._idle:
            self._idle.pop().ring()

    async def _perform_alone(self, operation: Operation) -> Outcome:
        flight = self._idle.pop()
        outcomes: list[Outcome] = [UNANSWERED]
        try:
            with flight.lend():
                flight.depart(self._loop.time() + self._timeout)
                await self._fly((operation,), outcomes)
        finally:
            flight.land()
            if self._waiting or self._closing:
                flight.ring()
            else:
                self._idle.append(flight)
        return outcomes[0]

    async def _run(self) -> None:
        flight = self._watch.join()
        try:
            while self._waiting or not self._closing:
                async with flight.scope():
                    await self._carry(flight)
        finally:
            self._watch.leave(flight)

    async def _carry(self, flight: Flight) -> None:
        while not flight.overdue:
            if calls := self._take():
                flight.depart(calls[0].since + self._timeout)
                try:
                    await deliver(calls, self._fly)
                finally:
                    flight.land()
            elif self._closing:
                return
            else:
                self._idle.append(flight)
                await flight.bell()

    def _take(self) -> list[Call]:
        waiting, limits = self._waiting, self._limits
        self._turn_away_the_late()
        calls: list[Call] = []
        size = 0
        while waiting and len(calls) < limits.max_operations:
            call = waiting[0]
            if not call.answer.done():  # else its caller was cancelled
                size += weight(call.operation)
                if calls and size > limits.max_bytes:
                    break
                call.departed = True
                calls.append(call)
            waiting.popleft()
        self._crowd = len(calls) or self._crowd
        return calls

    def _turn_away_the_late(self) -> None:
        too_old = self._loop.time() - self._timeout
        while self._waiting and self._waiting[0].since <= too_old:
            call = self._waiting.popleft()
            if not call.answer.done():
                call.answer.set_result(NOT_TAKEN)


async def deliver(calls: Sequence[Call], fly: Fly) -> None:
    """Fly a batch and answer its calls; when cancelled, with what is known by then."""
    outcomes: list[Outcome] = [UNANSWERED] * len(calls)
    try:
        await fly([call.operation for call in calls], outcomes)
    finally:
        for call, outcome in zip(calls, outcomes, strict=True):
            if not call.answer.done():
                call.answer.set_result(outcome)


@contextmanager
def withdrawing(calls: Sequence[Call]) -> Generator[None]:
    """Wait for several calls as one: a caller that is cancelled takes along all that wait."""
    try:
        yield
    except BaseException:
        for call in calls:
            call.answer.cancel()
        raise


def weight(operation: Operation) -> int:
    """Return the bytes of values that an operation carries."""
    if type(operation) is Write:
        return len(operation.value)
    if type(operation) is Transaction:
        return sum(weight(part) for part in operation.operations)
    return 0

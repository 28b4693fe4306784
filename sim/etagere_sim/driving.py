"""Letting a cluster's time pass while a program in an event loop waits for its answers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from asyncio import AbstractEventLoop, Future, Handle
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from etagere.errors import EtagereError
from etagere_sim.kernel.agenda import Agenda, Deadlock
from etagere_sim.kernel.loop import MILLISECONDS
from etagere_sim.world.tasks import Task

STEPS: Final = 200
"""Of the agenda, before other tasks of the event loop have their turn."""
TURNS: Final = 10
"""Of the event loop, in which everybody may act on an answer before time passes on."""

T = TypeVar("T")
Deed: TypeAlias = Callable[[], Task[T] | EtagereError]
"""Starts something on a host; returns why not, where that cannot be."""


class Errand(Generic[T]):
    """Things that are under way at the same time, for a caller who waits for all of them."""

    def __init__(self, deeds: Sequence[Deed[T]], loop: AbstractEventLoop) -> None:
        self.answer: Future[list[T | EtagereError]] = loop.create_future()
        self.left = len(deeds)
        """How many of them go on."""
        self._deeds = deeds
        self._results: dict[int, T | EtagereError] = {}

    def start(self) -> None:
        """Start all of them."""
        for position, deed in enumerate(self._deeds):
            begun = deed()
            if isinstance(begun, Task):
                begun.watch(partial(self._take, position))
            else:
                self._take(position, begun)

    def fail(self, error: Exception) -> None:
        """Raise an error where the answer is waited for."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def _take(self, position: int, result: Any) -> None:
        self._results[position] = result
        self.left -= 1
        # The caller may be gone: what was sent goes its way all the same.
        if not self.left and not self.answer.done():
            self.answer.set_result([self._results[each] for each in range(len(self._deeds))])


class Driver(Protocol):
    """Whoever lets time pass."""

    async def perform(self, deeds: Sequence[Deed[T]]) -> list[T | EtagereError]:
        """Do some things at the same time; return their results, or the errors in their place."""
        ...

    def catch_up(self) -> bool:
        """Let as much time pass as has passed outside; return whether that has to be done often."""
        ...

    def stop(self) -> None:
        """Let no more time pass."""
        ...


class Passenger:
    """In a simulated event loop, whose agenda is the cluster's as well: time passes by itself."""

    async def perform(self, deeds: Sequence[Deed[T]]) -> list[T | EtagereError]:
        """Do some things at the same time; return their results, or the errors in their place."""
        errand = Errand(deeds, asyncio.get_running_loop())
        errand.start()
        return await errand.answer

    def catch_up(self) -> bool:
        """Do nothing: there is no other time outside."""
        return False

    def stop(self) -> None:
        """Do nothing: the time is the event loop's."""


class Pump(ABC):
    """In any other event loop: what is on the agenda happens in callbacks, a little in each.

    Only while operations are under way, whether or not anybody waits for them still: protocols
    have tasks that go on for ever, and these must not keep a process busy that asks for nothing.
    """

    def __init__(self, loop: AbstractEventLoop, agenda: Agenda) -> None:
        self._loop = loop
        self._agenda = agenda
        self._asked: deque[Errand[Any]] = deque()
        self._under_way: list[Errand[Any]] = []
        self._next: Handle | None = None

    async def perform(self, deeds: Sequence[Deed[T]]) -> list[T | EtagereError]:
        """Do some things at the same time; return their results, or the errors in their place."""
        errand = Errand(deeds, self._loop)
        self._asked.append(errand)
        self._continue_in(0.0)
        return await errand.answer

    def catch_up(self) -> bool:
        """Do nothing: only calls let time pass."""
        return False

    def stop(self) -> None:
        """Let no more time pass."""
        if self._next is not None:
            self._next.cancel()

    def _continue_in(self, seconds: float) -> None:
        if self._next is not None:
            self._next.cancel()
        later = self._loop.call_later
        self._next = later(seconds, self._turn) if seconds else self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._next = None
        try:
            pause = self._advance()
        except Exception as error:  # noqa: BLE001 - of a protocol's, for whoever waits for it
            self._fail(error)
        else:
            if pause is not None:
                self._continue_in(pause)

    @abstractmethod
    def _advance(self) -> float | None:
        """Let some things happen; return the seconds until the next turn. None: there is none."""

    def _start(self) -> None:
        while self._asked:
            errand = self._asked.popleft()
            self._under_way.append(errand)
            errand.start()

    def _some_are_done(self) -> bool:
        """Strike off what is done, and tell whether there was any."""
        before = len(self._under_way)
        self._under_way = [errand for errand in self._under_way if errand.left]
        return len(self._under_way) < before

    def _fail(self, error: Exception) -> None:
        errands = (*self._under_way, *self._asked)
        self._under_way.clear()
        self._asked.clear()
        for errand in errands:
            errand.fail(error)


class RealPump(Pump):
    """Time passes as it does outside."""

    def __init__(self, loop: AbstractEventLoop, agenda: Agenda) -> None:
        super().__init__(loop, agenda)
        self._origin = loop.time() - agenda.now / MILLISECONDS

    def catch_up(self) -> bool:
        """Let time pass in the next turn of the event loop."""
        self._continue_in(0.0)
        return True

    def _advance(self) -> float | None:
        agenda = self._agenda
        now = (self._loop.time() - self._origin) * MILLISECONDS
        for _ in range(STEPS):
            if agenda.next > now:
                break
            agenda.step()
        else:
            return 0.0
        agenda.play(until=now)
        self._start()
        self._some_are_done()
        if not self._under_way:
            return None
        return max(0.0, self._until_next() - now) / MILLISECONDS

    def _until_next(self) -> float:
        if self._agenda.next == inf:
            raise Deadlock("an operation is under way, and nothing is left that could happen")
        return self._agenda.next


class FastPump(Pump):
    """Time passes as fast as it can, but not before everybody had the chance to ask for more."""

    def __init__(self, loop: AbstractEventLoop, agenda: Agenda) -> None:
        super().__init__(loop, agenda)
        self._courtesy = 0

    def _advance(self) -> float | None:
        if self._asked:
            self._start()
            self._courtesy = TURNS
        elif self._courtesy:
            self._courtesy -= 1
        else:
            self._go_on()
        return 0.0 if self._under_way else None

    def _go_on(self) -> None:
        for _ in range(STEPS):
            if self._some_are_done():
                self._courtesy = TURNS
                return
            if not self._agenda.step():
                raise Deadlock("an operation is under way, and nothing is left that could happen")

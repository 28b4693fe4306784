"""Deadlines for batches, at no cost to a batch that keeps its own.

A cancel scope with a deadline for each batch would cost more than the rest of the hot path
together. So a flight keeps one scope for as long as all goes well, and notes down when its batch
is due; one watch for all flights sleeps until the first of these moments, and by then has mostly
nothing to do.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from etagere.waiting import Answer, Loop, Scope


class Flight:
    """A task that carries batches, one after the other, as its watch sees it."""

    def __init__(self, watch: Watch, loop: Loop) -> None:
        self._watch = watch
        self._loop = loop
        self._scope: anyio.CancelScope
        self._lent: Scope | None = None
        self._bell: Answer[None]
        self.due = math.inf
        """When the batch that is in the air must be back; infinity: none is."""

    @property
    def overdue(self) -> bool:
        """Whether the flight was called off, and must end its present scope."""
        return self._scope.cancel_called

    @asynccontextmanager
    async def scope(self) -> AsyncGenerator[None]:
        """Stay in the air until a batch is overdue; that cancels what is inside, and ends here."""
        with anyio.CancelScope(shield=True) as self._scope:
            yield

    def lend(self) -> Scope:
        """Return a scope for a batch that another task flies, while this one sits and waits."""
        self._lent = self._loop.new_scope()
        return self._lent

    def bell(self) -> Answer[None]:
        """Return what the flight waits for while it is idle."""
        self._bell = self._loop.new_answer()
        return self._bell

    def ring(self) -> None:
        """Wake the flight, which is idle; it may have been cancelled with all tasks of the loop."""
        if not self._bell.done():
            self._bell.set_result(None)

    def depart(self, due: float) -> None:
        """Note that a batch leaves."""
        self.due = due
        self._watch.expect(due)

    def land(self) -> None:
        """Note that the batch is back."""
        self.due = math.inf
        self._lent = None

    def call_off(self) -> None:
        """Cancel what is in the air."""
        self.due = math.inf
        (self._lent or self._scope).cancel()


class Watch:
    """Calls off the flights that are overdue."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._flights: set[Flight] = set()
        self._alarm = math.inf
        self._bell: Answer[None] = loop.new_answer()
        self._scope = anyio.CancelScope(shield=True)

    def join(self) -> Flight:
        """Return a new flight, to be watched until it leaves."""
        flight = Flight(self, self._loop)
        self._flights.add(flight)
        return flight

    def leave(self, flight: Flight) -> None:
        """Watch a flight no longer."""
        self._flights.discard(flight)

    def expect(self, due: float) -> None:
        """Look at the flights by then; most often that was the plan."""
        if due < self._alarm:
            self._alarm = due
            if not self._bell.done():
                self._bell.set_result(None)

    def close(self) -> None:
        """End the watch."""
        self._scope.cancel()

    async def run(self) -> None:
        """Watch until closed."""
        with self._scope:
            while True:
                now = self._loop.time()
                for flight in self._flights:
                    if flight.due <= now:
                        flight.call_off()
                self._alarm = min((flight.due for flight in self._flights), default=math.inf)
                self._bell = self._loop.new_answer()
                with anyio.CancelScope(deadline=self._alarm):
                    await self._bell

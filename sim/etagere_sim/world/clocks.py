"""The clocks of hosts, which are never quite right."""

from __future__ import annotations

from etagere_sim.kernel.agenda import Agenda

EPOCH = 1_700_000_000_000
"""Milliseconds since the Unix epoch at which every simulation begins, on a clock that is right."""


class Clock:
    """What a host takes for the time: off by an offset, running at a rate of its own."""

    __slots__ = ("_agenda", "_from", "_offset", "_rate")

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._offset = 0.0
        self._rate = 1.0
        self._from = 0.0

    def read(self) -> float:
        """Return milliseconds since the Unix epoch."""
        now = self._agenda.now
        return EPOCH + self._offset + self._from + (now - self._from) * self._rate

    def step(self, milliseconds: float) -> None:
        """Jump."""
        self._offset += milliseconds

    def drift(self, rate: float) -> None:
        """Run so many times as fast as true time from now on."""
        self._offset = self.read() - EPOCH - self._agenda.now
        self._from = self._agenda.now
        self._rate = rate

"""A finding as a drawing, without saying how it is drawn: lanes, intervals, points, states."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from etagere.histories.history import Status
from etagere.histories.verdicts import Anomaly, Answer


class Interval(Struct, frozen=True, kw_only=True):
    """One call, from its invocation to its response."""

    number: int
    """Its place among the calls drawn, from 1, in the order of their starts."""
    client: str
    start: int
    """How many events, starts and finishes, of the calls drawn came before it."""
    finish: int | None
    """The same of its response; None: no response, it may take effect at any later time."""
    asked: str
    """In a few words: "set v2"."""
    answered: str
    """The condition and the answer: "if e1 → e2"."""
    sentence: str
    status: Status
    name: str = ""
    """A letter where it is a witness of the finding."""
    position: int | None = None
    """Its place in the order that was found, from 1."""
    point: float | None = None
    """Where it took effect in that order, on the scale of `start`."""
    before: str = ""
    """The state before it, by that order or else by its own answer; empty: not known."""
    after: str = ""
    words: tuple[str, ...] = ()
    """What a search finds it by."""


class Lane(Struct, frozen=True):
    """The calls of one client; in several rows where one was never answered."""

    client: str
    rows: tuple[tuple[Interval, ...], ...]


class Timeline(Struct, frozen=True, kw_only=True):
    """What one finding, or one verdict without any, looks like."""

    key: str
    answer: Answer
    anomaly: Anomaly | None
    message: str
    lanes: tuple[Lane, ...]
    events: int
    """How many events the drawing is wide."""
    conflicts: tuple[tuple[int, int], ...]
    """Pairs of numbers of calls that cannot both be right."""
    gaps: Mapping[int, int]
    """Calls that are left out: how many, by the event before which there is room to say so."""
    ordered: bool
    """Whether points and states come from an order that explains what it holds."""
    complete: bool
    """Whether that order holds every call that must have happened; else it is the longest found,
    and none of the witnesses can come next."""

    @property
    def intervals(self) -> list[Interval]:
        """All calls drawn, by number."""
        every = (interval for lane in self.lanes for row in lane.rows for interval in row)
        return sorted(every, key=lambda interval: interval.number)

    @property
    def witnesses(self) -> list[Interval]:
        """The calls that show the finding, by name."""
        return [interval for interval in self.intervals if interval.name]

    @property
    def left_out(self) -> int:
        """How many calls are not drawn, of those that had an effect or observed something."""
        return sum(self.gaps.values())

"""How old what reads returned was: k versions behind, and for how long."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil
from typing import Final

from msgspec import Struct

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.ordering import VersionOrder

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)


class Staleness(Struct, frozen=True, gc=False):
    """How stale one read was."""

    call: Call
    behind: int
    """k: how many newer versions had been observed before the read began."""
    age: int
    """Delta: from the first observation of a newer version to the start of the read, in the
    history's sequence numbers; 0 if there was none."""


class StalenessReport(Struct, frozen=True):
    """How stale the reads of a history were."""

    reads: list[Staleness]
    untold: int
    """Reads of which it cannot be told what they saw."""

    @property
    def stale(self) -> list[Staleness]:
        """The reads that missed a version."""
        return [read for read in self.reads if read.behind]

    def behind(self, percentiles: Sequence[float] = PERCENTILES) -> dict[float, int]:
        """Return how many versions the reads were behind, at most, for so many in a hundred."""
        return at_percentiles([read.behind for read in self.reads], percentiles)

    def age(self, percentiles: Sequence[float] = PERCENTILES) -> dict[float, int]:
        """Return for how long the reads were behind, at most, for so many in a hundred."""
        return at_percentiles([read.age for read in self.reads], percentiles)


def measure_staleness(history: History) -> StalenessReport:
    """Say of each read how many newer versions had been observed before it began, and since when.

    Only versions that are certainly newer count (`VersionOrder`), so both are what is certain, and
    may be less than what took place where blind writes met. Where several deletes can explain an
    absent read, it is taken for the least stale. Takes n log n time.
    """
    reads: list[Staleness] = []
    untold = 0
    for calls in history.by_key().values():
        order = VersionOrder(calls, history.initial)
        asked: list[tuple[Call, int]] = []
        for call in calls:
            if call.kind is Kind.GET and call.status is Status.OK:
                version = order.latest_seen_by(call)
                if version is None:
                    untold += 1
                else:
                    asked.append((call, version))
        reads += _measured(order, asked)
    return StalenessReport(reads, untold)


def at_percentiles(values: Iterable[int], percentiles: Sequence[float]) -> dict[float, int]:
    """Return the least value that so many in a hundred do not exceed; nothing of no values."""
    ordered = sorted(values)
    return {
        percent: ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
        for percent in percentiles
        if ordered
    }


def _measured(order: VersionOrder, asked: list[tuple[Call, int]]) -> list[Staleness]:
    # Newer than v are those whose writes began after v was known, and those on top of v.
    versions = sorted(range(len(order.makers)), key=order.last_begun)
    begun = [order.last_begun(version) for version in versions]
    known = [order.first_known(version) for version in versions]
    first_of_rest = list(accumulate(reversed(known), min))[::-1]
    counter = _Counter(known)
    asked.sort(key=lambda each: each[0].start)
    measured: list[Staleness] = []
    for call, version in asked:
        rest = bisect_right(begun, order.first_known(version))
        overlapping = [
            order.first_known(newer)
            for newer in order.on_top(version, order.first_known(version))
            if order.first_known(newer) < call.start
        ]
        since = min(overlapping, default=call.start)
        count = len(overlapping)
        if rest < len(known) and first_of_rest[rest] < call.start:
            since = min(since, first_of_rest[rest])
            count += counter.count(rest, call.start)
        measured.append(Staleness(call, count, call.start - since))
    return measured


class _Counter:
    """Counts the versions behind a place that were known before a moment; moments only grow."""

    def __init__(self, known: Sequence[int]) -> None:
        self._size = len(known)
        self._sums = [0] * (self._size + 1)
        self._waiting = sorted(range(self._size), key=known.__getitem__, reverse=True)
        self._known = known

    def count(self, place: int, moment: int) -> int:
        """Return how many from `place` on were known before `moment` (Fenwick, 1994)."""
        while self._waiting and self._known[self._waiting[-1]] < moment:
            self._add(self._size - self._waiting.pop())
        total, at = 0, self._size - place
        while at:
            total += self._sums[at]
            at &= at - 1
        return total

    def _add(self, at: int) -> None:
        while at <= self._size:
            self._sums[at] += 1
            at += at & -at

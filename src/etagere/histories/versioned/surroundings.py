"""What of a key's history lies around a moment, found without a look at all of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import islice, takewhile
from operator import attrgetter
from typing import TypeAlias

from msgspec.structs import replace

from etagere.histories.history import NEVER, Call
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.versions import Observation, Version
from etagere.histories.versioned.words import INFO, SET

UNSEEN = "\0unseen"
"""The value and the etag of writes that nobody saw: they are interchangeable."""
Kind: TypeAlias = tuple[object, ...]
START = attrgetter("start")


class Surroundings:
    """The versions, the observations and the optional writes of a key, by time."""

    def __init__(self, clusters: Clusters) -> None:
        self.clusters = clusters
        self.optional_etags = {each.etag for each in clusters.optional} & clusters.expected
        """Those of optional writes that calls expected."""
        self._stretches: dict[tuple[int, int], list[Version]] = {}
        """By how many bits the length of its stretch has, and the start without so many."""
        for version in clusters.versions:
            size = (max(version.deadline, version.last) - version.start).bit_length()
            self._stretches.setdefault((size, version.start >> size), []).append(version)
        self._sizes = {size for size, _ in self._stretches}
        self._latest = max(version.start for version in clusters.versions)
        self._observations = sorted(clusters.observations, key=START)
        self._optional: dict[str | None, dict[Kind, list[tuple[Call, Version]]]] = {}
        """By the etag that they expect, if a write of it is known, and by what they do."""
        for version in clusters.optional:
            self._shelve(version)

    def versions(self, after: int, end: int) -> list[Version]:
        """Return those that began by `end` and may begin or were seen from `after` on, and more."""
        end = min(end, self._latest)
        found: list[Version] = []
        for size in self._sizes:
            for place in range((after >> size) - 1, (end >> size) + 1):
                found += self._stretches.get((size, place), ())
        return [version for version in found if version.start <= end]

    def observations(self, after: int, end: int) -> list[Observation]:
        """Return those that were made after a moment and by an `end`."""
        first = bisect_right(self._observations, after, key=START)
        last = bisect_right(self._observations, end, key=START)
        return [each for each in self._observations[first:last] if each.deadline <= end]

    def optional(
        self, etags: set[str | None], end: int, most: int, is_free: Callable[[Version], bool]
    ) -> list[tuple[Call, Version]]:
        """Return the writes that began by `end`, that nobody saw and that are free, by start.

        Those that expect an etag are left out if it is known and not among `etags`. `most` is how
        many of a kind can be of use.
        """
        found: list[tuple[Call, Version]] = []
        for etag in {None, *etags}:
            for alike in self._optional.get(etag, {}).values():
                early = takewhile(lambda each: each[0].start <= end, alike)
                # The earliest can do whatever the later ones can.
                found += islice((each for each in early if is_free(each[1])), most)
        return sorted(found, key=lambda each: each[0].start)

    def _shelve(self, version: Version) -> None:
        assert version.write is not None  # noqa: S101
        call = unanswered(version.write)
        if call.kind is SET and self._is_interchangeable(version):
            call = replace(call, value=UNSEEN, etag=UNSEEN, ttl=call.ttl and 1)
        etag = call.expected if call.expected in self.clusters.names.by_etag else None
        kind = (call.kind, call.expected, call.etag, call.value, call.ttl)
        self._optional.setdefault(etag, {}).setdefault(kind, []).append((call, version))

    def _is_interchangeable(self, version: Version) -> bool:
        if version.etag is None:
            # An etag that was given to another by a guess may be its own.
            return not self.clusters.names.has_guesses
        return version.etag not in self.clusters.expected


def unanswered(call: Call) -> Call:
    """Return a write as one that was never answered."""
    return replace(call, status=INFO, finish=NEVER)

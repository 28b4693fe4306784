"""Who wrote the versions of which only the etag is known."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from etagere.histories.history import NEVER, Call
from etagere.histories.versioned.versions import Version
from etagere.histories.versioned.words import SET
from etagere.operations import ABSENT


def adopt(
    foundlings: Sequence[Version], optional: Sequence[Version], sequence: Sequence[Version]
) -> bool:
    """Give every foundling, where it is in the order, an unanswered write that may have made it.

    Return whether there was one for each. If need be, unanswered writes that the order already has,
    and that nobody saw, change places with others.
    """
    writers = [version for version in optional if _may_be_a_foundlings(version)]
    spare = [version for version in writers if not version.placed]
    limits = _limits(sequence)
    if _assign(foundlings, spare, sequence, limits):
        return True
    placed = [version for version in writers if version.placed]
    return _assign([*foundlings, *placed], writers, sequence, limits)


def _may_be_a_foundlings(version: Version) -> bool:
    return version.write is not None and version.write.kind is SET and version.etag is None


def _assign(
    places: Sequence[Version],
    writers: Sequence[Version],
    sequence: Sequence[Version],
    limits: Sequence[int],
) -> bool:
    """Give each of some versions a write of its own, among those of `writers`."""
    free: dict[str | None, deque[Call]] = {}
    for version in writers:
        assert version.write is not None  # noqa: S101
        free.setdefault(version.write.expected, deque()).append(version.write)
    wanting = set(map(id, places))
    found: list[tuple[Version, Call]] = []
    for index, version in enumerate(sequence):
        if id(version) in wanting:
            write = _take(free, sequence[index - 1], limits[index])
            if write is None:
                return False
            found.append((version, write))
    for version, write in found:
        version.write = write
    return True


def _take(free: dict[str | None, deque[Call]], before: Version, limit: int) -> Call | None:
    """Take a write that began early enough; those that suit few places come first."""
    for expected in (ABSENT if before.is_absent else before.etag, None):
        writes = free.get(expected)
        if writes and writes[0].start <= limit:
            return writes.popleft()
    return None


def _limits(sequence: Sequence[Version]) -> list[int]:
    """Return when each version must have begun, since it or a later one was seen then."""
    limits: list[int] = []
    limit = NEVER
    for version in reversed(sequence):
        if version.first < limit:
            limit = version.first
        if version.guests is not None:
            limit = min(limit, *(guest.deadline for guest in version.guests))
        limits.append(limit)
    limits.reverse()
    return limits

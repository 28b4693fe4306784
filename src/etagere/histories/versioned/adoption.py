"""Who wrote the versions of which only the etag is known."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from etagere.histories.history import NEVER
from etagere.histories.versioned.versions import Version
from etagere.histories.versioned.words import SET
from etagere.operations import ABSENT


def adopt(
    foundlings: Sequence[Version], optional: Sequence[Version], sequence: Sequence[Version]
) -> bool:
    """Give every foundling, where it is in the order, an unanswered write that may have made it.

    Return whether there was one for each.
    """
    orphans = {id(version) for version in foundlings}
    free: dict[str | None, deque[Version]] = {}
    for version in optional:
        write = version.write
        if write is not None and write.kind is SET and version.etag is None and not version.placed:
            free.setdefault(write.expected, deque()).append(version)
    limits = _limits(sequence)
    for index, version in enumerate(sequence):
        if id(version) in orphans:
            before = sequence[index - 1]
            writer = _take(free, before, limits[index])
            if writer is None:
                return False
            writer.placed = True
            version.write = writer.write
    return True


def _take(free: dict[str | None, deque[Version]], before: Version, limit: int) -> Version | None:
    """Take a write that began early enough; those that suit few places come first."""
    for expected in (ABSENT if before.is_absent else before.etag, None):
        writers = free.get(expected)
        if writers and writers[0].start <= limit:
            return writers.popleft()
    return None


def _limits(sequence: Sequence[Version]) -> list[int]:
    """Return when each version must have begun, since it or a later one was seen then."""
    limits: list[int] = []
    limit = NEVER
    for version in reversed(sequence):
        limit = min([limit, version.first, *(guest.deadline for guest in version.guests or ())])
        limits.append(limit)
    limits.reverse()
    return limits

"""Versions of a value, and what becomes of two that meet.

Last writer wins: the greatest stamp, which is a time on a clock that may be wrong. Vector clocks:
a version goes when another has seen it, and those that have not seen each other stay, as siblings
(DeCandia et al., SOSP 2007, section 4.4; Parker et al., 1983).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct

from etagere.operations import Record

Stamp: TypeAlias = tuple[int, str, int]
"""Microseconds on the writer's clock, the writer, and which of its writes: no two are the same."""

VectorClock: TypeAlias = tuple[tuple[str, int], ...]
"""How many writes of each writer a version has seen, itself among them; in the writers' order."""


class Version(Struct, frozen=True, gc=False):
    """What one write made of a key."""

    stamp: Stamp
    clock: VectorClock
    """Empty where the last writer wins."""
    record: Record | None
    """None: deleted. Such a version is a tombstone."""


Cell: TypeAlias = tuple[Version, ...]
"""The versions of a key that a replica holds, the one with the greatest stamp first."""

EMPTY: Final[Cell] = ()

Merge: TypeAlias = Callable[[Cell, Cell], Cell]
"""Returns what two cells make together: the first itself, if the second brings no news."""


def record_of(cell: Cell) -> Record | None:
    """Return what a cell shows to who reads it: of siblings, the one with the greatest stamp."""
    return cell[0].record if cell else None


def time_of(stamp: Stamp) -> int:
    """Return the time of a write on its writer's clock, in milliseconds."""
    return stamp[0] // 1000


def keep_the_last(mine: Cell, other: Cell) -> Cell:
    """Keep the version with the greatest stamp."""
    if not other or (mine and mine[0].stamp >= other[0].stamp):
        return mine
    return other


def keep_siblings(mine: Cell, other: Cell) -> Cell:
    """Keep every version that no other has seen."""
    known = [version.stamp for version in mine]
    met = mine + tuple(version for version in other if version.stamp not in known)
    kept = [version for version in met if not any(has_seen(one, version) for one in met)]
    kept.sort(key=_stamp, reverse=True)
    together = tuple(kept)
    return mine if together == mine else together


def has_seen(later: Version, earlier: Version) -> bool:
    """Tell whether a version was written by somebody who knew of another one."""
    if later.stamp == earlier.stamp:
        return False
    seen = dict(later.clock)
    return all(seen.get(writer, 0) >= count for writer, count in earlier.clock)


def context_of(cell: Cell) -> VectorClock:
    """Return what somebody has seen who read this cell."""
    context: VectorClock = ()
    for version in cell:
        context = joined(context, version.clock)
    return context


def joined(one: VectorClock, other: VectorClock) -> VectorClock:
    """Return what both together have seen."""
    if not one or not other:
        return one or other
    seen = dict(one)
    for writer, count in other:
        seen[writer] = max(count, seen.get(writer, 0))
    return tuple(sorted(seen.items()))


def _stamp(version: Version) -> Stamp:
    return version.stamp

"""Closed forms for quorums that do not expand: a write stays on the W replicas it was sent to.

Section 3 of Bailis et al. (VLDB 2012). All are probabilities that a guarantee is *kept*.
"""

from __future__ import annotations

from math import comb, pow

from etagere.errors import InvalidArgument
from etagere_sim.pbs.cells import Cell


def missed(cell: Cell) -> float:
    """Return the probability that the R of a read are none of the W of a write."""
    return comb(cell.n - cell.w, cell.r) / comb(cell.n, cell.r)


def within_versions(cell: Cell, versions: int) -> float:
    """Return the probability that a read returns one of the last `versions` versions."""
    if versions < 1:
        raise InvalidArgument(f"versions={versions} makes no sense; give 1 or more")
    return 1.0 - missed(cell) ** versions


def monotonic_reads(cell: Cell, writes_per_read: float, *, strict: bool = False) -> float:
    """Return the probability that a client's read is not older than its read before.

    `writes_per_read`: how often all clients together write, for each read of this client. Strict:
    that it is newer, where there was a write in between.
    """
    if writes_per_read < 0:
        raise InvalidArgument(f"writes_per_read={writes_per_read:g} must be 0 or more")
    return 1.0 - pow(missed(cell), writes_per_read + (0.0 if strict else 1.0))


def within_versions_and_time(stale: float, versions: int) -> float:
    """Return the probability of one of the last `versions` versions, by that of a stale read.

    `stale` is the probability of a stale read t after the last write returned, by any engine, all
    the writes being that close together: a lower bound of <k, t>-staleness.
    """
    if versions < 1:
        raise InvalidArgument(f"versions={versions} makes no sense; give 1 or more")
    return 1.0 - stale**versions

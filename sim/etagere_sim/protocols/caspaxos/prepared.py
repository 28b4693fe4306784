"""Promises of a quorum, and what it had accepted."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from etagere_sim.protocols.caspaxos.messages import Ballot, Cell, Configuration


class Prepared(Struct, frozen=True, gc=False):
    """Promises of a quorum."""

    ballot: Ballot
    cell: Cell
    """The newest that any of them had accepted."""
    chosen: bool
    """Whether enough of them had just this, so that nothing else was there at that moment."""
    configuration: Configuration
    at: float = 0.0
    """When they were given."""


def prepared(
    ballot: Ballot, cells: Sequence[Cell], configuration: Configuration, at: float
) -> Prepared:
    """Return what promises come to that were given with these cells."""
    newest, same = cells[0], 1
    for cell in cells[1:]:
        if cell.ballot == newest.ballot:
            same += 1
            if cell.forgotten > newest.forgotten:
                newest = cell
        elif cell.ballot > newest.ballot:
            newest, same = cell, 1
    return Prepared(ballot, newest, same >= configuration.accept_quorum, configuration, at)

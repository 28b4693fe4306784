"""What coordinators and replicas say to one another."""

from __future__ import annotations

from typing import ClassVar

from etagere.operations import Outcome, Remove, Write
from etagere_sim.protocols.dynamo.versions import Cell, Stamp, VectorClock
from etagere_sim.world.messages import Message


class Get(Message, frozen=True, gc=False):
    """Ask what is there."""

    key: str


class Got(Message, frozen=True, gc=False):
    """Tell what is there."""

    cell: Cell


class Put(Message, frozen=True, gc=False):
    """Ask to carry out an operation that needs no look at what is there."""

    is_write: ClassVar[bool] = True
    key: str
    operation: Write | Remove
    stamp: Stamp
    clock: VectorClock


class Done(Message, frozen=True, gc=False):
    """It is on the disk."""

    is_write: ClassVar[bool] = True
    outcome: Outcome
    """What the operation comes to on what this host had."""


class Mend(Message, frozen=True, gc=False):
    """Ask to take in versions: of a read that found a replica behind, or of a checked write."""

    is_write: ClassVar[bool] = True
    key: str
    cell: Cell


class Hold(Message, frozen=True, gc=False):
    """Ask to hold versions for replicas that did not answer."""

    is_write: ClassVar[bool] = True
    key: str
    cell: Cell
    pairs: tuple[tuple[str, str], ...]
    """Who holds for whom."""


class HandOver(Message, frozen=True, gc=False):
    """Give a replica what was held for it."""

    is_write: ClassVar[bool] = True
    key: str
    cell: Cell


class HandedOver(Message, frozen=True, gc=False):
    """Take note that it need not be held any longer."""

    key: str
    cell: Cell


class Compare(Message, frozen=True, gc=False):
    """Tell the hashes of some nodes, all on one level, of the tree over what both hosts keep."""

    level: int
    hashes: tuple[tuple[int, bytes], ...]


class Contents(Message, frozen=True, gc=False):
    """Tell what is under some leaves of the tree."""

    is_write: ClassVar[bool] = True
    leaves: tuple[int, ...]
    cells: tuple[tuple[str, Cell], ...]
    is_answer: bool
    """Whether the other side has told its own already."""

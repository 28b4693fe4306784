"""What readers and writers say to the keepers of registers, and these to one another."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from msgspec import Struct

from etagere.operations import Record, Remove, Touch, Write
from etagere_sim.world.messages import Message

Tag: TypeAlias = tuple[int, str, int, str]
"""A number, and the id of the one operation that wrote it: no two writes have a tag in common.

Two more of the kind are of writes that kept the expiry: they go on from the tag of who set it. So
whoever sets it comes after those that had not seen it yet, and none of these has to be undone.
"""


class Cell(Struct, frozen=True, gc=False):
    """What a register holds."""

    tag: Tag
    record: Record | None
    """None: absent. What is deleted keeps its tag, or an older write could come back."""


EMPTY = Cell((0, "", 0, ""), None)


class Collect(Message, frozen=True, gc=False):
    """Ask what a register holds."""

    key: str


class Held(Message, frozen=True, gc=False):
    """Say it."""

    cell: Cell


class Put(Message, frozen=True, gc=False):
    """Ask to hold a cell from now on, unless one with a higher tag is there."""

    is_write: ClassVar[bool] = True
    key: str
    cell: Cell


class Kept(Message, frozen=True, gc=False):
    """This cell is here, or a later one."""

    is_write: ClassVar[bool] = True


class Swap(Message, frozen=True, gc=False):
    """Ask to do a conditional operation on what this one keeper holds, and to hold the result.

    Each keeper decides for itself, so some may do it and some refuse: this is unsafe.
    """

    is_write: ClassVar[bool] = True
    operation: Write | Remove | Touch
    tag: Tag


class Refused(Message, frozen=True, gc=False):
    """The precondition does not hold here."""

    is_write: ClassVar[bool] = True
    actual: str | None


class Exchange(Message, frozen=True, gc=False):
    """Tell another keeper what this one holds."""

    is_write: ClassVar[bool] = True
    cells: tuple[tuple[str, Cell], ...]

"""What hosts say to one another."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class Message(Struct, frozen=True, gc=False):
    """A message or an answer: an immutable value, so that it means the same whenever it comes."""

    is_write: ClassVar[bool] = False
    """Whether it asks a replica to put a value down, which takes longer where disks are slow, or
    answers that it has."""

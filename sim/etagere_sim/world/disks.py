"""The disks of hosts: what was written, and what of it would be there after a power cut."""

from __future__ import annotations

from random import Random
from typing import Any, Final

NOTHING: Final = object()


class DiskFailed(Exception):
    """The disk did not do what was asked; the process that asked cannot go on."""


class Corrupt(Exception):
    """What is on the disk is not what was written: its checksum is wrong."""


class Disk:
    """Named values. A write is there at once for who reads, and durable with the next sync."""

    __slots__ = ("_corrupt", "_durable", "_values", "failing")

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._durable: dict[str, Any] = {}  # of those that were written since the last sync
        self._corrupt: dict[str, None] = {}
        self.failing = ""
        """Why writes and syncs fail at present ("full", "input/output error"); "": they do not."""

    @property
    def is_corrupt(self) -> bool:
        """Whether some value is not what was written."""
        return bool(self._corrupt)

    def read(self, name: str) -> Any:
        """Return the value, or None. Raises `Corrupt`."""
        if self._corrupt and name in self._corrupt and name not in self._durable:
            raise Corrupt(name)
        return self._values.get(name)

    def write(self, name: str, value: Any) -> None:
        """Write, for the next sync to make durable. Values are immutable. Raises `DiskFailed`."""
        if self.failing:
            raise DiskFailed(self.failing)
        if name not in self._durable:
            self._durable[name] = self._values.get(name, NOTHING)
        self._values[name] = value

    def put(self, name: str, value: Any) -> None:
        """Write and sync at once. Raises `DiskFailed`."""
        if self.failing or self._durable or self._corrupt:
            self.write(name, value)
            self.sync()
        else:
            self._values[name] = value

    def remove(self, name: str) -> None:
        """Remove a value, for good with the next sync. Raises `DiskFailed`."""
        self.write(name, None)
        del self._values[name]

    def sync(self) -> None:
        """Make durable what was written. Raises `DiskFailed`; then no such thing is durable."""
        if self.failing:
            raise DiskFailed(self.failing)
        if self._corrupt:
            for name in self._durable:
                self._corrupt.pop(name, None)
        self._durable.clear()

    def names(self) -> list[str]:
        """Return the names of all values, in the order in which they were first written."""
        return list(self._values)

    def contents(self) -> dict[str, Any]:
        """Return all values by name, whether they are corrupt or not."""
        return dict(self._values)

    def lose_power(self, *, torn: Random | None = None) -> int:
        """Forget what was not synced; return how many writes that was.

        `torn`: some of it got to the disk all the same, whatever was written first.
        """
        lost = 0
        for name, value in self._durable.items():
            if torn is not None and torn.random() < 0.5:
                self._corrupt.pop(name, None)
                continue
            lost += 1
            if value is NOTHING:
                self._values.pop(name, None)
            else:
                self._values[name] = value
        self._durable.clear()
        return lost

    def flip_a_bit(self, random: Random) -> bool:
        """Break one durable value; return whether there was one."""
        names = [
            name
            for name in self._values
            if name not in self._corrupt and self._durable.get(name) is not NOTHING
        ]
        if names:
            self._corrupt[random.choice(names)] = None
        return bool(names)

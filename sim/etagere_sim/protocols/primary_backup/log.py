"""The log of a replica: on its disk, and in memory with what it makes of the records."""

from __future__ import annotations

from typing import Any

from etagere.operations import Record
from etagere_sim.protocols.primary_backup.messages import NEVER, Entry, Offset, Term
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.hosts import Host

TERM = "term"
COPY = "copy of "
BATCH = 64
"""Entries in one message, at most."""


class Mirrored:
    """The disk with everything on it twice.

    A replica that forgot what it acknowledged must not vote on it, so one bad block must not make
    it forget.
    """

    def __init__(self, host: Host) -> None:
        self._disk = host.disk
        self._host = host

    def read(self, name: str) -> Any:
        """Return a value, or None. Raises `Corrupt` if both copies are."""
        try:
            return self._disk.read(name)
        except Corrupt:
            self._host.world.mark("a copy is read for a corrupt block")
            value = self._disk.read(COPY + name)
            self._disk.write(name, value)
            return value

    def write(self, name: str, value: Any) -> None:
        """Write both copies, for the next sync to make durable. Raises `DiskFailed`."""
        self._disk.write(name, value)
        self._disk.write(COPY + name, value)

    def sync(self) -> None:
        """Make durable what was written. Raises `DiskFailed`."""
        self._disk.sync()


class Log:
    """Entries, numbered from 1. What is appended is on the disk before anybody hears of it."""

    def __init__(self, disk: Mirrored, *, fsync: bool) -> None:
        self.records: dict[str, Record | None] = {}
        """What is under each key after the last entry."""
        self.calls: dict[str, int] = {}
        """The number of the entry of each call."""
        self._entries: list[Entry] = []
        self._disk = disk
        self._fsync = fsync
        self._load()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def offset(self) -> Offset:
        """How far it goes."""
        return self.term_at(len(self)), len(self)

    def __getitem__(self, number: int) -> Entry:
        return self._entries[number - 1]

    def term_at(self, number: int) -> Term:
        """Return the term of an entry; of 0, what is before all terms."""
        return self._entries[number - 1].term if number else NEVER

    def behind(self, number: int) -> tuple[Entry, ...]:
        """Return what comes after an entry, as much as goes into one message."""
        return tuple(self._entries[number : number + BATCH])

    def has(self, number: int, term: Term) -> bool:
        """Tell whether an entry is there, and hence all before it (the log matching property)."""
        return number <= len(self) and self.term_at(number) == term

    def common(self, number: int) -> int:
        """Return up to where the log may be the same as one that differs at an entry."""
        if number > len(self):
            return len(self)
        term = self.term_at(number)
        while number and self.term_at(number) == term:
            number -= 1
        return number

    def append(self, *entries: Entry) -> None:
        """Put entries at the end. Raises `DiskFailed`."""
        for entry in entries:
            self._add(entry)
            self._disk.write(_name(len(self)), entry)
        if self._fsync:
            self._disk.sync()

    def follow(self, behind: int, entries: tuple[Entry, ...]) -> bool:
        """Take over the entries of a primary behind one that is the same.

        What is in their place is cut off, and all that came after it; return whether there was any.
        """
        number = behind
        for position, entry in enumerate(entries):
            number += 1
            if not self.has(number, entry.term):
                cut = number <= len(self)
                if cut:
                    self._cut(number - 1)
                self.append(*entries[position:])
                return cut
        return False

    def _cut(self, length: int) -> None:
        for number in range(length + 1, len(self) + 1):
            self._disk.write(_name(number), None)
        entries = self._entries[:length]
        self._entries, self.records, self.calls = [], {}, {}
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self.records.update(entry.changes)
        if entry.call:
            self.calls[entry.call] = len(self._entries)

    def _load(self) -> None:
        # Behind a write that was lost with the power, later ones may have reached the disk: of an
        # older term, or the same that the primary of the term sends again.
        last = NEVER
        while (entry := self._disk.read(_name(len(self) + 1))) is not None and entry.term >= last:
            self._add(entry)
            last = entry.term


def _name(number: int) -> str:
    return f"entry {number}"

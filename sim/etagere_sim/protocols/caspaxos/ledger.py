"""What an acceptor has on its disk, and what it may still say when some of it is lost."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from etagere_sim.protocols.caspaxos.messages import EMPTY, ZERO, Ballot, Cell, Configuration
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.hosts import Host

CHUNK = 100
"""Ballots that a ceiling reaches beyond the one that it was raised for."""
COPIES = ("\0 one", "\0 other")
"""Where the minutes are, twice: no key has a NUL in it."""


class Slot(Struct, frozen=True, gc=False):
    """What is kept for a key."""

    promised: Ballot
    cell: Cell
    learned: Cell = EMPTY
    """The last cell that it was told is chosen."""


class Minutes(Struct, frozen=True):
    """What is kept for all keys together."""

    configuration: Configuration
    ceiling: int = 0
    """No promise was ever given for a higher ballot's number."""
    floor: Ballot = ZERO
    """The highest promise for a key whose slot was removed: it holds for all that have no slot."""
    forgotten: Ballot = ZERO
    """The highest ballot under which a slot that was removed had a change."""


class Ledger:
    """The slots of an acceptor. What was kept is on the disk.

    A slot whose bits flipped held a promise, and nobody knows which: only that it was not above the
    ceiling. Nothing under a ballot up to there may be accepted, and nobody may be told what was
    accepted last, until a cell under a higher ballot takes its place. That cell was prepared by
    others, who know all that could have been chosen.
    """

    def __init__(self, host: Host, configuration: Configuration) -> None:
        self._host = host
        self._disk = host.disk
        self.minutes = Minutes(configuration)
        self._limit = -1  # above it the ceiling must be raised first
        self._read_minutes()
        self.fresh = self._fresh()

    def slot(self, key: str) -> Slot | None:
        """Return the slot of a key, a fresh one if it has none; None: it is lost."""
        try:
            slot: Slot | None = self._disk.read(key)
        except Corrupt:
            self._host.world.mark("a slot is lost")
            return None
        return self.fresh if slot is None else slot

    def keep(self, key: str, slot: Slot) -> None:
        """Put a slot down, for good."""
        if slot.promised[0] > self._limit:
            self._raise_ceiling(slot.promised[0])
        self._disk.put(key, slot)

    def note(self, key: str, slot: Slot) -> None:
        """Put a slot down of which only what was learned is new: it can be learned again."""
        self._disk.write(key, slot)

    def adopt(self, configuration: Configuration) -> None:
        """Go by another configuration from now on."""
        self._write_minutes(replace(self.minutes, configuration=configuration))

    def remove(self, key: str, slot: Slot) -> None:
        """Remove a slot; its promise is kept, as one for all keys without a slot."""
        minutes = self.minutes
        floor = max(minutes.floor, slot.promised)
        forgotten = max(minutes.forgotten, slot.cell.ballot, slot.cell.forgotten)
        self._write_minutes(replace(minutes, floor=floor, forgotten=forgotten))
        self.erase(key)

    def erase(self, key: str) -> None:
        """Remove a slot with its promise."""
        self._disk.remove(key)
        self._disk.sync()

    def kept_keys(self) -> list[str]:
        """Return all keys that have a slot."""
        return [name for name in self._disk.names() if not name.startswith("\0")]

    def _raise_ceiling(self, number: int) -> None:
        ceiling = max(number + CHUNK, self.minutes.ceiling)
        self._write_minutes(replace(self.minutes, ceiling=ceiling))

    def _write_minutes(self, minutes: Minutes) -> None:
        for name in COPIES:
            self._disk.write(name, minutes)
        self._disk.sync()
        self.minutes = minutes
        self._limit = minutes.ceiling
        self.fresh = self._fresh()

    def check(self) -> list[Minutes]:
        """Return the copies of the minutes that can be read.

        Raises `Corrupt` if there is none: then no promise is known any more.
        """
        copies: list[Minutes] = []
        lost = 0
        for name in COPIES:
            try:
                minutes: Minutes | None = self._disk.read(name)
            except Corrupt:
                lost += 1
            else:
                if minutes is not None:
                    copies.append(minutes)
        if lost == len(COPIES):
            raise Corrupt(COPIES[0])
        return copies

    def _read_minutes(self) -> None:
        copies = self.check()
        if copies:
            self.minutes = copies[0]
        if len(copies) == len(COPIES):
            self._limit = self.minutes.ceiling  # else the next promise writes them both

    def _fresh(self) -> Slot:
        floor, forgotten = self.minutes.floor, self.minutes.forgotten
        return Slot(floor, Cell(ZERO, None, (), forgotten), Cell(forgotten, None, ()))

"""Hinted handoff: holding versions for a host that did not answer, until it does.

DeCandia et al., SOSP 2007, section 4.6.
"""

from __future__ import annotations

from etagere_sim.protocols.dynamo.cells import HINT, Cells
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.messages import Done, HandedOver, HandOver, Hold
from etagere_sim.protocols.dynamo.versions import EMPTY, Cell
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.hosts import Host


class Hints:
    """What a host holds for others, apart from what is its own. Each hint is on the disk."""

    def __init__(self, host: Host, knobs: Knobs, cells: Cells) -> None:
        self._host = host
        self._cells = cells
        self._merge = knobs.merge
        self._pause = knobs.handing_over if knobs.hints else None
        self._held: dict[tuple[str, str], Cell] = {}
        self._is_waiting = False
        host.handlers[Hold] = self.hold
        host.handlers[HandOver] = self.take_over
        host.handlers[HandedOver] = self.let_go
        self._remember()

    def __bool__(self) -> bool:
        return bool(self._held)

    def of(self, key: str) -> Cell:
        """Return what is held of a key, whoever it is for."""
        together = EMPTY
        for (_, held), cell in self._held.items():
            if held == key:
                together = self._merge(together, cell)
        return together

    def hold(self, source: str, asked: Hold) -> Done:
        """Hold versions for another host."""
        for holder, absent in asked.pairs:
            if holder == self._host.name:
                before = self._held.get((absent, asked.key), EMPTY)
                self._put_down(absent, asked.key, self._merge(before, asked.cell))
                self._host.world.mark("a hint is held")
        self._wait()
        return Done(True)

    def take_over(self, source: str, given: HandOver) -> None:
        """Take what another host held for this one."""
        before = self._cells.read(given.key)
        news = self._cells.add(given.key, before, given.cell) is not before
        self._host.world.mark(f"a hint brings {'news' if news else 'no news'}")
        self._host.send(source, HandedOver(given.key, given.cell))

    def let_go(self, source: str, taken: HandedOver) -> None:
        """Hold no longer what has got where it belongs."""
        if self._held.get((source, taken.key)) == taken.cell:
            self._put_down(source, taken.key, None)

    def _put_down(self, absent: str, key: str, cell: Cell | None) -> None:
        self._host.disk.write(f"{HINT}{absent}{HINT}{key}", cell)
        self._host.disk.sync()
        if cell is None:
            del self._held[absent, key]
        else:
            self._held[absent, key] = cell

    def _remember(self) -> None:
        """Read the hints of an earlier life."""
        for name in self._host.disk.names():
            if name.startswith(HINT):
                _, absent, key = name.split(HINT)
                try:
                    cell = self._host.disk.read(name)
                except Corrupt:
                    self._host.world.mark("a hint is corrupt")
                    continue
                if cell is not None:
                    self._held[absent, key] = cell
        self._wait()

    def _wait(self) -> None:
        if self._held and self._pause is not None and not self._is_waiting:
            self._is_waiting = True
            self._host.after(self._pause, self._hand_over)

    def _hand_over(self, _: object) -> None:
        self._is_waiting = False
        for (absent, key), cell in self._held.items():
            self._host.send(absent, HandOver(key, cell))
        self._wait()

"""The keeper of registers: a replica that holds the cell with the highest tag it was told of."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter

from etagere import contract
from etagere.operations import Conflict, Record
from etagere_sim.protocols.registers.knobs import Knobs
from etagere_sim.protocols.registers.messages import (
    EMPTY,
    Cell,
    Collect,
    Exchange,
    Held,
    Kept,
    Put,
    Refused,
    Swap,
)
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.hosts import Host

KEPT = Kept()


class Keeper:
    """Answers when it is on the disk, and tells the others now and then what it holds."""

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._host = host
        self._disk = host.disk
        self._knobs = knobs
        self._peers = tuple(name for name in knobs.keepers if name != host.name)
        self._turn = 0
        self._mending: dict[str, None] = {}
        host.handlers[Collect] = self.collect
        host.handlers[Put] = self.put
        host.handlers[Swap] = self.swap
        host.handlers[Exchange] = self.exchange
        if self._peers:
            host.after(knobs.exchange, self._tell)

    def collect(self, source: str, asked: Collect) -> Held | None:
        """Say what is held."""
        cell = self._cell(asked.key)
        return None if cell is None else Held(cell)

    def put(self, source: str, asked: Put) -> Kept | None:
        """Hold the cell, if it is later than the one that is here."""
        return KEPT if self._hold(asked.key, asked.cell) else None

    def swap(self, source: str, asked: Swap) -> Kept | Refused | None:
        """Do a conditional operation here, whatever the others do."""
        key = asked.operation.key
        cell = self._cell(key)
        if cell is None:
            return None
        if cell.tag == asked.tag:
            return KEPT
        record, outcome = contract.apply(cell.record, asked.operation, self._host.now())
        if type(outcome) is Conflict:
            self._host.world.mark("refused by a replica")
            return Refused(outcome.actual)
        self._hold(key, Cell(asked.tag, record))
        return KEPT

    def exchange(self, source: str, told: Exchange) -> None:
        """Hold what is later than what is here."""
        for key, cell in told.cells:
            self._hold(key, cell)

    def records(self) -> Mapping[str, Record | None]:
        """Return what is held under each key, but for what the disk has lost."""
        cells = {name: self._cell(name) for name in self._disk.names()}
        return {name: cell.record for name, cell in cells.items() if cell is not None}

    def _cell(self, key: str) -> Cell | None:
        try:
            return self._disk.read(key) or EMPTY
        except Corrupt:
            self._mend(key)
            return None

    def _hold(self, key: str, cell: Cell) -> bool:
        here = self._cell(key)
        if here is None:
            return False
        if cell.tag > here.tag:
            self._keep(key, cell)
        return True

    def _keep(self, key: str, cell: Cell) -> None:
        self._disk.write(key, cell)
        self._disk.sync()

    def _tell(self, _: object) -> None:
        self._host.after(self._knobs.exchange, self._tell)
        names = self._disk.names()
        cells = tuple((name, cell) for name in names if (cell := self._cell(name)) is not None)
        if cells:
            self._turn += 1
            self._host.send(self._peers[self._turn % len(self._peers)], Exchange(cells))

    # --- after the disk lost something ----------------------------------------------------------

    def _mend(self, key: str) -> None:
        if key not in self._mending:
            self._mending[key] = None
            self._host.spawn(self._restore(key))

    async def _restore(self, key: str) -> None:
        """Take a register over from so many others that one of them has all that was here.

        Until then this keeper is silent about it. It waits first: once nobody can count what it
        said before the loss, each write that did is at as many others as a write needs, less one.
        """
        host, knobs = self._host, self._knobs
        await host.sleep(knobs.patience)
        enough = len(knobs.keepers) - knobs.write_quorum + 1
        asked = await host.ask(self._peers, Collect(key), enough=enough, within=knobs.patience)
        del self._mending[key]
        if len(asked) >= enough:
            host.world.mark("register restored from others")
            held = (answer.cell for answer in asked.answers.values())
            self._keep(key, max(held, key=attrgetter("tag")))

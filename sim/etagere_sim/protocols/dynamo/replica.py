"""A replica: does what it is asked, and never asks the others first."""

from __future__ import annotations

from collections.abc import Mapping

from etagere import contract
from etagere.operations import Record
from etagere_sim.protocols.dynamo.anti_entropy import AntiEntropy
from etagere_sim.protocols.dynamo.cells import Cells
from etagere_sim.protocols.dynamo.hints import Hints
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.messages import Done, Get, Got, Mend, Put
from etagere_sim.protocols.dynamo.versions import Cell, Version, record_of, time_of
from etagere_sim.world.hosts import Host


class DynamoReplica:
    """Keeps its own cells, and those that it holds for others."""

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._cells = Cells(host, knobs)
        self._hints = Hints(host, knobs, self._cells)
        self._merge = knobs.merge
        host.handlers[Get] = self.get
        host.handlers[Put] = self.put
        host.handlers[Mend] = self.mend
        if knobs.sync is not None:
            AntiEntropy(host, knobs, self._cells, knobs.sync)

    def get(self, source: str, asked: Get) -> Got:
        """Tell what is there: a host that stands in for another tells what it holds for it."""
        cell = self._cells.read(asked.key)
        return Got(self._merge(cell, self._hints.of(asked.key)) if self._hints else cell)

    def put(self, source: str, asked: Put) -> Done:
        """Carry out a write or a removal."""
        cell, stamp = self._cells.read(asked.key), asked.stamp
        current = record_of(cell)
        record, outcome = contract.apply(current, asked.operation, time_of(stamp))
        # A removal of what is not there leaves a tombstone all the same: others may have it.
        if record is None or record is not current:
            self._cells.add(asked.key, cell, (Version(stamp, asked.clock, record),))
        return Done(outcome)

    def mend(self, source: str, asked: Mend) -> Done:
        """Take in versions that somebody else has."""
        self._cells.take_in(asked.key, asked.cell)
        return Done(True)

    def cell(self, key: str) -> Cell:
        """Return the versions of a key, siblings included."""
        return self._cells.read(key)

    def records(self) -> Mapping[str, Record | None]:
        """Return what each key shows; of siblings, the one with the greatest stamp."""
        return self._cells.records()

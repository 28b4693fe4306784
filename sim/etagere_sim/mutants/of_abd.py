"""Mutants of ABD, the register with majorities and write-back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from etagere.operations import Outcome, Read, Remove, Touch, Write
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.mutants.mutant import Mutant, campaign, subclass
from etagere_sim.protocols.registers import replication
from etagere_sim.protocols.registers.accessor import Accessor
from etagere_sim.protocols.registers.keeper import Keeper
from etagere_sim.protocols.registers.messages import EMPTY, Cell, Tag
from etagere_sim.world.disks import Corrupt

PLAIN: Final = Workload(conditional=0.0)
BUSY: Final = Workload(conditional=0.0, operations=10, reads=0.6)
PAIR: Final = Workload(clients=2, conditional=0.0, operations=12, reads=0.6, pause=2.0)
SLOW_WRITES: Final = "latency=exp:0.05,0.5&timeout=0.035&patience=0.035"
"""So slow that many are given up, and reach a replica after the next one began."""


class NoWriteBack(Accessor):
    """Returns the newest that a majority knows, and leaves it where it is."""

    async def _settle(self, operation: Read, cells: Sequence[Cell], ends: float) -> bool:
        return True


class TagOfTheClient(Accessor):
    """Numbers its writes, and names them by the client instead of the operation."""

    def _tag_for(self, operation: Write | Remove | Touch, newest: Tag) -> Tag:
        return newest[0] + 1, self._host.name, 0, ""


class WriteOffByOne(Accessor):
    """Takes one replica less for a majority when it writes."""

    async def _put(self, key: str, cell: Cell, ends: float) -> bool:
        knobs = self._knobs
        self._knobs = replace(knobs, write_quorum=knobs.write_quorum - 1)
        try:
            return await super()._put(key, cell, ends)
        finally:
            self._knobs = knobs


class TagOfOne(Accessor):
    """Asks one replica for the highest tag before it writes, instead of a majority."""

    async def _set(self, operation: Write | Remove | Touch, ends: float) -> Outcome:
        knobs = self._knobs
        self._knobs = replace(knobs, read_quorum=1)
        try:
            return await super()._set(operation, ends)
        finally:
            self._knobs = knobs


class LastToCome(Keeper):
    """Holds what comes last instead of what has the highest tag."""

    def _hold(self, key: str, cell: Cell) -> bool:
        self._keep(key, cell)
        return True


class BeforeTheSync(Keeper):
    """Answers before what it keeps is on the disk."""

    def _keep(self, key: str, cell: Cell) -> None:
        self._disk.write(key, cell)


class CorruptIsEmpty(Keeper):
    """Takes a register that its disk has lost for one that was never written."""

    def _cell(self, key: str) -> Cell | None:
        try:
            return self._disk.read(key) or EMPTY
        except Corrupt:
            return EMPTY


MUTANTS: Final = (
    Mutant(
        name="read skips write-back",
        protocol="abd",
        what="a read returns what is not at a majority yet, so the next one may miss it",
        seen="Cassandra with read_repair = NONE: its quorum reads are not monotonic",
        places=subclass(NoWriteBack, replication),
        campaign=campaign("abd", "messages", BUSY),
    ),
    Mutant(
        name="tag without unique id",
        protocol="abd",
        what="a tag is a number and the client, so a lost write and the next one share it",
        seen="a prototype of this one: 0.13 % of its runs",
        places=subclass(TagOfTheClient, replication),
        campaign=campaign(f"abd&{SLOW_WRITES}", "none", PAIR),
    ),
    Mutant(
        name="write quorum off by one",
        protocol="abd",
        what="a write is done when one replica less than a majority has it",
        seen="own: n / 2 instead of n / 2 + 1",
        places=subclass(WriteOffByOne, replication),
        campaign=campaign("abd", "messages", PLAIN, "random"),
    ),
    Mutant(
        name="tag of one replica",
        protocol="abd",
        what="a write goes beyond the tag of one replica instead of a majority's",
        seen="timestamps of the writer's own, as Cassandra takes them from clients, in effect",
        places=subclass(TagOfOne, replication),
        campaign=campaign("abd", "messages", PLAIN),
    ),
    Mutant(
        name="last to come wins",
        protocol="abd",
        what="a replica keeps what arrives last, whatever its tag",
        seen="Nishtala et al., Scaling Memcache at Facebook, NSDI 2013, section 3.2: stale sets",
        places=subclass(LastToCome, replication),
        campaign=campaign("abd", "messages", PLAIN),
    ),
    Mutant(
        name="answered before the sync",
        protocol="abd",
        what="a replica acknowledges what is in memory only",
        seen="Redis with appendfsync everysec; Cassandra's periodic commit log",
        places=subclass(BeforeTheSync, replication),
        campaign=campaign("abd", "crashes,cuts,messages", PLAIN),
    ),
    Mutant(
        name="corrupt is empty",
        protocol="abd",
        what="a register that the disk lost is taken for one that was never written",
        seen="Alagappan et al., Protocol-aware recovery for consensus-based storage, FAST 2018",
        places=subclass(CorruptIsEmpty, replication),
        campaign=campaign("abd", "bits,cuts,messages", PLAIN),
    ),
)

"""The accessor: reads and writes registers by quorums, in two phases.

A write that keeps the expiry depends on what is there, and yet needs no consensus: whatever sets
the expiry overwrites it, and of any two operations where one overwrites the other, or that commute,
registers can do both (Aspnes and Herlihy, "Wait-free data structures in the asynchronous PRAM
model", SPAA 1990).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from etagere import contract
from etagere.errors import Interrupted, NotSupported, Unavailable
from etagere.operations import (
    ANYTHING,
    KEEP,
    Conflict,
    Consistency,
    Operation,
    Outcome,
    Read,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_sim.protocols.registers.knobs import Knobs
from etagere_sim.protocols.registers.messages import Cell, Collect, Put, Refused, Swap, Tag
from etagere_sim.world.asking import Asked
from etagere_sim.world.hosts import Host

Enough: TypeAlias = int | Callable[[Asked[Any]], bool]


class Accessor:
    """Performs operations. What it sends again, it sends under the tag of the first time.

    An eventual read asks as few replicas as the protocol says. A write is at a quorum at either
    level: its tag comes from a quorum anyhow, and so strong reads see eventual writes.
    """

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._host = host
        self._knobs = knobs
        # Another life of the same process must not use an id again.
        self._name = f"{host.name}.{host.epoch}"
        self._operations = 0

    async def perform(self, operation: Operation, consistency: Consistency) -> Outcome:
        """Carry out an operation on one key."""
        if type(operation) is Transaction:
            return NotSupported("a transaction needs a log or a lock, and these are registers")
        ends = self._host.world.agenda.now + self._knobs.deadline
        if type(operation) is Read:
            return await self._get(operation, consistency, ends)
        if is_plain(operation):
            return await self._set(operation, ends)
        if self._knobs.conditional == "refused":
            return NotSupported(
                f"registers that are read and written by quorums cannot do a {named(operation)}:"
                " what is there may change between their reading and their writing."
                " Take protocol=caspaxos, or add unsafe=1 to see it go wrong"
            )
        if self._knobs.conditional == "replica":
            return await self._swap(operation, ends)
        return await self._set(operation, ends)

    # --- operations -----------------------------------------------------------------------------

    async def _get(self, operation: Read, consistency: Consistency, ends: float) -> Outcome:
        strong = consistency is Consistency.STRONG
        wanted = self._knobs.read_quorum if strong else self._knobs.eventual_reads
        cells = await self._collect(operation.key, wanted, ends)
        if cells is None:
            return Unavailable("too few replicas answered in time")
        newest = max(cells, key=_tag)
        if strong and self._knobs.write_back and not await self._settle(operation, cells, ends):
            return Unavailable("too few replicas confirmed in time what was read")
        return contract.apply(newest.record, operation, self._host.now())[1]

    async def _settle(self, operation: Read, cells: Sequence[Cell], ends: float) -> bool:
        """See to it that what is read is at a quorum, so that no later read misses it."""
        newest = max(cells, key=_tag)
        if all(cell.tag == newest.tag for cell in cells):
            self._host.world.mark("read was unanimous")
            return True
        self._host.world.mark("read was written back")
        return await self._put(operation.key, newest, ends)

    async def _set(self, operation: Write | Remove | Touch, ends: float) -> Outcome:
        cells = await self._collect(operation.key, self._knobs.read_quorum, ends)
        if cells is None:
            return Unavailable("too few replicas answered in time")
        newest = max(cells, key=_tag)
        record, outcome = contract.apply(newest.record, operation, self._host.now())
        if type(outcome) is Conflict:
            return outcome
        if type(operation) is Write and record is newest.record:
            self._host.world.mark("write was in place")
            cell = newest
        else:
            cell = Cell(self._tag_for(operation, newest.tag), record)
        if not await self._put(operation.key, cell, ends):
            return Interrupted("too few replicas confirmed the write in time")
        return outcome

    async def _swap(self, operation: Write | Remove | Touch, ends: float) -> Outcome:
        """Have each replica decide for itself; a majority's word counts."""
        knobs = self._knobs
        cells = await self._collect(operation.key, knobs.read_quorum, ends)
        if cells is None:
            return Unavailable("too few replicas answered in time")
        tag = self._tag_for(operation, max(cells, key=_tag).tag)
        most = len(knobs.keepers) - knobs.write_quorum

        def decided(asked: Asked[Any]) -> bool:
            refused = sum(type(answer) is Refused for answer in asked.answers.values())
            return refused > most or len(asked) - refused >= knobs.write_quorum

        asked = await self._ask(Swap(operation, tag), decided, ends)
        if asked is None:
            return Interrupted("too few replicas decided in time")
        refusals = [answer for answer in asked.answers.values() if type(answer) is Refused]
        return Conflict(refusals[-1].actual) if len(refusals) > most else True

    # --- phases ---------------------------------------------------------------------------------

    async def _collect(self, key: str, enough: int, ends: float) -> list[Cell] | None:
        asked = await self._ask(Collect(key), enough, ends)
        return None if asked is None else [answer.cell for answer in asked.answers.values()]

    async def _put(self, key: str, cell: Cell, ends: float) -> bool:
        return await self._ask(Put(key, cell), self._knobs.write_quorum, ends) is not None

    async def _ask(
        self, message: Collect | Put | Swap, enough: Enough, ends: float
    ) -> Asked[Any] | None:
        """Ask all keepers, again and again; return who gave enough answers to one question."""
        host, agenda, patience = self._host, self._host.world.agenda, self._knobs.patience
        keepers = self._knobs.keepers
        while agenda.now < ends:
            asked_at = agenda.now
            asked = await host.ask(keepers, message, enough=enough, within=patience)
            if agenda.now > asked_at + patience:
                # This host stood still. A keeper that lost its disk since may answer otherwise now.
                host.world.mark("answers were too old")
            elif len(asked) >= enough if isinstance(enough, int) else enough(asked):
                return asked
            else:
                host.world.mark("asked again")
        return None

    def _tag_for(self, operation: Write | Remove | Touch, newest: Tag) -> Tag:
        """Return the tag of an operation: higher than all that were heard of, and its own."""
        number, setter, keeps, _ = newest
        if type(operation) is Write:
            if operation.ttl is KEEP and operation.expected is ANYTHING:
                return number, setter, keeps + 1, operation.etag
            return number + 1, operation.etag, 0, ""
        self._operations += 1
        return number + 1, f"{self._name}/{self._operations}", 0, ""


def is_plain(operation: Write | Remove | Touch) -> bool:
    """Tell whether registers can do an operation."""
    return operation.expected is ANYTHING and type(operation) is not Touch


def named(operation: Write | Remove | Touch) -> str:
    """Return what messages call an operation that depends on what is there."""
    if operation.expected is not ANYTHING:
        return "conditional " + type(operation).__name__.lower()
    return "touch"


_tag = attrgetter("tag")

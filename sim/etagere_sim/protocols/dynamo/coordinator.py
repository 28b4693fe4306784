"""The coordinator: sends an operation to the replicas of its key, and waits for R or W of them."""

from __future__ import annotations

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
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.messages import Get, Mend, Put
from etagere_sim.protocols.dynamo.quorums import Quorums
from etagere_sim.protocols.dynamo.repair import ReadRepair
from etagere_sim.protocols.dynamo.versions import (
    EMPTY,
    Cell,
    Stamp,
    VectorClock,
    Version,
    context_of,
    joined,
    record_of,
)
from etagere_sim.world.hosts import Host

Single = Read | Write | Remove | Touch


class DynamoCoordinator:
    """Performs operations. It keeps no data, only what it has seen."""

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._host = host
        self._knobs = knobs
        self._quorums = Quorums(host, knobs)
        # Another life of the same process must not count its writes from 1 again.
        self._name = f"{host.name}.{host.epoch}"
        self._writes = 0
        self._seen: dict[str, VectorClock] = {}

    async def perform(self, operation: Operation, consistency: Consistency) -> Outcome:
        """Carry out an operation on one key."""
        knobs = self._knobs
        r, w = knobs.r, knobs.w
        if type(operation) is Transaction:
            return NotSupported("dynamo has no transactions: each key is on its own")
        if consistency is Consistency.STRONG:
            if not knobs.unsafe:
                return NotSupported("dynamo is never strong; unsafe=1 tries it with majorities")
            r = w = knobs.majority
        if type(operation) is Read:
            cell = await self._read(operation.key, r)
            return cell if isinstance(cell, Unavailable) else self._applied(cell, operation)[1]
        if type(operation) is Touch or _depends_on_what_is_there(operation):
            if operation.expected is not ANYTHING and not knobs.unsafe:
                return NotSupported("dynamo has no conditional writes; unsafe=1 tries them")
            return await self._check_and_write(operation, r, w)
        return await self._write(operation, w)

    async def _read(self, key: str, r: int) -> Cell | Unavailable:
        """Return what R replicas know together."""
        knobs = self._knobs
        asked = await self._quorums.read(Get(key), r)
        if len(asked) < r:
            return Unavailable(f"{len(asked)} of {r} replicas answered in time")
        cell = EMPTY
        for got in asked.answers.values():
            cell = knobs.merge(cell, got.cell)
        if knobs.versions == "vector":
            self._see(key, context_of(cell))
            if len(cell) > 1:
                self._host.world.mark("a read meets siblings")
        if knobs.repair != "none":
            repair = ReadRepair(self._host, asked, key, cell, knobs.merge)
            if knobs.repair == "async":
                repair.begin()
            elif not await repair.finish(knobs.timeout):
                return Unavailable("replicas that were behind could not be repaired in time")
        return cell

    async def _write(self, operation: Write | Remove, w: int) -> Outcome:
        """Write whatever is there."""
        stamp, clock = self._next(operation.key)
        put = Put(operation.key, operation, stamp, clock)
        acks = await self._quorums.write(put, w)
        if len(acks) < w:
            return Interrupted(f"{len(acks)} of {w} replicas have it for certain")
        return type(operation) is Write or any(done.outcome is True for done in acks)

    async def _check_and_write(self, operation: Write | Remove | Touch, r: int, w: int) -> Outcome:
        """Read, check and write: others may write in between."""
        cell = await self._read(operation.key, r)
        if isinstance(cell, Unavailable):
            return cell
        record, outcome = self._applied(cell, operation)
        if type(outcome) is Conflict:
            self._host.world.mark("a check fails")
            return outcome
        if record is record_of(cell):
            return outcome
        self._host.world.mark("a check holds, and a write follows")
        stamp, clock = self._next(operation.key)
        version = Version(stamp, clock, record)
        acks = await self._quorums.write(Mend(operation.key, (version,)), w)
        return outcome if len(acks) >= w else Interrupted(f"{len(acks)} of {w} have it for certain")

    def _applied(self, cell: Cell, operation: Single) -> tuple[Record | None, Outcome]:
        return contract.apply(record_of(cell), operation, self._host.now())

    def _next(self, key: str) -> tuple[Stamp, VectorClock]:
        """Return the stamp and the clock of the next write."""
        self._writes += 1
        stamp = (int(self._host.clock.read() * 1000), self._name, self._writes)
        if self._knobs.versions == "lww":
            return stamp, ()
        return stamp, self._see(key, ((self._name, self._writes),))

    def _see(self, key: str, clock: VectorClock) -> VectorClock:
        """Take down what was seen; return everything that was."""
        seen = self._seen[key] = joined(self._seen.get(key, ()), clock)
        return seen


def _depends_on_what_is_there(operation: Write | Remove) -> bool:
    if operation.expected is not ANYTHING:
        return True
    return type(operation) is Write and operation.ttl is KEEP

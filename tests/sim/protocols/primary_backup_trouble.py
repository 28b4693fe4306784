"""Trouble of every kind for a primary and its backups, and transactions under it."""

from __future__ import annotations

from collections.abc import Iterator

from etagere.errors import EtagereError
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.operations import (
    ABSENT,
    Conflict,
    Consistency,
    Outcome,
    Read,
    Record,
    Transaction,
    Write,
)
from etagere.urls import Options
from etagere_sim.campaigns.runs import Run, Trouble, run
from etagere_sim.campaigns.troubles import kinds_of, trouble_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.cluster import Cluster
from etagere_sim.protocols import protocol_of
from etagere_sim.protocols.primary_backup import PrimaryBackup
from etagere_sim.world.hosts import Host
from etagere_sim.world.world import World
from tests.sim.protocols.plans import UNSTEADY


def replication_of(settings: str) -> PrimaryBackup:
    """Return the protocol with the settings of a URL, of which none may be left over."""
    options = Options(f"sim://?protocol=primary_backup{settings}")
    made = protocol_of(options)
    options.done()
    assert isinstance(made, PrimaryBackup)
    return made


def trouble_for(replication: PrimaryBackup, workload: Workload, seed: int) -> Trouble:
    """Return what goes wrong under a seed."""
    kinds, clients = kinds_of("all"), workload.names()
    return trouble_of(seed, kinds, replication.replicas, clients, workload.operations)


def troubled(settings: str, workload: Workload, seeds: range) -> Iterator[Run]:
    """Run a cluster under many seeds."""
    replication = replication_of(settings)
    for seed in seeds:
        trouble = trouble_for(replication, workload, seed)
        yield run(replication, UNSTEADY, workload, seed, trouble)


# --- transactions -----------------------------------------------------------------------------

KEYS = ("a", "b")
ROUNDS = 4


def transacted(settings: str, seed: int) -> list[Call]:
    """Return the calls of three clients that read two keys, and write both on what they read."""
    replication, world = replication_of(settings), World(seed, UNSTEADY)
    cluster = Cluster(world, replication)
    outside = world.add("outside", lambda host: None)
    players = [Player(cluster, cluster.client(name)) for name in ("c1", "c2", "c3")]
    trouble = trouble_for(replication, Workload(operations=ROUNDS), seed)
    for fault in trouble.faults:
        fault.schedule(world)
    world.agenda.at(trouble.until, "", lambda _: world.calm())
    tasks = [outside.spawn(player.play(outside)) for player in players]
    world.agenda.run(lambda: all(task.done for task in tasks))
    return sorted((call for each in players for call in each.calls), key=lambda call: call.start)


class Player:
    """A client that swaps both keys at once."""

    def __init__(self, cluster: Cluster, host: Host) -> None:
        self.calls: list[Call] = []
        self._cluster, self._host = cluster, host

    async def play(self, outside: Host) -> None:
        """Read both keys and write both, a few times."""
        for number in range(ROUNDS):
            await outside.sleep(10.0)
            seen = [await self._read(outside, key) for key in KEYS]
            await self._write(outside, f"{self._host.name}.{number}", seen)

    async def _read(self, outside: Host, key: str) -> str:
        start = self._moment()
        found = await self._perform(outside, Read(key))
        record = found if isinstance(found, Record) else None
        failed = isinstance(found, EtagereError)
        call = Call(
            kind=Kind.GET,
            start=start,
            finish=self._moment(),
            status=Status.FAIL if failed else Status.OK,
            client=self._host.name,
            key=key,
            found=None if failed else record is not None,
            value=record and record.value.decode(),
            etag=record and record.etag,
        )
        self.calls.append(call)
        return record.etag if record else ABSENT

    async def _write(self, outside: Host, name: str, seen: list[str]) -> None:
        start = self._moment()
        writes = [
            Write(key, name.encode(), f"{name}.{key}", expected)
            for key, expected in zip(KEYS, seen, strict=True)
        ]
        outcome = await self._perform(outside, Transaction(tuple(writes)))
        finish = NEVER if isinstance(outcome, EtagereError) else self._moment()
        status = status_of(outcome)
        conflict = outcome if isinstance(outcome, Conflict) else None
        parts = tuple(
            Call(
                kind=Kind.SET,
                start=start,
                finish=finish,
                status=status if conflict is None or conflict.index == index else Status.FAIL,
                client=self._host.name,
                key=write.key,
                expected=write.expected,
                value=name,
                etag=write.etag if conflict is None else None,
                actual=conflict and (conflict.actual or ABSENT),
            )
            for index, write in enumerate(writes)
        )
        index = conflict.index if conflict else 0
        call = Call(
            kind=Kind.TRANSACTION,
            start=start,
            finish=finish,
            status=status,
            client=self._host.name,
            index=index,
            parts=parts,
        )
        self.calls.append(call)

    async def _perform(self, outside: Host, operation: Read | Transaction) -> Outcome:
        while not self._host.up:
            await outside.sleep(1.0)
        coordinator = self._cluster.coordinators[self._host.name]
        try:
            return await self._host.spawn(coordinator.perform(operation, Consistency.STRONG))
        except EtagereError as died:
            return died

    def _moment(self) -> int:
        self._host.world.marks["moment"] += 1
        return self._host.world.marks["moment"]


def status_of(outcome: Outcome) -> Status:
    """Return what is known of a transaction's effect."""
    if isinstance(outcome, EtagereError):
        return Status.INFO
    return Status.MISMATCH if isinstance(outcome, Conflict) else Status.OK

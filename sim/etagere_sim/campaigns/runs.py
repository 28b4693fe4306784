"""One run: a cluster, clients on it, chaos, calm, and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from etagere.histories.history import Call, History
from etagere.histories.verdicts import Answer, Finding
from etagere.histories.versioned import check_versioned
from etagere.histories.versioned.pace import without_cycle_collection
from etagere.operations import Consistency, Read, Record
from etagere_sim.campaigns.clients import Notebook
from etagere_sim.campaigns.judging import as_strong
from etagere_sim.campaigns.players import CALM, Player, Stage, play_bare
from etagere_sim.campaigns.workloads import Intent, Workload
from etagere_sim.cluster import Cluster
from etagere_sim.kernel.agenda import Agenda, Chooser
from etagere_sim.protocols.protocol import Replication
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.faults import Fault, Weather
from etagere_sim.world.hosts import Host
from etagere_sim.world.latency import Latency
from etagere_sim.world.trace import Trace
from etagere_sim.world.world import World

LOOK = 50.0
"""Milliseconds between two looks at the replicas."""


class Trouble(Struct, frozen=True):
    """What goes wrong in a run, and until when."""

    faults: Sequence[Fault] = ()
    weather: Weather | None = None
    until: float = 0.0
    """Milliseconds after which all is calm. It is calm, too, once all programs are played."""


NONE = Trouble()


class Run(Struct, frozen=True):
    """What came of one run."""

    seed: int
    answer: Answer
    """Whether the history is linearizable."""
    findings: Sequence[Finding]
    calls: Sequence[Call]
    times: Sequence[float]
    """The virtual milliseconds of each moment, from moment 1: starts and finishes are moments."""
    faults: Sequence[Fault]
    """What went wrong: enough to make it go wrong again."""
    marks: Counter[str]
    progressed: bool
    """Whether every client could write once all was calm."""
    converged: bool
    """Whether all replicas then came to hold the same."""
    steps: int
    trouble: Trouble

    @property
    def is_right(self) -> bool:
        """Whether nothing is to be said against it."""
        return self.answer is Answer.YES and self.progressed and self.converged


def run(
    replication: Replication,
    latency: Latency,
    workload: Workload,
    seed: int,
    trouble: Trouble = NONE,
    *,
    chooser: Chooser | None = None,
    setup: Callable[[Cluster], object] | None = None,
    programs: Mapping[str, Sequence[Intent]] | None = None,
    agenda: Agenda | None = None,
    trace: Trace | None = None,
    play: Player = play_bare,
) -> Run:
    """Run a cluster once, from its seed, and judge it.

    `programs`: what each client does, by name; None: what the workload draws. Where everything is
    asked for at the eventual level, the run is judged as if it had been at the strong one.
    `trace`: where everything that happens is written down. `agenda`: one with its chooser, instead
    of a plain one.
    """
    with without_cycle_collection():
        world = World(seed, latency, chooser=chooser, agenda=agenda, trace=trace)
        cluster = Cluster(world, replication)
        outside = world.add("outside", _nothing)
        notebook = Notebook(world.agenda)
        if programs is None:
            programs = workload.programs(world.stream("workload"))
        hosts = {name: cluster.client(name) for name in programs}
        if setup is not None:
            setup(cluster)
        make_trouble(trouble, world)
        progressed = play(Stage(cluster, workload, programs, hosts, outside, notebook))
        converged = _comes_to_agree(cluster, next(iter(hosts)))
        calls = notebook.in_order()
        if workload.eventual == 1:
            calls = as_strong(calls)
        verdict = check_versioned(History(calls))
        done = Run(
            seed=world.seed,
            answer=verdict.answer,
            findings=verdict.findings,
            calls=calls,
            times=notebook.times,
            faults=world.faults,
            marks=world.marks,
            progressed=progressed,
            converged=converged,
            steps=world.agenda.steps,
            trouble=trouble,
        )
        if agenda is None and setup is None:  # else somebody may still look at it
            cluster.end()
        return done


def are_the_same(cluster: Cluster) -> bool:
    """Tell whether all replicas of each key hold the same.

    A key that one does not know is absent there. One whose disk is corrupt has stopped, and holds
    nothing.
    """
    held = dict(_held(cluster))
    keys = dict.fromkeys(key for records in held.values() for key in records)
    for key in keys:
        hosts = [host for host in cluster.replication.replicas_of(key) if host in held]
        if any(held[host].get(key) != held[hosts[0]].get(key) for host in hosts):
            return False
    return True


def _held(cluster: Cluster) -> Iterator[tuple[str, dict[str, Record]]]:
    for host, replica in cluster.replicas.items():
        try:
            records = replica.records()
        except Corrupt:
            continue
        yield host, {key: record for key, record in records.items() if record is not None}


def _comes_to_agree(cluster: Cluster, reader: str) -> bool:
    world = cluster.world
    until = world.agenda.now + CALM
    while not are_the_same(cluster):
        if world.agenda.now >= until:
            return False
        if cluster.replication.reads_repair:
            _read_all(cluster, world.hosts[reader])
        world.agenda.play(world.agenda.now + LOOK)
    return True


def _read_all(cluster: Cluster, reader: Host) -> None:
    """Have a host read every key, only so that it is read."""
    for key in dict.fromkeys(key for _, records in _held(cluster) for key in records):
        read = cluster.coordinators[reader.name].perform(Read(key), Consistency.EVENTUAL)
        reader.spawn(read)


def _nothing(host: Host) -> None:
    """Start no process: this host is where the clients are."""


def make_trouble(trouble: Trouble, world: World) -> None:
    """Have everything go wrong that is to."""
    world.weather = trouble.weather
    for fault in trouble.faults:
        fault.schedule(world)
    if trouble.until:
        world.agenda.at(trouble.until, "", lambda _: world.calm())

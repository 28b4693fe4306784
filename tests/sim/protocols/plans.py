"""Fixed plans: what clients do, and fewer than ten faults, where every message takes 1 ms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from etagere.histories.verdicts import Anomaly
from etagere.operations import Consistency, Operation, Outcome
from etagere.urls import Options
from etagere_sim.campaigns.plans import replay
from etagere_sim.campaigns.runs import Run, Trouble, run
from etagere_sim.campaigns.troubles import kinds_of, trouble_of
from etagere_sim.campaigns.workloads import Ask, Intent, Workload
from etagere_sim.cluster import Cluster
from etagere_sim.protocols import protocol_of
from etagere_sim.protocols.protocol import Replication
from etagere_sim.scenarios import SCENARIOS
from etagere_sim.scenarios.steps import url_of
from etagere_sim.world.distributions import Constant, ParetoMixture
from etagere_sim.world.faults import Fault
from etagere_sim.world.latency import Everywhere
from etagere_sim.world.world import World

STEADY = Everywhere(Constant(1.0))
UNSTEADY = Everywhere(ParetoMixture(0.9, 1.0, 3.5, 0.1))
"""Most messages take a millisecond or two, one in ten takes ten."""


def scenario_on(name: str, settings: str) -> Run:
    """Play the plan of a named scenario on the cluster of a `sim://` URL with these settings."""
    return replay(replace(SCENARIOS[name].weak, url=url_of(settings)))


def gets(pause: float, level: Consistency = Consistency.STRONG) -> Intent:
    """Read, so many milliseconds after the step before."""
    return Intent(Ask.GET, "k", level, pause)


def sets(pause: float, level: Consistency = Consistency.STRONG) -> Intent:
    """Write, whatever is there."""
    return Intent(Ask.SET, "k", level, pause)


def swaps(pause: float) -> Intent:
    """Write on the ETag that was seen last."""
    return Intent(Ask.SWAP, "k", Consistency.STRONG, pause)


def deletes(pause: float) -> Intent:
    """Delete, whatever is there."""
    return Intent(Ask.DELETE, "k", Consistency.STRONG, pause)


class Plan(Struct, frozen=True, kw_only=True):
    """What each client does, and what goes wrong. All is calm again after `until`."""

    programs: Mapping[str, Sequence[Intent]]
    faults: tuple[Fault, ...] = ()
    until: float = 150.0

    def played_on(self, settings: str | Replication) -> Run:
        """Play it on the cluster of a `sim://` URL with these settings."""
        trouble = Trouble(self.faults, None, self.until)
        replication = _cluster(settings)
        return run(replication, STEADY, Workload(), 0, trouble, programs=self.programs)


def runs(
    settings: str | Replication, workload: Workload, seeds: range, faults: str | Trouble = "all"
) -> Iterator[Run]:
    """Run a cluster under many seeds, with this trouble, or some of these kinds from the seed."""
    replication, names = _cluster(settings), workload.names()
    for seed in seeds:
        trouble = faults
        if isinstance(trouble, str):
            hosts, number = replication.replicas, workload.operations
            trouble = trouble_of(seed, kinds_of(trouble), hosts, names, number)
        yield run(replication, UNSTEADY, workload, seed, trouble)


def told(settings: str, *operations: Operation, pause: float = 1.0) -> list[Outcome]:
    """Return what one client is told of one operation after another, so many ms apart."""
    world = World(0, STEADY)
    cluster = Cluster(world, _cluster(settings))
    host = cluster.client("c1")

    async def ask() -> list[Outcome]:
        outcomes: list[Outcome] = []
        for operation in operations:
            coordinator = cluster.coordinators[host.name]
            outcomes.append(await coordinator.perform(operation, Consistency.STRONG))
            await host.sleep(pause)
        return outcomes

    task = host.spawn(ask())
    world.agenda.run(lambda: task.done)
    assert isinstance(task.result, list)
    return task.result


def anomalies(done: Run) -> set[Anomaly]:
    """Return what is wrong with a run's history, by name."""
    return {finding.anomaly for finding in done.findings}


def _cluster(settings: str | Replication) -> Replication:
    if isinstance(settings, Replication):
        return settings
    return protocol_of(Options(f"sim://?protocol={settings}"))

"""Holding protocols and their settings against each other, under the same load and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Final

from msgspec import Struct

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.staleness import measure_staleness
from etagere.histories.verdicts import Answer
from etagere_sim.campaigns.addresses import Simulated, simulated
from etagere_sim.campaigns.campaign import at_its_level
from etagere_sim.campaigns.runs import NONE, Run, Trouble, run
from etagere_sim.campaigns.troubles import kinds_of, trouble_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.world.faults import Cut, Died


class Setting(Struct, frozen=True):
    """A protocol with its settings, and the level at which it is asked."""

    url: str
    level: str | None = None
    """"strong" or "eventual"; None: strong, if it claims to be that."""

    @property
    def load(self) -> Workload:
        """What is asked of it."""
        if self.level is None:
            return at_its_level(self.url, LOAD)
        return LOAD.at_eventual() if self.level == "eventual" else LOAD


PERCENTILES: Final = (50.0, 90.0, 99.0)
LONG: Final = 100_000.0
"""Milliseconds: longer than any run."""
LOAD: Final = Workload(conditional=0.0, operations=10)
"""No conditional writes, because not everybody takes them."""

USUAL: Final = {
    "single": Setting("sim://?protocol=single"),
    "dynamo 1/1": Setting("sim://?protocol=dynamo&r=1&w=1"),
    "dynamo 1/2": Setting("sim://?protocol=dynamo&r=1&w=2"),
    "dynamo 2/2": Setting("sim://?protocol=dynamo&r=2&w=2"),
    "quorum_regular": Setting("sim://?protocol=quorum_regular"),
    "abd": Setting("sim://?protocol=abd"),
    "caspaxos": Setting("sim://?protocol=caspaxos"),
    "primary_backup, reads of backups": Setting(
        "sim://?protocol=primary_backup&reads=backup", "eventual"
    ),
    "primary_backup, no fencing": Setting(
        "sim://?protocol=primary_backup&failover=timer&fencing=off&acks=1"
    ),
    "primary_backup": Setting("sim://?protocol=primary_backup"),
}
"""What is compared if nothing else is said. Of dynamo, the quorums of a read and of a write."""


class Share(Struct, frozen=True):
    """So many of so many."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """As a number from 0 to 1."""
        return self.count / self.total if self.total else 0.0

    def __add__(self, other: Share) -> Share:
        return Share(self.count + other.count, self.total + other.total)


class Compared(Struct, frozen=True, kw_only=True):
    """What came of one protocol with its settings."""

    name: str
    url: str
    level: str
    """At which its calls were made."""
    read_ms: Mapping[float, float]
    """Percentile → virtual milliseconds, with no faults."""
    write_ms: Mapping[float, float]
    one_down: Share
    """Calls that were answered, with one replica down."""
    partition: Share
    """With one replica and one client cut off from the rest."""
    stale: Share
    """Reads that missed a newer version, with no faults."""
    stale_ms: float
    """For how long, at the 99th percentile of the stale ones."""
    violations: Share
    """Runs that were not linearizable, with no faults."""
    violations_with_faults: Share
    """The same with all kinds of faults."""


def compare(name: str, setting: Setting, seeds: int) -> Compared:
    """Run one protocol under each of the circumstances, under so many seeds each."""
    world, load = simulated(setting.url), setting.load
    calm = _runs(world, load, seeds, lambda _: NONE)
    down = _runs(world, load, seeds, lambda seed: one_down(world.replication.replicas, seed))
    cut = _runs(world, load, seeds, lambda seed: split(world.replication.replicas, load, seed))
    bad = _runs(world, load, seeds, lambda seed: any_trouble(world, load, seed))
    stale, ages = _staleness(calm)
    return Compared(
        name=name,
        url=setting.url,
        level="eventual" if load.eventual else "strong",
        read_ms=latencies(calm, reads=True),
        write_ms=latencies(calm, reads=False),
        one_down=_answered(down),
        partition=_answered(cut),
        stale=stale,
        stale_ms=at(sorted(ages), 99.0),
        violations=_violations(calm),
        violations_with_faults=_violations(bad),
    )


# --- circumstances --------------------------------------------------------------------------------


def one_down(replicas: Sequence[str], seed: int) -> Trouble:
    """Return that one replica is down, each in turn."""
    return Trouble((Died(0.0, LONG, host=replicas[seed % len(replicas)]),))


def split(replicas: Sequence[str], load: Workload, seed: int) -> Trouble:
    """Return that one replica and one client cannot reach the rest, nor the rest them."""
    replica, client = replicas[seed % len(replicas)], load.names()[seed % load.clients]
    rest = tuple(name for name in (*replicas, *load.names()) if name not in (replica, client))
    return Trouble((Cut(0.0, LONG, sources=(replica, client), targets=rest),))


def any_trouble(world: Simulated, load: Workload, seed: int) -> Trouble:
    """Return trouble of all kinds."""
    replicas = world.replication.replicas
    return trouble_of(seed, kinds_of("all"), replicas, load.names(), load.operations)


# --- measures -------------------------------------------------------------------------------------


def latencies(runs: Sequence[Run], *, reads: bool) -> dict[float, float]:
    """Return the percentiles of how long calls took that were answered."""
    times = sorted(
        done.times[call.finish - 1] - done.times[call.start - 1]
        for done in runs
        for call in done.calls
        if (call.kind is Kind.GET) is reads and is_answered(call)
    )
    return {percent: at(times, percent) for percent in PERCENTILES}


def is_answered(call: Call) -> bool:
    """Tell whether a client was told what it wanted to know."""
    return call.status in (Status.OK, Status.MISMATCH)


def at(ordered: Sequence[float], percent: float) -> float:
    """Return the least value that so many in a hundred do not exceed; 0 of no values."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


def _runs(
    world: Simulated, load: Workload, seeds: int, trouble: Callable[[int], Trouble]
) -> list[Run]:
    return [
        run(world.replication, world.latency, load, seed, trouble(seed)) for seed in range(seeds)
    ]


def _answered(runs: Sequence[Run]) -> Share:
    # The last of each client are made when all is calm again.
    calls = [call for done in runs for call in _in_trouble(done)]
    return Share(sum(map(is_answered, calls)), len(calls))


def _in_trouble(done: Run) -> list[Call]:
    by_client: dict[str, list[Call]] = {}
    for call in done.calls:
        by_client.setdefault(call.client, []).append(call)
    return [call for calls in by_client.values() for call in calls[: LOAD.operations]]


def _staleness(runs: Sequence[Run]) -> tuple[Share, list[float]]:
    stale, ages = Share(0, 0), list[float]()
    for done in runs:
        report = measure_staleness(History(done.calls))
        stale += Share(len(report.stale), len(report.reads))
        for read in report.stale:
            start = read.call.start
            ages.append(done.times[start - 1] - done.times[start - read.age - 1])
    return stale, ages


def _violations(runs: Sequence[Run]) -> Share:
    return Share(sum(done.answer is Answer.NO for done in runs), len(runs))

"""Dynamo under faults of every kind, with settings of every kind."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from etagere.urls import Options
from etagere_sim.campaigns.runs import Run, run
from etagere_sim.campaigns.troubles import kinds_of, trouble_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.kernel.choosers import AtRandom
from etagere_sim.kernel.streams import stream
from etagere_sim.protocols import protocol_of
from etagere_sim.protocols.dynamo.replication import Dynamo
from etagere_sim.world.latency import latency_of
from tests.sim.protocols.plans import UNSTEADY

ALL = kinds_of("all")


def any_settings(random: Random) -> str:
    """Draw the settings of a URL."""
    n = random.choice((1, 2, 3, 3, 3, 4, 5))
    hosts = n + random.choice((0, 0, 1, 2))
    settings: dict[str, object] = {
        "n": n,
        "hosts": hosts,
        "r": random.randint(1, n),
        "w": random.randint(1, n),
        "versions": random.choice(("lww", "vector")),
        "repair": random.choice(("none", "async", "sync")),
        "hints": random.choice(("on", "off")),
        "sloppy": random.choice(("on", "off")) if hosts > n else "off",
        "sync": random.choice(("off", "0.02", "0.1", "1")),
        "grace": random.choice(("0", "0.05", "1", "864000")),
        "expanding": random.choice(("on", "on", "off")),
        "unsafe": random.choice("01"),
        "timeout": random.choice(("0.06", "0.3", "2")),
    }
    return "&".join(f"{name}={value}" for name, value in settings.items())


def any_run(seed: int) -> tuple[Dynamo, Run]:
    """Run any cluster under any load with any trouble."""
    random = stream(seed, "settings")
    cluster = protocol_of(Options(f"sim://?protocol=dynamo&{any_settings(random)}"))
    assert isinstance(cluster, Dynamo)
    unsafe = cluster.knobs.unsafe
    workload = Workload(
        clients=random.randint(1, 3),
        keys=random.choice((1, 2, 5)),
        conditional=0.3 if unsafe else 0.0,
        deletes=random.choice((0.0, 0.3)),
        eventual=random.choice((0.0, 0.5, 1.0)) if unsafe else 1.0,
    )
    return cluster, run(
        cluster,
        latency_of(random.choice(("lnkd-ssd", "lnkd-disk", "constant:1", "exp:0.1,1"))),
        workload,
        seed,
        trouble_of(seed, ALL, cluster.replicas, workload.names(), workload.operations),
        chooser=random.choice((None, AtRandom(random))),
    )


def test_whatever_happens_clients_get_on_and_replicas_that_repair_agree() -> None:
    apart = 0
    for seed in range(150):
        cluster, done = any_run(seed)
        knobs = cluster.knobs
        assert done.progressed, seed
        # A hint can die with its coordinator, and a read of a subset repairs a subset.
        agrees = knobs.sync is not None or (knobs.repair != "none" and knobs.expanding)
        assert done.converged or not agrees, seed
        apart += not done.converged
    assert apart  # where nothing repairs, some do stay apart


@pytest.mark.parametrize(
    "settings",
    [
        "hosts=5&r=2&w=2&versions=vector&repair=sync&hints=on&sloppy=on&sync=0.1&timeout=0.3",
        "r=2&w=2&repair=async&hints=on&sync=0.1&unsafe=1&timeout=0.3",
    ],
)
def test_all_branches_are_reached(settings: str) -> None:
    cluster = protocol_of(Options(f"sim://?protocol=dynamo&{settings}"))
    workload = Workload(deletes=0.2)
    if not cluster.capabilities.strong:
        workload = workload.at_eventual()
    marks: Counter[str] = Counter()
    for seed in range(250):
        trouble = trouble_of(seed, ALL, cluster.replicas, workload.names(), workload.operations)
        marks += run(cluster, UNSTEADY, workload, seed, trouble).marks
        if not cluster.branches - marks.keys():
            return
    assert not sorted(cluster.branches - marks.keys())


def test_a_run_comes_again_from_its_seed() -> None:
    for seed in range(20):
        _, one = any_run(seed)
        _, other = any_run(seed)
        assert one.calls == other.calls
        assert (one.steps, one.marks, one.faults) == (other.steps, other.marks, other.faults)

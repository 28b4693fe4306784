"""A primary and its backups: what is documented of real systems, as fixed plans of few faults.

Each is found under the settings of the system, and not under the safe ones. Every message takes
1 ms; backups stand for election 45 and 60 ms after they last heard of the primary.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from msgspec.structs import replace

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.verdicts import Anomaly, Answer
from etagere.histories.versioned import check_versioned
from etagere.operations import (
    ABSENT,
    ANYTHING,
    Conflict,
    Consistency,
    Outcome,
    Read,
    Record,
    Write,
)
from etagere.urls import Options
from etagere_sim.campaigns.judging import as_strong
from etagere_sim.campaigns.runs import Run
from etagere_sim.campaigns.workloads import Ask, Intent
from etagere_sim.cluster import Cluster
from etagere_sim.protocols import protocol_of
from etagere_sim.world.faults import ClockStepped, Cut, Died, Held, Paused
from etagere_sim.world.hosts import Host
from etagere_sim.world.world import World
from tests.sim.protocols.plans import STEADY, Plan, anomalies, gets, sets, swaps

SAFE = "primary_backup"
STRONG = Consistency.STRONG
SENTINEL = f"{SAFE}&acks=0&visible=before&fencing=off&failover=timer"
WAIT_1 = f"{SAFE}&acks=1&visible=before&fencing=off&failover=timer"
UNFENCED = f"{SAFE}&acks=majority&visible=before&fencing=off"
ANY_1 = f"{SAFE}&acks=1&visible=after&fencing=off"
BY_TIMER = f"{SAFE}&failover=timer"
UNSYNCED = f"{SAFE}&n=1&failover=none&fsync=off"


def apart(*clients: str) -> Cut:
    """Leave the primary and c1 on one side, a majority and these on the other."""
    return Cut(at=12, until=200, sources=("r1", "c1"), targets=("r2", "r3", *clients))


REDIS_SENTINEL_SPLIT_BRAIN = Plan(
    programs={"c1": [sets(0), swaps(50)], "c2": [gets(5), swaps(80)]},
    faults=(apart("c2"),),
    until=200,
)
"""Both sides have a primary, and both swap the same version. One of the two is lost on healing."""

REDIS_WAIT_NOT_CP = Plan(
    programs={"c1": [sets(0), sets(10)], "c2": [gets(150)]},
    faults=(
        Cut(at=5, until=60, sources=("r1",), targets=("r2",)),
        Died(at=25, until=250, host="r1"),
    ),
    until=250,
)
"""WAIT counts r3, and r2, which has not got the write, becomes primary."""

REDIS_WAIT_DIRTY_READ = Plan(
    programs={"c1": [sets(0), sets(20), gets(0)], "c2": [gets(130)]},
    faults=(apart("c2"),),
    until=200,
)
"""A write that nobody acknowledged stays on the old primary and is read there, and then is lost."""

REDIS_RAFT_STALE_AND_SPLIT = Plan(
    programs={
        "c1": [sets(0), gets(130), sets(0), gets(0)],
        "c2": [sets(80)],
        "c3": [gets(160)],
    },
    faults=(apart("c2", "c3"),),
    until=200,
)
"""The old primary answers with what was there before, and then with what will be lost."""

STALE_PRIMARY_READ = Plan(
    programs={"c1": [sets(0), gets(150)], "c2": [sets(60)]},
    faults=(apart("c2"),),
    until=200,
)
"""A primary that does not know that it is deposed answers a read."""

MONGO_ROLLBACK_MAJORITY = Plan(
    programs={"c1": [sets(0), sets(12)], "c2": [gets(85)]},
    faults=(Cut(at=8, until=200, sources=("r1",), targets=("r3",)),),
    until=200,
)
"""A majority of r1 and r2 has the write; r3 has not, and is elected by itself and r2."""

PG_SYNC_CANCELLED_WAIT = Plan(
    programs={"c1": [sets(0), sets(20), gets(0)], "c2": [gets(130)]},
    faults=(apart("c2"),),
    until=200,
)
"""The wait for a standby is given up, and so the commit is seen. The new primary never had it."""

TWO_STREAMS = Plan(
    programs={"c1": [sets(0), gets(150)], "c2": [sets(90)]},
    faults=(Cut(at=12, until=200, sources=("r1",), targets=("r2", "c2")),),
    until=200,
)
"""Two primaries that do not hear one another, and a backup that hears both."""

CRASH_UNFSYNCED = Plan(
    programs={"c1": [sets(0), sets(2)], "c2": [gets(30)]},
    faults=(Died(at=10, until=20, host="r1"),),
    until=40,
)
"""An acknowledged write was in memory only."""

LEASE_CLOCK_STEP = Plan(
    programs={"c1": [sets(0), gets(150)], "c2": [sets(60)]},
    faults=(apart("c2"), ClockStepped("r1", 13, by=-1000.0)),
    until=200,
)
"""The clock of the primary jumps back, and its lease does not end."""


@pytest.mark.parametrize(
    ("plan", "weak", "expected"),
    [
        pytest.param(
            REDIS_SENTINEL_SPLIT_BRAIN, SENTINEL, Anomaly.LOST_UPDATE, id="redis_sentinel"
        ),
        pytest.param(REDIS_WAIT_NOT_CP, WAIT_1, Anomaly.STALE_READ, id="redis_wait_not_cp"),
        pytest.param(REDIS_WAIT_DIRTY_READ, WAIT_1, Anomaly.STALE_READ, id="redis_wait_dirty"),
        pytest.param(REDIS_RAFT_STALE_AND_SPLIT, UNFENCED, Anomaly.STALE_READ, id="redis_raft"),
        pytest.param(STALE_PRIMARY_READ, ANY_1, Anomaly.STALE_READ, id="stale_primary_read"),
        pytest.param(MONGO_ROLLBACK_MAJORITY, BY_TIMER, Anomaly.STALE_READ, id="mongo_rollback"),
        pytest.param(PG_SYNC_CANCELLED_WAIT, ANY_1, Anomaly.STALE_READ, id="pg_sync_cancelled"),
        pytest.param(TWO_STREAMS, UNFENCED, Anomaly.STALE_READ, id="two_streams"),
        pytest.param(CRASH_UNFSYNCED, UNSYNCED, Anomaly.STALE_READ, id="crash_unfsynced"),
        pytest.param(
            LEASE_CLOCK_STEP, f"{SAFE}&lease=0.03", Anomaly.STALE_READ, id="lease_clock_step"
        ),
    ],
)
def test_a_documented_anomaly(plan: Plan, weak: str, expected: Anomaly) -> None:
    found = plan.played_on(weak)
    assert expected in anomalies(found), (found.findings, found.calls)
    assert found.converged
    safe = plan.played_on(SAFE)
    assert safe.is_right, (safe.findings, safe.calls)


def test_crash_unfsynced_passes_on_one_copy_that_is_synced() -> None:
    assert CRASH_UNFSYNCED.played_on(f"{SAFE}&n=1&failover=none").is_right


def test_a_lease_holds_while_clocks_do() -> None:
    unstepped = Plan(programs=LEASE_CLOCK_STEP.programs, faults=(apart("c2"),), until=200)
    run = unstepped.played_on(f"{SAFE}&lease=0.03")
    assert run.is_right, run.findings


def test_redis_sentinel_split_brain_loses_what_it_acknowledged() -> None:
    run = REDIS_SENTINEL_SPLIT_BRAIN.played_on(SENTINEL)
    assert [call.status for call in run.calls if call.expected] == [Status.OK, Status.OK]
    assert run.marks["a divergent tail is cut off"]
    assert len({call.expected for call in run.calls if call.expected}) == 1


def test_redis_wait_tells_that_too_few_have_it() -> None:
    run = REDIS_WAIT_DIRTY_READ.played_on(WAIT_1)
    assert run.marks["a write is not replicated in time"] == 1
    (unsure,) = (call for call in run.calls if call.status is Status.INFO)
    readers = {call.client for call in run.calls if call.found and call.value == unsure.value}
    assert readers == {"c1"}


# --- what is read elsewhere than it is decided ------------------------------------------------


def _lwt(level: Consistency) -> Plan:
    return Plan(programs={"c1": [sets(0), swaps(12)], "c2": [gets(20.5, level)]})


def test_lwt_serial_gap() -> None:
    """A conditional write is linearizable; a read at a weaker level beside it is not."""
    run = _lwt(Consistency.EVENTUAL).played_on(f"{SAFE}&reads=backup")
    assert run.is_right
    verdict = check_versioned(History(as_strong(run.calls)))
    assert [finding.anomaly for finding in verdict.findings] == [Anomaly.STALE_READ]
    assert _lwt(Consistency.STRONG).played_on(f"{SAFE}&reads=backup").is_right


def _reads(pauses: dict[str, float], level: Consistency) -> list[Intent]:
    return [Intent(Ask.GET, key, level, pause) for key, pause in pauses.items()]


PG_LONG_FORK = Plan(
    programs={
        "c1": [Intent(Ask.SET, "x", Consistency.STRONG, 10)],
        "c2": [Intent(Ask.SET, "y", Consistency.EVENTUAL, 13)],
        "c3": _reads({"y": 14.5, "x": 0}, Consistency.STRONG),
        "c4": _reads({"x": 11.2, "y": 0}, Consistency.EVENTUAL),
    },
    faults=(Held(at=11.5, until=40, sources=("r2",), targets=("r1",)),),
)
"""x is first in the log and waits for the standby; y is not, and is seen first on the primary."""


def test_pg_long_fork() -> None:
    """Two readers see two writes in opposite orders; each key alone is as one may read it late."""
    run = PG_LONG_FORK.played_on(f"{SAFE}&n=2&acks=1&fencing=off&failover=none&reads=backup")
    assert check_versioned(History(late(run.calls))).answer is Answer.YES
    assert long_forks(run) == [("c3", "c4")]
    assert long_forks(PG_LONG_FORK.played_on(SAFE)) == []


def late(calls: Sequence[Call]) -> list[Call]:
    """Return the calls with reads that may be of any earlier version."""
    eventual = Consistency.EVENTUAL
    return [
        replace(call, consistency=eventual) if call.kind is Kind.GET else call for call in calls
    ]


def long_forks(run: Run) -> list[tuple[str, str]]:
    """Return the pairs of clients that saw the first writes of two keys in opposite orders."""
    seen = {
        client: orders_seen([call for call in run.calls if call.client == client])
        for client in ("c3", "c4")
    }
    return [
        (one, other)
        for one, other in combinations(seen, 2)
        if any((late, early) in seen[other] for early, late in seen[one])
    ]


def orders_seen(calls: Sequence[Call]) -> set[tuple[str, str]]:
    """Return the pairs of keys of which a client saw one written, and after it the other not."""
    reads = [call for call in calls if call.kind is Kind.GET]
    return {
        (first.key, then.key)
        for first, then in combinations(reads, 2)
        if first.found and not then.found
    }


# --- the control ------------------------------------------------------------------------------


ETCD_OK = Plan(
    programs={
        "c1": [sets(0), swaps(20), gets(30), swaps(40), gets(60)],
        "c2": [gets(8), swaps(25), swaps(45), gets(50), sets(40)],
        "c3": [sets(15), gets(35), gets(30), swaps(60)],
    },
    faults=(
        Paused(at=15, until=80, host="r1"),
        Died(at=90, until=130, host="r2"),
        ClockStepped("r3", 30, by=5000.0),
        ClockStepped("r1", 60, by=-5000.0),
        Cut(at=140, until=220, sources=("r3",), targets=("r1", "r2")),
        Cut(at=150, until=190, sources=("r1",), targets=("c1",), both=False),
    ),
    until=250,
)
"""Pauses, crashes, clocks and partitions, one after the other."""


@pytest.mark.parametrize("settings", [SAFE, f"{SAFE}&visible=before", f"{SAFE}&n=5"])
def test_etcd_ok(settings: str) -> None:
    run = ETCD_OK.played_on(settings)
    assert run.is_right, (run.findings, run.calls)
    assert run.marks["a replica becomes primary"]


# --- a lock on top of it ------------------------------------------------------------------------


@pytest.mark.parametrize("fenced", [False, True])
def test_a_lock_with_a_lease_excludes_nobody_who_is_paused(fenced: bool) -> None:
    """Each holder adds one to a counter. The lock runs out on the first while it stands still."""
    world = World(0, STEADY)
    cluster = Cluster(world, protocol_of(Options(f"sim://?protocol={SAFE}")))
    hosts = [cluster.client(name) for name in ("c1", "c2")]
    Paused(at=8, until=100, host="c1").schedule(world)
    tasks = [host.spawn(_add_one(cluster, host, fenced=fenced)) for host in hosts]
    world.agenda.run(lambda: all(task.done for task in tasks))
    found = hosts[0].spawn(cluster.coordinators["c1"].perform(Read("counter"), STRONG))
    world.agenda.run(lambda: found.done)
    assert isinstance(found.result, Record)
    assert found.result.value == b"1"
    outcomes = [task.result for task in tasks]
    # Unless what it guards checks for itself, both are told that they have added one.
    assert outcomes == ([Conflict("c2"), True] if fenced else [True, True])


async def _add_one(cluster: Cluster, host: Host, *, fenced: bool) -> Outcome:
    perform = cluster.coordinators[host.name].perform
    while (
        await perform(Write("lock", b"", f"lock {host.name}", ABSENT, ttl=40), STRONG) is not True
    ):
        await host.sleep(5)
    found = await perform(Read("counter"), STRONG)
    version, count = (found.etag, int(found.value)) if isinstance(found, Record) else (ABSENT, 0)
    await host.sleep(2)
    expected = version if fenced else ANYTHING
    return await perform(Write("counter", b"%d" % (count + 1), host.name, expected), STRONG)

"""A primary and its backups: what the named scenarios show beside their verdicts, and a lock.

Every message takes 1 ms; backups stand for election 45 and 60 ms after they last heard of the
primary.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.verdicts import Answer
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
from etagere_sim.campaigns.plans import replay
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.cluster import Cluster
from etagere_sim.protocols import protocol_of
from etagere_sim.scenarios import SCENARIOS
from etagere_sim.world.faults import ClockStepped, Paused
from etagere_sim.world.hosts import Host
from etagere_sim.world.world import World
from tests.sim.protocols.plans import STEADY, scenario_on

SAFE = "primary_backup"
STRONG = Consistency.STRONG


def test_a_lease_holds_while_clocks_do() -> None:
    weak = SCENARIOS["lease_clock_step"].weak
    unstepped = [fault for fault in weak.faults if not isinstance(fault, ClockStepped)]
    assert len(unstepped) < len(weak.faults)
    assert replay(replace(weak, faults=tuple(unstepped))).is_right


def test_redis_sentinel_split_brain_loses_what_it_acknowledged() -> None:
    run = replay(SCENARIOS["redis_sentinel_split_brain"].weak)
    swapped = [call for call in run.calls if call.expected]
    assert [call.status for call in swapped] == [Status.OK, Status.OK]
    assert run.marks["a divergent tail is cut off"]
    assert len({call.expected for call in swapped}) == 1


def test_redis_wait_tells_that_too_few_have_it() -> None:
    run = replay(SCENARIOS["redis_wait_dirty_read"].weak)
    assert run.marks["a write is not replicated in time"] == 1
    (unsure,) = (call for call in run.calls if call.status is Status.INFO)
    readers = {call.client for call in run.calls if call.found and call.value == unsure.value}
    assert readers == {"c1"}


def test_the_weak_read_beside_a_serial_write_is_as_weak_as_it_was_asked_for() -> None:
    weak = SCENARIOS["lwt_serial_gap"].weak
    assert replay(replace(weak, workload=Workload())).is_right


def test_in_a_long_fork_each_key_by_itself_is_only_read_late() -> None:
    run = replay(SCENARIOS["pg_long_fork"].weak)
    assert check_versioned(History(late(run.calls))).answer is Answer.YES


def late(calls: Sequence[Call]) -> list[Call]:
    """Return the calls with reads that may be of any earlier version."""
    eventual = Consistency.EVENTUAL
    return [
        replace(call, consistency=eventual) if call.kind is Kind.GET else call for call in calls
    ]


@pytest.mark.parametrize("settings", [SAFE, f"{SAFE}&visible=before", f"{SAFE}&n=5"])
def test_the_plan_of_etcd_ok_goes_through_an_election(settings: str) -> None:
    run = scenario_on("etcd_ok", settings)
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

"""What each choice of Dynamo's buys and costs, each in one plan of a few faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from etagere.histories.verdicts import Anomaly, Answer
from etagere.operations import ABSENT, Consistency
from etagere.urls import Options
from etagere_sim.campaigns.runs import Run, Trouble, run
from etagere_sim.campaigns.workloads import Ask, Intent, Workload
from etagere_sim.cluster import Cluster
from etagere_sim.protocols import protocol_of
from etagere_sim.protocols.dynamo.replica import DynamoReplica
from etagere_sim.scenarios import SCENARIOS
from etagere_sim.scenarios.dynamo import FIRST, SECOND, THIRD
from etagere_sim.world.faults import BitFlipped, ClockStepped, Cut, Died, Disk, Fault
from tests.sim.protocols.plans import STEADY, anomalies

GET, SET, SWAP = Ask.GET, Ask.SET, Ask.SWAP
STRONG = ("caspaxos", "abd")
Step = tuple[float, Ask]
"""Milliseconds after the end of the one before, and what is asked for."""


def play(
    settings: str, programs: Mapping[str, Sequence[Step]], *faults: Fault, key: str = "k0"
) -> tuple[Run, Cluster]:
    """Play programs on a cluster where each message takes a millisecond."""
    clusters: list[Cluster] = []
    assert len(faults) < 10
    options = Options(f"sim://?{settings}")
    replication = protocol_of(options)
    options.done()
    level = Consistency.STRONG if replication.capabilities.strong else Consistency.EVENTUAL
    done = run(
        replication,
        STEADY,
        Workload(eventual=float(level is Consistency.EVENTUAL)),
        1,
        Trouble(faults=faults),
        programs={
            name: [Intent(ask, key, level, pause) for pause, ask in steps]
            for name, steps in programs.items()
        },
        setup=clusters.append,
    )
    assert done.progressed
    return done, clusters[0]


def dynamo(
    settings: str, programs: Mapping[str, Sequence[Step]], *faults: Fault, key: str = "k0"
) -> tuple[Run, Cluster]:
    return play(f"protocol=dynamo&{settings}", programs, *faults, key=key)


def steps_of(scenario: str) -> dict[str, Sequence[Step]]:
    """Return what the clients do in a named scenario."""
    played = SCENARIOS[scenario].weak.programs_played()
    return {name: [(step.pause, step.ask) for step in steps] for name, steps in played.items()}


def reads(done: Run) -> list[str | None]:
    """Return what the reads returned, in their order: the names of writes."""
    return [call.value for call in done.calls if call.kind.value == "get"]


# --- last writer wins, and siblings -------------------------------------------------------------

(SKEWED,) = SCENARIOS["lww_clock_skew"].weak.faults
BLIND = steps_of("lww_clock_skew")
INFORMED = {"c1": [(10.0, SET)], "c2": [(15.0, GET), (5.0, SET), (10.0, GET)]}


@pytest.mark.parametrize("quorums", ["r=1&w=1", "r=2&w=2", "r=3&w=3"])
def test_last_writer_wins_drops_an_acknowledged_write_where_clocks_are_skewed(quorums: str) -> None:
    done, _ = dynamo(quorums, BLIND, SKEWED)

    assert done.answer is Answer.NO
    assert reads(done) == ["c1.1"]  # and not c2.1, which came later and was acknowledged
    assert done.marks["an older version is dropped"] >= 3
    assert dynamo(quorums, BLIND)[0].answer is Answer.YES


def test_vector_clocks_keep_as_siblings_what_was_written_side_by_side() -> None:
    done, cluster = dynamo("r=2&w=2&versions=vector", BLIND, SKEWED)

    assert reads(done) == ["c1.1"]  # one value for a key: the greatest stamp
    assert done.marks["a read meets siblings"]
    assert done.converged
    replica = cluster.replicas["r1"]
    assert isinstance(replica, DynamoReplica)
    # Each client's last write took the place of what it had seen: c2 has read both, c1 its own.
    assert [version.record.value for version in replica.cell("k0") if version.record] == [
        b"c1.2",
        b"c2.3",
    ]


def test_a_write_that_has_seen_another_takes_its_place_whatever_the_clocks_say() -> None:
    done, _ = dynamo("r=2&w=2&versions=vector", INFORMED, SKEWED)

    assert done.answer is Answer.YES
    assert reads(done) == ["c1.1", "c2.2"]
    assert dynamo("r=2&w=2&versions=lww", INFORMED, SKEWED)[0].answer is Answer.NO


@pytest.mark.parametrize("protocol", STRONG)
def test_a_strong_protocol_minds_no_clocks(protocol: str) -> None:
    assert play(f"protocol={protocol}", INFORMED, SKEWED)[0].answer is Answer.YES


# --- sloppy quorums and hints -------------------------------------------------------------------

APART = steps_of("sloppy_quorum_stale")
PARTED = SCENARIOS["sloppy_quorum_stale"].weak.faults


def test_a_sloppy_quorum_need_not_meet_the_quorum_of_a_read() -> None:
    done, cluster = dynamo("hosts=5&r=2&w=2&sloppy=on&hints=on", APART, *PARTED)

    assert cluster.replication.replicas_of("k0") == (FIRST, SECOND, THIRD)
    assert anomalies(done) == {Anomaly.STALE_READ}
    assert reads(done) == ["c1.1"]
    assert done.marks["a write asks stand-ins"]
    assert done.converged


def test_a_strict_quorum_does_meet_it() -> None:
    done, _ = dynamo("hosts=5&r=2&w=2&timeout=0.2", APART, *PARTED)

    assert done.answer is Answer.YES  # the second write has too few, and says so
    assert [call.status.value for call in done.calls if call.client == "c1"][1] == "info"


def test_a_read_asks_stand_ins_and_finds_what_they_hold() -> None:
    cut = Cut(50.0, 400.0, sources=("c1",), targets=(SECOND, THIRD))
    programs = {"c1": [(60.0, SET), (10.0, GET)]}
    done, _ = dynamo("hosts=5&r=2&w=2&sloppy=on", programs, cut)

    assert done.answer is Answer.YES
    assert reads(done) == ["c1.1"]
    assert done.marks["a read asks stand-ins"]


HINTED = steps_of("hint_replays_old_value")
HINDERED = SCENARIOS["hint_replays_old_value"].weak.faults


def test_a_hint_replays_an_old_value() -> None:
    done, _ = dynamo("r=2&w=2&hints=on&grace=0", HINTED, *HINDERED)

    assert reads(done) == [None, "c1.1"]
    assert anomalies(done) == {Anomaly.RESURRECTION}
    assert done.marks["a hint brings news"] == 1


def test_a_tombstone_stands_up_to_a_hint() -> None:
    done, _ = dynamo("r=2&w=2&hints=on", HINTED, *HINDERED)

    assert reads(done) == [None, None]
    assert done.answer is Answer.YES
    assert done.marks["a hint brings no news"] == 1


@pytest.mark.parametrize("protocol", STRONG)
@pytest.mark.parametrize(("programs", "faults"), [(HINTED, HINDERED), (APART, PARTED)])
def test_a_strong_protocol_passes(
    protocol: str, programs: Mapping[str, Sequence[Step]], faults: Sequence[Fault]
) -> None:
    assert play(f"protocol={protocol}&n=5", programs, *faults)[0].answer is Answer.YES


@pytest.mark.parametrize("disk", ["kept", "lost", "torn"])
def test_a_hint_outlives_the_process_that_holds_it(disk: Disk) -> None:
    cut = Cut(0.0, 80.0, sources=("c1",), targets=("r3",))
    died = Died(100.0, 120.0, host="r1", disk=disk)
    done, _ = dynamo("w=2&hints=on", {"c1": [(10.0, SET)]}, cut, died, key="k1")

    assert done.marks["a hint brings news"] == 1
    assert done.converged


def test_a_hint_that_a_disk_spoils_is_lost() -> None:
    stand_in = "r4"
    cut = Cut(0.0, 100.0, sources=("c1", stand_in), targets=(THIRD,))
    spoilt = (BitFlipped(host=stand_in, at=80.0), Died(81.0, 82.0, host=stand_in))
    for faults, brings_news in [((cut,), 1), ((cut, *spoilt), 0)]:
        done, _ = dynamo("hosts=5&hints=on", {"c1": [(10.0, SET), (200.0, GET)]}, *faults)
        assert done.marks["a hint brings news"] == brings_news
        assert done.marks["a hint is corrupt"] == 1 - brings_news


# --- read repair --------------------------------------------------------------------------------

MINORITY = steps_of("read_repair_spreads_minority_write")
CUTS = SCENARIOS["read_repair_spreads_minority_write"].weak.faults


@pytest.mark.parametrize("repair", ["async", "sync"])
def test_read_repair_spreads_the_write_of_a_minority(repair: str) -> None:
    done, _ = dynamo(f"r=2&w=2&timeout=0.1&repair={repair}", MINORITY, *CUTS)

    # Nobody acknowledged c1.2 to c1, and a read did not find it; then one does, and all later ones.
    assert reads(done) == ["c1.1", "c1.2", "c1.2"]
    assert done.answer is Answer.YES
    assert done.marks[
        "a read repairs a replica" if repair == "async" else "a read waits for a repair"
    ]


def test_a_read_that_must_repair_and_cannot_has_no_answer() -> None:
    programs = {"c1": [(10.0, SET)], "c2": [(50.0, GET)]}
    cuts = (
        Cut(0.0, 30.0, sources=("c1",), targets=("r3",)),
        Cut(52.5, 300.0, sources=("c2",), targets=("r3",)),  # between the answer and the repair
    )
    done, _ = dynamo("r=3&w=2&timeout=0.1&repair=sync", programs, *cuts)

    assert done.marks["a repair takes too long"] == 1
    assert [call.status.value for call in done.calls if call.kind.value == "get"] == ["fail"]


def test_without_read_repair_it_is_seen_and_lost_from_sight_again() -> None:
    done, _ = dynamo("r=2&w=2&timeout=0.1", MINORITY, *CUTS)

    assert reads(done) == ["c1.1", "c1.2", "c1.1"]
    assert done.answer is Answer.NO


@pytest.mark.parametrize("protocol", STRONG)
def test_a_strong_protocol_sees_it_once_and_for_all(protocol: str) -> None:
    assert play(f"protocol={protocol}", MINORITY, *CUTS)[0].answer is Answer.YES


# --- tombstones ---------------------------------------------------------------------------------

DELETED = steps_of("delete_resurrection")
(MISSED,) = SCENARIOS["delete_resurrection"].weak.faults


@pytest.mark.parametrize("repairing", ["sync=0.2", "repair=async", "repair=sync"])
def test_what_was_deleted_comes_back_where_no_tombstone_is_kept(repairing: str) -> None:
    done, _ = dynamo(f"r=2&w=2&grace=0&{repairing}", DELETED, MISSED)

    assert reads(done) == [None, "c1.1"]
    assert anomalies(done) == {Anomaly.RESURRECTION}
    assert done.marks["a tombstone is collected"]


@pytest.mark.parametrize("repairing", ["sync=0.2", "repair=async", "repair=sync"])
@pytest.mark.parametrize("grace", ["1", "864000"])
def test_a_tombstone_that_is_kept_long_enough_keeps_it_deleted(repairing: str, grace: str) -> None:
    done, _ = dynamo(f"r=2&w=2&grace={grace}&{repairing}", DELETED, MISSED)

    assert reads(done) == [None, None]
    assert done.answer is Answer.YES


def test_a_clock_that_is_fast_collects_tombstones_too_early() -> None:
    fast = [ClockStepped(host=host, at=0.0, by=5000.0) for host in ("r1", "r2")]
    done, _ = dynamo("r=2&w=2&grace=1&sync=0.2", DELETED, MISSED, *fast)

    assert anomalies(done) == {Anomaly.RESURRECTION}


# --- checked writes -----------------------------------------------------------------------------


def test_a_checked_write_over_quorums_loses_an_update() -> None:
    both = {name: [(10.0, SWAP)] for name in ("c1", "c2")}
    done, _ = dynamo("unsafe=1", both)

    assert done.answer is Answer.NO
    assert [call.status.value for call in done.calls[:2]] == ["ok", "ok"]
    assert [call.expected for call in done.calls[:2]] == [ABSENT, ABSENT]
    assert play("protocol=caspaxos", both)[0].answer is Answer.YES


# --- convergence --------------------------------------------------------------------------------

REPAIRING = [
    "repair=async",
    "repair=sync&r=2",
    "repair=async&versions=vector",
    "sync=1",
    "sync=1&versions=vector",
    "sync=0.1&expanding=off",
    "hints=on",
    "hints=on&hosts=5&sloppy=on&w=3",
    "hints=on&versions=vector",
]


def missed(settings: str) -> Run:
    """Return a run in which a replica misses a write of a key that is not written again."""
    keeper = protocol_of(Options(f"sim://?protocol=dynamo&{settings}")).replicas_of("k1")[-1]
    cut = Cut(0.0, 100.0, sources=("c1",), targets=(keeper,))
    return dynamo(settings, {"c1": [(10.0, SET)]}, cut, key="k1")[0]


@pytest.mark.parametrize("settings", REPAIRING)
def test_replicas_come_to_agree_after_all_is_well_again(settings: str) -> None:
    assert missed(settings).converged


@pytest.mark.parametrize("settings", ["r=3&w=2", "versions=vector", "expanding=off"])
def test_replicas_that_nobody_repairs_need_not_agree(settings: str) -> None:
    assert not missed(settings).converged


def test_what_a_disk_lost_comes_from_the_others() -> None:
    flipped = BitFlipped(host="r2", at=100.0)
    programs = {"c1": [(10.0, SET), (200.0, GET)]}
    done, _ = dynamo("sync=0.5", programs, flipped, key="k1")

    assert done.marks["a corrupt value is taken for none"]
    assert done.marks["a tree brings news"] == 1
    assert done.converged
    assert not dynamo("w=3", programs, flipped, key="k1")[0].converged

"""A primary and its backups: what they claim, what they answer, and what they keep."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from etagere.backend import Clock, Reach, TransactionScope
from etagere.errors import ConfigurationError, Interrupted, NotReplicated, Unavailable
from etagere.operations import (
    ABSENT,
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
from etagere_sim.campaigns.runs import are_the_same
from etagere_sim.cluster import Cluster
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.faults import (
    LOST,
    ClockStepped,
    Cut,
    Died,
    DiskFails,
    Fault,
    MessageFault,
    Paused,
)
from etagere_sim.world.hosts import Host
from etagere_sim.world.world import World
from tests.sim.protocols.plans import STEADY
from tests.sim.protocols.primary_backup_trouble import replication_of

STRONG, EVENTUAL = Consistency.STRONG, Consistency.EVENTUAL


class Bench:
    """A cluster in calm weather, one client on it, and what is asked of it one by one."""

    def __init__(self, settings: str, *faults: Fault) -> None:
        self.world = World(0, STEADY)
        self.cluster = Cluster(self.world, replication_of(settings))
        self.client = self.cluster.client("c1")
        for fault in faults:
            fault.schedule(self.world)

    def perform(self, operation: Operation, level: Consistency = STRONG) -> Outcome:
        coordinator = self.cluster.coordinators["c1"]
        outcome: Outcome = self.result(coordinator.perform(operation, level))
        return outcome

    def scan(self, prefix: str, after: str, limit: int | None, level: Consistency = STRONG) -> Any:
        coordinator: Any = self.cluster.coordinators["c1"]
        return self.result(coordinator.scan(prefix, after, limit, level))

    def result(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = self.client.spawn(work)
        self.world.agenda.run(lambda: task.done)
        return task.result

    def wait(self, milliseconds: float) -> None:
        until = self.world.agenda.now + milliseconds
        self.world.agenda.at(until, "", lambda _: None)
        self.world.agenda.run(lambda: self.world.agenda.now >= until)


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("acks=3", "acks='3' must be 'majority' or how many of the 2 backups"),
        ("acks=most", "acks='most' must be"),
        ("lease=soon", "lease='soon' must be 'off' or a number of seconds"),
        ("lease=-1", "lease='-1' must be"),
        ("lease=1&fencing=off", "fencing=off knows nothing of"),
        ("failover=luck", "one of offset, timer, none"),
    ],
)
def test_wrong_settings_are_refused(settings: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        replication_of(f"&{settings}")


@pytest.mark.parametrize(
    ("settings", "reach"),
    [
        ("", Reach.ALWAYS),
        ("&n=1", Reach.ALWAYS),
        ("&n=5&acks=3&visible=before&reads=backup", Reach.ALWAYS),
        ("&failover=none", Reach.ALWAYS),
        ("&fencing=off", Reach.PRIMARY),
        ("&acks=0", Reach.PRIMARY),
        ("&n=5&acks=1", Reach.PRIMARY),
        ("&failover=timer", Reach.PRIMARY),
        ("&lease=0.03", Reach.PRIMARY),
        ("&fsync=off", Reach.PRIMARY),
    ],
)
def test_what_it_claims(settings: str, reach: Reach) -> None:
    capabilities = replication_of(settings).capabilities
    assert capabilities.reach is reach
    assert capabilities.transactions is TransactionScope.FULL
    assert capabilities.clock is Clock.SERVER
    assert capabilities.durable == ("fsync=off" not in settings)


# --- the contract -------------------------------------------------------------------------------


@pytest.mark.parametrize("level", Consistency)
@pytest.mark.parametrize("settings", ["", "&fencing=off&acks=1&visible=before", "&n=1", "&lease=1"])
def test_operations_of_every_kind(settings: str, level: Consistency) -> None:
    bench = Bench(settings)
    assert bench.perform(Read("a"), level) is None
    assert bench.perform(Write("a", b"1", "e1", ABSENT), level) is True
    assert bench.perform(Write("a", b"2", "e2", ABSENT), level) == Conflict("e1")
    assert bench.perform(Read("a"), level) == Record(b"1", "e1")
    both = Transaction((Write("a", b"3", "e3", "e1"), Write("b", b"4", "e4")))
    assert bench.perform(both, level) == (True, True)
    assert bench.perform(Transaction((Remove("a"), Remove("b", "e1"))), level) == Conflict("e4", 1)
    assert bench.scan("", "", None, level) == ("a", "b")
    assert bench.scan("", "a", 1, level) == ("b",)
    assert bench.perform(Touch("b", 1000), level) is True
    assert bench.perform(Remove("a"), level) is True
    assert bench.perform(Remove("a"), level) is False
    bench.wait(1001)
    assert bench.perform(Read("b"), level) is None
    assert bench.scan("", "", None, level) == ()
    assert are_the_same(bench.cluster)


def test_backups_need_no_clock() -> None:
    bench = Bench("")
    bench.world.hosts["r2"].clock.step(10_000)
    assert bench.perform(Write("a", b"1", "e1", ttl=500)) is True
    bench.wait(20)
    held = [replica.records()["a"] for replica in bench.cluster.replicas.values()]
    assert held[0] is not None
    assert held[0] == held[1] == held[2]


def test_eventual_reads_of_backups_lag_behind() -> None:
    bench = Bench("&reads=backup", Cut(0, 50, sources=("r1",), targets=("r2", "r3")))
    assert bench.perform(Write("a", b"1", "e1"), EVENTUAL) is True
    assert bench.perform(Read("a"), EVENTUAL) is None
    bench.world.calm()
    bench.wait(100)
    assert bench.perform(Read("a"), EVENTUAL) == Record(b"1", "e1")


# --- answers that do not come -------------------------------------------------------------------


def test_too_few_acks_are_told_of_and_the_write_is_in_place() -> None:
    bench = Bench(
        "&acks=1&fencing=off&failover=none",
        Cut(0, 1000, sources=("r1",), targets=("r2", "r3")),
    )
    outcome = bench.perform(Write("a", b"1", "e1"))
    assert isinstance(outcome, NotReplicated)
    assert (outcome.key, outcome.etag) == ("a", "e1")
    assert bench.perform(Read("a")) == Record(b"1", "e1")
    assert bench.perform(Write("a", b"2", "e2", ABSENT)) == Conflict("e1")


@pytest.mark.parametrize("number", [1, 2])
def test_an_operation_is_done_once_however_often_it_is_sent(number: int) -> None:
    """The answer is lost; meanwhile nothing tells the client that its removal took place."""
    lost = (MessageFault(LOST, "r1", "c1", "Answer", each) for each in range(1, number + 1))
    bench = Bench("", *lost)
    assert bench.perform(Remove("a")) is False
    assert bench.perform(Transaction((Write("a", b"1", "e1"), Remove("a")))) == (True, True)
    assert bench.world.marks["a call is found in the log"] == number


def test_a_lost_answer_is_made_up_for_by_the_next_primary() -> None:
    bench = Bench(
        "",
        Cut(0, 100, sources=("r1",), targets=("c1",), both=False),
        Died(20, 300, host="r1"),
    )
    assert bench.perform(Write("a", b"1", "e1", ABSENT)) is True
    assert bench.world.marks["a replica becomes primary"] == 1
    assert bench.world.marks["a call is found in the log"] >= 1


def test_nobody_can_tell() -> None:
    bench = Bench("", Cut(0, 9000, sources=("c1",), targets=("r1", "r2", "r3")))
    assert isinstance(bench.perform(Write("a", b"1", "e1")), Interrupted)
    assert isinstance(bench.perform(Read("a")), Unavailable)
    assert isinstance(bench.scan("", "", None), Unavailable)


@pytest.mark.parametrize("failover", ["offset", "none"])
def test_a_primary_that_no_majority_hears_stops_serving(failover: str) -> None:
    bench = Bench(f"&failover={failover}", Cut(0, 9000, sources=("r1",), targets=("r2", "r3")))
    bench.wait(45)
    alone = Cut(bench.world.agenda.now, 9000, sources=("c1",), targets=("r2", "r3"))
    alone.schedule(bench.world)
    assert isinstance(bench.perform(Read("a")), Unavailable)
    bench.world.calm()
    assert bench.perform(Read("a")) is None


# --- the log ------------------------------------------------------------------------------------


def test_a_backup_that_was_away_catches_up() -> None:
    bench = Bench("", Cut(0, 500, sources=("r3",), targets=("r1", "r2", "c1")))
    for number in range(100):
        assert bench.perform(Write(f"k{number}", b"", f"e{number}")) is True
    assert not are_the_same(bench.cluster)
    bench.world.calm()
    bench.wait(100)
    assert are_the_same(bench.cluster)
    assert bench.world.marks["a backup has a gap to fill"]


def test_a_replica_outlives_a_bad_block_and_stops_at_all_of_them() -> None:
    bench = Bench("")
    assert bench.perform(Write("a", b"1", "e1")) is True
    host, random = bench.world.hosts["r2"], bench.world.stream("bits")
    assert restarted(host, lambda: host.disk.flip_a_bit(random))
    assert bench.cluster.replicas["r2"].records() == bench.cluster.replicas["r1"].records()
    assert not restarted(host, lambda: list(iter(lambda: host.disk.flip_a_bit(random), False)))
    with pytest.raises(Corrupt):
        bench.cluster.replicas["r2"].records()


def restarted(host: Host, meanwhile: Callable[[], object]) -> bool:
    host.die()
    meanwhile()
    host.start()
    return host.up


def test_transactions_are_whole_on_every_replica() -> None:
    bench = Bench("", Paused(10, 60, host="r2"), DiskFails(15, 40, host="r3"))
    for number in range(20):
        pair = [Write(key, b"", f"{key}{number}") for key in ("a", "b")]
        assert bench.perform(Transaction(tuple(pair))) == (True, True)
        for replica in bench.cluster.replicas.values():
            records = [replica.records().get(key) for key in ("a", "b")]
            assert [record and record.etag[1:] for record in records] in [
                [None, None],
                *([str(each)] * 2 for each in range(number + 1)),
            ]


# --- expiry ---------------------------------------------------------------------------------------


def read_gone(bench: Bench) -> bool:
    return bench.perform(Read("k")) is None


def scan_gone(bench: Bench) -> bool:
    return bench.scan("", "", None) == ("other",)


def conflict_gone(bench: Bench) -> bool:
    swap = Transaction((Write("k", b"2", "f", "e"),))
    return bench.perform(swap) == Conflict(None, 0)


@pytest.mark.parametrize("finds", [read_gone, scan_gone, conflict_gone])
@pytest.mark.parametrize("settings", ["", "&visible=before", "&lease=0.02"])
def test_what_was_gone_stays_gone_under_a_primary_whose_clock_is_slow(
    settings: str, finds: Callable[[Bench], bool]
) -> None:
    bench = Bench(
        settings,
        *(ClockStepped(name, 0.0, by=-10_000.0) for name in ("r2", "r3")),
        Died(at=170, until=9_000, host="r1"),
    )
    assert bench.perform(Write("k", b"1", "e", ttl=100)) is True
    assert bench.perform(Write("other", b"1", "o")) is True
    bench.wait(120)
    assert finds(bench)
    assert bench.world.marks["an expired record is removed"] == 1
    bench.wait(200)
    assert bench.perform(Read("k")) is None
    assert bench.world.marks["a replica becomes primary"] >= 1


def test_what_nobody_found_expired_lives_by_the_next_primary_s_clock() -> None:
    slow = (ClockStepped(name, 0.0, by=-10_000.0) for name in ("r2", "r3"))
    bench = Bench("", *slow, Died(at=170, until=9_000, host="r1"))
    assert bench.perform(Write("k", b"1", "e", ttl=100)) is True
    bench.wait(300)
    assert isinstance(bench.perform(Read("k")), Record)


def test_nobody_is_told_before_enough_backups_have_it_that_a_record_is_gone() -> None:
    bench = Bench("&lease=0.5", Cut(at=110, until=300, sources=("r1",), targets=("r2", "r3")))
    assert bench.perform(Write("k", b"1", "e", ttl=100)) is True
    bench.wait(120)
    assert bench.perform(Read("k")) is None
    assert bench.world.marks["a read under a lease"]
    assert bench.world.agenda.now > 300

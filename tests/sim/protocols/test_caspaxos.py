"""CASPaxos: what it offers, its settings, and what each of its parts is for."""

from __future__ import annotations

import pytest

from etagere.backend import Clock, Feature, TransactionScope
from etagere.errors import ConfigurationError, NotSupported, Unavailable
from etagere.histories.history import Status
from etagere.histories.verdicts import Anomaly, Answer
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
from etagere.urls import Options
from etagere_sim.campaigns.runs import Run, Trouble, run
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.cluster import Cluster
from etagere_sim.protocols import protocol_of
from etagere_sim.protocols.caspaxos import CasPaxos, growing
from etagere_sim.protocols.caspaxos.ledger import Ledger
from etagere_sim.world.faults import BitFlipped, Cut
from etagere_sim.world.world import World
from tests.sim.protocols.plans import STEADY, Plan, anomalies, deletes, gets, sets, told

ONE = Write("k", b"one", "e1")
TWO = Write("k", b"two", "e2", "e1")
TIME = 1_700_000_000_000


def caspaxos(settings: str = "") -> CasPaxos:
    replication = protocol_of(Options(f"sim://?protocol=caspaxos&{settings}"))
    assert isinstance(replication, CasPaxos)
    return replication


class Town:
    """A cluster where every message takes 1 ms, and clients who are asked one thing at a time."""

    def __init__(self, settings: str = "") -> None:
        self.world = World(0, STEADY)
        self.cluster = Cluster(self.world, caspaxos(settings))

    def ask(
        self, client: str, operation: Operation, level: Consistency = Consistency.STRONG
    ) -> Outcome:
        if client not in self.world.hosts:
            self.cluster.client(client)
        host = self.world.hosts[client]
        task = host.spawn(self.cluster.coordinators[client].perform(operation, level))
        self.world.agenda.run(lambda: task.done)
        return task.result  # type: ignore[return-value]  # an error, too, is told as a value

    def takes(
        self, client: str, operation: Operation, level: Consistency = Consistency.STRONG
    ) -> float:
        before = self.world.agenda.now
        self.ask(client, operation, level)
        return self.world.agenda.now - before

    def cut(self, source: str, *targets: str) -> None:
        for target in targets:
            self.world.hosts[source].links[target].cut += 1
            self.world.hosts[source].links[target].troubled = True

    def pass_time(self, milliseconds: float) -> None:
        self.world.agenda.play(until=self.world.agenda.now + milliseconds)


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    ["n=4&prepare=2&accept=2", "n=3&prepare=1&accept=2", "n=3&accept=4", "prepare=0&accept=3"],
)
def test_quorums_that_need_not_meet_are_refused(settings: str) -> None:
    with pytest.raises(ConfigurationError, match="prepare="):
        caspaxos(settings)


def test_a_removal_that_brings_values_back_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unsafe=1"):
        caspaxos("collect=naive")


def test_it_claims_what_it_does() -> None:
    offered = caspaxos().capabilities
    assert Feature.STRONG_ACROSS_FAILOVER in offered.features()
    assert Feature.LISTING not in offered.features()
    assert (offered.transactions, offered.clock) == (TransactionScope.NONE, Clock.CLIENT)
    assert isinstance(Town().ask("c1", Transaction((ONE,))), NotSupported)


# --- one client ---------------------------------------------------------------------------------


def test_it_follows_the_contract() -> None:
    outcomes = told(
        "caspaxos", Read("k"), ONE, TWO, TWO, Write("k", b"", "e3", ABSENT), Remove("k"), Read("k")
    )
    assert outcomes == [None, True, True, True, Conflict("e2"), True, None]


def test_records_expire_and_are_touched() -> None:
    outcomes = told(
        "caspaxos",
        Write("k", b"one", "e1", ttl=60),
        Read("k"),
        Touch("k", 40),
        Touch("k", None, "e0"),
        Read("k"),
        Touch("k", 100),
        pause=20.0,
    )
    # A round trip takes 2 ms: the write is applied after the first of its two.
    expected = [
        True,
        Record(b"one", "e1", TIME + 2 + 60),
        True,
        Conflict("e1"),
        None,
        False,
    ]
    assert outcomes == expected


def test_what_one_clock_found_expired_stays_so() -> None:
    town = Town()
    town.ask("c1", Write("k", b"one", "e1", ttl=500))
    town.ask("c2", Read("k"))
    town.world.hosts["c2"].clock.step(1000)
    assert town.ask("c2", Read("k")) is None
    assert town.ask("c1", Read("k")) is None


def test_the_second_write_takes_one_round_trip() -> None:
    town = Town()
    assert [town.takes("c1", operation) for operation in (ONE, TWO, Read("k"))] == [4, 2, 2]
    town.ask("c2", Write("k", b"three", "e3"))
    assert town.takes("c1", Write("k", b"four", "e4")) == 4, "another proposer came in between"


def test_a_read_disturbs_no_writer() -> None:
    town = Town()
    town.ask("c1", ONE)
    assert town.takes("c2", Read("k")) == 2
    assert town.takes("c1", TWO) == 2


def test_a_write_that_comes_too_late_is_as_good_as_a_prepare() -> None:
    town = Town()
    town.ask("c1", ONE)
    town.ask("c2", TWO)
    assert town.takes("c1", Write("k", b"three", "e3", "e2")) == 4
    assert town.ask("c2", Read("k")) == Record(b"three", "e3")
    assert "a proposer backs off" not in town.world.marks


def test_without_a_cache_every_write_takes_two() -> None:
    town = Town("cache=no")
    assert [town.takes("c1", operation) for operation in (ONE, TWO)] == [4, 4]


def test_a_read_that_finds_a_quorum_of_one_mind_writes_nothing() -> None:
    town = Town("cache=no&rest=10")
    town.ask("c1", ONE)
    town.ask("c2", Read("k"))
    town.pass_time(2)
    before = [replica.records() for replica in town.cluster.replicas.values()]
    assert town.takes("c2", Read("k")) == 2
    assert [replica.records() for replica in town.cluster.replicas.values()] == before


def test_flexible_quorums_say_who_may_be_down() -> None:
    for settings, down, works in (
        ("n=4&prepare=3&accept=2", 1, True),
        ("n=4&prepare=3&accept=2", 2, False),
        ("n=4&prepare=4&accept=1", 1, False),
        ("n=5&prepare=2&accept=4", 1, True),
        ("n=5&prepare=2&accept=4", 2, False),
    ):
        town = Town(settings)
        for position in range(1, down + 1):
            town.world.hosts[f"r{position}"].die()
        assert (town.ask("c1", ONE) is True) == works, (settings, down)


# --- eventual reads -----------------------------------------------------------------------------


def test_an_eventual_read_asks_one_replica() -> None:
    town = Town()
    town.ask("c1", ONE)
    town.pass_time(2)
    assert town.takes("c2", Read("k"), Consistency.EVENTUAL) == 2
    for replica in ("r1", "r2"):
        town.world.hosts[replica].die()
    assert town.ask("c2", Read("k"), Consistency.EVENTUAL) == Record(b"one", "e1")
    assert town.world.marks["an eventual read asks another replica"] > 0


def test_an_eventual_read_never_shows_what_is_only_accepted() -> None:
    town = Town("timeout=0.05")
    town.ask("c1", ONE)
    town.pass_time(2)
    town.cut("c1", "r2", "r3")
    assert town.ask("c1", TWO) is not True
    accepted = [replica.records()["k"] for replica in town.cluster.replicas.values()]
    assert Record(b"two", "e2") in accepted
    reads = [town.ask("c2", Read("k"), Consistency.EVENTUAL) for _ in range(12)]
    assert set(reads) == {Record(b"one", "e1")}


def test_where_nothing_is_learned_an_eventual_read_is_a_strong_one() -> None:
    town = Town("learn=no")
    for replica in ("r1", "r2"):
        town.world.hosts[replica].die()
    assert isinstance(town.ask("c1", Read("k"), Consistency.EVENTUAL), Unavailable)


# --- tombstones ---------------------------------------------------------------------------------

DELETED = Plan(
    programs={"c1": [sets(0)], "c2": [deletes(20)], "c3": [gets(60)]},
    faults=(
        Cut(at=15, until=50, sources=("c2",), targets=("r1",)),
        Cut(at=55, until=150, sources=("c3",), targets=("r3",)),
    ),
)
"""The paper's example: the tombstone is on r2 and r3 only, and c3 reads from r1 and r2."""


def test_a_naive_removal_returns_42_again() -> None:
    done = DELETED.played_on("caspaxos&collect=naive&unsafe=1")
    assert done.answer is Answer.NO
    assert anomalies(done) & {Anomaly.RESURRECTION, Anomaly.STALE_READ}


def test_collection_does_not() -> None:
    assert DELETED.played_on("caspaxos&rest=0.01").is_right


def test_a_tombstone_is_removed_once_all_acceptors_have_it() -> None:
    town = Town("rest=0.05")
    town.ask("c1", ONE)
    town.ask("c1", Remove("k"))
    town.pass_time(1000)
    assert all(not replica.records() for replica in town.cluster.replicas.values())
    assert town.ask("c1", Read("k")) is None
    assert town.ask("c2", Write("k", b"new", "e3", ABSENT)) is True
    assert town.ask("c1", Read("k")) == Record(b"new", "e3")
    assert len(town.world.agenda) < 20, "the janitors sleep"


def test_one_acceptor_that_is_away_keeps_the_tombstone() -> None:
    town = Town("rest=0.05")
    town.ask("c1", ONE)
    town.world.hosts["r3"].die()
    town.ask("c1", Remove("k"))
    town.pass_time(2000)
    assert town.cluster.replicas["r1"].records() == {"k": None}
    town.world.hosts["r3"].start()
    town.pass_time(2000)
    assert all(not replica.records() for replica in town.cluster.replicas.values())


# --- slots that are lost ------------------------------------------------------------------------

LOST = Plan(
    programs={"c1": [sets(0)], "c2": [gets(40)]},
    faults=(
        Cut(at=0, until=20, sources=("c1",), targets=("r3",)),
        *(BitFlipped(host="r1", at=at) for at in (25.0, 26.0, 27.0)),
        Cut(at=30, until=150, sources=("c2",), targets=("r2",)),
    ),
)
"""A write is on r1 and r2; r1 loses it; c2 reaches r1 and r3 only, and has to wait."""


def test_an_acceptor_that_lost_its_promise_says_nothing() -> None:
    done = LOST.played_on("caspaxos&rest=10&learn=no")
    assert done.is_right
    assert done.marks["a lost slot is filled"] > 0
    assert all(call.status is Status.OK for call in done.calls)


def test_if_it_took_the_slot_for_a_fresh_one_a_write_would_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slot = Ledger.slot
    monkeypatch.setattr(Ledger, "slot", lambda self, key: slot(self, key) or self.fresh)
    assert Anomaly.STALE_READ in anomalies(LOST.played_on("caspaxos&rest=10&learn=no"))


def test_a_janitor_fills_a_lost_slot() -> None:
    town = Town("rest=0.05&learn=no")
    town.ask("c1", ONE)
    town.pass_time(2)
    for _ in range(3):
        assert town.world.hosts["r1"].disk.flip_a_bit(town.world.stream("bits"))
    town.pass_time(2000)
    assert town.cluster.replicas["r1"].records() == {"k": Record(b"one", "e1")}


# --- membership ---------------------------------------------------------------------------------

GROWN = {"c1": [sets(0)], "c2": [gets(400)]}
APART = (
    Cut(at=0, until=20, sources=("c1",), targets=("r3",)),
    Cut(at=390, until=900, sources=("c2",), targets=("r1", "r2")),
)
"""A write is on r1 and r2; c2 reads from the others, when there are five."""


def grown(*, rescan: bool) -> Run:
    trouble = Trouble(APART, None, 1000)
    setup = growing("r4", "r5", at=30, rescan=rescan)
    return run(caspaxos("rest=100"), STEADY, Workload(), 0, trouble, setup=setup, programs=GROWN)


def test_three_become_four_and_five_and_lose_nothing() -> None:
    done = grown(rescan=True)
    assert (done.answer, done.progressed) == (Answer.YES, True)
    assert done.marks["an acceptor is added"] == 2
    (read,) = (call for call in done.calls if call.client == "c2" and call.value != "c2.2")
    assert read.value == "c1.1"


def test_without_a_scan_they_lose_a_write() -> None:
    assert Anomaly.STALE_READ in anomalies(grown(rescan=False))

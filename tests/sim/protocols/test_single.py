"""One copy: strong, as long as it says nothing that is not on its disk."""

from __future__ import annotations

from collections import Counter

import pytest

from etagere.histories.history import Kind, Status
from etagere.histories.verdicts import Answer
from etagere.operations import (
    ABSENT,
    Conflict,
    Consistency,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.cluster import Cluster
from etagere_sim.protocols.single import Single
from etagere_sim.protocols.single.client import Client
from etagere_sim.world.faults import BitFlipped, Died
from etagere_sim.world.world import World
from tests.sim.protocols.plans import STEADY, Plan, gets, runs, sets, told


class TestLinearizability:
    @pytest.mark.parametrize("deletes", [0.0, 0.3], ids=["set", "set and delete"])
    def test_faults_of_every_kind_do_it_no_harm(self, deletes: float) -> None:
        marks: Counter[str] = Counter()
        for done in runs("single", Workload(conditional=0.4, deletes=deletes), range(300)):
            assert done.is_right, done.seed
            marks += done.marks
        assert set(Single().branches) <= set(marks)

    def test_without_a_sync_what_is_old_enough_survives(self) -> None:
        plan = Plan(
            programs={"c1": [sets(0)], "c2": [gets(1200)]},
            faults=(Died(at=1100, until=1110, host="r1"),),
            until=1300.0,
        )
        assert plan.played_on("single&fsync=off").is_right

    def test_naive_retries_go_wrong_at_random_as_well(self) -> None:
        found = runs("single&retries=naive", Workload(), range(100), "messages")
        assert any(done.answer is Answer.NO for done in found)

    def test_with_its_disk_broken_it_says_nothing_rather_than_something_wrong(self) -> None:
        plan = Plan(
            programs={"c1": [sets(0)], "c2": [gets(30)]},
            faults=(BitFlipped("r1", 20.0), BitFlipped("r1", 21.0)),
        )
        done = plan.played_on("single")
        read = next(call for call in done.calls if call.kind is Kind.GET)
        assert read.status is Status.FAIL
        assert done.answer is Answer.YES
        assert not done.progressed


class TestOperations:
    def test_a_transaction_is_all_or_nothing(self) -> None:
        both = Transaction((Write("a", b"1", "e1"), Write("b", b"2", "e2", ABSENT)))
        again = Transaction((Write("a", b"3", "e3"), Write("b", b"4", "e4", ABSENT)))
        assert told("single", both, again, Read("a"), Read("b")) == [
            (True, True),
            Conflict("e2", 1),
            Record(b"1", "e1"),
            Record(b"2", "e2"),
        ]

    def test_preconditions_touches_and_deletes(self) -> None:
        write, refused = Write("k", b"1", "e"), Write("k", b"2", "f", "d")
        outcomes = told("single", write, refused, Touch("k", 500), Remove("k"), Read("k"))
        assert outcomes == [True, Conflict("e"), True, True, None]

    def test_a_record_expires_by_the_server_s_clock(self) -> None:
        write = Write("k", b"1", "e", ttl=100)
        assert told("single", write, Read("k"), pause=110.0) == [True, None]
        world = World(0, STEADY)
        cluster = Cluster(world, Single())
        client = cluster.client("c1")
        world.hosts["r1"].clock.drift(0.5)
        client.spawn(cluster.coordinators["c1"].perform(write, Consistency.STRONG))
        world.agenda.play(150.0)
        task = client.spawn(cluster.coordinators["c1"].perform(Read("k"), Consistency.STRONG))
        world.agenda.run(lambda: task.done)
        assert isinstance(task.result, Record)

    def test_keys_are_listed_in_order(self) -> None:
        world = World(0, STEADY)
        cluster = Cluster(world, Single())
        host = cluster.client("c1")
        client = cluster.coordinators["c1"]
        assert isinstance(client, Client)
        for key in ("b2", "b\N{CJK UNIFIED IDEOGRAPH-4E00}", "a", "b10", "c"):
            host.spawn(client.perform(Write(key, b"", f"e-{key}"), Consistency.STRONG))
        host.spawn(client.perform(Write("b3", b"", "e", ttl=1), Consistency.STRONG))
        world.agenda.play(20.0)
        task = host.spawn(client.scan("b", "b10", 5, Consistency.STRONG))
        world.agenda.run(lambda: task.done)
        assert task.result == ("b2", "b\N{CJK UNIFIED IDEOGRAPH-4E00}")

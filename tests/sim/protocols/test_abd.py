"""ABD: linearizable reads, writes and deletes, whatever goes wrong."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from etagere.backend import Capabilities
from etagere.errors import NotSupported
from etagere.histories.history import Kind
from etagere.histories.verdicts import Answer
from etagere.operations import (
    ABSENT,
    KEEP,
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
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.cluster import Cluster
from etagere_sim.protocols.abd import Abd
from etagere_sim.protocols.registers.accessor import Accessor
from etagere_sim.protocols.registers.messages import Tag
from etagere_sim.world.faults import BitFlipped, Cut, Died, Held
from etagere_sim.world.hosts import Host
from etagere_sim.world.tasks import Task
from etagere_sim.world.world import World
from tests.sim.protocols.plans import STEADY, Plan, deletes, gets, runs, sets, told

PLAIN = Workload(conditional=0.0)
DELETING = Workload(conditional=0.0, deletes=0.3, keys=2)

REUSED_TAG = Plan(
    programs={"c1": [sets(0), sets(10), sets(10)], "c2": [gets(60), gets(10), gets(10)]},
    faults=(
        Cut(at=15.5, until=25, sources=("c1",), targets=("r2", "r3"), both=False),
        Died(at=20, until=22, host="c1"),
        Cut(at=25, until=50, sources=("c1",), targets=("r1",)),
        Cut(at=55, until=65, sources=("c2",), targets=("r3",)),
        Cut(at=65, until=150, sources=("c2",), targets=("r1",)),
    ),
)
"""A write reaches r1 only before its client dies; its next one reaches r2 and r3 only."""


class Reusing(Accessor):
    """A mutant: its tags are a number and the client's name, and a new life reuses them."""

    def _tag_for(self, operation: Write | Remove | Touch, newest: Tag) -> Tag:
        return newest[0] + 1, self._host.name, 0, ""


class AbdReusing(Abd):
    """ABD with the mutant."""

    def start_coordinator(self, host: Host) -> Accessor:
        """Start the mutant."""
        return Reusing(host, self.knobs)


class AbdTelling(Abd):
    """ABD, if what a delete tells were part of its guarantee."""

    @property
    def capabilities(self) -> Capabilities:
        """What ABD claims, and this as well."""
        return replace(super().capabilities, deletes_tell=True)


class TestLinearizability:
    @pytest.mark.parametrize("workload", [PLAIN, DELETING], ids=["set", "set and delete"])
    def test_faults_of_every_kind_do_it_no_harm(self, workload: Workload) -> None:
        marks: Counter[str] = Counter()
        for done in runs("abd", workload, range(250)):
            assert done.is_right, done.seed
            marks += done.marks
        assert set(Abd.from_options(Options("sim://")).branches) <= set(marks)

    def test_five_replicas_with_two_disks_gone_bad(self) -> None:
        for done in runs("abd&n=5", PLAIN, range(40), "messages,bits,crashes"):
            assert done.is_right, done.seed

    def test_a_tag_that_is_used_again_is_caught(self) -> None:
        mutant = AbdReusing.from_options(Options("sim://"))
        assert REUSED_TAG.played_on("abd").is_right
        assert REUSED_TAG.played_on(mutant).answer is Answer.NO

    def test_a_delete_stays_when_a_replica_missed_it(self) -> None:
        plan = Plan(
            programs={"c1": [sets(0), deletes(16)], "c2": [gets(30)]},
            faults=(
                Cut(at=15, until=28, sources=("c1",), targets=("r3",)),
                Cut(at=29, until=60, sources=("c2",), targets=("r1",)),
            ),
        )
        done = plan.played_on("abd")
        read = next(call for call in done.calls if call.kind is Kind.GET)
        assert read.found is False
        assert done.marks["read was written back"] == 1
        assert done.is_right

    def test_what_a_delete_tells_is_not_of_the_same_moment(self) -> None:
        plan = Plan(programs={"c1": [sets(0), deletes(16)], "c2": [deletes(20)]})
        assert plan.played_on("abd").is_right
        telling = plan.played_on(AbdTelling.from_options(Options("sim://")))
        assert [call.found for call in telling.calls if call.kind is Kind.DELETE] == [True, True]
        assert telling.answer is Answer.NO

    def test_an_eventual_read_is_one_replica_s_word(self) -> None:
        plan = Plan(
            programs={
                "c1": [sets(0), sets(16, Consistency.EVENTUAL)],
                "c2": [gets(40, Consistency.EVENTUAL), gets(100)],
            },
            faults=(
                Cut(at=21.5, until=120, sources=("c1",), targets=("r3",), both=False),
                Cut(at=30, until=120, sources=("c2",), targets=("r1", "r2")),
            ),
        )
        first, second, stale, fresh = plan.played_on("abd").calls[:4]
        assert stale.etag == first.etag
        assert fresh.etag == second.etag


class TestABrokenDisk:
    def test_a_lost_register_is_restored_from_the_others(self) -> None:
        plan = Plan(
            programs={"c1": [sets(0), gets(100)], "c2": [gets(50)]},
            faults=(BitFlipped("r1", 20.0), Died(at=110, until=400, host="r2")),
            until=400.0,
        )
        done = plan.played_on("abd")
        assert done.marks["register restored from others"] == 1
        assert done.is_right

    def test_until_then_its_replica_is_silent(self) -> None:
        plan = Plan(
            programs={"c1": [sets(0)], "c2": [gets(30)]},
            faults=(
                BitFlipped("r1", 20.0),
                Cut(at=10, until=60, sources=("r2",), targets=("r1", "r3", "c1", "c2")),
            ),
        )
        done = plan.played_on("abd")
        begun, over = (done.times[moment - 1] for moment in done.calls[1].span)
        assert begun == 30.0
        assert over > 60.0
        assert done.is_right


class TestOperations:
    @pytest.mark.parametrize(
        "operation",
        [
            Write("k", b"1", "e", ABSENT),
            Write("k", b"1", "e", "d"),
            Remove("k", "d"),
            Touch("k", 1000),
            Transaction((Write("k", b"1", "e"),)),
        ],
    )
    def test_what_depends_on_what_is_there_is_refused(self, operation: Operation) -> None:
        assert isinstance(told("abd", operation)[0], NotSupported)

    def test_a_record_expires_by_the_reader_s_clock(self) -> None:
        found = told("abd", Write("k", b"1", "e", ttl=50), Read("k"), pause=20.0)
        assert found[0] is True
        assert isinstance(found[1], Record)
        assert told("abd", Write("k", b"1", "e", ttl=50), Read("k"), pause=60.0) == [True, None]

    def test_a_delete_tells_what_its_first_phase_saw(self) -> None:
        assert told("abd", Remove("k"), Write("k", b"1", "e"), Remove("k"), Read("k")) == [
            False,
            True,
            True,
            None,
        ]

    def test_a_write_that_is_in_place_is_in_place(self) -> None:
        write = Write("k", b"1", "e")
        assert told("abd", write, write, Read("k")) == [True, True, Record(b"1", "e")]


class TestWritesThatKeepTheExpiry:
    def test_they_keep_what_is_there(self) -> None:
        first, read = Write("k", b"1", "a", ttl=5000), Read("k")
        kept, again = Write("k", b"2", "b", ttl=KEEP), Write("k", b"3", "c", ttl=KEEP)
        _, before, _, after, _, last = told("abd", first, read, kept, read, again, read)
        assert isinstance(before, Record)
        assert after == Record(b"2", "b", before.expires_at)
        assert last == Record(b"3", "c", before.expires_at)

    def test_where_there_is_nothing_there_is_nothing_to_keep(self) -> None:
        kept = Write("k", b"2", "b", ttl=KEEP)
        assert told("abd", kept, Read("k")) == [True, Record(b"2", "b")]
        gone = Write("k", b"1", "a", ttl=20)
        assert told("abd", gone, kept, Read("k"), pause=40.0)[2] == Record(b"2", "b")
        assert told("abd", gone, Remove("k"), kept, Read("k"))[3] == Record(b"2", "b")

    def test_one_that_is_late_undoes_no_expiry_that_was_set_meanwhile(self) -> None:
        world = World(0, STEADY)
        cluster = Cluster(world, Abd.from_options(Options("sim://")))
        hosts = {name: cluster.client(name) for name in ("c1", "c2")}
        # What c1 has read is old by the time at which its write arrives.
        Held(at=31.5, until=80, sources=("c1",), targets=("r1", "r2", "r3")).schedule(world)

        def perform(client: str, operation: Operation) -> Task[Outcome]:
            coordinator = cluster.coordinators[client]
            return hosts[client].spawn(coordinator.perform(operation, Consistency.STRONG))

        perform("c1", Write("k", b"1", "a", ttl=9000))
        world.agenda.play(30.0)
        late = perform("c1", Write("k", b"2", "z", ttl=KEEP))
        world.agenda.play(40.0)
        perform("c2", Write("k", b"3", "b", ttl=100))
        world.agenda.play(50.0)
        seen = perform("c2", Read("k"))
        world.agenda.run(lambda: late.done)
        last = perform("c2", Read("k"))
        world.agenda.run(lambda: last.done)
        assert late.result is True
        assert isinstance(seen.result, Record)
        assert seen.result.etag == "b"
        assert last.result == seen.result

"""Quorums that overlap: regular, not atomic, and no ground for conditional writes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from etagere.errors import ConfigurationError
from etagere.histories.history import Call, Kind, Status
from etagere.histories.verdicts import Anomaly, Answer
from etagere.urls import Options
from etagere_sim.campaigns.runs import Trouble
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.protocols.quorum_regular import QuorumRegular
from etagere_sim.world.faults import Cut, Died, Held, Weather
from tests.sim.protocols.plans import Plan, anomalies, gets, runs, sets, swaps

STALE = {Anomaly.STALE_READ, Anomaly.ZONE_NESTED, Anomaly.ZONE_OVERLAP}

NEW_OLD_INVERSION = Plan(
    programs={"c1": [sets(0), sets(16)], "c2": [gets(30)], "c3": [gets(40)]},
    faults=(
        Held(at=21.5, until=60, sources=("c1",), targets=("r2", "r3")),
        Cut(at=35, until=60, sources=("c3",), targets=("r1",)),
    ),
)
"""The second write has reached r1 only; c2 reads of r1 and r2, and after it c3 of r2 and r3."""

RESURRECTED = Plan(
    programs={"c1": [sets(0), sets(16)], "c2": [gets(40), gets(18)], "c3": [gets(50)]},
    faults=(
        Cut(at=21.5, until=100, sources=("c1",), targets=("r2", "r3"), both=False),
        Died(at=30, until=100, host="c1"),
        Cut(at=35, until=100, sources=("c2",), targets=("r1",)),
    ),
)
"""A write reaches r1 only, and its client dies. It is absent, then there, and absent again."""

LOST_UPDATE = Plan(
    programs={"c1": [sets(0), gets(6), swaps(0)], "c2": [gets(10), swaps(0)]},
)
"""Both read the same version and write on it."""

ABORTED_READ = Plan(
    programs={
        "c1": [sets(0), gets(5.5), swaps(0)],
        "c2": [gets(10), swaps(0)],
        "c3": [gets(30)],
    },
    faults=(
        Held(at=12.6, until=100, sources=("c1",), targets=("r3",)),
        Cut(at=20, until=100, sources=("c3",), targets=("r1",)),
    ),
)
"""c1 wins r1 and r2. c2 wins r3 only, and is told of a conflict; c3 reads of r2 and r3."""

WEDGED_KEY = Plan(
    programs={
        "c1": [sets(0), gets(6), swaps(0), gets(100), swaps(0)],
        "c2": [gets(10), swaps(0), gets(102), swaps(0)],
        "c3": [gets(10), swaps(0), gets(102), swaps(0)],
    },
    faults=(
        Held(at=13, until=30, sources=("c1",), targets=("r2", "r3")),
        Held(at=13, until=30, sources=("c2",), targets=("r1", "r3")),
        Held(at=13, until=30, sources=("c3",), targets=("r1", "r2")),
    ),
)
"""Each of three writers wins one replica."""


class TestReadsAndWrites:
    @pytest.mark.parametrize("plan", [NEW_OLD_INVERSION, RESURRECTED])
    def test_a_value_is_seen_and_then_the_one_before_it(self, plan: Plan) -> None:
        done = plan.played_on("quorum_regular")
        assert anomalies(done) == {Anomaly.STALE_READ}
        assert done.progressed
        assert done.converged

    @pytest.mark.parametrize("plan", [NEW_OLD_INVERSION, RESURRECTED])
    @pytest.mark.parametrize("settings", ["abd", "caspaxos"])
    def test_strong_protocols_pass(self, plan: Plan, settings: str) -> None:
        assert plan.played_on(settings).is_right

    def test_it_is_regular_but_not_atomic(self) -> None:
        busy = Workload(operations=12, reads=0.6, conditional=0.0)
        storm = Trouble(weather=Weather(), until=300.0)
        inverted = 0
        for done in runs("quorum_regular", busy, range(120), storm):
            assert not superseded(done.calls), done.seed
            assert done.progressed, done.seed
            assert done.converged, done.seed
            assert anomalies(done) <= STALE, done.seed
            inverted += done.answer is Answer.NO
        assert inverted

    def test_it_gets_over_faults_of_every_kind(self) -> None:
        for done in runs("quorum_regular", Workload(conditional=0.0), range(5000, 5100)):
            assert not superseded(done.calls), done.seed
            assert done.progressed, done.seed
            assert done.converged, done.seed

    def test_other_quorums_that_overlap_are_regular_too(self) -> None:
        for settings in ("n=5&r=2&w=4", "n=3&r=1&w=3", "n=4&r=3&w=2"):
            for done in runs(f"quorum_regular&{settings}", Workload(conditional=0.0), range(20)):
                assert not superseded(done.calls), (settings, done.seed)
                assert done.progressed, (settings, done.seed)
                assert done.converged, (settings, done.seed)


class TestUnsafeConditionalWrites:
    def test_two_quorum_operations_lose_an_update(self) -> None:
        done = LOST_UPDATE.played_on("quorum_regular&unsafe=1")
        assert anomalies(done) == {Anomaly.LOST_UPDATE}

    def test_a_replica_keeps_what_its_majority_refused(self) -> None:
        done = ABORTED_READ.played_on("quorum_regular&unsafe=1&cas=replica")
        assert anomalies(done) == {Anomaly.ABORTED_READ}

    def test_three_winners_wedge_a_key(self) -> None:
        done = WEDGED_KEY.played_on("quorum_regular&unsafe=1&cas=replica")
        swapped = [call.status for call in done.calls if call.kind is Kind.SET and call.expected]
        assert swapped == [Status.MISMATCH] * 6
        assert anomalies(done) == {Anomaly.ABORTED_READ}

    @pytest.mark.parametrize("plan", [LOST_UPDATE, ABORTED_READ, WEDGED_KEY])
    def test_caspaxos_passes(self, plan: Plan) -> None:
        assert plan.played_on("caspaxos").is_right

    @pytest.mark.parametrize("plan", [LOST_UPDATE, ABORTED_READ, WEDGED_KEY])
    @pytest.mark.parametrize("settings", ["quorum_regular", "abd"])
    def test_without_unsafe_they_are_refused(self, plan: Plan, settings: str) -> None:
        done = plan.played_on(settings)
        swapped = [call.status for call in done.calls if call.kind is Kind.SET and call.expected]
        assert set(swapped) == {Status.FAIL}
        assert done.is_right

    @pytest.mark.parametrize(
        ("way", "typical"),
        [("read-check-write", Anomaly.LOST_UPDATE), ("replica", Anomaly.ABORTED_READ)],
    )
    def test_much_goes_wrong_without_a_single_fault(self, way: str, typical: Anomaly) -> None:
        settings = f"quorum_regular&unsafe=1&cas={way}"
        found = list(runs(settings, Workload(conditional=1.0), range(60), "none"))
        assert sum(done.answer is Answer.NO for done in found) > 12
        assert typical in {anomaly for done in found for anomaly in anomalies(done)}


class TestSettings:
    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ("r=1&w=2", "more than n together"),
            ("n=3&r=4", "at most n"),
            ("cas=replica", "add unsafe=1"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, query: str, problem: str) -> None:
        with pytest.raises(ConfigurationError, match=problem):
            QuorumRegular.from_options(Options(f"sim://?{query}"))


def superseded(calls: Iterable[Call]) -> list[Call]:
    """Return the reads of a value that another write had replaced before they began.

    A write replaces those that were over when it began. Of regular registers for many writers this
    is the weakest kind (Shao, Pierce and Welch, "Multi-writer consistency conditions for shared
    memory registers", 2003).
    """
    calls = list(calls)
    writes = {call.etag: call for call in calls if call.kind is Kind.SET}
    return [
        read
        for read in calls
        if read.kind is Kind.GET
        and read.status is Status.OK
        and any(
            write.finish < read.start
            and write.status is Status.OK
            and (read.etag is None or writes[read.etag].finish < write.start)
            for write in writes.values()
        )
    ]

"""Quorums that overlap: regular, not atomic, and no ground for conditional writes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from etagere.errors import ConfigurationError
from etagere.histories.history import Call, Kind, Status
from etagere.histories.verdicts import Anomaly, Answer
from etagere.operations import Consistency
from etagere.urls import Options
from etagere_sim.campaigns.runs import Trouble
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.protocols.quorum_regular import QuorumRegular
from etagere_sim.world.faults import Cut, Weather
from tests.sim.protocols.plans import Plan, anomalies, gets, runs, scenario_on, sets

STALE = {Anomaly.STALE_READ, Anomaly.ZONE_NESTED, Anomaly.ZONE_OVERLAP}

CONDITIONAL = ("quorum_cas_lost_update", "replica_cas_aborted_read", "wedged_key")
"""Scenarios of writes that depend on what is there."""


class TestReadsAndWrites:
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


class TestClaims:
    def test_what_is_not_atomic_does_not_claim_to_be_strong(self) -> None:
        assert not QuorumRegular.from_options(Options("sim://")).capabilities.strong
        unsafe = QuorumRegular.from_options(Options("sim://?unsafe=1")).capabilities
        assert unsafe.strong
        assert unsafe.conditional

    def test_eventual_reads_are_of_a_quorum_all_the_same(self) -> None:
        plan = Plan(
            programs={"c1": [sets(0), sets(16)], "c2": [gets(40, Consistency.EVENTUAL)]},
            faults=(
                Cut(at=15, until=100, sources=("c1",), targets=("r3",)),
                Cut(at=35, until=100, sources=("c2",), targets=("r1",)),
            ),
        )
        calls = plan.played_on("quorum_regular").calls
        read = next(call for call in calls if call.kind is Kind.GET)
        assert read.etag == [call for call in calls if call.kind is Kind.SET][1].etag


class TestUnsafeConditionalWrites:
    def test_three_winners_wedge_a_key(self) -> None:
        done = scenario_on("wedged_key", "quorum_regular&unsafe=1&cas=replica")
        swapped = [call.status for call in done.calls if call.kind is Kind.SET and call.expected]
        assert swapped == [Status.MISMATCH] * 6

    @pytest.mark.parametrize("scenario", CONDITIONAL)
    @pytest.mark.parametrize("settings", ["quorum_regular", "abd"])
    def test_without_unsafe_they_are_refused(self, scenario: str, settings: str) -> None:
        done = scenario_on(scenario, settings)
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

"""A primary and its backups under many seeds: safe where they say so, unsafe where they do not."""

from __future__ import annotations

from collections import Counter

import pytest

from etagere.histories.history import History
from etagere.histories.verdicts import Answer
from etagere.histories.versioned import check_versioned
from etagere_sim.campaigns.coverage import never_reached
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.workloads import Workload
from tests.sim.protocols.primary_backup_trouble import replication_of, transacted, troubled

LONG = Workload(operations=8, pause=15.0)


def test_the_safe_settings_are_safe_and_all_of_them_is_tried() -> None:
    marks: Counter[str] = Counter()
    for run in troubled("", LONG, range(400)):
        marks += run.marks
        assert not problems_of(run), (run.seed, run.findings)
    assert never_reached(sorted(replication_of("").branches), marks) == []


@pytest.mark.parametrize(
    "settings", ["&visible=before&reads=backup", "&n=5&acks=3", "&failover=none", "&n=1"]
)
def test_other_safe_settings_are_safe(settings: str) -> None:
    for run in troubled(settings, Workload(operations=6, pause=15.0, keys=2), range(60)):
        assert not problems_of(run), (run.seed, run.findings)


@pytest.mark.parametrize(
    "settings",
    [
        "&acks=0&visible=before&fencing=off&failover=timer",
        "&acks=1&visible=before&fencing=off",
        "&acks=1&visible=after&fencing=off",
        "&failover=timer",
        "&acks=0",
        "&fencing=off&failover=none&fsync=off",
    ],
)
def test_weak_settings_are_found_out_and_converge(settings: str) -> None:
    marks: Counter[str] = Counter()
    answers: Counter[Answer] = Counter()
    for run in troubled(settings, LONG, range(80)):
        marks += run.marks
        answers[run.answer] += 1
        assert run.progressed, run.seed
        assert run.converged, run.seed
    assert answers[Answer.NO] > 0
    assert never_reached(sorted(replication_of(settings).branches), marks) == []


def test_transactions_over_two_keys_are_linearizable() -> None:
    done = 0
    for seed in range(80):
        calls = transacted("", seed)
        assert check_versioned(History(calls)).answer is Answer.YES, seed
        done += sum(call.parts != () for call in calls)
    assert done > 80

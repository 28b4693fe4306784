"""Clients: what they are told, and through what they ask."""

from __future__ import annotations

import random

import pytest

from etagere.errors import InvalidArgument
from etagere.histories.history import NEVER, Status
from etagere.urls import Options
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.runs import Trouble, run
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.protocols.abd import Abd
from etagere_sim.world.faults import Died, SentTwice
from etagere_sim.world.latency import Constant, Everywhere
from tests.sim.campaigns.settings import ABD, campaign

SLOW = Everywhere(Constant(5.0))


def test_stores_are_linearizable_too() -> None:
    settings = campaign(ABD, clients="store")
    runs = [settings.run(seed) for seed in range(40)]
    assert [problems_of(done) for done in runs] == [[]] * 40
    assert {call.status for done in runs for call in done.calls} > {Status.OK}


def test_stores_leave_random_numbers_as_they_were() -> None:
    random.seed(1)
    before = random.getstate()
    campaign(ABD, clients="store").run(3)
    assert random.getstate() == before


def test_times_of_calls() -> None:
    done = campaign("sim://?protocol=single&latency=constant:5", "none").run(1)
    times = [done.times[call.finish - 1] - done.times[call.start - 1] for call in done.calls]
    assert times == pytest.approx([10.0] * len(times))


def test_a_client_whose_host_dies_knows_nothing() -> None:
    single = Abd.from_options(Options(ABD))
    trouble = Trouble((Died(3.0, 60.0, host="c1"),), None, 100.0)
    done = run(single, SLOW, Workload(clients=1, operations=1, reads=0.0, pause=0.5), 1, trouble)
    first, last = done.calls
    assert (first.status, first.finish) == (Status.INFO, NEVER)
    assert last.status is Status.OK
    assert done.is_right


def test_only_what_may_be_sent_twice_is_sent_twice() -> None:
    abd = Abd.from_options(Options(ABD))
    trouble = Trouble((SentTwice(client="c1", number=1, after=1.0),), None, 100.0)
    for reads, sent in ((1.0, 1), (0.0, 0)):
        load = Workload(clients=1, operations=1, reads=reads, conditional=0.0)
        assert len(run(abd, SLOW, load, 1, trouble).faults) == sent


@pytest.mark.parametrize(
    "numbers",
    [
        {"clients": 0},
        {"keys": 0},
        {"reads": 1.5},
        {"conditional": 0.6, "deletes": 0.6},
        {"pause": 0.0},
    ],
)
def test_workloads_that_make_no_sense(numbers: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument):
        Workload(**numbers).check()

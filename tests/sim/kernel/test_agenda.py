"""The queue of virtual time."""

from __future__ import annotations

import pytest

from etagere_sim.kernel.agenda import Agenda, Deadlock
from etagere_sim.kernel.choosers import AsPlanned


def test_time_passes_from_one_entry_to_the_next():
    agenda, seen = Agenda(), []
    for delay in (30.0, 10.0, 20.0):
        agenda.after(delay, "", lambda what: seen.append((agenda.now, what)), delay)
    agenda.play(until=25.0)
    assert seen == [(10.0, 10.0), (20.0, 20.0)]
    assert agenda.now == 25.0
    agenda.play(until=30.0)
    assert seen[-1] == (30.0, 30.0)


def test_entries_of_one_moment_keep_their_order():
    agenda, seen = Agenda(), []
    agenda.at(5.0, "", seen.append, 1)
    agenda.at(5.0, "", seen.append, 2)
    agenda.at(5.0, "", lambda _: agenda.soon("", seen.append, 4))
    agenda.at(5.0, "", seen.append, 3)
    agenda.play(until=5.0)
    assert seen == [1, 2, 3, 4]


def test_what_is_past_happens_at_once():
    agenda, seen = Agenda(), []
    agenda.after(10.0, "", lambda _: agenda.at(3.0, "", lambda _: seen.append(agenda.now)))
    agenda.play(until=50.0)
    assert seen == [10.0]


def test_stop_ends_it_after_the_entry_that_runs():
    agenda, seen = Agenda(), []
    agenda.after(1.0, "", lambda _: agenda.stop())
    agenda.after(2.0, "", seen.append, "later")
    agenda.play()
    assert (agenda.now, seen, len(agenda)) == (1.0, [], 1)
    agenda.play(until=2.0)
    assert seen == ["later"]


@pytest.mark.parametrize("chooser", [None, AsPlanned({})])
def test_steps_are_counted(chooser):
    agenda = Agenda(chooser)
    for delay in range(5):
        agenda.after(delay, "", lambda _: None)
    agenda.play(until=2.0)
    assert (agenda.steps, len(agenda)) == (3, 2)
    assert agenda.step()
    assert agenda.steps == 4


@pytest.mark.parametrize("chooser", [None, AsPlanned({})])
def test_when_nothing_is_left_the_witnesses_are_heard(chooser):
    agenda = Agenda(chooser)
    agenda.witnesses.append(lambda: ["c1 waits for r1"])
    agenda.after(7.0, "", lambda _: None)
    with pytest.raises(Deadlock, match=r"at 7 ms nothing is left.*\n  c1 waits for r1"):
        agenda.play()
    with pytest.raises(Deadlock, match="c1 waits for r1"):
        agenda.run(lambda: False)


@pytest.mark.parametrize("chooser", [None, AsPlanned({})])
def test_what_has_no_end_is_ended(chooser):
    agenda = Agenda(chooser)

    def again(_: object) -> None:
        agenda.soon("", again)

    again(None)
    with pytest.raises(Deadlock, match="after 1,000 steps, there is no end in sight"):
        agenda.play(most=1000)
    with pytest.raises(Deadlock, match="no end in sight"):
        agenda.run(lambda: False, most=10)


def test_run_looks_after_each_entry_whether_it_is_over():
    agenda, seen = Agenda(), []
    for delay in range(5):
        agenda.after(delay, "", seen.append, delay)
    agenda.run(lambda: len(seen) == 3)
    assert seen == [0, 1, 2]

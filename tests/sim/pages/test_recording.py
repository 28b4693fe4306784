"""A run that is looked at."""

from __future__ import annotations

from itertools import pairwise

import pytest

from etagere_sim.campaigns.plans import replay
from etagere_sim.campaigns.workloads import Ask
from etagere_sim.kernel.agenda import Deadlock
from etagere_sim.pages.recording import WatchedAgenda
from tests.sim.pages.pictures import STRONG, WEAK, faulted, recorded, violating

REGISTERS = "sim://?protocol=abd"


@pytest.mark.parametrize(
    ("url", "kinds"),
    [(STRONG, ["Died", "BitFlipped"]), (REGISTERS, ["Died", "BitFlipped"]), (WEAK, ["Held"])],
)
def test_looking_changes_nothing(url, kinds):
    recording = recorded(url, *kinds)
    unseen = replay(recording.plan)
    assert recording.run.calls == unseen.calls
    assert recording.run.times == unseen.times
    assert (recording.run.steps, recording.run.marks) == (unseen.steps, unseen.marks)


def test_states_are_taken_when_they_change():
    recording = faulted()
    assert set(recording.snapshots) == {"r1", "r2", "r3"}
    for taken in recording.snapshots.values():
        assert taken[0].at == 0.0
        assert [each.at for each in taken] == sorted(each.at for each in taken)
        for one, other in pairwise(taken):
            assert (one.held, one.disk) != (other.held, other.disk)


def test_the_last_states_are_what_the_replicas_agreed_on():
    recording = violating()
    assert recording.run.converged
    last = [taken[-1].held for taken in recording.snapshots.values()]
    assert last[0] == last[1] == last[2] != {}


def test_what_a_replica_holds_was_written_before():
    recording = faulted()
    began = {
        call.etag or f"{call.client}.?": recording.run.times[call.start - 1]
        for call in recording.run.calls
        if call.kind.value == Ask.SET.value
    }
    seen = [
        (record.etag, snapshot.at)
        for taken in recording.snapshots.values()
        for snapshot in taken
        for record in (snapshot.held or {}).values()
        if record is not None
    ]
    assert len(seen) > 20
    assert all(began[etag] < at for etag, at in seen if etag in began)
    assert {etag for etag, _ in seen} & set(began)


def test_a_watched_agenda_is_as_any_other():
    agenda, seen, done = WatchedAgenda(), [], []
    agenda.watch = seen.append
    for delay in (3.0, 1.0, 2.0):
        agenda.after(delay, "", done.append, delay)
    agenda.play(until=2.5)
    assert (done, seen, agenda.now) == ([1.0, 2.0], [1.0, 2.0], 2.5)
    agenda.after(0.1, "", lambda _: agenda.stop())
    agenda.play()
    assert (done, agenda.now) == ([1.0, 2.0], 2.6)
    with pytest.raises(Deadlock):
        agenda.play()
    assert done == [1.0, 2.0, 3.0]

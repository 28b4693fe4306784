"""The same seed does the same: in any process, under any hash seed."""

from __future__ import annotations

import sys

from etagere_sim.determinism import Process, differences, digests, gossip, main, played

SEEDS = 60


def test_digests_are_equal_in_processes_of_any_hash_seed():
    here = Process("here", "", list(digests(range(SEEDS))))
    processes = [here, *(played(sys.executable, seed, SEEDS) for seed in ("0", "1", "random"))]
    assert not list(differences(processes))
    assert [len(process.digests) for process in processes] == [SEEDS] * 4
    assert len(set(here.digests)) == SEEDS


def test_a_difference_is_named():
    one = Process("python", "0", ["a", "b", "c"])
    other = Process("python", "1", ["a", "x", "y"])
    (line,) = differences([one, other])
    assert line.startswith("2 seeds differ, 1 first: python with PYTHONHASHSEED=0, and python")


def test_the_program_of_anyio_has_something_to_cancel():
    events = gossip(0).events
    assert sum(event.what == "ended" for event in events) > 60
    assert sum(event.what == "arrived" for event in events) > 50
    assert {"lost", "sent"} <= {event.what for event in events}


def test_the_command_compares(capsys):
    assert main(["--seeds", "2"]) == 0
    assert "2 seeds, 6 processes: all digests are equal" in capsys.readouterr().out

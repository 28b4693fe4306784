"""`etagere simulate scenario` and `mutants`."""

from __future__ import annotations

from pathlib import Path

import pytest

from etagere_sim.campaigns.plans import load_plan
from etagere_sim.commands import scenario as command
from etagere_sim.mutants import MUTANTS
from etagere_sim.scenarios import SCENARIOS
from tests.sim.commands.conftest import Simulate


def test_all_of_them_in_a_table(simulate: Simulate) -> None:
    said = simulate("scenario")
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) == 1 + len(SCENARIOS)
    assert all(line.endswith("✓") for line in lines[1:])


def test_one_of_them(simulate: Simulate) -> None:
    said = simulate("scenario", "redis_wait_not_cp")
    assert said.code == 0
    assert "Source: redis.io, WAIT" in said.out
    assert "  25-250 ms  r1 died, unsynced writes are lost\n" in said.out
    assert "&failover=timer&latency=constant:1: stale_read, 1 acknowledged lost\n" in said.out
    assert "  c1      set k to c1.2  done\n" in said.out
    assert "c1 was told that 'c1.2' is written, and it is lost." in said.out
    assert "protocol=caspaxos&latency=constant:1: linearizable\n" in said.out
    assert said.out.endswith("\nas expected\n")


def test_as_json(simulate: Simulate) -> None:
    told = simulate("scenario", "lww_clock_skew", "--json").json["lww_clock_skew"]
    assert told["as_expected"] is True
    assert told["weak"]["lost_writes"] == ["c2.1"]
    assert told["expected"] == told["weak"]["problems"]
    assert [side["problems"] for side in told["strong"]] == [[], [], []]


def test_what_there_is(simulate: Simulate) -> None:
    assert len(simulate("scenario", "--list").out.splitlines()) == 1 + len(SCENARIOS)
    told = simulate("scenario", "--list", "--json").json
    assert list(told) == list(SCENARIOS)
    assert "no scenario 'nowhere'" in simulate("scenario", "nowhere").problem


def test_plans_are_written_and_can_be_replayed(simulate: Simulate, tmp_path: Path) -> None:
    simulate("scenario", "crash_unfsynced", "--out", str(tmp_path / "new"))
    weak = tmp_path / "new" / "crash_unfsynced.json"
    assert load_plan(weak) == SCENARIOS["crash_unfsynced"].weak
    assert len(list(weak.parent.iterdir())) == 1 + len(SCENARIOS["crash_unfsynced"].strong)
    assert " stale_read  yes\n" in simulate("replay", str(weak)).out


def test_a_page_of_one(simulate: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    assert simulate("scenario", "two_streams", "--html", str(path)).code == 0
    assert "fencing=off" in path.read_text()
    assert "give the NAME" in simulate("scenario", "--html", str(path)).problem


def test_what_does_not_come_out_as_expected(
    simulate: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = SCENARIOS["crash_unfsynced"]
    wrong = type(right)(
        name=right.name,
        story=right.story,
        source=right.source,
        weak=right.weak,
        strong=right.strong,
        lost=2,
    )
    monkeypatch.setattr(command, "SCENARIOS", {right.name: wrong})
    said = simulate("scenario")
    assert said.code == 1
    assert said.out.endswith("✗\n")
    assert (
        "NOT as expected: stale_read; 2 acknowledged lost" in simulate("scenario", right.name).out
    )


def test_mutants(simulate: Simulate, tmp_path: Path) -> None:
    words = ("mutants", "--protocol", "single", "--out", str(tmp_path))
    said = simulate(*words)
    assert said.code == 0
    assert said.out.endswith("\n3 of 3 caught\n")
    assert len(list(tmp_path.iterdir())) == 3
    told = simulate("mutants", "--protocol", "single", "--seeds", "1", "--json")
    assert told.code == 1
    assert [each["caught"] for each in told.json["mutants"]].count(False) >= 1


def test_which_mutants_there_are(simulate: Simulate) -> None:
    assert len(simulate("mutants", "--list").out.splitlines()) == 1 + len(MUTANTS)
    told = simulate("mutants", "--list", "--json").json["mutants"]
    assert [each["mutant"] for each in told] == [mutant.name for mutant in MUTANTS]

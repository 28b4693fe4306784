"""`etagere simulate shrink` and `replay`: from a seed to a small plan, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from etagere_sim.campaigns.plans import as_json, load_plan
from tests.sim.campaigns.settings import BAD_SEED
from tests.sim.commands.conftest import Simulate

REGULAR = ("--protocol", "quorum_regular", "--latency", "constant:1")


@pytest.fixture
def plan(simulate: Simulate, tmp_path: Path) -> Path:
    """A plan that was shrunk, in a file."""
    said = simulate("shrink", str(BAD_SEED), *REGULAR, "--out", str(tmp_path))
    assert said.code == 1
    path = tmp_path / f"stale-read-{BAD_SEED}.json"
    assert f"# written to {path}" in said.out
    return path


def test_shrink_prints_a_test(simulate: Simulate, tmp_path: Path) -> None:
    said = simulate("shrink", str(BAD_SEED), *REGULAR, "--out", str(tmp_path / "new" / "folder"))
    assert said.out.startswith("from etagere_sim.campaigns.judging import problems_of\n")
    assert f"def test_quorum_regular_stale_read_of_seed_{BAD_SEED}() -> None:" in said.out
    assert "# stale_read: from " in said.out
    compile(said.out, "printed", "exec")


def test_shrink_as_json(simulate: Simulate, tmp_path: Path) -> None:
    said = simulate("shrink", str(BAD_SEED), *REGULAR, "--out", str(tmp_path), "--json")
    told = said.json[str(BAD_SEED)]
    before, after = told["faults"]
    assert 1 <= after <= 4 < before
    assert told["deviations"] == [0, 0]
    assert told["problem"] == "stale_read"
    assert told["seconds"] <= 10
    assert len(told["plan"]["faults"]) == after


def test_replay(simulate: Simulate, plan: Path) -> None:
    said = simulate("replay", str(plan))
    assert said.code == 1
    assert " stale_read  yes\n" in said.out
    assert "MessageFault(" in said.out
    assert "stale read. " in said.out
    told = simulate("replay", str(plan), "--json").json[str(plan)]
    assert told["as_expected"] is True
    assert told["linearizable"] is False
    assert told["problems"] == told["expected"] == ["stale_read"]


def test_replay_of_what_is_right(simulate: Simulate, plan: Path) -> None:
    without = replace(load_plan(plan), faults=())
    plan.write_text(as_json(without))
    said = simulate("replay", str(plan))
    assert said.code == 0
    assert " linearizable  no: stale_read\n" in said.out


def test_replay_of_what_is_no_plan(simulate: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("{}")
    assert f"{path} is not a plan" in simulate("replay", str(path)).problem
    assert "No such file" in simulate("replay", str(tmp_path / "missing.json")).problem


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("0",), "under seed 0 nothing is wrong; give the options of the sweep that found it"),
        (
            (str(BAD_SEED), "--problem", "lost_update"),
            "does not show 'lost_update'; it shows stale",
        ),
        (("first",), "'first' is not a seed"),
    ],
)
def test_seeds_that_cannot_be_shrunk(
    simulate: Simulate, tmp_path: Path, words: tuple[str, ...], problem: str
) -> None:
    said = simulate("shrink", *words, *REGULAR, "--out", str(tmp_path))
    assert said.code == 2
    assert problem in said.problem
    assert list(tmp_path.iterdir()) == []

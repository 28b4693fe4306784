"""The tour goes where it says, and writes what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from etagere_sim import tour
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import load_plan, replay

STEPS = (
    "strong and eventual: 3 runs",
    "probabilistically bounded staleness",
    "a scenario",
    "a counterexample",
    "written",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a short tour prints, and the folder in which it writes."""
    folder = tmp_path_factory.mktemp("tour") / "new"
    words = ["--seeds", "3", "--trials", "1000", "--out", str(folder)]
    run = subprocess.run(
        [sys.executable, "-m", "etagere_sim.tour", *words], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout, folder


def test_each_step_is_shown_in_its_order(told: tuple[str, Path]) -> None:
    said, _ = told
    places = [said.index(f"─ {step}") for step in STEPS]
    assert places == sorted(places)


def test_strong_stands_below_eventual(told: tuple[str, Path]) -> None:
    lines = told[0].splitlines()
    rows = {name: next(line for line in lines if line.startswith(name)) for name in tour.ROWS}
    assert all("%" in row and "[" in row for row in rows.values())
    for name in ("abd", "caspaxos", "primary_backup"):
        assert f"{name}, eventual" in rows
        assert "0.0% [0.0, " in rows[f"{name}, strong"]


def test_the_scenario_goes_wrong_only_where_it_is_weak(told: tuple[str, Path]) -> None:
    said, _ = told
    assert tour.SCENARIOS[tour.TOLD].name in said
    assert "3 acknowledged lost" in said
    assert "\nas expected\n" in said


def test_the_counterexample_is_small_and_harmless_where_it_is_strong(
    told: tuple[str, Path],
) -> None:
    said, folder = told
    plan = load_plan(folder / "counterexample.json")
    assert 1 <= len(plan.faults) <= 4
    assert problems_of(replay(plan)) == list(plan.expected) == ["stale_read"]
    assert problems_of(replay(tour.with_write_back(plan))) == []
    assert f"{tour.with_write_back(plan).url}: linearizable" in said


def test_everything_is_written(told: tuple[str, Path]) -> None:
    said, folder = told
    assert {path.name for path in folder.iterdir()} == set(tour.WRITTEN)
    for name in tour.WRITTEN:
        assert str(folder / name) in said.replace("\n", "")
    assert ET.parse(folder / "comparison.svg").getroot().tag.endswith("svg")
    for name in ("scenario.html", "counterexample.html"):
        assert "<html" in (folder / name).read_text("utf-8")
    compile((folder / "test_counterexample.py").read_text("utf-8"), "test", "exec")

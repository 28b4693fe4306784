from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etagere.cli import main


def simulate(*words: str) -> int:
    return main(["simulate", "pbs", *words])


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert simulate(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("engine", "trials"), [("oracle", 2000), ("montecarlo", 100_000), ("messages", 2000)]
)
def test_json(capsys: pytest.CaptureFixture[str], engine: str, trials: int) -> None:
    words = ["--model", "lnkd-disk", "--t", "0,10.5", "--engine", engine, "--trials", str(trials)]
    found = told(capsys, *words)
    assert found["p_consistent"].keys() == {"0", "10.5"}
    assert found["p_consistent"]["0"] == pytest.approx(0.437, abs=0.06)
    assert found["standard_error"]["0"] > 0
    assert found["t_visibility_ms"] == pytest.approx(52, rel=0.5)
    assert found["read_latency_ms"]["50"] == pytest.approx(0.489, rel=0.02)
    assert found["write_latency_ms"]["99.9"] == pytest.approx(10.9, rel=0.5)
    assert (found["n"], found["r"], found["w"], found["trials"]) == (3, 1, 1, trials)
    assert told(capsys, *words) == found


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--model", "constant:2", "--trials", "1000") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "constant:2, N=3 R=1 W=1, oracle, 1,000 trials"
    assert [line.split() for line in lines[3:6]] == [
        [time, "100.0000%", "0.0000%"] for time in ("0", "10", "50")
    ]
    assert "99.9% consistent from 0 ms on" in lines


def test_a_plot(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "curve.svg"
    assert simulate("--model", "lnkd-ssd", "--trials", "1000", "--plot", str(out)) == 0
    assert f"written: {out}" in capsys.readouterr().out
    drawn = out.read_text()
    assert drawn.count("<path") > 10
    assert drawn.rstrip().endswith("</svg>")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--model", "tape"], "neither a model nor a file"),
        (["--model", "wan", "--n", "0"], "at least one replica"),
        (["--model", "wan", "--r", "4"], "r=4 makes no sense; give 1 to n=3"),
        (["--model", "wan", "--w", "0"], "w=0 makes no sense"),
        (["--model", "wan", "--t", "0,x"], "not a list of milliseconds"),
        (["--model", "wan", "--t", "-1"], "t=-1 makes no sense"),
        (["--model", "wan", "--t", ""], "not a list of milliseconds"),
        (["--model", "wan", "--trials", "0"], "too few"),
        (["--model", "wan", "--seed", "-1"], "number from 0"),
        (["--model", "wan", "--plot", "a.txt"], "--plot draws"),
        ([], "--model"),
    ],
)
def test_what_makes_no_sense(
    capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    assert simulate(*words) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert said.count("\n") == 1

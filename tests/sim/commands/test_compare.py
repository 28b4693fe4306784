"""`etagere simulate compare`: one table and one plot."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.sim.commands.conftest import Simulate

URLS = ("sim://?protocol=single", "sim://?protocol=dynamo&r=1&w=1")
QUICK = ("compare", *URLS, "--seeds", "5", "--workers", "1", "--latency", "lnkd-ssd")


def test_the_table_and_the_plot(simulate: Simulate, tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    said = simulate(*QUICK, "--plot", str(plot))
    assert said.code == 0
    heading, *rows, written = said.out.splitlines()
    assert heading.startswith("PROTOCOL ")
    assert [row.split()[:2] for row in rows] == [
        [URLS[0], "strong"],
        [URLS[1], "eventual"],
    ]
    assert written == f"written: {plot}"
    assert ET.parse(plot).getroot().tag.endswith("svg")


def test_as_json(simulate: Simulate) -> None:
    told = simulate(*QUICK, "--json").json
    single, weak = told.values()
    assert list(told) == list(URLS)
    assert single["url"] == f"{URLS[0]}&latency=lnkd-ssd"
    assert single["one_down"] == {
        "count": 0,
        "total": 150,
        "share": 0.0,
        "low": 0.0,
        "high": pytest.approx(0.025, abs=1e-3),
    }
    assert weak["one_down"]["share"] == 1.0
    assert set(weak["read_ms"]) == {"50.0", "90.0", "99.0"}
    assert weak["violations"]["total"] == 5


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("sim://?protocol=paxos",), "protocol='paxos'"),
        (("--plot", "plot.txt"), "--plot draws .svg, .png, .pdf, not 'plot.txt'"),
        ((URLS[1], "--level", "strong"), "does not offer strong: leave out --level strong"),
    ],
)
def test_what_makes_no_sense(simulate: Simulate, words: tuple[str, ...], problem: str) -> None:
    said = simulate("compare", *words)
    assert said.code == 2
    assert problem in said.problem

"""`etagere simulate timeline`."""

from __future__ import annotations

import json
from html import unescape

import pytest

from etagere.cli import main
from etagere_sim.campaigns.plans import as_json
from etagere_sim.scenarios import SCENARIOS
from tests.sim.pages.pictures import violating

SEED = ["--protocol", "dynamo", "--r", "1", "--w", "1"]


def test_a_seed_and_its_plan_have_the_same_picture(tmp_path, capsys):
    plan = violating().plan
    file, one, other = (tmp_path / name for name in ("plan.json", "one.html", "other.html"))
    file.write_text(as_json(plan), "utf-8")
    assert main(["simulate", "timeline", str(plan.seed), *SEED, "--html", str(one)]) == 0
    assert main(["simulate", "timeline", str(file), "--html", str(other)]) == 0
    assert str(one) in capsys.readouterr().out
    pictures = [path.read_text("utf-8").partition('id="picture"')[2] for path in (one, other)]
    assert pictures[0] == pictures[1] != ""


def test_it_says_what_is_wrong_as_json(tmp_path, capsys):
    plan, path = violating().plan, tmp_path / "run.html"
    words = ["simulate", "timeline", str(plan.seed), *SEED, "--html", str(path), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(path),
        "problems": list(plan.expected),
    }


def test_a_scenario_is_told_weak_and_strong(tmp_path, capsys):
    scenario, path = SCENARIOS["lww_clock_skew"], tmp_path / "run.html"
    words = ["simulate", "timeline", "scenario", scenario.name, "--html", str(path), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == list(scenario.weak.expected)
    text = unescape(path.read_text("utf-8"))
    assert f"<h1>{scenario.name}</h1>" in text
    assert scenario.story in text
    assert main([*words, "--strong"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["7", "--html", "x.html"], "which --protocol"),
        (["plan.json", "--protocol", "abd", "--html", "x.html"], "says all of the run"),
        (["7", "--protocol", "abd"], "--html"),
        (["scenario", "--html", "x.html"], "not one thing"),
        (["scenario", "nowhere", "--html", "x.html"], "there is no scenario 'nowhere'"),
        (["7", "--protocol", "abd", "--strong", "--html", "x.html"], "for scenarios"),
        (["scenario", "lww_clock_skew", "--strong", "99", "--html", "x.html"], "settings, not 99"),
    ],
)
def test_what_makes_no_sense_is_refused(words, complaint, capsys):
    assert main(["simulate", "timeline", *words]) != 0
    assert complaint in capsys.readouterr().err

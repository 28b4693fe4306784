"""`etagere simulate sweep`: what it runs, what it says, and its exit codes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

import pytest

from tests.sim.commands.conftest import Simulate

ABD = ("sweep", "--protocol", "abd", "--workers", "1")
WEAK = ("sweep", "--protocol", "dynamo", "--r", "1", "--w", "1", "--workers", "1")


def test_a_strong_protocol(simulate: Simulate) -> None:
    said = simulate(*ABD, "--seeds", "250", "--json")
    assert said.code == 0
    told = said.json
    assert told["url"] == "sim://?protocol=abd"
    assert (told["runs"], told["violations"], told["level"]) == (250, 0, "strong")
    assert told["verdicts"]["linearizable"] == {
        "runs": 250,
        "share": 1.0,
        "low": pytest.approx(0.9849, abs=1e-4),
        "high": 1.0,
        "first": [],
    }
    assert told["never_reached"] == []
    assert told["failing"] == []
    assert 0 <= told["unknown"] < told["calls"] == 250 * 18
    assert told["faults_seen"]["swizzle"] > 0


def test_a_weak_one(simulate: Simulate) -> None:
    said = simulate(*WEAK, "--seeds", "60", "--faults", "none", "--json")
    assert said.code == 1
    told = said.json
    assert (told["level"], told["protocol_claims"]) == ("eventual", "eventual")
    assert told["violations"] == told["verdicts"]["not linearizable"]["runs"] > 10
    assert told["verdicts"]["stale_read"]["first"][0] == told["failing"][0]
    assert told["staleness"]["stale"] > 0
    assert set(told["staleness"]["behind"]) == {"50", "90", "99", "99.9"}
    assert told["verdicts"]["not converged"]["runs"] == 0


def test_the_table(simulate: Simulate) -> None:
    said = simulate(*WEAK, "--seeds", "60", "--first", "1000", "--faults", "light")
    assert said.code == 1
    assert "sim://?protocol=dynamo&r=1&w=1, asked at the eventual level\n" in said.out
    assert "seeds 1000 to 1059: 60 runs" in said.out
    assert "\n  stale_read " in said.out
    assert "stale reads: " in said.out
    assert "coverage: " in said.out
    assert "etagere simulate shrink 10" in said.out
    assert max(map(len, said.out.splitlines())) <= 110


def test_too_few_seeds_say_nothing(simulate: Simulate) -> None:
    said = simulate(*ABD, "--seeds", "2")
    assert said.code == 2
    assert "\nnever reached: " in said.out
    assert simulate(*ABD, "--seeds", "2", "--json").json["never_reached"]


def test_the_url_says_the_same(simulate: Simulate) -> None:
    by_words = simulate(*WEAK, "--n", "5", "--set", "repair=sync", "--seeds", "9", "--json").json
    url = "sim://?protocol=dynamo&n=5&r=1&w=1&repair=sync"
    by_url = simulate("sweep", "--url", url, "--seeds", "9", "--json").json
    del by_words["seconds"], by_url["seconds"]
    assert by_words == by_url


def test_workloads_schedulers_and_clients(simulate: Simulate) -> None:
    words = (*ABD, "--seeds", "5", "--json", "--faults", "none")
    more = "clients=2,operations=3,keys=2,deletes=.2"
    assert simulate(*words, "--workload", more).json["calls"] == 5 * 2 * 4
    assert simulate(*words, "--workload", "eventual=0.5").json["level"] == "50% eventual"
    assert simulate(*words, "--scheduler", "pct").json["scheduler"] == "pct"
    assert simulate(*words, "--clients", "store").json["verdicts"]["linearizable"]["runs"] == 5


def test_it_goes_on_where_it_was_interrupted(simulate: Simulate, tmp_path: Path) -> None:
    file = str(tmp_path / "sweep.jsonl")
    first = simulate(*ABD, "--seeds", "40", "--resume", file, "--json").json
    more = simulate(*ABD, "--seeds", "60", "--resume", file, "--json").json
    whole = simulate(*ABD, "--seeds", "60", "--json").json
    assert first["runs"] == 40
    assert more["seconds"] > first["seconds"]
    del more["seconds"], whole["seconds"]
    assert more == whole


def test_ctrl_c_keeps_what_was_done(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    words = [*ABD[:-1], "2", "--seeds", "1000000", "--resume", str(file)]
    command = [sys.executable, "-m", "etagere", "simulate", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            if file.exists() and file.read_bytes().count(b"\n") > 1:
                process.send_signal(signal.SIGINT)
                break
            sleep(0.02)
        _, problem = process.communicate(timeout=60)
    assert (process.returncode, problem) == (130, b"")
    assert file.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "which --protocol, or --url?"),
        (("--protocol", "abd", "--url", "sim://"), "--url says all of the cluster"),
        (("--protocol", "abd", "--faults", "war"), "there are no faults 'war'; give none"),
        (("--protocol", "abd", "--set", "r=9"), "unknown settings: 'r'"),
        (("--protocol", "abd", "--set", "r"), "'r' is not a setting: NAME=VALUE"),
        (("--protocol", "abd", "--latency", "soon"), "soon"),
        (("--protocol", "abd", "--seeds", "0"), "'0' is not a whole number above 0"),
        (("--protocol", "abd", "--first", "-1"), "'-1' is not a seed"),
        (("--protocol", "abd", "--workers", "0"), "'0' is neither auto nor a whole number"),
        (
            ("--protocol", "abd", "--workload", "speed=9"),
            "a workload has no 'speed'; it has clients",
        ),
        (("--protocol", "abd", "--workload", "reads=x"), "'reads=x' is not NAME=NUMBER,..."),
        (("--protocol", "abd", "--workload", "clients=1.5"), "--workload makes no sense"),
        (("--protocol", "abd", "--workload", "reads=2"), "reads of a workload is a share"),
        (("--protocol", "abd", "--executor", "http://x"), "write dask://HOST:PORT"),
        (("--url", "redis://127.0.0.1"), "is not simulated; write for example sim://"),
    ],
)
def test_what_makes_no_sense(simulate: Simulate, words: tuple[str, ...], problem: str) -> None:
    said = simulate("sweep", *words)
    assert said.code == 2
    assert problem in said.problem

"""`etagere simulate` is found by its entry point, and finds its own commands."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

import etagere.commands
from etagere.cli import main
from etagere.commands import ENTRY_POINTS
from etagere.errors import ConfigurationError
from etagere_sim.commands import COMMANDS
from tests.sim.commands.conftest import Simulate

HEAVY = ["numpy", "matplotlib", "distributed", "hypothesis", "rich"]


def helped(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_the_overview_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = helped([], capsys)
    assert "  simulate     simulate clusters of replicas: what a quorum buys" in text
    assert max(map(len, text.splitlines())) <= 100


def test_its_own_overview(capsys: pytest.CaptureFixture[str]) -> None:
    text = helped(["simulate"], capsys)
    assert text.startswith("usage: etagere simulate ")
    for name, summary in COMMANDS.items():
        assert f"  {name} " in text
        assert summary in text
    assert "'etagere simulate COMMAND --help' explains a command" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples(capsys: pytest.CaptureFixture[str], name: str) -> None:
    text = helped(["simulate", name], capsys)
    assert text.startswith(f"usage: etagere simulate {name} ")
    assert f"examples:\n  etagere simulate {name}" in text
    assert max(map(len, text.splitlines())) <= 100


def test_without_a_command_the_overview_is_the_error(simulate: Simulate) -> None:
    said = simulate()
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("usage: etagere simulate ")


@pytest.mark.parametrize("word", ["nonsense", "--nonsense", ""])
def test_unknown_commands(simulate: Simulate, word: str) -> None:
    said = simulate(word)
    assert said.code == 2
    assert said.problem.endswith("see 'etagere simulate --help'")


def test_our_own_commands_look_for_no_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> list[EntryPoint]:
        raise AssertionError("looked for entry points")

    monkeypatch.setattr(etagere.commands, "entries", look)
    assert main(["get", "key", "--store", "memory://"]) == 1


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("nowhere.at.all:COMMAND", "nowhere.at.all:COMMAND cannot be imported"),
        ("etagere_sim.commands:NOTHING", "etagere_sim.commands:NOTHING cannot be imported"),
        ("etagere_sim.commands:COMMANDS", "is not an etagere.commands.groups.Group"),
    ],
)
def test_a_package_that_is_broken_breaks_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str, problem: str
) -> None:
    broken = EntryPoint("broken", value, ENTRY_POINTS)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [broken])
    assert problem in helped([], capsys)
    assert main(["broken"]) == 2
    assert problem in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match=problem):
        etagere.commands.load("broken")


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import atexit, sys; from etagere.cli import main;"
        f"atexit.register(lambda: print(sorted(sys.modules.keys() & set({HEAVY}))));"
        "sys.exit(main(['simulate', 'sweep', '--protocol', 'abd', '--seeds', '1', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.stdout.splitlines()[-1] == b"[]", done.stderr

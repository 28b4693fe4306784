"""The simulator's page tells the truth: its commands print what it shows."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import pytest

from etagere_sim.commands import COMMANDS, load
from etagere_sim.protocols import PROTOCOLS
from etagere_sim.scenarios import SCENARIOS
from tests.sim.shown import PAGE, now, without_times

TEXT = PAGE.read_text("utf-8")
INLINE = sorted(set(re.findall(r"`etagere simulate ([a-z]+ [^`]*)`", TEXT)) - {"COMMAND --help"})


def test_commands_print_what_is_shown(tmp_path: Path) -> None:
    ran = 0
    for shown, found in now(tmp_path, TEXT):
        assert without_times(shown.lines) == without_times(found.lines), (
            f"{shown.command} prints something else than the page shows;"
            " python -m tests.sim.shown mends the page"
        )
        ran += 1
    assert ran >= 8


@pytest.mark.parametrize("words", INLINE)
def test_commands_in_the_text_make_sense(words: str) -> None:
    name, *rest = shlex.split(words.replace("OPTIONS", "--protocol abd"))
    parser = ArgumentParser(exit_on_error=False)
    load(name).add_arguments(parser)
    assert parser.parse_args(rest)


@pytest.mark.parametrize("name", [*COMMANDS, *PROTOCOLS])
def test_everything_is_there(name: str) -> None:
    assert f"`{name}" in TEXT


def test_scenarios_that_are_named_exist() -> None:
    named = re.findall(r"`([a-z]+_[a-z_]+)`", TEXT)
    assert {"lease_clock_step", "redis_wait_dirty_read"} <= set(named) & set(SCENARIOS)

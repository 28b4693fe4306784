"""`etagere simulate`: its commands, one module each.

Each module has a `COMMAND`. Modules import what is heavy (numpy, matplotlib) only when their
command runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from etagere.commands.command import Command
from etagere.commands.groups import Group

COMMANDS: Final = {
    "pbs": "how likely a read is consistent, for a quorum and its latencies",
    "sweep": "run a cluster under many seeds and faults, and judge each run",
    "scenario": "play what is documented of real systems, weak and strong",
    "mutants": "plant faults in the protocols, and see that each is caught",
    "replay": "run a plan again, and tell whether it comes out as it did",
    "shrink": "make the trouble behind a failing seed as small as it can be",
    "timeline": "draw a run in space and time, as a page",
    "compare": "hold protocols and settings against each other, in one table and one plot",
}
"""What there is, in the order of the help text."""


def load(name: str) -> Command:
    """Import a command by its name."""
    command = import_module(f"{__name__}.{name}").COMMAND
    assert isinstance(command, Command)
    return command


COMMAND: Final = Group(
    description="Simulate clusters of replicas: what a quorum buys, and what faults do to it.",
    commands=COMMANDS,
    load=load,
)

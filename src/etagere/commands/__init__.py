"""The commands of `etagere`, one module each.

Each module has a `COMMAND`. Modules import what is heavy (drivers, uvicorn, rich) only when their
command runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from etagere.commands.command import Command

COMMANDS: Final = {
    "get": "print the value under a key",
    "set": "write a value and print its new ETag",
    "delete": "delete a key",
    "touch": "change when a key expires",
    "keys": "list keys, in order",
    "stores": "list the installed backends and what they can do",
    "conformance": "hold stores to the contract, under races and faults",
    "serve": "serve stores over HTTP, as Dapr's state API",
    "check": "tell whether recorded histories are linearizable",
}
"""What there is, in the order of the help text."""


def load(name: str) -> Command:
    """Import a command by its name."""
    command = import_module(f"{__name__}.{name}").COMMAND
    if not isinstance(command, Command):
        raise TypeError(f"etagere.commands.{name}.COMMAND is not a Command")
    return command

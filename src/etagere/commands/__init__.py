"""The commands of `etagere`, one module each.

Each module has a `COMMAND`. Modules import what is heavy (drivers, uvicorn, rich) only when their
command runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Final

from etagere.commands.command import Command
from etagere.commands.groups import Group
from etagere.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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


ENTRY_POINTS: Final = "etagere.commands"
"""The group of entry points by which other packages bring theirs, each a `Group`."""


def group_for(word: str) -> Group:
    """Return the commands of `etagere`, with those of other packages unless `word` is one of ours.

    To look for entry points takes longer than most commands do.
    """
    return Group(
        description="Versioned state with one contract, on the database you already run.",
        commands=COMMANDS if word in COMMANDS else COMMANDS | brought(),
        load=load,
    )


def brought() -> dict[str, str]:
    """Return the commands that other packages bring, and what they do."""
    found: dict[str, str] = {}
    for entry in entries():
        try:
            sentence = group_of(entry).description.rstrip(".")
            found[entry.name] = f"{sentence[0].lower()}{sentence[1:]}"
        except ConfigurationError as error:
            found[entry.name] = f"({error})"
    return found


def load(name: str) -> Command | Group:
    """Import a command by its name."""
    if name not in COMMANDS:
        return group_of(next(entry for entry in entries() if entry.name == name))
    command = import_module(f"{__name__}.{name}").COMMAND
    if not isinstance(command, Command):
        raise TypeError(f"etagere.commands.{name}.COMMAND is not a Command")
    return command


def entries() -> Iterable[EntryPoint]:
    """Find the commands that other packages bring."""
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINTS)


def group_of(entry: EntryPoint) -> Group:
    """Import what an entry point names."""
    try:
        group = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{entry.value} cannot be imported: {error}") from error
    if not isinstance(group, Group):
        raise ConfigurationError(f"{entry.value} is not an etagere.commands.groups.Group")
    return group

"""Commands that are words of one command: those of `etagere`, and those that a package brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from etagere.commands.command import Command, Parser


class Group(Struct, frozen=True, kw_only=True):
    """Several commands under one name.

    A package adds one to `etagere` by an entry point in the group `etagere.commands`; its name is
    the word, and its value the `Group`.
    """

    description: str
    """One sentence."""
    commands: Mapping[str, str]
    """Name → what it does, in the order of the help text."""
    load: Callable[[str], Command | Group]
    """Import one of them."""

    def overview(self, name: str) -> Parser:
        """Return the parser of the word that says which command is meant."""
        width = max(map(len, self.commands))
        listing = "\n".join(
            f"  {word:{width}}  {summary}" for word, summary in self.commands.items()
        )
        parser = Parser(
            name,
            self.description,
            f"commands:\n{listing}\n\n'{name} COMMAND --help' explains a command, with examples.",
        )
        parser.add_argument(
            "command", metavar="COMMAND", choices=self.commands, help="one of those below"
        )
        return parser

"""What a command is, and the parser of its words."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import NoReturn

from msgspec import Struct

from etagere.errors import InvalidArgument


class Command(Struct, frozen=True, kw_only=True):
    """One command of `etagere`."""

    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    """Do it; return the exit code."""
    examples: str


class Parser(ArgumentParser):
    """Raises `InvalidArgument` where argparse would print its usage and exit."""

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Refuse the words, in one line."""
        raise InvalidArgument(f"{message}; see '{self.prog} --help'")

    def read(self, words: Sequence[str]) -> Namespace:
        """Parse the words; options and positional arguments may come in any order."""
        # argparse can mix them, or understand "--", but not both.
        return self.parse_args(words) if "--" in words else self.parse_intermixed_args(words)


def parser_of(name: str, summary: str, command: Command) -> Parser:
    """Return the parser of a command's words."""
    description = f"{summary[0].upper()}{summary[1:]}."
    parser = Parser(f"etagere {name}", description, f"examples:\n{command.examples}")
    command.add_arguments(parser)
    return parser

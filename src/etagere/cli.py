"""The command line: `etagere COMMAND ...`, or `python -m etagere COMMAND ...`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from etagere import __version__
from etagere.commands import group_for
from etagere.commands.command import Command, Parser, parser_of
from etagere.commands.failures import Exit, report, wants
from etagere.commands.groups import Group
from etagere.commands.output import ReaderGone, flushed


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's own; return the exit code.

    `--help` and `--version` raise `SystemExit`, as they do in argparse.
    """
    words = sys.argv[1:] if words is None else words
    debug = wants("--debug", words)
    try:
        with flushed():
            return _run(words, debug=debug)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except ReaderGone:
        return Exit.CLOSED_PIPE
    except Exception as error:  # noqa: BLE001 - a user gets a line, not a traceback
        return report(error, as_json=wants("--json", words), debug=debug)


def _run(words: Sequence[str], *, debug: bool) -> int:
    name, summary = "etagere", ""
    found: Command | Group = group_for(words[0] if words else "")
    while isinstance(found, Group):
        overview = _overview(name, found)
        if not words:
            overview.print_help(sys.stderr)
            return Exit.USAGE
        word = overview.read(words[:1]).command
        name, summary, words = f"{name} {word}", found.commands[word], words[1:]
        found = found.load(word)
    arguments = parser_of(name.removeprefix("etagere "), summary, found).read(words)
    if debug:
        logging.basicConfig(level=logging.INFO)
    else:  # a store logs what it then also raises: one line is enough
        logging.getLogger("etagere").addHandler(logging.NullHandler())
    return found.run(arguments)


def _overview(name: str, group: Group) -> Parser:
    parser = group.overview(name)
    parser.add_argument("--version", action="version", version=f"etagere {__version__}")
    return parser

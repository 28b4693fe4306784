"""The command line: `etagere COMMAND ...`, or `python -m etagere COMMAND ...`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from etagere import __version__
from etagere.commands import COMMANDS, load
from etagere.commands.command import Parser, parser_of
from etagere.commands.failures import Exit, report, wants
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
    overview = _overview()
    if not words:
        overview.print_help(sys.stderr)
        return Exit.USAGE
    name = overview.read(words[:1]).command
    command = load(name)
    arguments = parser_of(name, COMMANDS[name], command).read(words[1:])
    if debug:
        logging.basicConfig(level=logging.INFO)
    else:  # a store logs what it then also raises: one line is enough
        logging.getLogger("etagere").addHandler(logging.NullHandler())
    return command.run(arguments)


def _overview() -> Parser:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    parser = Parser(
        "etagere",
        "Versioned state with one contract, on the database you already run.",
        f"commands:\n{listing}\n\n'etagere COMMAND --help' explains a command, with examples.",
    )
    parser.add_argument("command", metavar="COMMAND", choices=COMMANDS, help="one of those below")
    parser.add_argument("--version", action="version", version=f"etagere {__version__}")
    return parser

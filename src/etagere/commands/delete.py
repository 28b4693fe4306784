"""`etagere delete`: delete a key."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.commands.running import run_on, store_of

EXAMPLES = """\
  etagere delete greeting --store sqlite:///state.db
  etagere delete cart --etag "$etag" --consistency strong

Prints "deleted", or "absent" if there was nothing to delete, which is no error.
Exits with 3 if the key is not at the ETag that --etag names.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `delete` takes."""
    parser.add_argument("key", metavar="KEY")
    options.add_etag(parser)
    options.add_store(parser)


def run(arguments: Namespace) -> int:
    """Delete the key; return the exit code."""
    key, etag, level = arguments.key, arguments.etag, arguments.consistency
    existed = run_on(
        store_of(arguments), lambda store: store.delete(key, etag=etag, consistency=level)
    )
    if arguments.json:
        output.write(output.json_line(key=key, deleted=existed))
    else:
        output.write_line("deleted" if existed else "absent")
    return Exit.OK


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

"""`etagere touch`: change when a key expires."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Absent, Exit
from etagere.commands.running import run_on, store_of

EXAMPLES = """\
  etagere touch session --ttl 30m --store sqlite:///state.db
  etagere touch session --ttl never
  etagere touch lock --ttl 30s --etag "$etag"

Value and ETag stay as they are. Prints "touched".
Exits with 1 if there is nothing under the key, with 3 if it is not at the ETag of --etag.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `touch` takes."""
    parser.add_argument("key", metavar="KEY")
    parser.add_argument(
        "--ttl",
        metavar="TIME",
        type=options.duration_or("never", None),
        required=True,
        help="expire this long from now, such as 30s or 7d; or 'never'",
    )
    options.add_etag(parser)
    options.add_store(parser)


def run(arguments: Namespace) -> int:
    """Set the expiry; return the exit code."""
    key, ttl = arguments.key, arguments.ttl
    etag, level = arguments.etag, arguments.consistency
    existed = run_on(
        store_of(arguments), lambda store: store.touch(key, ttl, etag=etag, consistency=level)
    )
    if not existed:
        raise Absent(key)
    if arguments.json:
        output.write(output.json_line(key=key, touched=True))
    else:
        output.write_line("touched")
    return Exit.OK


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

"""`etagere get`: print the value under a key."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from pathlib import Path

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Absent, Exit
from etagere.commands.running import run_on, store_of
from etagere.operations import Item

EXAMPLES = """\
  etagere get greeting --store sqlite:///state.db
  etagere get photo --output photo.jpg
  etagere get cart --json --consistency strong
  etagere get cart --with-etag > cart 2> cart.etag

The value is printed byte for byte; on a terminal its last line is ended.
Exits with 1, printing nothing, if there is nothing under the key.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `get` takes."""
    parser.add_argument("key", metavar="KEY")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write there instead")
    parser.add_argument(
        "--with-etag", action="store_true", help="print the ETag too, on standard error"
    )
    options.add_store(parser)


def run(arguments: Namespace) -> int:
    """Print the value; return the exit code."""
    key, level = arguments.key, arguments.consistency
    item = run_on(store_of(arguments), lambda store: store.get(key, consistency=level))
    if item is None:
        raise Absent(key)
    write(item_line(item) if arguments.json else item.value, arguments.output)
    if arguments.with_etag:
        output.say(item.etag)
    return Exit.OK


def write(content: bytes, file: Path | None) -> None:
    """Write the result where it is wanted."""
    if file is not None:
        file.write_bytes(content)
        return
    output.write(content)
    if output.is_terminal() and not content.endswith(b"\n"):
        output.write(b"\n")


def item_line(item: Item[bytes]) -> bytes:
    """Return an item as a line of JSON."""
    return output.json_line(
        key=item.key,
        **output.value_fields(item.value),
        etag=item.etag,
        expires_at=None if item.expires_at is None else timestamp(item.expires_at),
    )


def timestamp(moment: datetime) -> str:
    """Return a moment in UTC as RFC 3339 writes it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

"""`etagere keys`: list keys, in order."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import aclosing

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.commands.running import run_on, store_of
from etagere.errors import InvalidArgument
from etagere.store import Store

EXAMPLES = """\
  etagere keys --store sqlite:///state.db
  etagere keys --prefix cart/ --limit 100
  etagere keys --prefix cart/ --limit 100 --after cart/0099
  etagere keys -0 --prefix cart/ | xargs -0 -n 1 etagere delete

One key on each line, in UTF-8 byte order. A key may hold a line break: -0 is safe then, --json too.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `keys` takes."""
    parser.add_argument("--prefix", default="", help="only keys that start with this")
    parser.add_argument(
        "--after", metavar="KEY", default="", help="only keys behind this one: the next page"
    )
    parser.add_argument("--limit", metavar="N", type=int, help="at most so many")
    parser.add_argument("-0", "--null", action="store_true", help="end each key with NUL")
    options.add_store(parser)


def run(arguments: Namespace) -> int:
    """Print the keys as they arrive; return the exit code."""
    store, line = store_of(arguments), form_of(arguments)
    run_on(store, lambda store: print_keys(store, arguments, line))
    return Exit.OK


async def print_keys(store: Store, arguments: Namespace, line: Callable[[str], bytes]) -> None:
    """Print each key in the form that is asked for."""
    listing = store.keys(
        prefix=arguments.prefix,
        after=arguments.after,
        limit=arguments.limit,
        consistency=arguments.consistency,
    )
    async with aclosing(listing) as keys:
        async for key in keys:
            output.write(line(key))


def form_of(arguments: Namespace) -> Callable[[str], bytes]:
    """Return what makes a line of a key."""
    if arguments.json and arguments.null:
        raise InvalidArgument("give --json or --null, not both")
    if arguments.json:
        return lambda key: output.json_line(key=key)
    end = b"\0" if arguments.null else b"\n"
    return lambda key: key.encode() + end


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

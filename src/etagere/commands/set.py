"""`etagere set`: write a value and print its new ETag."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.commands.running import run_on, store_of
from etagere.errors import InvalidArgument
from etagere.operations import KEEP, Concurrency

EXAMPLES = """\
  etagere set greeting hello --store sqlite:///state.db
  printf hello | etagere set greeting
  etagere set photo --file photo.jpg --ttl 7d
  etagere set lock me --first-write --ttl 30s --consistency strong
  etagere set cart "2 apples" --etag "$etag" --ttl keep
  etagere set -- -key -value

Exits with 3 if somebody wrote in between (--etag) or the key is there already (--first-write).
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `set` takes."""
    parser.add_argument("key", metavar="KEY")
    parser.add_argument(
        "value",
        metavar="VALUE",
        nargs="?",
        help="the value; left out or '-': all of standard input, byte for byte",
    )
    parser.add_argument("--file", metavar="FILE", type=Path, help="the value is what this holds")
    options.add_etag(parser)
    parser.add_argument(
        "--first-write", action="store_true", help="only if the key is absent; else exit with 3"
    )
    parser.add_argument(
        "--ttl",
        metavar="TIME",
        type=options.duration_or("keep", KEEP),
        help="when the key expires, such as 30s or 7d; left out: never; 'keep': as before",
    )
    options.add_store(parser)


def run(arguments: Namespace) -> int:
    """Write the value; return the exit code."""
    store = store_of(arguments)
    value = value_of(arguments)
    write = Concurrency.FIRST_WRITE if arguments.first_write else Concurrency.LAST_WRITE
    etag = run_on(
        store,
        lambda store: store.set(
            arguments.key,
            value,
            etag=arguments.etag,
            concurrency=write,
            ttl=arguments.ttl,
            consistency=arguments.consistency,
        ),
    )
    if arguments.json:
        output.write(output.json_line(key=arguments.key, etag=etag))
    else:
        output.write_line(etag)
    return Exit.OK


def value_of(arguments: Namespace) -> bytes:
    """Return the value from wherever the command line says it is."""
    file, value = arguments.file, arguments.value
    if file is not None and value is not None:
        raise InvalidArgument("give VALUE or --file, not both")
    if file is not None:
        return bytes(file.read_bytes())
    if value is not None and value != "-":
        return os.fsencode(value)
    return standard_input(asked_for=value == "-")


def standard_input(*, asked_for: bool) -> bytes:
    """Return all of standard input; do not wait for a terminal without being asked to."""
    if sys.stdin is None or (sys.stdin.isatty() and not asked_for):
        raise InvalidArgument("no value: give VALUE, --file FILE, or pipe it in")
    return sys.stdin.buffer.read()


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

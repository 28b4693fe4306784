"""`etagere stores`: list the installed backends and what they can do."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

import msgspec
from msgspec import Struct

from etagere.backend import Capabilities, Clock
from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.commands.tables import print_table
from etagere.errors import ConfigurationError
from etagere.opening import backend_type, origin_of, schemes

EXAMPLES = """\
  etagere stores
  etagere stores --json

Shows the most that a backend of each kind can do; a database may be set up for less.
A backend that cannot be used is listed with the reason and the remedy.
"""
COLUMNS: Final = (
    "scheme",
    "strong",
    "transactions",
    "ttl",
    "listing",
    "durable",
    "max key",
    "max value",
    "also as",
)
UNITS: Final = {"MiB": 2**20, "KiB": 2**10, "B": 1}


class Kind(Struct, frozen=True):
    """One backend as it is installed."""

    schemes: list[str]
    """What its URLs start with, the shortest first."""
    origin: str
    """The distribution and the class; several if they claim the same scheme."""
    capabilities: Capabilities | None = None
    problem: str | None = None
    """Why it cannot be used."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `stores` takes."""
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Print the list; return the exit code."""
    kinds = installed()
    if arguments.json:
        for kind in kinds:
            output.write(output.json_line(**msgspec.to_builtins(kind, order="deterministic")))
        return Exit.OK
    print_table(COLUMNS, [row(kind, kind.capabilities) for kind in kinds if kind.capabilities])
    for kind in kinds:
        if kind.problem is not None:
            output.write_line(f"{kind.schemes[0]}: not usable: {kind.problem}")
    return Exit.OK


def installed() -> list[Kind]:
    """Return every backend with the schemes that lead to it."""
    origins: dict[str, list[str]] = {}
    for scheme, offers in schemes().items():
        origin = " and ".join(sorted(origin_of(point) for point in offers))
        origins.setdefault(origin, []).append(scheme)
    return [kind_of(sorted(names, key=len), origin) for origin, names in origins.items()]


def kind_of(names: list[str], origin: str) -> Kind:
    """Look at one backend; a broken one must not hide the others."""
    try:
        return Kind(names, origin, backend_type(names[0]).capabilities)
    except ConfigurationError as error:
        return Kind(names, origin, problem=str(error))
    except Exception as error:  # noqa: BLE001 - the code that fails may be anybody's
        reason = f"{origin} does not load: {type(error).__name__}: {error}"
        return Kind(names, origin, problem=reason)


def row(kind: Kind, offered: Capabilities) -> list[str]:
    """Return a backend as a row of the table."""
    return [
        kind.schemes[0],
        offered.reach,
        offered.transactions,
        "no" if offered.clock is Clock.NONE else f"{offered.clock}'s clock",
        "yes" if offered.listing else "no",
        "yes" if offered.durable else "no",
        size(offered.max_key_bytes),
        size(offered.max_value_bytes),
        ", ".join(kind.schemes[1:]),
    ]


def size(count: int) -> str:
    """Return a number of bytes as people write it."""
    unit, factor = next((unit, factor) for unit, factor in UNITS.items() if count >= factor)
    return f"{count / factor:.4g} {unit}"


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

"""`etagere simulate compare`: hold protocols and settings against each other."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.commands.tables import print_table
from etagere.errors import InvalidArgument
from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.comparing import USUAL, Compared, Setting, Share, compare
from etagere_sim.campaigns.judging import wilson
from etagere_sim.commands import arguments as shared

EXAMPLES: Final = """\
  etagere simulate compare
  etagere simulate compare --seeds 1000 --plot compare.svg
  etagere simulate compare 'sim://?protocol=dynamo&r=1&w=1&latency=wan' \\
      'sim://?protocol=caspaxos&latency=wan' --json

Latency and staleness are those without faults, in virtual milliseconds. Each call is at the level
that the table says, and each run is judged as if it had been at the strong one.
"""
COLUMNS: Final = (
    "protocol",
    "level",
    "read p50/p99 ms",
    "write p50/p99 ms",
    "one down",
    "partition",
    "stale reads",
    "stale p99 ms",
    "not linearizable",
    "with faults",
)
FORMATS: Final = (".svg", ".png", ".pdf")


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `compare` takes."""
    parser.add_argument(
        "urls", metavar="URL", nargs="*", help="what to compare (default: each protocol)"
    )
    add = parser.add_argument_group("comparison").add_argument
    add("--seeds", metavar="N", type=shared.count, default=200, help="of each cell (default: 200)")
    add("--latency", metavar="MODEL", help="of messages, for all of them")
    add("--level", choices=("strong", "eventual"), help="at which all are asked")
    add("--workers", metavar="K", type=shared.workers, help="processes (default: auto)")
    add("--plot", metavar="FILE", type=Path, help="draw it, too: .svg, .png or .pdf")
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Compare, and print the table; return the exit code."""
    plot: Path | None = arguments.plot
    if plot is not None and plot.suffix not in FORMATS:
        raise InvalidArgument(f"--plot draws {', '.join(FORMATS)}, not {plot.name!r}")
    rows = compare_all(settings_of(arguments), arguments.seeds, arguments.workers)
    if plot is not None:
        from etagere_sim.commands.compare_plot import draw

        draw(rows, plot)
    if arguments.json:
        output.write(output.json_line(**{row.name: fields(row) for row in rows}))
    else:
        print_table(COLUMNS, [cells(row) for row in rows])
        if plot is not None:
            output.write_line(f"written: {plot}")
    return Exit.OK


def settings_of(arguments: Namespace) -> dict[str, Setting]:
    """Return what to compare, by name."""
    if arguments.urls:
        settings = {url: Setting(url, arguments.level) for url in arguments.urls}
    else:
        settings = {
            name: replace(setting, level=arguments.level or setting.level)
            for name, setting in USUAL.items()
        }
    if arguments.latency is not None:
        settings = {
            name: replace(setting, url=f"{setting.url}&latency={arguments.latency}")
            for name, setting in settings.items()
        }
    for setting in settings.values():
        check(setting)
    return settings


def check(setting: Setting) -> None:
    """Raise where a setting makes no sense."""
    if setting.level == "strong" and simulated(setting.url).level != "strong":
        raise InvalidArgument(f"{setting.url} does not offer strong: leave out --level strong")


def compare_all(settings: Mapping[str, Setting], seeds: int, workers: int | None) -> list[Compared]:
    """Compare, in several processes."""
    number = min(len(settings), workers or os.cpu_count() or 1)
    if number == 1:
        return [compare(name, setting, seeds) for name, setting in settings.items()]
    with ProcessPoolExecutor(number, mp_context=get_context("spawn")) as pool:
        return list(pool.map(compare, settings.keys(), settings.values(), repeat(seeds)))


def cells(row: Compared) -> list[str]:
    """Return a protocol as a row of the table."""
    return [
        row.name,
        row.level,
        f"{row.read_ms[50.0]:.2f} / {row.read_ms[99.0]:.1f}",
        f"{row.write_ms[50.0]:.2f} / {row.write_ms[99.0]:.1f}",
        f"{row.one_down.share:.1%}",
        f"{row.partition.share:.1%}",
        f"{row.stale.share:.2%}",
        f"{row.stale_ms:.1f}",
        f"{row.violations.share:.1%}",
        f"{row.violations_with_faults.share:.1%}",
    ]


def fields(row: Compared) -> dict[str, Any]:
    """Return a protocol as plain data; shares with their confidence intervals."""
    told: dict[str, Any] = msgspec.to_builtins(row, str_keys=True)
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, Share):
            low, high = wilson(value.count, value.total)
            told[name] |= {"share": value.share, "low": low, "high": high}
    return told


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

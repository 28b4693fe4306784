"""Stale reads of real replicas, beside what the simulator predicts from measured delays.

    python -m benchmarks.staleness [--writes N] [--stores postgres,valkey] [--plot FILE]
        [--json | --markdown]

A key is written, and read from one of two replicas some milliseconds after the write has returned.
The share of reads that do not find it is measured at each time, in each mode, together with the
interval in which the true share lies with 95 %. "≠" marks predictions outside of it.

What is predicted comes from other writes: how long each takes to each replica and is acknowledged,
and how long a read takes there, all by one clock. The simulator's protocol `primary_backup` plays
the messages with these delays, each drawn independently. Under PostgreSQL's `on` standbys
acknowledge what they do not show yet, which that protocol does not know: there, a formula takes its
place. "Together" is the formula with the delays of both replicas taken from one and the same write.
Where it is nearer to what was measured, the replicas were slow at the same time.

The figures belong to the machine. On one that has other things to do they also belong to the hour.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import Progress

from benchmarks.staleness.plotting import draw
from benchmarks.staleness.postgres import replicated_postgres
from benchmarks.staleness.results import Report, leg_table_of, markdown_of, report_of, table_of
from benchmarks.staleness.trials import Bench, Found, Sizes, Subject
from benchmarks.staleness.valkey import replicated_valkey

SUBJECTS: Final[dict[str, Callable[[], AbstractAsyncContextManager[Subject]]]] = {
    "postgres": replicated_postgres,
    "valkey": replicated_valkey,
}
ROUNDS: Final = 10
"""Trials and measurements take turns, so that a machine's moods reach both alike."""


async def measure(
    name: str, writes: int, rounds: int, progress: Progress
) -> tuple[str, list[Found]]:
    """Do all that is done to one store; return what it is called, and what was found."""
    sizes = Sizes(trials=max(1, writes // rounds), delays=max(1, 2 * writes // rounds))
    async with SUBJECTS[name]() as subject:
        found = [Found(mode) for mode in subject.modes]
        total = rounds * sum(sizes.steps(mode) for mode in subject.modes)
        bar = progress.add_task(name, total=total)
        bench = Bench(subject, sizes, lambda: progress.advance(bar))
        for _ in range(rounds):
            for each in found:
                progress.update(bar, description=f"{subject.name}: {each.mode.name}")
                await bench.play(each)
        return subject.name, found


def predict(store: str, found: list[Found], trials: int, progress: Progress) -> Report:
    """Set the predictions beside what was measured."""
    total = sum(len(each.mode.times) for each in found)
    bar = progress.add_task(f"{store}: predicting", total=total)
    report = Report([], [])
    for each in found:
        more = report_of(store, each, trials, lambda: progress.advance(bar))
        report.rows.extend(more.rows)
        report.legs.extend(more.legs)
    return report


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.staleness", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--writes", type=int, default=200, help="trials at each time")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="in which they are made")
    parser.add_argument("--trials", type=int, default=10_000, help="simulated, at each time")
    parser.add_argument("--stores", type=lambda listed: listed.split(","), default=list(SUBJECTS))
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--markdown", action="store_true", help="print the shares for a page")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw a figure there as well")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.stores if name not in SUBJECTS]:
        parser.error(f"--stores: {', '.join(unknown)} is none of {', '.join(SUBJECTS)}")
    if not 1 <= given.rounds <= given.writes:
        parser.error("--rounds must be at least 1 and at most as many as --writes")
    return given


def main(arguments: list[str] | None = None) -> None:
    """Measure, predict and print."""
    given = options_of(arguments)
    report = Report([], [])
    with Progress(console=Console(file=sys.stderr), transient=True) as progress:
        for name in given.stores:
            store, found = asyncio.run(measure(name, given.writes, given.rounds, progress))
            more = predict(store, found, given.trials, progress)
            report.rows.extend(more.rows)
            report.legs.extend(more.legs)
    if given.plot:
        draw(report.rows, given.plot)
    if given.json:
        print(msgspec.json.encode(report).decode())
        return
    if given.markdown:
        print(markdown_of(report.rows))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    console.print(leg_table_of(report.legs))
    console.print(table_of(report.rows))


if __name__ == "__main__":
    main()

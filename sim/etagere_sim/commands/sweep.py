"""`etagere simulate sweep`: run a cluster under many seeds and faults, and judge each run."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.executors import executor_of
from etagere_sim.campaigns.pieces import Piece
from etagere_sim.campaigns.sweeps import sweep
from etagere_sim.campaigns.tallies import WRONG, Tally
from etagere_sim.commands import arguments as shared
from etagere_sim.commands.sweep_report import Swept, as_json, code_of, print_report

EXAMPLES: Final = """\
  etagere simulate sweep --protocol caspaxos --seeds 10000
  etagere simulate sweep --protocol dynamo --r 1 --w 1 --faults none --seeds 2000 --json
  etagere simulate sweep --url 'sim://?protocol=abd&n=5' --workload clients=5,conditional=0
  etagere simulate sweep --protocol caspaxos --seeds 1000000 --resume sweep.jsonl
  etagere simulate sweep --protocol caspaxos --seeds 1000000 --executor dask://127.0.0.1:8786

A protocol that does not claim to be strong is asked at the eventual level, and judged as if it had
been at the strong one: the table tells how far it is from that.

Exits with 0 if every run was linearizable, went on when its faults were over, and converged; with
1 if one was not; else with 2 if one is undecided, or the sweep never reached something that it is
about.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `sweep` takes."""
    shared.add_campaign(parser)
    add = parser.add_argument_group("sweep").add_argument
    add("--seeds", metavar="N", type=shared.count, default=1000, help="how many (default: 1000)")
    add("--first", metavar="SEED", type=shared.seed, help="the first of them (default: 0)")
    add(
        "--workers",
        metavar="K",
        type=shared.workers,
        help="processes on this machine; auto: one for each processor (default: auto)",
    )
    add("--executor", metavar="URL", help="a Dask cluster that does it: dask://HOST:PORT")
    add(
        "--resume",
        metavar="FILE",
        type=Path,
        help="write down what is done, and do not do again what is written there",
    )
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Sweep, and say what came of it; return the exit code."""
    campaign = shared.campaign_of(arguments)
    first = simulated(campaign.url).seed if arguments.first is None else arguments.first
    seeds = Piece(first, arguments.seeds)
    executor = executor_of(arguments.executor, arguments.workers, seeds.number)
    with shown_progress(seeds.number) as advance:
        tally = sweep(campaign, seeds, executor, resume=arguments.resume, advance=advance)
    swept = Swept(campaign, seeds, tally)
    if arguments.json:
        output.write(as_json(swept))
    else:
        print_report(swept)
    return code_of(swept)


@contextmanager
def shown_progress(total: int) -> Generator[Callable[[Tally], object]]:
    """Show how far a sweep is, if a person looks at standard error and rich is installed."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining
    except ImportError:
        yield lambda _: None
        return
    words = TextColumn("{task.description}", style="bold red")
    columns = (BarColumn(), MofNCompleteColumn(), Remaining(), words)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)

        def advance(tally: Tally) -> None:
            wrong = tally.verdicts.get(WRONG, 0)
            bar.update(task, completed=tally.runs, description=f"{wrong:,} {WRONG}" * bool(wrong))

        yield advance


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

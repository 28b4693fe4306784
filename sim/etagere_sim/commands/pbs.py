"""`etagere simulate pbs`: how likely a read is consistent, for a quorum and its latencies."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.commands.tables import print_table
from etagere.errors import ConfigurationError, InvalidArgument
from etagere_sim.pbs.cells import (
    LEVEL,
    TRIALS,
    Cell,
    Prediction,
    Progress,
    check_times,
    check_trials,
)
from etagere_sim.pbs.plotting import FORMATS, GRID
from etagere_sim.world.latency import FORMS, latency_of

EXAMPLES: Final = """\
  etagere simulate pbs --model lnkd-disk
  etagere simulate pbs --model ymmr --n 5 --r 2 --w 2 --t 0,10,100,1000
  etagere simulate pbs --model exp:0.1,1 --engine messages --trials 50000 --json
  etagere simulate pbs --model delays.json --plot curve.svg

A read is consistent if it returns the last write that returned, or one that came after it. oracle
averages exact probabilities, montecarlo counts in samples of the delays, and messages lets the
dynamo protocol do it, message by message.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `pbs` takes."""
    add = parser.add_argument_group("cluster").add_argument
    add("--model", metavar="MODEL", required=True, help=f"delays: {FORMS.replace('%', '%%')}")
    add("--n", metavar="N", type=int, default=3, help="replicas (default: 3)")
    add("--r", metavar="R", type=int, default=1, help="answers a read waits for (default: 1)")
    add("--w", metavar="W", type=int, default=1, help="answers a write waits for (default: 1)")
    add = parser.add_argument_group("prediction").add_argument
    add(
        "--t",
        metavar="MS,...",
        default="0,10,50",
        help="ms between the write's return and the read (default: 0,10,50)",
    )
    add("--engine", choices=TRIALS, default="oracle", help="how to find out (default: oracle)")
    add("--trials", metavar="COUNT", type=int, help=f"default: {_trials_by_default()}")
    add("--seed", metavar="SEED", type=int, default=0, help="of all random numbers (default: 0)")
    add("--plot", metavar="OUT", type=Path, help="draw the curve: .svg, .png or .pdf")
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Predict, and print what was found; return the exit code."""
    times = times_of(arguments.t)
    plot: Path | None = arguments.plot
    if plot is not None and plot.suffix not in FORMATS:
        raise InvalidArgument(f"--plot draws {', '.join(FORMATS)}, not {plot.name!r}")
    found = predict(arguments, times if plot is None else check_times((*times, *GRID)))
    if plot is not None:
        from etagere_sim.pbs.plotting import draw

        draw(found, times, title_of(arguments), plot)
    if arguments.json:
        output.write(output.json_line(**fields(arguments, found, times)))
    else:
        print_report(arguments, found, times)
    return Exit.OK


def predict(arguments: Namespace, times: tuple[float, ...]) -> Prediction:
    """Predict what the command line asks for."""
    if arguments.seed < 0:
        raise InvalidArgument(f"--seed {arguments.seed} makes no sense; give a number from 0")
    given = arguments.trials
    trials = check_trials(TRIALS[arguments.engine] if given is None else given)
    cell = Cell(
        latency_of(arguments.model, max(1, arguments.n)), arguments.n, arguments.r, arguments.w
    )
    try:
        from etagere_sim.pbs import engines
    except ImportError as error:
        raise ConfigurationError(
            "pbs needs the package 'numpy'; install it with: pip install 'etagere[sim]'"
        ) from error
    with shown_progress(trials) as progress:
        return engines.predict(
            arguments.engine, cell, times, trials=trials, seed=arguments.seed, progress=progress
        )


def times_of(text: str) -> tuple[float, ...]:
    """Read times in milliseconds, with commas between them."""
    try:
        return check_times(tuple(float(each) for each in text.split(",")))
    except ValueError as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"--t {text!r} is not a list of milliseconds, as 0,10,50") from error


def fields(arguments: Namespace, found: Prediction, times: tuple[float, ...]) -> dict[str, Any]:
    """Return a prediction as plain data."""
    cell = found.cell
    return {
        "model": arguments.model,
        "n": cell.n,
        "r": cell.r,
        "w": cell.w,
        "engine": found.engine,
        "trials": found.trials,
        "seed": arguments.seed,
        "p_consistent": {f"{time:g}": found.consistent[time] for time in times},
        "standard_error": {f"{time:g}": found.errors[time] for time in times},
        "t_visibility_ms": found.visibility,
        "read_latency_ms": {f"{part:g}": value for part, value in found.read_latency.items()},
        "write_latency_ms": {f"{part:g}": value for part, value in found.write_latency.items()},
    }


def print_report(arguments: Namespace, found: Prediction, times: tuple[float, ...]) -> None:
    """Print a prediction for people."""
    output.write_line(f"{title_of(arguments)}, {found.engine}, {found.trials:,} trials")
    output.write_line("")
    rows = [
        [f"{time:g}", f"{found.consistent[time]:.4%}", f"{found.errors[time]:.4%}"]
        for time in times
    ]
    print_table(("t ms", "consistent", "standard error"), rows)
    output.write_line("")
    output.write_line(f"{LEVEL:.1%} consistent from {found.visibility:.4g} ms on")
    output.write_line("")
    latencies = [
        [f"{part:g}", f"{value:.3f}", f"{found.write_latency[part]:.3f}"]
        for part, value in found.read_latency.items()
    ]
    print_table(("percentile", "read ms", "write ms"), latencies)
    if arguments.plot is not None:
        output.write_line("")
        output.write_line(f"written: {arguments.plot}")


def title_of(arguments: Namespace) -> str:
    """Return what was asked for, in a few words."""
    return f"{arguments.model}, N={arguments.n} R={arguments.r} W={arguments.w}"


@contextmanager
def shown_progress(trials: int) -> Generator[Progress]:
    """Show how far it is, if a person looks at standard error and rich is installed."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress as Bar
    except ImportError:
        yield lambda _: None
        return
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("trials", total=trials)
        yield lambda done: bar.advance(task, done)


def _trials_by_default() -> str:
    return ", ".join(f"{trials:,} for {engine}" for engine, trials in TRIALS.items())


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

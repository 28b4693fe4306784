"""`etagere simulate shrink`: make the trouble behind a failing seed as small as it can be."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.verdicts import Code
from etagere.errors import InvalidArgument
from etagere_sim.campaigns.plans import Plan, as_json, plan_of
from etagere_sim.campaigns.regressions import as_test
from etagere_sim.campaigns.shrinking import SECONDS, Shrunk, shrink
from etagere_sim.commands import arguments as shared

EXAMPLES: Final = """\
  etagere simulate shrink 17 --protocol dynamo --r 1 --w 1 --faults light
  etagere simulate shrink 17 23 42 --protocol quorum_regular --problem stale_read --out plans

Give the options of the sweep that found the seeds. Prints each plan as a test, ready to paste, and
writes it to a file for `etagere simulate replay`.

Exits with 1, as a sweep does that finds such a seed, and with 2 if a seed shows no such problem.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `shrink` takes."""
    parser.add_argument("seeds", metavar="SEED", nargs="+", type=shared.seed, help="that fails")
    shared.add_campaign(parser)
    add = parser.add_argument_group("shrinking").add_argument
    add("--problem", metavar="NAME", help="what must remain (default: what is found first)")
    add(
        "--seconds",
        metavar="TIME",
        type=options.duration,
        default=SECONDS,
        help=f"how long each seed may take (default: {SECONDS:g}s)",
    )
    add(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path(),
        help="where to write the plans (default: here)",
    )
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Shrink what happens under the seeds, and print and write what is left."""
    campaign = shared.campaign_of(arguments)
    plans = [plan_of(campaign, seed) for seed in arguments.seeds]
    for plan in plans:
        check(plan, arguments.problem)
    arguments.out.mkdir(parents=True, exist_ok=True)
    written: list[tuple[Shrunk, Path]] = []
    for plan in plans:
        shrunk = shrink(plan, arguments.problem, seconds=arguments.seconds)
        path = arguments.out / name_of(shrunk)
        path.write_text(as_json(shrunk.plan) + "\n", encoding="utf-8")
        written.append((shrunk, path))
        if not arguments.json:
            print_shrunk(shrunk, path)
    if arguments.json:
        output.write(output.json_line(**fields(written)))
    return Code.NOT_LINEARIZABLE


def check(plan: Plan, problem: str | None) -> None:
    """Raise `InvalidArgument` where there is nothing to shrink."""
    if not plan.expected:
        raise InvalidArgument(
            f"under seed {plan.seed} nothing is wrong; give the options of the sweep that found it"
        )
    if problem is not None and problem not in plan.expected:
        raise InvalidArgument(
            f"seed {plan.seed} does not show {problem!r}; it shows {', '.join(plan.expected)}"
        )


def name_of(shrunk: Shrunk) -> str:
    """Return the name of the file for a plan."""
    return f"{shrunk.target.replace(' ', '-').replace('_', '-')}-{shrunk.plan.seed}.json"


def print_shrunk(shrunk: Shrunk, path: Path) -> None:
    """Print what is left, as a test, and how it came about."""
    before, after = shrunk.before, shrunk.plan
    output.write_line(as_test(after))
    output.write_line(
        f"# {shrunk.target}: from {sizes(before)} to {sizes(after)},"
        f" in {shrunk.runs:,} runs and {shrunk.seconds:.1f} s"
    )
    if not shrunk.is_least:
        output.write_line("# time was over: with more --seconds it may get smaller")
    output.write_line(f"# written to {path}\n")


def sizes(plan: Plan) -> str:
    """Return how much there is to a plan."""
    steps = sum(map(len, plan.programs_played().values()))
    return f"{len(plan.faults)} faults, {steps} steps and {len(plan.deviations)} deviations"


def fields(written: Sequence[tuple[Shrunk, Path]]) -> dict[str, Any]:
    """Return the plans as plain data, by seed."""
    return {
        str(shrunk.plan.seed): {
            "problem": shrunk.target,
            "file": str(path),
            "faults": [len(shrunk.before.faults), len(shrunk.plan.faults)],
            "deviations": [len(shrunk.before.deviations), len(shrunk.plan.deviations)],
            "runs": shrunk.runs,
            "seconds": round(shrunk.seconds, 3),
            "plan": msgspec.to_builtins(shrunk.plan, str_keys=True),
        }
        for shrunk, path in written
    }


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

"""`etagere simulate replay`: run a plan again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from shutil import get_terminal_size
from typing import Final

from msgspec import Struct

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.tables import print_table
from etagere.commands.verdicts import Code
from etagere.histories.counterexamples import draw, timelines
from etagere.histories.history import History
from etagere.histories.verdicts import Answer
from etagere.histories.versioned import check_versioned
from etagere_sim.campaigns.judging import UNDECIDED, problems_of
from etagere_sim.campaigns.plans import Plan, load_plan, replay
from etagere_sim.campaigns.runs import Run

EXAMPLES: Final = """\
  etagere simulate replay plan.json
  etagere simulate replay plans/*.json --json

Exits with 0 if every run was right, with 1 if one was not, else with 2 if one is undecided.
"""
COLUMNS: Final = ("plan", "protocol", "faults", "deviations", "verdict", "as expected")


class Replayed(Struct, frozen=True):
    """A plan that was run again."""

    name: str
    plan: Plan
    run: Run

    @property
    def problems(self) -> list[str]:
        """What is wrong with the run."""
        return problems_of(self.run)

    @property
    def is_as_expected(self) -> bool:
        """Whether it came out as the plan says."""
        return tuple(self.problems) == self.plan.expected


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `replay` takes."""
    parser.add_argument("plans", metavar="PLAN", nargs="+", type=Path, help="a plan, as JSON")
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Run the plans, and say what came of them; return the exit code."""
    plans = [(str(path), load_plan(path)) for path in arguments.plans]
    done = [Replayed(name, plan, replay(plan)) for name, plan in plans]
    if arguments.json:
        output.write(output.json_line(**{each.name: fields(each) for each in done}))
    else:
        print_table(COLUMNS, [row(each) for each in done])
        for each in done:
            print_findings(each)
    return code_of(done)


def code_of(done: Sequence[Replayed]) -> Code:
    """Return the exit code: a fault counts more than what is not known."""
    problems = {problem for each in done for problem in each.problems}
    if problems - {UNDECIDED}:
        return Code.NOT_LINEARIZABLE
    return Code.UNDECIDED if problems else Code.LINEARIZABLE


def row(each: Replayed) -> list[str]:
    """Return a run as a row of the table."""
    plan = each.plan
    verdict = ", ".join(each.problems) or Answer.YES.value
    expected = ", ".join(plan.expected) or Answer.YES.value
    as_expected = "yes" if each.is_as_expected else f"no: {expected}"
    numbers = [str(len(plan.faults)), str(len(plan.deviations))]
    return [each.name, plan.url, *numbers, verdict, as_expected]


def print_findings(each: Replayed) -> None:
    """Draw the first finding, with the faults that led to it."""
    if not each.run.findings:
        return
    output.write_line(f"\n{each.name}")
    for line in faults_of(each.run):
        output.write_line(f"  {line}")
    history = History(each.run.calls)
    width = get_terminal_size((100, 24)).columns
    for drawing in islice(timelines(history, check_versioned(history)), 1):
        output.write_line(draw(drawing, width=width))


def faults_of(run: Run) -> list[str]:
    """Return what went wrong, a line for each fault."""
    return [str(fault) for fault in run.faults]


def fields(each: Replayed) -> dict[str, object]:
    """Return a run as plain data."""
    return {
        "url": each.plan.url,
        "problems": each.problems,
        "expected": list(each.plan.expected),
        "as_expected": each.is_as_expected,
        "linearizable": None
        if each.run.answer is Answer.UNDECIDED
        else each.run.answer is Answer.YES,
        "progressed": each.run.progressed,
        "converged": each.run.converged,
        "steps": each.run.steps,
    }


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

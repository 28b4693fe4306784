"""`etagere simulate timeline`: draw a run in space and time, as a page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from msgspec import Struct

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.errors import InvalidArgument
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import Plan, load_plan, plan_of
from etagere_sim.commands import arguments as shared
from etagere_sim.commands.scenario import chosen
from etagere_sim.pages import page, record
from etagere_sim.scenarios import Scenario

EXAMPLES: Final = """\
  etagere simulate timeline 17 --protocol dynamo --r 1 --w 1 --html run.html
  etagere simulate timeline stale-read-17.json --html run.html
  etagere simulate timeline scenario redis_sentinel_split_brain --html weak.html
  etagere simulate timeline scenario redis_sentinel_split_brain --strong --html strong.html

Give a seed with the options of the sweep that found it, the file of a plan, or a scenario. The page
needs no network: who said what to whom, what went wrong, and what each replica held when.
"""
SCENARIO: Final = "scenario"


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `timeline` takes."""
    add = parser.add_argument
    add("what", metavar="WHAT", nargs="+", help="SEED, PLAN.json or: scenario NAME")
    add("--html", metavar="FILE", type=Path, required=True, help="where to write the page")
    add(
        "--strong",
        metavar="K",
        type=shared.count,
        nargs="?",
        const=1,
        help="the scenario under its K-th strong settings, where it comes to no harm (default: 1)",
    )
    shared.add_campaign(parser)
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Run what is asked for, and write its page."""
    subject = subject_of(arguments)
    recording = record(subject.plan)
    path: Path = arguments.html
    path.write_text(page(recording, subject.title, subject.story), "utf-8")
    problems = problems_of(recording.run)
    if arguments.json:
        output.write(output.json_line(file=str(path), problems=problems))
    else:
        output.write_line(f"{path}: {', '.join(problems) or recording.run.answer}")
    return 0


class Subject(Struct, frozen=True):
    """What a page is of."""

    plan: Plan
    title: str = ""
    """Empty: the protocol and the seed."""
    story: str = ""


def subject_of(arguments: Namespace) -> Subject:
    """Return what a command line names."""
    named: list[str] = arguments.what
    is_scenario = named[0] == SCENARIO
    if len(named) != 1 + is_scenario:
        raise InvalidArgument(f"{' '.join(named)!r} is not one thing: SEED, PLAN or scenario NAME")
    if arguments.strong is not None and not is_scenario:
        raise InvalidArgument("--strong is for scenarios; the others say their protocol")
    if named[0].isdecimal():
        return Subject(plan_of(shared.campaign_of(arguments), int(named[0])))
    if arguments.protocol is not None or arguments.url is not None:
        raise InvalidArgument(f"{named[-1]} says all of the run; leave out --protocol and --url")
    if not is_scenario:
        return Subject(load_plan(Path(named[0])))
    (scenario,) = chosen(named[1])
    return Subject(side_of(scenario, arguments.strong), named[1], scenario.story)


def side_of(scenario: Scenario, strong: int | None) -> Plan:
    """Return the plan of a scenario under the weak settings, or one of the strong ones."""
    if strong is None:
        return scenario.weak
    plans = scenario.strong_plans()
    if strong > len(plans):
        raise InvalidArgument(f"{scenario.name} has {len(plans)} strong settings, not {strong}")
    return plans[strong - 1]


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

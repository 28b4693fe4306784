"""`etagere simulate scenario`: what is documented of real systems, played again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

import msgspec

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.tables import print_table
from etagere.errors import InvalidArgument
from etagere_sim.campaigns.plans import as_json
from etagere_sim.commands.scenario_report import print_scenario, seen_of
from etagere_sim.pages import page, record
from etagere_sim.scenarios import SCENARIOS, Outcome, Played, Scenario

EXAMPLES: Final = """\
  etagere simulate scenario
  etagere simulate scenario --list
  etagere simulate scenario redis_sentinel_split_brain
  etagere simulate scenario redis_wait_not_cp --html run.html
  etagere simulate scenario lww_clock_skew --out plans

Each is a plan of a few faults in which nothing is random. It goes wrong under the settings of the
system that it was seen in, and comes to no harm under strong ones. Without a name, all are played.
--out writes the plans, for replay, shrink and timeline.

Exits with 0 if everything came out as expected, else with 1.
"""
COLUMNS: Final = ("scenario", "faults", "under the weak settings", "under the strong ones", "")


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `scenario` takes."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="of one (default: all)")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("--html", metavar="FILE", type=Path, help="draw the weak run as a page")
    parser.add_argument("--out", metavar="FOLDER", type=Path, help="write the plans there")
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Play what is asked for, and say what came of it; return the exit code."""
    scenarios = chosen(arguments.name)
    if arguments.out is not None:
        write_plans(scenarios, arguments.out)
    if arguments.html is not None:
        draw(arguments.name, arguments.html)
    if arguments.list:
        say_what_there_is(scenarios, as_json=arguments.json)
        return 0
    done = [(scenario, scenario.play()) for scenario in scenarios]
    if arguments.json:
        output.write(
            output.json_line(**{scenario.name: fields(scenario, came) for scenario, came in done})
        )
    elif arguments.name is not None:
        print_scenario(*done[0])
    else:
        print_table(COLUMNS, [row(scenario, came) for scenario, came in done])
    return int(not all(came.is_as_expected for _, came in done))


def chosen(name: str | None) -> list[Scenario]:
    """Return the scenario of a name, or all. Raises `InvalidArgument` where there is no such."""
    if name is None:
        return list(SCENARIOS.values())
    if name not in SCENARIOS:
        raise InvalidArgument(
            f"there is no scenario {name!r}; 'etagere simulate scenario --list' names them all"
        )
    return [SCENARIOS[name]]


def draw(name: str | None, path: Path) -> None:
    """Draw the run of one scenario under its weak settings as a page."""
    if name is None:
        raise InvalidArgument("a page is of one run: give the NAME of a scenario with --html")
    path.write_text(page(record(SCENARIOS[name].weak)), "utf-8")


def write_plans(scenarios: list[Scenario], folder: Path) -> None:
    """Write the plans of scenarios, the weak one and each strong one, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for scenario in scenarios:
        (folder / f"{scenario.name}.json").write_text(as_json(scenario.weak) + "\n", "utf-8")
        for number, plan in enumerate(scenario.strong_plans(), 1):
            path = folder / f"{scenario.name}.strong-{number}.json"
            path.write_text(as_json(plan) + "\n", "utf-8")


def say_what_there_is(scenarios: list[Scenario], *, as_json: bool) -> None:
    """Say the names of scenarios, and where each was seen."""
    if as_json:
        output.write(output.json_line(**{each.name: about(each) for each in scenarios}))
    else:
        rows = [[each.name, str(len(each.weak.faults)), each.source] for each in scenarios]
        print_table(("scenario", "faults", "source"), rows)


def row(scenario: Scenario, came: Outcome) -> list[str]:
    """Return a scenario as a row of the table of all."""
    strong = " · ".join(dict.fromkeys(map(seen_of, came.strong)))
    faults = str(len(scenario.weak.faults))
    return [scenario.name, faults, seen_of(came.weak), strong, "✓" if came.is_as_expected else "✗"]


def about(scenario: Scenario) -> dict[str, Any]:
    """Return what a scenario is, as plain data."""
    return {
        "story": scenario.story,
        "source": scenario.source,
        "expected": list(scenario.expected),
        "expected_lost_writes": scenario.lost,
    }


def fields(scenario: Scenario, came: Outcome) -> dict[str, Any]:
    """Return a scenario and what came of it as plain data."""
    return about(scenario) | {
        "as_expected": came.is_as_expected,
        "weak": side(came.weak),
        "strong": [side(each) for each in came.strong],
    }


def side(played: Played) -> dict[str, Any]:
    """Return a plan that was played as plain data."""
    return {
        "url": played.plan.url,
        "problems": list(played.problems),
        "lost_writes": [call.etag for call in played.lost],
        "findings": [finding.message for finding in played.run.findings],
        "plan": msgspec.to_builtins(played.plan, str_keys=True),
    }


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

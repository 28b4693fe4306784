"""What `etagere simulate scenario` says of one scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from textwrap import fill
from typing import Final

from etagere.commands import output
from etagere.commands.tables import columns
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.verdicts import Answer
from etagere.operations import ABSENT, ANYTHING, Consistency
from etagere_sim.campaigns.runs import Run
from etagere_sim.pages.wording import fault_label
from etagere_sim.scenarios import Outcome, Played, Scenario
from etagere_sim.world.faults import Fault, MessageFault

CALLS: Final = ("from", "to", "client", "asks", "is told")
WIDTH: Final = 100


def print_scenario(scenario: Scenario, came: Outcome) -> None:
    """Print a scenario: its story, what happened under both settings, and what is wrong with it."""
    width = min(WIDTH, get_terminal_size((WIDTH, 24)).columns)
    output.write_line(f"{scenario.name}\n\n{fill(scenario.story, width)}")
    output.write_line(fill(f"Source: {scenario.source}.", width))
    if scenario.weak.faults:
        output.write_line("\nwhat goes wrong")
        print_lines(columns([fault_row(fault) for fault in scenario.weak.faults]))
    for played in (came.weak, *came.strong):
        print_played(played, width)
    verdict = "as expected" if came.is_as_expected else f"NOT as expected: {wanted(scenario)}"
    output.write_line(f"\n{verdict}")


def print_played(played: Played, width: int) -> None:
    """Print what clients did and were told under one setting, and the verdict."""
    output.write_line(f"\n{played.plan.url}: {seen_of(played)}")
    calls = own_calls(played)
    print_lines(columns([list(CALLS), *(call_row(call, played.run) for call in calls)]))
    for line in said_of(played):
        output.write_line(fill(line, width, initial_indent="  → ", subsequent_indent="    "))


def print_lines(lines: Sequence[str]) -> None:
    """Print lines, further in."""
    for line in lines:
        output.write_line(f"  {line}")


def own_calls(played: Played) -> list[Call]:
    """Return the calls of the plan itself, without the last writes when all is calm again."""
    programs = played.plan.programs_played()
    left = {client: len(steps) for client, steps in programs.items()}
    kept: list[Call] = []
    for call in played.run.calls:
        left[call.client] -= 1
        if left[call.client] >= 0:
            kept.append(call)
    return kept


def call_row(call: Call, run: Run) -> list[str]:
    """Return a call as a row of the table."""
    start, finish = (
        "" if moment == NEVER else f"{run.times[moment - 1]:.4g}" for moment in call.span
    )
    return [start, finish, call.client, asked(call), told(call)]


def asked(call: Call) -> str:
    """Return what a client asked for."""
    level = " eventually" if call.consistency is Consistency.EVENTUAL else ""
    words = f"{call.kind.value} {call.key}{level}"
    if call.kind is not Kind.SET:
        return words
    on = "" if call.expected == ANYTHING else f" on {call.expected or 'nothing'}"
    return f"{words} to {call.value}{on}"


def told(call: Call) -> str:
    """Return what a client was told."""
    if call.status is Status.MISMATCH:
        return f"conflict: there is {call.actual if call.actual != ABSENT else 'nothing'}"
    if call.status is not Status.OK:
        return "unknown" if call.status is Status.INFO else "not done"
    if call.kind is not Kind.GET:
        return "done"
    return str(call.value) if call.found else "nothing"


def fault_row(fault: Fault) -> list[str]:
    """Return when a fault is, and what it is."""
    if isinstance(fault, MessageFault):
        which = f"{fault.kind} {fault.number} from {fault.source} to {fault.target}"
        return ["", f"{which}: {fault_label(fault)}"]
    begin = getattr(fault, "at", None)
    until = getattr(fault, "until", None)
    when = "" if begin is None else f"{begin:g}" if until is None else f"{begin:g}-{until:g}"
    return [f"{when} ms" if when else "", fault_label(fault)]


def seen_of(played: Played) -> str:
    """Return what is wrong with a plan that was played, in a few words."""
    words = list(played.problems)
    if played.lost:
        words.append(f"{len(played.lost)} acknowledged lost")
    return ", ".join(words) or Answer.YES.value


def said_of(played: Played) -> Iterator[str]:
    """Yield what is wrong with a plan that was played, in sentences."""
    for finding in played.run.findings:
        yield finding.message
    for call in played.lost:
        yield f"{call.client} was told that {call.value!r} is written, and it is lost."


def wanted(scenario: Scenario) -> str:
    """Return what was expected of the weak settings."""
    return f"{', '.join(scenario.expected)}; {scenario.lost} acknowledged lost"

"""`etagere simulate mutants`: plant faults in the protocols, and see that each is caught."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.tables import print_table
from etagere_sim.campaigns.plans import as_json
from etagere_sim.commands import arguments as shared
from etagere_sim.mutants import MUTANTS, SEEDS, Caught, Mutant, hunt

EXAMPLES: Final = """\
  etagere simulate mutants
  etagere simulate mutants --list
  etagere simulate mutants --protocol caspaxos --seeds 1000 --json
  etagere simulate mutants --out plans

Each mutant is a protocol with one rule broken, as it was seen in a real system or a paper. It is
looked for by one campaign; the first seed that shows it is shrunk to a plan of few faults, which
must come to no harm without the mutant.

Exits with 0 if every mutant was caught and its plan is small, else with 1.
"""
COLUMNS: Final = (
    "protocol",
    "mutant",
    "seed",
    "runs",
    "verdict",
    "faults",
    "deviations",
    "seconds",
)
Hunted: TypeAlias = tuple[Mutant, Caught | None]


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `mutants` takes."""
    add = parser.add_argument
    protocols = tuple(dict.fromkeys(mutant.protocol for mutant in MUTANTS))
    add("--list", action="store_true", help="only say what there is, and where it was seen")
    add("--protocol", choices=protocols, help="only those of one protocol")
    add(
        "--seeds",
        metavar="N",
        type=shared.count,
        default=SEEDS,
        help=f"how many to look under (default: {SEEDS})",
    )
    add("--workers", metavar="K", type=shared.workers, default=1, help="processes (default: 1)")
    add("--out", metavar="FOLDER", type=Path, help="where to write the plans")
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Look for the mutants, and say which were caught; return the exit code."""
    mutants = [each for each in MUTANTS if arguments.protocol in (None, each.protocol)]
    if arguments.list:
        say_what_there_is(mutants, as_json=arguments.json)
        return 0
    done = list(hunted(mutants, arguments.seeds, arguments.workers))
    if arguments.out is not None:
        write_plans(done, arguments.out)
    if arguments.json:
        output.write(output.json_line(mutants=[fields(each, caught) for each, caught in done]))
    else:
        print_table(COLUMNS, [row(each, caught) for each, caught in done])
        output.write_line(f"\n{sum(map(is_well_caught, done))} of {len(done)} caught")
    return int(not all(map(is_well_caught, done)))


def hunted(mutants: Sequence[Mutant], seeds: int, workers: int | None) -> Iterator[Hunted]:
    """Yield the mutants with how they were caught, in their order."""
    if workers == 1:
        yield from ((mutant, hunt(mutant, seeds)) for mutant in mutants)
        return
    # Started anew: a mutant that is planted in one process is in no other.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        places = [MUTANTS.index(mutant) for mutant in mutants]
        yield from zip(mutants, pool.map(_hunt, places, [seeds] * len(places)), strict=True)


def _hunt(place: int, seeds: int) -> Caught | None:
    return hunt(MUTANTS[place], seeds)


def is_well_caught(hunted: Hunted) -> bool:
    """Tell whether a mutant was caught, by a plan that is small and shows just that."""
    caught = hunted[1]
    return caught is not None and caught.is_small and caught.is_its_fault


def write_plans(done: Sequence[Hunted], folder: Path) -> None:
    """Write what is left of each mutant as a plan."""
    folder.mkdir(parents=True, exist_ok=True)
    for mutant, caught in done:
        if caught is not None:
            path = folder / f"{mutant.protocol}-{mutant.name.replace(' ', '-')}.json"
            path.write_text(as_json(caught.plan) + "\n", "utf-8")


def say_what_there_is(mutants: Sequence[Mutant], *, as_json: bool) -> None:
    """Say which mutants there are, and where each was seen."""
    told = [about(mutant) for mutant in mutants]
    if as_json:
        output.write(output.json_line(mutants=told))
    else:
        print_table(tuple(told[0]), [list(each.values()) for each in told])


def about(mutant: Mutant) -> dict[str, str]:
    """Return what a mutant is."""
    return {
        "protocol": mutant.protocol,
        "mutant": mutant.name,
        "what": mutant.what,
        "seen": mutant.seen,
    }


def row(mutant: Mutant, caught: Caught | None) -> list[str]:
    """Return how a mutant was caught, as a row of the table."""
    if caught is None:
        return [mutant.protocol, mutant.name, "", "", "NOT CAUGHT", "", "", ""]
    numbers = [len(caught.plan.faults), len(caught.plan.deviations)]
    verdict = caught.sign if caught.is_its_fault else f"{caught.sign}, even without it"
    return [
        mutant.protocol,
        mutant.name,
        str(caught.seed),
        f"{caught.runs:,}",
        verdict,
        *map(str, numbers),
        f"{caught.seconds:.1f}",
    ]


def fields(mutant: Mutant, caught: Caught | None) -> dict[str, Any]:
    """Return a mutant and how it was caught as plain data."""
    told: dict[str, Any] = {**about(mutant), "caught": caught is not None}
    if caught is None:
        return told
    return told | {
        "seed": caught.seed,
        "runs": caught.runs,
        "verdict": caught.sign,
        "only_with_it": caught.is_its_fault,
        "faults": len(caught.plan.faults),
        "deviations": len(caught.plan.deviations),
        "seconds": round(caught.seconds, 3),
        "plan": msgspec.to_builtins(caught.plan, str_keys=True),
    }


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

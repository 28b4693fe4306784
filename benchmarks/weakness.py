"""How weak weak settings are: the share of runs that are not linearizable, and how stale reads are.

    python -m benchmarks.weakness [--seeds N] [--workers K]

Each row is what `etagere simulate sweep` finds with the same options, under all kinds of faults.
Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.progress import track

from etagere.histories.verdicts import Answer
from etagere_sim.campaigns.campaign import Campaign, at_its_level
from etagere_sim.campaigns.executors import executor_of
from etagere_sim.campaigns.judging import NO_PROGRESS, NOT_CONVERGED, wilson
from etagere_sim.campaigns.pieces import Piece
from etagere_sim.campaigns.sweeps import sweep
from etagere_sim.campaigns.tallies import Staleness, Tally, percentiles
from etagere_sim.campaigns.troubles import kinds_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.commands.sweep_report import ANOMALIES

WEAK: Final = (
    "dynamo&r=1&w=1",
    "dynamo&r=1&w=1&repair=async",
    "dynamo&r=1&w=2",
    "dynamo&r=2&w=2",
    "dynamo&r=2&w=2&repair=sync",
    "dynamo&r=2&w=2&hosts=5&sloppy=on&hints=on",
    "dynamo&r=2&w=2&unsafe=1",
    "quorum_regular",
    "abd&unsafe=1",
    "primary_backup&acks=0&failover=timer&fencing=off",
    "primary_backup&acks=1&failover=timer&fencing=off",
    "primary_backup&lease=0.02",
    "primary_backup&visible=before",
    "primary_backup&fsync=off",
    "single&fsync=off",
    "single&retries=naive",
)
"""Asked at the level that they claim."""
EVENTUAL: Final = ("abd", "caspaxos", "primary_backup&reads=backup")
"""Strong protocols, asked at the eventual level."""
COLUMNS: Final = (
    "`--url 'sim://?protocol=...'`",
    "level",
    "not linearizable",
    "most of them",
    "stale reads",
    "age ms, p50 / p99",
    "stuck, or not converged",
)


def campaigns() -> list[Campaign]:
    """Return what is swept."""
    usual, faults = Workload(), kinds_of("all")
    levels = [(settings, at_its_level(f"sim://?protocol={settings}", usual)) for settings in WEAK]
    levels += [(settings, usual.at_eventual()) for settings in EVENTUAL]
    return [
        Campaign(url=f"sim://?protocol={settings}", workload=workload, faults=faults)
        for settings, workload in levels
    ]


def row(campaign: Campaign, tally: Tally) -> list[str]:
    """Return a setting as a row of the table."""
    wrong = tally.verdicts.get(Answer.NO.value, 0)
    low, high = wilson(wrong, tally.runs)
    found = sorted(ANOMALIES, key=lambda each: -tally.verdicts.get(each, 0))
    stuck = sum(tally.verdicts.get(verdict, 0) for verdict in (NO_PROGRESS, NOT_CONVERGED))
    return [
        f"`{campaign.url.partition('protocol=')[2]}`",
        campaign.level,
        f"{wrong / tally.runs:.2%} [{100 * low:.2f}, {100 * high:.2f}]",
        ", ".join(f"`{each}`" for each in found[:2] if tally.verdicts.get(each)),
        *stale(tally.staleness),
        str(stuck),
    ]


def stale(staleness: Staleness | None) -> tuple[str, str]:
    """Return the share of stale reads and their ages; nothing where all was strong."""
    if staleness is None:
        return "", ""
    reads = sum(staleness.behind.values())
    ages = percentiles(staleness.age, (50.0, 99.0))
    share = f"{1 - staleness.behind.get(0, 0) / max(1, reads):.2%}"
    return share, " / ".join(str(age) for age in ages.values())


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2000, metavar="N")
    parser.add_argument(
        "--workers", type=int, metavar="K", help="processes (default: as many as processors)"
    )
    given = parser.parse_args(arguments)
    seeds = Piece(0, given.seeds)
    lines = [list(COLUMNS), ["---"] * len(COLUMNS)]
    for campaign in track(campaigns(), "sweeping", console=Console(stderr=True), transient=True):
        tally = sweep(campaign, seeds, executor_of(None, given.workers, given.seeds))
        lines.append(row(campaign, tally))
    for cells in lines:
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

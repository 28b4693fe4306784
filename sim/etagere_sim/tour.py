"""What strong and eventual buy, and what goes wrong without: a tour in two minutes.

    python -m etagere_sim.tour [--seeds N] [--trials N] [--out FOLDER]

Compares protocols and levels, predicts how stale reads are, tells one scenario under its weak and
its strong protocols, finds a failing seed and makes it small, and writes pages of what it found.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from rich.console import Console
from rich.progress import track

from etagere.commands.tables import columns, print_table
from etagere_sim.campaigns.campaign import Campaign, at_its_level
from etagere_sim.campaigns.comparing import Compared, Setting, Share, compare
from etagere_sim.campaigns.judging import problems_of, wilson
from etagere_sim.campaigns.plans import Plan, as_json, plan_of, replay
from etagere_sim.campaigns.regressions import as_test
from etagere_sim.campaigns.shrinking import shrink
from etagere_sim.campaigns.troubles import kinds_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.commands.compare_plot import draw as draw_comparison
from etagere_sim.commands.scenario_report import (
    fault_row,
    print_lines,
    print_played,
    print_scenario,
)
from etagere_sim.commands.shrink import sizes
from etagere_sim.pages import page, record
from etagere_sim.pbs import engines
from etagere_sim.pbs.cells import Cell
from etagere_sim.scenarios import SCENARIOS, Played, Scenario
from etagere_sim.scenarios.steps import strongly
from etagere_sim.world.latency import latency_of

WIDTH: Final = 100
WRITTEN: Final = {
    "comparison.svg": "the first table, drawn",
    "scenario.html": "the scenario in space and time",
    "counterexample.html": "the counterexample in space and time",
    "counterexample.json": "for etagere simulate replay",
    "test_counterexample.py": "for pytest",
}
STRONG, EVENTUAL = "strong", "eventual"
ROWS: Final = {
    "single": Setting("sim://?protocol=single", STRONG),
    "dynamo, R=W=1": Setting("sim://?protocol=dynamo&r=1&w=1", EVENTUAL),
    "dynamo, R=W=2": Setting("sim://?protocol=dynamo&r=2&w=2", EVENTUAL),
    "quorum_regular": Setting("sim://?protocol=quorum_regular", EVENTUAL),
    "abd, eventual": Setting("sim://?protocol=abd", EVENTUAL),
    "abd, strong": Setting("sim://?protocol=abd", STRONG),
    "caspaxos, eventual": Setting("sim://?protocol=caspaxos", EVENTUAL),
    "caspaxos, strong": Setting("sim://?protocol=caspaxos", STRONG),
    "primary_backup, eventual": Setting("sim://?protocol=primary_backup&reads=backup", EVENTUAL),
    "primary_backup, strong": Setting("sim://?protocol=primary_backup&reads=backup", STRONG),
    "primary_backup, no fencing": Setting(
        "sim://?protocol=primary_backup&failover=timer&fencing=off&acks=1", STRONG
    ),
}
"""What is compared: the levels of a protocol that has both, one below the other."""
COLUMNS: Final = (
    "protocol and level",
    "read p50/p99 ms",
    "write p50/p99 ms",
    "one down",
    "stale reads",
    "stale p99 ms",
    "not linearizable",
    "with faults",
)
PREDICTED: Final = (
    "R",
    "W",
    "fresh at 0 ms",
    "message by message",
    "fresh at 10 ms",
    "99.9 % from ms",
)
QUORUMS: Final = ((1, 1), (2, 1), (1, 2), (2, 2))
TIMES: Final = (0.0, 10.0)
TOLD: Final = "redis_sentinel_split_brain"
HUNTED: Final = "sim://?protocol=quorum_regular&latency=constant:1"
"""Where a failing seed is looked for: every message is as fast as the others, so only faults can
bring a reader the old value after the new one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Go on the tour."""
    given = options_of(arguments)
    console = Console()
    folder: Path = given.out
    folder.mkdir(parents=True, exist_ok=True)
    show_levels(console, given.seeds, folder / "comparison.svg")
    show_staleness(console, given.trials)
    told = show_scenario(console, SCENARIOS[TOLD])
    (folder / "scenario.html").write_text(page(record(told)), "utf-8")
    found = show_counterexample(console)
    (folder / "counterexample.html").write_text(page(record(found)), "utf-8")
    (folder / "counterexample.json").write_text(as_json(found) + "\n", "utf-8")
    (folder / "test_counterexample.py").write_text(as_test(found), "utf-8")
    console.rule("written")
    for name, what in WRITTEN.items():
        say(console, f"{folder / name}  {what}")
    return 0


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="of each cell")
    parser.add_argument(
        "--trials", type=int, default=20_000, metavar="N", help="message by message"
    )
    parser.add_argument("--out", type=Path, default=Path("reports/simulator"), metavar="FOLDER")
    return parser.parse_args(arguments)


# --- strong and eventual --------------------------------------------------------------------------


def show_levels(console: Console, seeds: int, plot: Path) -> None:
    """Compare protocols and levels; draw it, too."""
    rows = compare_all(console, seeds)
    console.rule(f"strong and eventual: {seeds} runs of 3 clients x 10 operations in each cell")
    print_table(COLUMNS, [cells(row) for row in rows])
    say(
        console,
        "\nTimes are virtual milliseconds, on the delays of lnkd-disk. Latencies and staleness are"
        " without faults. One down: calls that are answered while a replica is down. A run is not"
        " linearizable if no order explains its calls, whatever level they asked for; in brackets"
        " is the 95 % confidence interval.\n",
    )
    draw_comparison(rows, plot)


def compare_all(console: Console, seeds: int) -> list[Compared]:
    """Compare in several processes, and show how far it is."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        made = [pool.submit(compare, name, setting, seeds) for name, setting in ROWS.items()]
        done = as_completed(made)
        for _ in track(done, "comparing", total=len(made), console=console, transient=True):
            pass
        return [future.result() for future in made]


def cells(row: Compared) -> list[str]:
    """Return a protocol as a row of the table."""
    return [
        row.name,
        f"{row.read_ms[50.0]:.2f} / {row.read_ms[99.0]:.1f}",
        f"{row.write_ms[50.0]:.2f} / {row.write_ms[99.0]:.1f}",
        f"{row.one_down.share:.0%}",
        f"{row.stale.share:.1%}",
        f"{row.stale_ms:.0f}",
        with_interval(row.violations),
        with_interval(row.violations_with_faults),
    ]


def with_interval(share: Share) -> str:
    """Return a share and its confidence interval, in percent."""
    low, high = wilson(share.count, share.total)
    return f"{share.share:.1%} [{100 * low:.1f}, {100 * high:.1f}]"


# --- staleness ------------------------------------------------------------------------------------


def show_staleness(console: Console, trials: int) -> None:
    """Predict how fresh reads are that follow a write, and count it message by message."""
    console.rule("probabilistically bounded staleness: lnkd-disk, N=3")
    print_table(PREDICTED, [predicted(r, w, trials) for r, w in QUORUMS])
    console.print()


def predicted(r: int, w: int, trials: int) -> list[str]:
    """Return a quorum as a row of the table."""
    cell = Cell(latency_of("lnkd-disk"), r=r, w=w)
    told = engines.predict("oracle", cell, TIMES, trials=200_000)
    seen = engines.predict("messages", cell, TIMES[:1], trials=trials)
    return [
        str(r),
        str(w),
        f"{told.consistent[0.0]:.2%}",
        f"{seen.consistent[0.0]:.2%} ± {seen.errors[0.0]:.2%}",
        f"{told.consistent[10.0]:.2%}",
        f"{told.visibility:.1f}",
    ]


# --- stories --------------------------------------------------------------------------------------


def show_scenario(console: Console, scenario: Scenario) -> Plan:
    """Tell a scenario, and what comes of it under its weak and its strong protocols."""
    console.rule("a scenario")
    print_scenario(scenario, scenario.play())
    console.print()
    return scenario.weak


def show_counterexample(console: Console) -> Plan:
    """Find a failing seed and make it small; show it, and the strong protocol under the same."""
    campaign = Campaign(
        url=HUNTED, workload=at_its_level(HUNTED, Workload()), faults=kinds_of("messages")
    )
    seed = next(seed for seed in count() if problems_of(campaign.run(seed)))
    found = shrink(plan_of(campaign, seed))
    console.rule("a counterexample")
    say(console, f"{HUNTED}\nSeed {seed} is the first that fails, with {sizes(found.before)}.")
    say(console, f"{found.runs} runs later {sizes(found.plan)} are left:\n")
    print_lines(columns([fault_row(fault) for fault in found.plan.faults]))
    for plan in (found.plan, with_write_back(found.plan)):
        run = replay(plan)
        print_played(Played(plan, run, tuple(problems_of(run)), ()), WIDTH)
    console.print()
    return found.plan


def with_write_back(plan: Plan) -> Plan:
    """Return the same for the protocol that writes back what it reads, asked to be strong."""
    return replace(
        plan,
        url=plan.url.replace("quorum_regular", "abd"),
        workload=Workload(),
        programs=strongly(plan.programs_played()),
    )


def say(console: Console, text: str) -> None:
    """Print text as it is."""
    console.print(text, markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())

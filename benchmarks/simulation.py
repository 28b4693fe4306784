"""How fast the simulator is, beside other simulators and what is to be reached.

    python -m benchmarks.simulation [--messages N] [--runs N] [--trials N] [--json FILE]

The same ping-pong is played by all: pairs of nodes that send one message to and fro over a network
with exponential delays. simloop takes part where it is installed, which needs Python 3.12. Times
are CPU seconds, so that other work on the machine counts as little as it can; the contenders take
turns, and the best turn of each counts. Every contest starts in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from functools import partial

from msgspec import Struct

from benchmarks.lines import Line, at_most, play_all
from benchmarks.pingpong import CONTENDERS
from etagere.histories.verdicts import Answer
from etagere.urls import Options
from etagere_sim.campaigns.runs import Trouble, run
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.pbs.cells import Cell
from etagere_sim.pbs.messages import conduct
from etagere_sim.protocols import protocol_of
from etagere_sim.world.distributions import ParetoMixture
from etagere_sim.world.faults import Died, Weather
from etagere_sim.world.latency import Everywhere, latency_of

TURNS = 5


class Sizes(Struct, frozen=True):
    """How much is measured."""

    messages: int
    runs: int
    trials: int


def ping_pong(sizes: Sizes) -> Iterator[Line]:
    """Let all contenders play, in turns."""
    rates = dict.fromkeys(CONTENDERS, 0.0)
    for _ in range(TURNS):
        for name, contender in CONTENDERS.items():
            seconds = timed(contender, sizes.messages)
            rates[name] = max(rates[name], sizes.messages / seconds)
    simloop = rates.get("an asyncio program, simloop", 0.0)
    goals = {
        "nodes of anyio": 70_000.0,
        "an asyncio program, our loop": simloop,
        "an asyncio program, our loop, seeded order": simloop,
    }
    for name, rate in rates.items():
        goal = goals.get(name, 0.0)
        to_reach = f"≥ {goal:,.0f}/s" if goal else "to compare"
        yield Line(f"ping-pong: {name}", f"{rate:,.0f} messages/s", to_reach, rate >= goal)


def caspaxos(sizes: Sizes) -> Iterator[Line]:
    """Play faulted runs, and check each."""
    replication = protocol_of(Options("sim://?protocol=caspaxos"))
    latency = Everywhere(ParetoMixture(0.9, 1.0, 3.5, 0.1))
    trouble = Trouble(faults=(Died(at=20, until=40, host="r1"),), weather=Weather(), until=300.0)
    best, wrong = float("inf"), 0
    turn = max(1, sizes.runs // TURNS)
    for first in range(0, turn * TURNS, turn):
        started = time.process_time()
        for seed in range(first, first + turn):
            came = run(replication, latency, Workload(), seed, trouble)
            wrong += came.answer is not Answer.YES
        best = min(best, time.process_time() - started)
    rate = turn / best
    what = "caspaxos: faulted runs of 3 clients × 5 operations, checked"
    yield Line(what, f"{rate:,.0f}/s", "≥ 2,000/s", rate >= 2000)
    yield Line("caspaxos: violations", f"{wrong} in {turn * TURNS:,}", "0", not wrong)


def pbs(sizes: Sizes) -> Iterator[Line]:
    """Let a cell of the published tables be played message by message."""
    cell = Cell(latency_of("lnkd-disk"))
    seconds = timed(conduct, cell, cell.latency, (0.0, 10.0, 50.0), sizes.trials, 0, None)
    yield at_most(f"PBS: a cell of {sizes.trials:,} trials, message by message", seconds, 8.0)


CONTESTS: dict[str, Callable[[Sizes], Iterator[Line]]] = {
    "ping-pong": ping_pong,
    "caspaxos": caspaxos,
    "pbs": pbs,
}


def timed(work: Callable[..., object], *arguments: object) -> float:
    """Return the CPU seconds that something takes."""
    gc.collect()
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def play(name: str, sizes: Sizes) -> list[Line]:
    """Play one contest."""
    return list(CONTESTS[name](sizes))


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--messages", type=int, default=100_000, help="of the ping-pong")
    parser.add_argument("--runs", type=int, default=5000, help="of caspaxos")
    parser.add_argument("--trials", type=int, default=50_000, help="of the cell")
    parser.add_argument("--only", choices=CONTESTS, action="append")
    parser.add_argument(
        "--json", metavar="FILE", default="", help="write the results there as well"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    given = options_of(arguments)
    sizes = Sizes(given.messages, given.runs, given.trials)
    names = [name for name in CONTESTS if not given.only or name in given.only]
    play_all("simulating", names, partial(play, sizes=sizes), note="", json=given.json)


if __name__ == "__main__":
    main()

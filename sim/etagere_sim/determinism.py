"""Whether the same seed does the same in every process.

    python -m etagere_sim.determinism [--seeds N] [--python INTERPRETER ...]

Each seed is played in processes of their own, two for each of three hash seeds and each
interpreter: a faulted run of CASPaxos, and a program of anyio with groups of tasks that are
cancelled. Where the digest of a trace is another than in the first process, the seed is named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Final

import anyio
from msgspec import Struct
from rich.console import Console
from rich.progress import track

from etagere.urls import Options
from etagere_sim.campaigns.runs import run
from etagere_sim.campaigns.troubles import kinds_of, trouble_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.kernel.choosers import AtRandom
from etagere_sim.kernel.loop import simulate
from etagere_sim.protocols import protocol_of
from etagere_sim.world.distributions import Exponential, ParetoMixture
from etagere_sim.world.faults import Weather
from etagere_sim.world.hosts import Host
from etagere_sim.world.latency import Everywhere
from etagere_sim.world.messages import Message
from etagere_sim.world.trace import Trace, What
from etagere_sim.world.world import World

HASH_SEEDS: Final = ("0", "1", "random")
TIMES: Final = 2
"""How many processes for each hash seed."""

LATENCY: Final = Everywhere(ParetoMixture(0.9, 1.0, 3.5, 0.1))
WORKLOAD: Final = Workload(keys=2, deletes=0.1)


def digests(seeds: Sequence[int]) -> Iterator[str]:
    """Yield the digest of each seed."""
    replication = protocol_of(Options("sim://?protocol=caspaxos"))
    kinds = kinds_of("all")
    for seed in seeds:
        trace = Trace()
        trouble = trouble_of(
            seed, kinds, replication.replicas, WORKLOAD.names(), WORKLOAD.operations
        )
        came = run(replication, LATENCY, WORKLOAD, seed, trouble, trace=trace)
        yield f"{trace.digest()} {came.answer} {came.steps} {gossip(seed).digest()}"


# --- a program of anyio -------------------------------------------------------------------------


class Rumour(Message, frozen=True, gc=False):
    """Something that one host tells another."""

    number: int


def gossip(seed: int) -> Trace:
    """Let hosts tell one another rumours, each in tasks that are cancelled again and again."""
    trace = Trace()
    world = World(seed, Everywhere(Exponential(0.5)), trace=trace)
    world.agenda.chooser = AtRandom(world.stream("order"))
    world.weather = Weather(late_by=8.0)
    hosts = [world.add(f"h{number}", _nothing) for number in range(4)]
    simulate(world.agenda, _spread, world, hosts)
    return trace


async def _spread(world: World, hosts: list[Host]) -> None:
    with anyio.move_on_after(0.03):
        async with anyio.create_task_group() as group:
            for host in hosts:
                group.start_soon(_tell, world, host, hosts)


async def _tell(world: World, host: Host, hosts: list[Host]) -> None:
    random = world.stream("rumours", host.name)
    for number in count(1):
        with anyio.move_on_after(random.uniform(0.0, 0.008)):
            async with anyio.create_task_group() as group:
                for listener in range(3):
                    group.start_soon(_listen, world, host, f"{number}.{listener}")
                    host.send(random.choice(hosts).name, Rumour(number))


async def _listen(world: World, host: Host, name: str) -> None:
    try:
        while True:
            await host.mailbox.receive()
    finally:
        world.note(What.ENDED, host.name, said=name)


def _nothing(host: Host) -> None:
    """Start no process."""


# --- the comparison -----------------------------------------------------------------------------


class Process(Struct, frozen=True):
    """A process that played the seeds, and what came of it."""

    python: str
    hash_seed: str
    digests: list[str]

    def __str__(self) -> str:
        return f"{self.python} with PYTHONHASHSEED={self.hash_seed}"


def played(python: str, hash_seed: str, seeds: int) -> Process:
    """Play the seeds in a process of their own."""
    command = [python, "-m", "etagere_sim.determinism", "--seeds", str(seeds), "--print"]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return Process(python, hash_seed, done.stdout.splitlines())


def differences(processes: Sequence[Process]) -> Iterator[str]:
    """Yield a line for each process that did something else than the first."""
    first = processes[0]
    for process in processes[1:]:
        pairs = enumerate(zip(first.digests, process.digests, strict=True))
        seeds = [seed for seed, (one, other) in pairs if one != other]
        if seeds:
            yield f"{len(seeds)} seeds differ, {seeds[0]} first: {first}, and {process}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and return whether anything differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10_000, metavar="N")
    parser.add_argument("--python", action="append", metavar="INTERPRETER", default=[])
    parser.add_argument("--print", action="store_true", help="print the digests of this process")
    given = parser.parse_args(arguments)
    if given.print:
        sys.stdout.writelines(f"{digest}\n" for digest in digests(range(given.seeds)))
        return 0
    console = Console()
    ways = [
        (python, hash_seed)
        for python in given.python or [sys.executable]
        for hash_seed in HASH_SEEDS
        for _ in range(TIMES)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        playing = [pool.submit(played, *way, given.seeds) for way in ways]
        done = track(playing, "playing", console=console, transient=True)
        processes = [process.result() for process in done]
    found = list(differences(processes))
    for line in found:
        console.print(f"[red]{line}")
    if not found:
        console.print(f"{given.seeds:,} seeds, {len(ways)} processes: all digests are equal")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

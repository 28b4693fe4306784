"""Who plays the clients' programs in a run, and how: on the coordinators, or through a `Store`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from etagere_sim.campaigns.clients import Client, Notebook
from etagere_sim.campaigns.workloads import Intent, Workload
from etagere_sim.cluster import Cluster
from etagere_sim.world.hosts import Host
from etagere_sim.world.tasks import Task

END: Final = 60_000.0
"""Milliseconds after which the clients must be through with their programs, whatever goes wrong."""
CALM: Final = 5_000.0
"""Milliseconds within which, when all is well again, every client must get on, and after that all
replicas must come to hold the same."""


class Stage(Struct, frozen=True):
    """What a run is made of, before anything happens."""

    cluster: Cluster
    workload: Workload
    programs: Mapping[str, Sequence[Intent]]
    hosts: Mapping[str, Host]
    """The clients' hosts, by name."""
    outside: Host
    """Where time passes for clients whose host is down."""
    notebook: Notebook

    def parts(self, clients: Sequence[Client]) -> list[Task[Any]]:
        """Start the programs."""
        return [self.outside.spawn(each.play(self.programs[each.name])) for each in clients]

    def encores(self, clients: Sequence[Client]) -> list[Task[Any]]:
        """Start what each client does when all is calm again."""
        return [
            self.outside.spawn(client.insist(self.workload.last(number)))
            for number, client in enumerate(clients)
        ]


Player: TypeAlias = Callable[[Stage], bool]
"""Plays the programs, calls for calm, and plays the encores; returns whether all went through."""


def play_bare(stage: Stage) -> bool:
    """Play on the coordinators themselves."""
    clients = [
        Client(stage.cluster, host, stage.outside, stage.notebook) for host in stage.hosts.values()
    ]
    _let_all(stage, stage.parts(clients), END)
    stage.cluster.world.calm()
    encores = stage.encores(clients)
    _let_all(stage, encores, stage.cluster.world.agenda.now + CALM)
    return all(task.done for task in encores)


def _let_all(stage: Stage, tasks: Sequence[Task[Any]], until: float) -> None:
    """Let the world go on until all tasks are done, or time is over."""
    agenda, left = stage.cluster.world.agenda, len(tasks)

    def count(_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            agenda.stop()

    for task in tasks:
        task.watch(count)
    if left:
        agenda.play(until)
    if left and not len(agenda):
        raise agenda.deadlock()

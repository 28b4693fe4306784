"""Membership change, one acceptor at a time (Rystsov, 2018, section 2.3.3).

From an odd number of acceptors to an even one, the accept quorum grows first and the prepare quorum
only when every key was accepted by the larger one. From even to odd nothing grows: the new acceptor
is one that was down from the beginning. That holds only for keys which a quorum of the even number
has accepted, so all keys are scanned after each step.

Where the paper connects to each proposer, here acceptors refuse who goes by an older configuration
and tell the newer one: a step is done when so many refuse that the older one has no quorum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from etagere_sim.protocols.caspaxos.knobs import Knobs, among
from etagere_sim.protocols.caspaxos.messages import (
    Configuration,
    Install,
    Installed,
    Keys,
    ListKeys,
)
from etagere_sim.protocols.caspaxos.proposer import Proposer

if TYPE_CHECKING:
    from etagere_sim.cluster import Cluster
    from etagere_sim.world.asking import Asked
    from etagere_sim.world.hosts import Host

AGAIN = 20.0
"""Milliseconds before a step that too few have answered is tried again."""


def growing(*names: str, at: float, rescan: bool = True) -> Callable[[Cluster], None]:
    """Return what sets a run up to add acceptors, one after the other, from a moment on.

    `rescan=False` leaves the scans out, which loses data. Quorums must be majorities.
    """

    def setup(cluster: Cluster) -> None:
        from etagere_sim.protocols.caspaxos.replication import CasPaxos

        assert isinstance(cluster.replication, CasPaxos)
        knobs = cluster.replication.knobs
        for name in names:
            cluster.add_replica(name)
        host = cluster.world.add("operator", lambda _: None)
        operator = Operator(host, knobs, rescan=rescan)
        cluster.world.agenda.at(at, host.name, lambda _: host.spawn(operator.add(*names)))

    return setup


def steps(before: Configuration, name: str) -> Iterator[Configuration]:
    """Yield the configurations that lead to one with another member."""
    members = (*before.accepters, name)
    era = before.era + 1
    if len(members) % 2 == 0:
        yield replace(
            before, era=era, accepters=members, accept_quorum=among(members).accept_quorum
        )
        era += 1
    yield among(members, era)


class Operator:
    """Adds acceptors to a cluster at work."""

    def __init__(self, host: Host, knobs: Knobs, *, rescan: bool) -> None:
        assert knobs.configuration == among(knobs.configuration.accepters)
        self._host = host
        self._knobs = knobs
        self._rescan = rescan
        self._proposer = Proposer(host, knobs)

    async def add(self, *names: str) -> None:
        """Add acceptors one after the other."""
        for name in names:
            for step in steps(self._proposer.configuration, name):
                await self._install(step)
                if self._rescan:
                    await self._scan()
            self._host.world.mark("an acceptor is added")

    async def _install(self, step: Configuration) -> None:
        """Have a configuration adopted by so many that no quorum goes by the one before."""
        before = self._proposer.configuration
        leaving = len(before.accepters) - min(before.accept_quorum, before.prepare_quorum) + 1
        installed = 0
        while installed < leaving:
            asked: Asked[Installed] = await self._host.ask(
                before.accepters, Install(step), enough=leaving, within=self._knobs.most_patience
            )
            installed = len(asked)
        self._proposer.go_by(step)

    async def _scan(self) -> None:
        """Have every key accepted by a quorum of the present configuration."""
        for key in await self._keys():
            while not await self._proposer.settle(key):
                await self._host.sleep(AGAIN)
        self._host.world.mark("all keys are scanned")

    async def _keys(self) -> list[str]:
        accepters = self._proposer.configuration.accepters
        while True:
            asked: Asked[Keys] = await self._host.ask(
                accepters, ListKeys(), enough=len(accepters), within=self._knobs.most_patience
            )
            if len(asked) == len(accepters):
                return sorted({key for each in asked.answers.values() for key in each.keys})
            await self._host.sleep(AGAIN)

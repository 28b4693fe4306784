"""CASPaxos as a replication."""

from __future__ import annotations

from typing import Self

from etagere.backend import Capabilities, Clock, Reach
from etagere.urls import Options
from etagere_sim.protocols.caspaxos.acceptor import Acceptor
from etagere_sim.protocols.caspaxos.janitor import Janitor
from etagere_sim.protocols.caspaxos.knobs import Knobs
from etagere_sim.protocols.caspaxos.proposer import Proposer
from etagere_sim.protocols.protocol import Replication
from etagere_sim.world.hosts import Host


class CasPaxos(Replication):
    """Proposers on the clients' hosts; acceptors, each with a janitor, on the others."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.replicas = knobs.configuration.accepters
        self.branches = _branches(knobs)

    @property
    def capabilities(self) -> Capabilities:
        """What a store over this protocol claims: records expire by the clock of the client."""
        return Capabilities(reach=Reach.ALWAYS, clock=Clock.CLIENT)

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL."""
        return cls(Knobs.from_options(options, round_trip))

    def start_replica(self, host: Host) -> Acceptor:
        """Start an acceptor and its janitor."""
        janitor = Janitor(host, self.knobs)
        acceptor = Acceptor(host, self.knobs, janitor.stir)
        janitor.begin(acceptor.ledger)
        return acceptor

    def start_coordinator(self, host: Host) -> Proposer:
        """Start a proposer."""
        return Proposer(host, self.knobs)


def _branches(knobs: Knobs) -> frozenset[str]:
    several = len(knobs.configuration.accepters) > 1
    marks = {"a proposer backs off": knobs.backoff > 0, "acceptors are not of one mind": several}
    marks |= dict.fromkeys(("one round trip", "too late, and prepared"), knobs.cache)
    marks |= dict.fromkeys(("an attempt is looked for", "an attempt is found"), knobs.own_id)
    return frozenset(mark for mark, made in marks.items() if made)

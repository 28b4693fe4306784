"""Mutants of CASPaxos: of its acceptors, its proposers and its housekeeping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from etagere_sim.campaigns.workloads import Workload
from etagere_sim.mutants.mutant import Mutant, Place, campaign, subclass
from etagere_sim.protocols.caspaxos import acceptor, proposer, replication
from etagere_sim.protocols.caspaxos.acceptor import Acceptor
from etagere_sim.protocols.caspaxos.change import Change
from etagere_sim.protocols.caspaxos.janitor import Janitor
from etagere_sim.protocols.caspaxos.ledger import Ledger, Slot
from etagere_sim.protocols.caspaxos.messages import (
    ZERO,
    Accept,
    Ballot,
    Cell,
    Configuration,
    Prepare,
    Promise,
)
from etagere_sim.protocols.caspaxos.prepared import Prepared, prepared
from etagere_sim.protocols.caspaxos.proposer import Proposer
from etagere_sim.world.hosts import Host

USUAL: Final = Workload()
WRITING: Final = Workload(reads=0.3, conditional=0.7)
DELETING: Final = Workload(operations=6, reads=0.4, conditional=0.2, deletes=0.5, pause=15.0)


class PromisesNothing(Acceptor):
    """Promises, and does not take it down."""

    def prepare(self, source: str, asked: Prepare) -> Any:
        """Promise a ballot."""
        before = self.ledger.slot(asked.key)
        answer = super().prepare(source, asked)
        if type(answer) is Promise and before is not None:
            self.ledger.keep(asked.key, before)
        return answer


class AcceptsAnything(Acceptor):
    """Accepts without a look at what it promised."""

    def accept(self, source: str, asked: Accept) -> Any:
        """Accept under any ballot."""
        slot = self.ledger.slot(asked.key)
        if slot is not None:
            self.ledger.keep(asked.key, Slot(ZERO, slot.cell, slot.learned))
        return super().accept(source, asked)


class InMemory(Ledger):
    """Keeps slots in memory, for the next sync of something else."""

    def keep(self, key: str, slot: Slot) -> None:
        """Put a slot down."""
        self.note(key, slot)


class LostIsFresh(Ledger):
    """Takes a slot that the disk lost for one that never held a promise."""

    def slot(self, key: str) -> Slot | None:
        """Return the slot of a key."""
        return super().slot(key) or self.fresh


class PromiseForgotten(Ledger):
    """Removes the promise of a tombstone with it."""

    def remove(self, key: str, slot: Slot) -> None:
        """Remove a slot."""
        self.erase(key)


class Nameless(Proposer):
    """Has ballots that are numbers only."""

    def _next_ballot(self) -> Ballot:
        return super()._next_ballot()[0], ""


class Hasty(Proposer):
    """Takes one promise less for a quorum."""

    def __init__(self, host: Host, *settings: Any) -> None:
        super().__init__(host, *settings)
        quorum = self.configuration.prepare_quorum
        self.configuration = replace(self.configuration, prepare_quorum=quorum - 1)


class KeepsPromises(Proposer):
    """Goes on with the promises that it has, although it was refused."""

    async def accept(self, key: str, cell: Cell, configuration: Configuration, **more: bool) -> Any:
        """Have a cell accepted."""
        accepted = await super().accept(key, cell, configuration, **more)
        if not accepted:
            self.keep(key, self._next_ballot(), cell, configuration)
        return accepted


class Twice(Change):
    """Does not look for its own earlier attempts before the next one."""

    async def _attempt(self) -> bool:
        self._open.clear()
        return await super()._attempt()


class OnSight(Change):
    """Reads the newest that a quorum knows, and does not see to it that it is chosen."""

    async def _apply(self, prepared: Prepared) -> bool:
        return await super()._apply(replace(prepared, chosen=True))


class Eager(Janitor):
    """Removes a tombstone before all acceptors have it."""

    async def _all_have(self, key: str, ballot: Ballot) -> bool:
        await super()._all_have(key, ballot)
        return True


def of_the_first(
    ballot: Ballot, cells: Sequence[Cell], configuration: Configuration, *more: Any
) -> Prepared:
    """Return what the first promise tells, instead of the newest of a quorum."""
    return prepared(ballot, cells[:1], configuration, *more)


MUTANTS: Final = (
    Mutant(
        name="promise not kept",
        protocol="caspaxos",
        what="an acceptor promises a ballot and goes on as if it had not",
        seen="Lamport, Paxos made simple, 2001: what an acceptor must remember",
        places=subclass(PromisesNothing, replication),
        campaign=campaign("caspaxos", "messages", WRITING, "random"),
    ),
    Mutant(
        name="accept without promise check",
        protocol="caspaxos",
        what="an acceptor accepts whatever it is sent, even under a ballot that it promised away",
        seen="Lamport, Paxos made simple, 2001: rule P1a",
        places=subclass(AcceptsAnything, replication),
        campaign=campaign("caspaxos", "messages", WRITING, "pct"),
    ),
    Mutant(
        name="promise not persisted",
        protocol="caspaxos",
        what="an acceptor answers before what it promised and accepted is on the disk",
        seen="Lamport, Paxos made simple, 2001: stable storage before the answer",
        places=subclass(InMemory, acceptor),
        campaign=campaign("caspaxos", "crashes,cuts,messages", WRITING),
    ),
    Mutant(
        name="lost slot is fresh",
        protocol="caspaxos",
        what="an acceptor whose disk lost a slot takes the key for a new one",
        seen="Alagappan et al., Protocol-aware recovery for consensus-based storage, FAST 2018",
        places=subclass(LostIsFresh, acceptor),
        campaign=campaign("caspaxos", "bits,cuts,messages", WRITING),
    ),
    Mutant(
        name="ballot without a name",
        protocol="caspaxos",
        what="a ballot is a number only, so two proposers can have one in common",
        seen="Lamport, Paxos made simple, 2001: proposers choose from disjoint sets of numbers",
        places=subclass(Nameless, replication),
        campaign=campaign("caspaxos", "messages", WRITING),
    ),
    Mutant(
        name="prepare quorum off by one",
        protocol="caspaxos",
        what="a proposer goes on with one promise less than a quorum",
        seen="Howard, Malkhi and Spiegelman, Flexible Paxos, 2016, on which quorums must meet",
        places=subclass(Hasty, replication),
        campaign=campaign("caspaxos", "messages,cuts", WRITING),
    ),
    Mutant(
        name="first promise believed",
        protocol="caspaxos",
        what="a proposer builds on what the first promise tells, and not on the newest of them",
        seen="Lamport, Paxos made simple, 2001: rule P2c",
        places=(Place(proposer, "prepared", of_the_first),),
        campaign=campaign("caspaxos", "messages", WRITING),
    ),
    Mutant(
        name="cache kept after refusal",
        protocol="caspaxos",
        what="a proposer that was refused goes on as if it had promises for its next ballot",
        seen="CASPaxos, 2018, on its one-round-trip optimization",
        places=subclass(KeepsPromises, replication),
        campaign=campaign("caspaxos", "messages", WRITING),
    ),
    Mutant(
        name="retry applies twice",
        protocol="caspaxos",
        what="a change that may be in place already is applied again",
        seen="JAVA-819, CASSANDRA-9086",
        places=subclass(Twice, proposer),
        campaign=campaign("caspaxos", "messages", WRITING),
    ),
    Mutant(
        name="read skips write-back",
        protocol="caspaxos",
        what="a read returns what one acceptor accepted, and does not have it accepted by a quorum",
        seen="CASSANDRA-12126: serial reads that others then contradict",
        places=subclass(OnSight, proposer),
        campaign=campaign("caspaxos", "messages", USUAL),
    ),
    Mutant(
        name="tombstone dropped early",
        protocol="caspaxos",
        what="a tombstone is removed while an acceptor still has the value from before it",
        seen="CASPaxos, section 3.1; Cassandra's gc_grace_seconds",
        places=subclass(Eager, replication),
        campaign=campaign("caspaxos&rest=0.005", "messages,cuts", DELETING),
    ),
    Mutant(
        name="promise dropped with the tombstone",
        protocol="caspaxos",
        what="an acceptor that removes a tombstone forgets what it had promised for the key",
        seen="CASPaxos, section 3.1, on the ages of proposers",
        places=subclass(PromiseForgotten, acceptor),
        campaign=campaign("caspaxos&rest=0.005", "messages,cuts", DELETING),
    ),
)

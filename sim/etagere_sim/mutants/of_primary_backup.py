"""Mutants of a primary and its backups, fenced: of Raft and Viewstamped Replication."""

from __future__ import annotations

from math import inf
from typing import Final

from etagere_sim.campaigns.workloads import Workload
from etagere_sim.mutants.mutant import Mutant, campaign, subclass
from etagere_sim.protocols.primary_backup import primary, replica, replication
from etagere_sim.protocols.primary_backup.elections import Elections
from etagere_sim.protocols.primary_backup.log import TERM, Log
from etagere_sim.protocols.primary_backup.messages import (
    Append,
    Canvass,
    Change,
    Entry,
    Question,
    Term,
)
from etagere_sim.protocols.primary_backup.primary import Primary
from etagere_sim.protocols.primary_backup.replica import Replica
from etagere_sim.protocols.primary_backup.stream import Stream

LONG: Final = Workload(operations=8, pause=15.0)
MANY_KEYS: Final = Workload(operations=8, keys=6, pause=15.0)
IDLE: Final = Workload(clients=2, operations=10, reads=0.5, pause=30.0)
"""So idle that a backup that is cut off can be as far as the others, and be elected."""
HARD: Final = "crashes,cuts,messages,pauses"


class ForAnyLog(Elections):
    """Votes for whoever asks first, however short its log."""

    def _may_vote(self, asked: Canvass) -> bool:
        return super()._may_vote(Canvass(asked.term, ((asked.term[0], "~"), 1_000_000)))


class TermForgotten(Replica):
    """Keeps the terms that it enters, and so its votes, in memory only."""

    def enter(self, term: Term) -> None:
        """Enter a term."""
        super().enter(term)
        self._disk.write(TERM, None)
        self._disk.sync()


class FollowsAnybody(Replica):
    """Follows the stream of a primary of any term."""

    def append(self, source: str, asked: Append) -> None:
        """Follow the stream of a primary."""
        if self.primary is not None:
            super().append(source, asked)
            return
        newest, self.term = self.term, min(self.term, asked.term)
        super().append(source, asked)
        self.term = max(newest, self.term)


class ServesAtOnce(Primary):
    """Answers reads before an entry of its own term is settled."""

    def _number_of(self, asked: Question) -> int:
        since, self._since = self._since, 0
        number = super()._number_of(asked)
        self._since = since
        return number


class Unconfirmed(Stream):
    """Takes each question whether it is still the primary for answered."""

    def confirmed(self) -> int:
        """Return the last round."""
        return self.round

    def is_followed(self) -> bool:
        """Tell that a majority follows."""
        return True


class DoesAgain(Primary):
    """Does again what is sent again."""

    def change(self, client: str, asked: Change) -> None:
        """Do what is asked."""
        self._log.calls.pop(asked.call, None)
        super().change(client, asked)


class AcksOffByOne(Stream):
    """Counts a write as settled when one backup less than needed has it."""

    def acknowledged(self) -> int:
        """Return up to where enough backups have the log, or nearly so."""
        have = sorted((backup.has for backup in self._backups.values()), reverse=True)
        return (len(self._log), *have)[self._knobs.acks - 1]


class LeaseForLife(Stream):
    """Renews its lease once, for good."""

    def _renew_lease(self) -> None:
        super()._renew_lease()
        if self.leased:
            self.leased = inf


class NumberOnly(Log):
    """Takes logs of one length for the same, whatever the terms of their entries."""

    def has(self, number: int, term: Term) -> bool:
        """Tell whether there is an entry of that number."""
        return number <= len(self)


class InMemory(Log):
    """Acknowledges entries before they are on the disk."""

    def append(self, *entries: Entry) -> None:
        """Put entries at the end."""
        self._fsync = False
        super().append(*entries)


MUTANTS: Final = (
    Mutant(
        name="vote for a shorter log",
        protocol="primary_backup",
        what="a replica votes for a candidate whose log lacks what it has acknowledged itself",
        seen="Jepsen, MongoDB 3.4.0-rc3, 2017: the election protocol v0",
        places=subclass(ForAnyLog, replica),
        campaign=campaign("primary_backup", HARD, LONG),
    ),
    Mutant(
        name="vote not persisted",
        protocol="primary_backup",
        what="a replica that starts again has forgotten its term, and whom it voted for",
        seen="Raft, 2014, figure 2: the term and the vote are on stable storage before an answer",
        places=subclass(TermForgotten, replication),
        campaign=campaign("primary_backup", "crashes,cuts,messages", LONG),
    ),
    Mutant(
        name="old primary not refused",
        protocol="primary_backup",
        what="a backup follows the stream of a primary whose term is over",
        seen="Kingsbury, Call me maybe: Redis, 2013",
        places=subclass(FollowsAnybody, replication),
        campaign=campaign("primary_backup&latency=constant:1", "cuts,holds,crashes", IDLE),
    ),
    Mutant(
        name="serves before its term is settled",
        protocol="primary_backup",
        what="a new primary answers reads before an entry of its own term is at a majority",
        seen="Ongaro's thesis, 2014, section 6.4, on why a leader commits an entry first",
        places=subclass(ServesAtOnce, replica),
        campaign=campaign("primary_backup", HARD, LONG),
    ),
    Mutant(
        name="reads unconfirmed",
        protocol="primary_backup",
        what="a primary answers reads without asking a majority whether it still is one",
        seen="Kingsbury, etcd and Consul, 2014; MongoDB 2.6.7, 2015",
        places=subclass(Unconfirmed, primary),
        campaign=campaign("primary_backup", HARD, LONG),
    ),
    Mutant(
        name="command applied twice",
        protocol="primary_backup",
        what="a request that is sent again gets a second place in the log",
        seen="Raft, 2014, section 8, on clients that send again",
        places=subclass(DoesAgain, replica),
        campaign=campaign("primary_backup", "messages", LONG),
    ),
    Mutant(
        name="acks off by one",
        protocol="primary_backup",
        what="the primary counts itself twice when it waits for a majority",
        seen="own: the primary is one of the majority, and so is not among the backups",
        places=subclass(AcksOffByOne, primary),
        campaign=campaign("primary_backup", HARD, LONG),
    ),
    Mutant(
        name="lease never expires",
        protocol="primary_backup",
        what="a primary that held a lease once answers reads for as long as it lives",
        seen="Consul's note on leader leases; Gray and Cheriton, Leases, 1989",
        places=subclass(LeaseForLife, primary),
        campaign=campaign("primary_backup&lease=0.03", HARD, LONG),
    ),
    Mutant(
        name="log matching by number only",
        protocol="primary_backup",
        what="logs of one length are taken for the same, whatever the terms of their entries",
        seen="Kafka before leader epochs, KIP-101; MySQL's binlog positions without GTIDs",
        places=subclass(NumberOnly, replica),
        campaign=campaign("primary_backup", HARD, MANY_KEYS),
    ),
    Mutant(
        name="log not synced",
        protocol="primary_backup",
        what="a backup acknowledges entries that are in memory only",
        seen="Kafka's default of no fsync; etcd #14370",
        places=subclass(InMemory, replica),
        campaign=campaign("primary_backup", "crashes,cuts,messages", LONG),
    ),
)

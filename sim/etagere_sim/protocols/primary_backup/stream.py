"""The stream of log entries from the primary to its backups, and what they acknowledge."""

from __future__ import annotations

from collections import deque

from etagere_sim.protocols.primary_backup.knobs import Knobs
from etagere_sim.protocols.primary_backup.log import Log
from etagere_sim.protocols.primary_backup.messages import Append, Appended, Term
from etagere_sim.world.hosts import Host


class Backup:
    """What the primary knows of a backup."""

    __slots__ = ("has", "heard", "round", "sent")

    def __init__(self, sent: int, heard: float) -> None:
        self.sent = sent
        """Up to where the log is on its way there."""
        self.has = 0
        """Up to where it is there."""
        self.round = 0
        """The last round that it answered."""
        self.heard = heard


class Stream:
    """The stream of one term. Each backup is sent what it lacks, and a sign of life each round."""

    def __init__(self, host: Host, knobs: Knobs, log: Log, term: Term) -> None:
        self.round = 0
        self.began = host.now()
        self.leased = 0.0
        """Until when, on the host's clock, nobody else can be elected."""
        self._host, self._knobs, self._log, self._term = host, knobs, log, term
        now = host.world.agenda.now
        self._backups = {
            name: Backup(len(log), now) for name in knobs.replicas if name != host.name
        }
        self._rounds: deque[tuple[int, int]] = deque()
        """Rounds and when they began on the host's clock: for the lease."""

    def next_round(self, commit: int) -> None:
        """Ask the backups for a sign that they still follow."""
        self.round += 1
        if self._knobs.lease:
            self._rounds.append((self.round, self._host.now()))
        self.send(commit)

    def send(self, commit: int) -> None:
        """Send each backup what it was not sent yet."""
        for name, backup in self._backups.items():
            self._send(name, backup, commit)

    def appended(self, source: str, answer: Appended, commit: int) -> None:
        """Take down what a backup has, and send it what it lacks."""
        backup = self._backups[source]
        backup.heard = self._host.world.agenda.now
        backup.round = max(backup.round, answer.round)
        if not answer.fits:
            backup.sent = answer.upto
            self._send(source, backup, commit)
        else:
            backup.has = max(backup.has, answer.upto)
            backup.sent = max(backup.sent, answer.upto)
            if backup.sent == answer.upto < len(self._log):
                self._send(source, backup, commit)
        self._renew_lease()

    def acknowledged(self) -> int:
        """Return up to where enough backups have the log."""
        if not self._knobs.acks:
            return len(self._log)
        have = sorted((backup.has for backup in self._backups.values()), reverse=True)
        return have[self._knobs.acks - 1]

    def confirmed(self) -> int:
        """Return the last round that a majority answered."""
        if not self._knobs.majority:
            return self.round
        rounds = sorted((backup.round for backup in self._backups.values()), reverse=True)
        return rounds[self._knobs.majority - 1]

    def is_followed(self) -> bool:
        """Tell whether a majority was heard of lately; with a lease, going by the clock."""
        knobs = self._knobs
        if not knobs.majority:
            return True
        if knobs.lease:
            return self._host.now() < max(self.leased, self.began + knobs.lease)
        since = self._host.world.agenda.now - knobs.timeout
        heard = sum(backup.heard >= since for backup in self._backups.values())
        return heard >= knobs.majority

    def _send(self, name: str, backup: Backup, commit: int) -> None:
        log, behind = self._log, backup.sent
        entries = log.behind(behind)
        backup.sent += len(entries)
        term = log.term_at(behind)
        self._host.send(name, Append(self._term, behind, term, entries, commit, self.round))

    def _renew_lease(self) -> None:
        if not self._rounds:
            return
        confirmed = self.confirmed()
        while self._rounds and self._rounds[0][0] <= confirmed:
            self.leased = max(self.leased, self._rounds.popleft()[1] + self._knobs.lease)

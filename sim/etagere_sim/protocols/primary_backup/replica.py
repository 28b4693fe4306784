"""A replica: keeps the log, follows a primary, and is one itself when it is its turn."""

from __future__ import annotations

from collections.abc import Mapping

from etagere import contract
from etagere.operations import Outcome, Read, Record
from etagere_sim.protocols.primary_backup.elections import Elections
from etagere_sim.protocols.primary_backup.knobs import Knobs
from etagere_sim.protocols.primary_backup.log import TERM, Log, Mirrored
from etagere_sim.protocols.primary_backup.messages import (
    Answer,
    Append,
    Appended,
    Canvass,
    Change,
    Deposed,
    Elsewhere,
    Fetch,
    Question,
    Scan,
    Term,
)
from etagere_sim.protocols.primary_backup.primary import Primary
from etagere_sim.protocols.primary_backup.shown import Shown
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.hosts import Host


class Replica:
    """A backup; while it has a `primary`, that."""

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self.host = host
        self.knobs = knobs
        self.primary: Primary | None = None
        self.leader = ""
        """Whom it takes for the primary."""
        self.heard = host.world.agenda.now
        """When it heard of a primary last, or voted for one."""
        self.commit = 0
        """Up to where it knows that enough backups have the log."""
        self.shown = Shown()
        self._disk = Mirrored(host)
        if knobs.fsync:
            # What a failing disk took and could not sync is still there to be read.
            self._disk.sync()
        self.log = Log(self._disk, fsync=knobs.fsync)
        kept: Term | None = self._disk.read(TERM)
        self.term: Term = kept or (1, knobs.replicas[0])
        self._show_what_came(0)
        self.elections = Elections(self)
        host.handlers.update(
            {
                Append: self.append,
                Appended: self.appended,
                Deposed: self.deposed,
                Canvass: self.elections.canvass,
                Change: self.change,
                Fetch: self.tell,
                Scan: self.tell,
            }
        )
        self._begin(is_new=kept is None)

    # --- what a backup does ---------------------------------------------------------------------

    def append(self, source: str, asked: Append) -> None:
        """Follow the stream of a primary."""
        if asked.term < self.term and (self.knobs.fencing or self.primary is not None):
            self.mark("an old primary's stream is refused")
            self.host.send(source, Deposed(self.term))
            return
        if asked.term > self.term:
            self.enter(asked.term)
        self.leader = source
        self.elections.hold_off()
        log = self.log
        fits = log.has(asked.behind, asked.behind_term)
        upto = asked.behind + len(asked.entries) if fits else log.common(asked.behind)
        if fits:
            self._follow(asked, upto)
        else:
            self.mark("a backup has a gap to fill")
        self.host.send(source, Appended(asked.term, fits, upto, asked.round))

    def commit_to(self, number: int) -> None:
        """Take down that enough backups have the log up to an entry, and show it."""
        for each in range(self.commit + 1, number + 1):
            self.shown.show(each, self.log[each])
        self.commit = max(self.commit, number)

    def _follow(self, asked: Append, upto: int) -> None:
        length = len(self.log)
        if self.log.follow(asked.behind, asked.entries):
            self.mark("a divergent tail is cut off")
            self._show_anew()
        elif len(self.log) > length:
            self._show_what_came(length)
        self.commit_to(min(asked.commit, upto))

    def _show_anew(self) -> None:
        commit, self.commit, self.shown = min(self.commit, len(self.log)), 0, Shown()
        self.commit_to(commit)
        self._show_what_came(0)

    def _show_what_came(self, behind: int) -> None:
        if self.knobs.dirty or not self.knobs.fencing:
            for number in range(behind + 1, len(self.log) + 1):
                self.shown.show(number, self.log[number])

    # --- terms and offices ----------------------------------------------------------------------

    def enter(self, term: Term) -> None:
        """Enter a term: whoever was primary in an older one is it no more."""
        if self.primary is not None:
            self.step_down()
        self.term = term
        self.elections.note(term)
        self._disk.write(TERM, term)
        self._disk.sync()

    def take_office(self) -> None:
        """Become the primary of the term that it has entered."""
        self.mark("a replica becomes primary")
        self.leader = self.host.name
        self.primary = Primary(self)
        self.primary.begin()

    def step_down(self) -> None:
        """Be a backup again."""
        primary, self.primary, self.leader = self.primary, None, ""
        self.elections.hold_off()
        if primary is not None:
            primary.end()

    def appended(self, source: str, answer: Appended) -> None:
        """Hand a backup's answer to the primary that asked."""
        if self.primary is not None and answer.term == self.term:
            self.primary.appended(source, answer)

    def deposed(self, source: str, news: Deposed) -> None:
        """Learn of a newer term."""
        self.elections.note(news.term)
        if self.primary is not None and news.term > self.term:
            self.mark("a primary learns that it is deposed")
            self.step_down()

    # --- what clients ask -----------------------------------------------------------------------

    def change(self, source: str, asked: Change) -> None:
        """Have the primary do it."""
        if self.primary is None:
            self.host.send(source, Elsewhere(asked.call, self.leader))
        else:
            self.primary.change(source, asked)

    def tell(self, source: str, asked: Question) -> None:
        """Answer what any replica may, and have the primary answer the rest."""
        if self.primary is not None:
            self.primary.tell(source, asked)
        elif asked.anywhere:
            self.answer(source, asked.call, self.read(asked, self.host.now()))
        else:
            self.host.send(source, Elsewhere(asked.call, self.leader))

    def read(self, asked: Question, now: int) -> Outcome | tuple[str, ...]:
        """Return what readers are shown at a time."""
        if isinstance(asked, Scan):
            return self.shown.keys(asked, now)
        record = self.shown.get(asked.key)[1]
        return contract.apply(record, Read(asked.key), now)[1]

    def answer(self, client: str, call: str, outcome: Outcome | tuple[str, ...]) -> None:
        """Tell a client what came of a call."""
        self.host.send(client, Answer(call, outcome))

    def records(self) -> Mapping[str, Record | None]:
        """Return what is under each key after the last entry of the log."""
        if not self.host.up:
            raise Corrupt(f"the disk of {self.host.name}, which therefore does not start")
        return self.log.records

    def mark(self, what: str) -> None:
        """Take down that something worth knowing happened."""
        self.host.world.mark(what)

    def _begin(self, *, is_new: bool) -> None:
        if self.host.name != self.knobs.replicas[0]:
            return
        if is_new:
            # By appointment: its own vote is on the disk, so that it is primary of this term once.
            self.enter(self.term)
            self.leader, self.primary = self.host.name, Primary(self)
        elif self.knobs.failover == "none":
            self.enter(self.elections.next_term())
            self.take_office()

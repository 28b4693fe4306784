"""Who becomes primary after one that is not heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etagere_sim.protocols.primary_backup.messages import NEVER, Canvass, Offset, Term, Vote

if TYPE_CHECKING:
    from etagere_sim.protocols.primary_backup.replica import Replica


class Elections:
    """A replica's part in them: when it stands, and whom it gives its vote.

    Terms are pairs of a number and a candidate. So a voter needs no list of its votes: whoever
    enters a term votes for the one in its name, and enters no older one ever after.
    """

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._host, self._knobs = replica.host, replica.knobs
        self._number = replica.term[0]
        """The highest of a term that it heard of."""
        place = self._knobs.replicas.index(self._host.name)
        self._patience = self._knobs.timeout * (1 + place / 2)
        # It may have promised before it died to elect nobody for that long.
        self._promised = self._host.now() + self._knobs.lease
        if self._knobs.failover != "none":
            self._host.after(self._patience, self._watch)

    def note(self, term: Term) -> None:
        """Take down that there is such a term."""
        self._number = max(self._number, term[0])

    def next_term(self) -> Term:
        """Return a term of its own, newer than all it heard of."""
        return self._number + 1, self._host.name

    def hold_off(self) -> None:
        """Elect nobody for a while: there is a primary, or there soon will be."""
        self._replica.heard = self._host.world.agenda.now
        if self._knobs.lease:
            self._promised = self._host.now() + self._knobs.lease

    def canvass(self, source: str, asked: Canvass) -> Vote:
        """Give a candidate the vote, or refuse it."""
        replica = self._replica
        self.note(asked.term)
        granted = self._may_vote(asked)
        if granted and self._knobs.fencing:
            replica.enter(asked.term)
            replica.heard = self._host.world.agenda.now
        return Vote(granted, replica.term)

    def _may_vote(self, asked: Canvass) -> bool:
        replica, knobs = self._replica, self._knobs
        if knobs.fencing and asked.term <= replica.term:
            return asked.term == replica.term
        if not knobs.fencing and replica.primary is not None:
            return False
        if self._is_bound():
            replica.mark("a vote is refused for the sake of a lease")
            return False
        if knobs.failover == "offset" and self._place(asked.offset) < self._place(
            replica.log.offset
        ):
            replica.mark("a vote is refused for an older log")
            return False
        return True

    def _place(self, offset: Offset) -> Offset:
        # Where terms do not bind, a longer log counts as newer.
        return offset if self._knobs.fencing else (NEVER, offset[1])

    def _is_bound(self) -> bool:
        # A primary is bound by nothing: it stops being one if it votes.
        leased = self._knobs.lease and self._replica.primary is None
        return bool(leased) and self._host.now() < self._promised

    def _watch(self, _: None) -> None:
        replica, now = self._replica, self._host.world.agenda.now
        left = replica.heard + self._patience - now
        waits = replica.primary is not None or left > 0
        self._host.after(left if left > 0 else self._patience, self._watch)
        if not waits:
            replica.heard = now
            if not self._is_bound():
                self._host.spawn(self._stand())

    async def _stand(self) -> None:
        replica, knobs = self._replica, self._knobs
        term = self.next_term()
        if knobs.fencing:
            replica.leader = ""
            replica.enter(term)
        before = replica.term
        if await self._is_elected(term) and replica.term == before and replica.primary is None:
            if not knobs.fencing:
                replica.enter(term)
            replica.take_office()

    async def _is_elected(self, term: Term) -> bool:
        replica, knobs = self._replica, self._knobs
        others = [name for name in knobs.replicas if name != self._host.name]
        if not others or (knobs.failover == "timer" and not knobs.fencing):
            return True
        # Without fencing nobody needs a majority: one that hears of no better log takes over.
        needed = knobs.majority if knobs.fencing else len(others)
        asked = await self._host.ask(
            others,
            Canvass(term, replica.log.offset),
            enough=lambda asked: sum(vote.granted for vote in asked.answers.values()) >= needed,
            within=knobs.timeout / 2,
        )
        votes: list[Vote] = list(asked.answers.values())
        for vote in votes:
            self.note(vote.term)
        refused = sum(not vote.granted for vote in votes)
        if (len(votes) - refused >= needed) if knobs.fencing else not refused:
            return True
        replica.mark("an election is lost")
        return False

"""A change of one key, through as many attempts as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from etagere import contract
from etagere.errors import EtagereError, Interrupted, Unavailable
from etagere.operations import Outcome, Read, Remove, Touch, Write
from etagere_sim.protocols.caspaxos.looking import look
from etagere_sim.protocols.caspaxos.messages import Ballot, Cell

if TYPE_CHECKING:
    from etagere_sim.protocols.caspaxos.prepared import Prepared
    from etagere_sim.protocols.caspaxos.proposer import Proposer

Single: TypeAlias = Read | Write | Remove | Touch

LONGEST = 32
"""How many times longer than at first a proposer waits at most, between attempts."""


class Attempt(Struct, frozen=True):
    """A change that was sent to the acceptors and not confirmed by enough of them."""

    ballot: Ballot
    outcome: Outcome
    """What its caller is told if it turns out to be in place."""


class Change:
    """One operation. Its effect takes place at most once, however often it is tried."""

    def __init__(self, proposer: Proposer, operation: Single) -> None:
        self.operation = operation
        self._proposer = proposer
        self._outcome: Outcome = None
        self._done = False
        self._next: Prepared | None = None
        """What the next attempt, which follows at once, has been promised already."""
        self._open: list[Attempt] = []
        """Attempts that were sent: until a later cell is accepted, one may still come to be."""

    @property
    def is_done(self) -> bool:
        """Whether its outcome is there, and will not change."""
        return self._done

    async def carry_out(self, ends: float) -> Outcome:
        """Try until the outcome is there, or until a moment of true time."""
        knobs, agenda = self._proposer.knobs, self._proposer.host.world.agenda
        pause = knobs.backoff
        self._next = None
        while not self._done:
            if agenda.now + pause > ends:
                return self._given_up()
            began = agenda.now
            self._done = await self._attempt()
            if not self._done and pause and self._next is None:
                # Others need about as long as this one did: who comes back before disturbs them.
                await self._back_off(max(pause, agenda.now - began))
                pause = min(2 * pause, LONGEST * knobs.backoff)
        return self._outcome

    async def _back_off(self, pause: float) -> None:
        proposer = self._proposer
        proposer.mark("a proposer backs off")
        await proposer.host.sleep(pause * proposer.random.uniform(0.5, 2.0))

    async def _attempt(self) -> bool:
        """Try once; return whether the outcome is there."""
        prepared, self._next = self._next, None
        if prepared is None:
            if type(self.operation) is Read and not self._open and await self._look():
                return True
            prepared = await self._proposer.prepare(self.operation.key)
        if prepared is None:
            return False
        if not self._open:
            return await self._apply(prepared)
        self._proposer.mark("an attempt is looked for")
        cell = prepared.cell
        for attempt in self._open:
            if attempt.ballot in cell.changes:
                # In place, but perhaps on too few: with this it is in place for good.
                self._proposer.mark("an attempt is found")
                self._outcome = attempt.outcome
                return await self._accept(prepared, cell.confirmed(prepared.ballot))
        if self._open[0].ballot <= self._untold(cell):
            self._proposer.mark("an attempt is forgotten")
            self._outcome = Interrupted("too much came after it to tell whether it was in place")
            return True
        return await self._apply(prepared)

    async def _look(self) -> bool:
        """Read without asking for promises; return whether the outcome is there."""
        proposer, key = self._proposer, self.operation.key
        cell = await look(proposer, key)
        if cell is None:
            return False
        proposer.saw(key, cell)
        record, self._outcome = contract.apply(cell.record, self.operation, proposer.host.now())
        return record is cell.record

    async def _apply(self, prepared: Prepared) -> bool:
        proposer, cell, ballot = self._proposer, prepared.cell, prepared.ballot
        record, self._outcome = contract.apply(cell.record, self.operation, proposer.host.now())
        if record is cell.record:
            if prepared.chosen and not self._open:
                proposer.keep(self.operation.key, ballot, cell, prepared.configuration)
                return True
            return await self._accept(prepared, cell.confirmed(ballot))
        self._open.append(Attempt(ballot, self._outcome))
        accepted = await self._accept(prepared, cell.changed(ballot, record))
        if not accepted and not proposer.knobs.own_id:
            self._outcome = self._given_up()
            return True
        return accepted

    async def _accept(self, prepared: Prepared, cell: Cell) -> bool:
        proposer = self._proposer
        # Others may have come since the promises were given. Then this is as good as a prepare.
        kept = prepared.at < proposer.host.world.agenda.now
        accepted = await proposer.accept(
            self.operation.key,
            cell,
            prepared.configuration,
            news=bool(self._open),
            or_promise=kept,
        )
        if isinstance(accepted, bool):
            if kept and accepted:
                proposer.mark("one round trip")
            return accepted
        proposer.mark("too late, and prepared")
        self._next = accepted
        return False

    def _untold(self, cell: Cell) -> Ballot:
        """Return up to which ballot a cell does not tell all changes of this proposer."""
        name = self._proposer.name
        later = (change for change in cell.changes if change[1] == name)
        return max((cell.forgotten, *later))

    def _given_up(self) -> EtagereError:
        if self._open and type(self.operation) is not Read:
            return Interrupted("too few acceptors confirmed it in time")
        return Unavailable("too few acceptors answered in time")

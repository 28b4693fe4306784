"""The proposer: carries changes of keys through two rounds, or through one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import TypeVar

from etagere.errors import NotSupported
from etagere.operations import Consistency, Operation, Outcome, Read, Transaction, Write
from etagere_sim.protocols.caspaxos.change import Change, Single
from etagere_sim.protocols.caspaxos.fetching import fetch
from etagere_sim.protocols.caspaxos.knobs import Knobs
from etagere_sim.protocols.caspaxos.messages import (
    Accept,
    Accepted,
    Ballot,
    Cell,
    Configuration,
    Forget,
    Learn,
    Outdated,
    Prepare,
    Promise,
    Refused,
)
from etagere_sim.protocols.caspaxos.prepared import Prepared, prepared
from etagere_sim.world.asking import Asked
from etagere_sim.world.clocks import EPOCH
from etagere_sim.world.hosts import Host
from etagere_sim.world.tasks import Signal

A = TypeVar("A", Promise, Accepted)

REQUESTS = 64
"""How many of the last writes a proposer would know again."""

SLACK = 3.0
"""How many times longer than the last round with enough answers the next one may take."""


class Proposer:
    """Performs operations, those on one key one after the other.

    After a success it holds the promises for its next ballot already, and saves a round trip if no
    other proposer comes in between. Records expire by the clock of the proposer's host.
    """

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self.host = host
        self.knobs = knobs
        self.configuration = knobs.configuration
        # Another life of the same process must not use a ballot again.
        self.name = f"{host.name}.{host.epoch}"
        self._number = 0
        self._patience = knobs.patience
        self._promised: dict[str, Prepared] = {}
        self._turns: dict[str, deque[Signal]] = {}
        self._writes: dict[str, Change] = {}

    @cached_property
    def random(self) -> Random:
        """Random numbers of its own."""
        return self.host.world.stream("caspaxos", self.name)

    async def perform(self, operation: Operation, consistency: Consistency) -> Outcome:
        """Carry out an operation on one key."""
        if type(operation) is Transaction:
            return NotSupported("CASPaxos agrees on each key by itself: no transactions")
        if self.knobs.learn and consistency is Consistency.EVENTUAL and type(operation) is Read:
            return await fetch(self, operation)
        ends = self.host.world.agenda.now + self.knobs.deadline
        key = operation.key
        turns = self._turns.get(key)
        if turns is None:
            self._turns[key] = deque()
        else:
            turns.append(turn := Signal())
            await turn
        try:
            change = self._change(operation)
            outcome = await change.carry_out(ends)
            if change.is_done and type(operation) is Write:
                self._writes.pop(operation.etag, None)
            return outcome
        finally:
            if self._turns[key]:
                self._turns[key].popleft().set()
            else:
                del self._turns[key]

    async def settle(self, key: str) -> bool:
        """Have all acceptors accept what is there; return whether a quorum did."""
        prepared = await self.prepare(key)
        if prepared is None:
            return False
        cell, configuration = prepared.cell.confirmed(prepared.ballot), prepared.configuration
        return await self.accept(key, cell, configuration, everybody=True, news=True) is True

    # --- the two rounds -------------------------------------------------------------------------

    async def prepare(self, key: str) -> Prepared | None:
        """Get promises, or use those that are there. None: too few promised."""
        kept, now = self._promised.pop(key, None), self.host.world.agenda.now
        # A key at rest may have been collected: then the promises are void.
        if kept is not None and now - kept.at < self.knobs.rest:
            return kept
        configuration, ballot = self.configuration, self._next_ballot()
        quorum = configuration.prepare_quorum
        message = Prepare(key, ballot, configuration)
        promises = await self._ask(configuration.preparers, message, Promise, quorum)
        if len(promises) < quorum:
            return None
        cells = [promise.cell for promise in promises]
        return prepared(ballot, cells, configuration, self.host.world.agenda.now)

    async def accept(
        self,
        key: str,
        cell: Cell,
        configuration: Configuration,
        *,
        everybody: bool = False,
        news: bool = False,
        or_promise: bool = False,
    ) -> bool | Prepared:
        """Have a cell accepted; return whether enough did.

        `everybody`: wait for all. `news`: tell the acceptors when it is chosen. `or_promise`: have
        them promise the next ballot even if they refuse; then that is returned, for another try.
        """
        caching = self.knobs.cache and configuration.preparers is configuration.accepters
        following = self._next_ballot() if caching else cell.ballot
        accepters = configuration.accepters
        message = Accept(key, cell, following, configuration, or_promise)
        wanted = len(accepters) if everybody else configuration.accept_quorum
        answers = await self._ask(accepters, message, Accepted, wanted)
        accepted = 0
        cells: list[Cell] = []
        for answer in answers:
            if type(answer) is Promise:
                cells.append(answer.cell)
            else:
                cells.append(cell)
                accepted += 1
        if accepted < configuration.accept_quorum:
            if not or_promise or len(cells) < configuration.prepare_quorum:
                return False
            return prepared(following, cells, configuration, self.host.world.agenda.now)
        if caching and accepted >= configuration.prepare_quorum:
            self.keep(key, following, cell, configuration)
        if news:
            self._tell(key, cell, accepters)
        return True

    def keep(self, key: str, ballot: Ballot, cell: Cell, configuration: Configuration) -> None:
        """Remember promises that were not used up. What was chosen then may not be the last now."""
        if self.knobs.cache and configuration is self.configuration:
            now = self.host.world.agenda.now
            self._promised[key] = Prepared(ballot, cell, False, configuration, now)

    def saw(self, key: str, cell: Cell) -> None:
        """Take notice of what was accepted meanwhile: promises from before it are void."""
        self._number = max(self._number, cell.ballot[0])
        kept = self._promised.get(key)
        if kept is not None and kept.cell.ballot < cell.ballot:
            del self._promised[key]

    def go_by(self, configuration: Configuration) -> None:
        """Go by a configuration from now on, if it is newer."""
        if configuration.era > self.configuration.era:
            self.configuration = configuration
            self._promised.clear()

    def mark(self, what: str) -> None:
        """Take down that something worth knowing happened."""
        self.host.world.mark(what)

    def _next_ballot(self) -> Ballot:
        # By the clock, so that who comes later is rarely refused for a ballot that is too low.
        self._number = max(self._number + 1, self.host.now() - EPOCH)
        return self._number, self.name

    def _tell(self, key: str, cell: Cell, acceptors: Sequence[str]) -> None:
        if self.knobs.learn:
            self._send(acceptors, Learn(key, cell))
        if cell.record is None and self.knobs.collect == "naive":
            self._send(acceptors, Forget(key, cell.ballot, self.configuration))

    def _send(self, acceptors: Sequence[str], message: Learn | Forget) -> None:
        for acceptor in acceptors:
            self.host.send(acceptor, message)

    async def _ask(
        self,
        acceptors: tuple[str, ...],
        message: Prepare | Accept,
        wanted: type[A],
        quorum: int,
    ) -> list[A | Promise]:
        spare = len(acceptors) - quorum

        def enough(asked: Asked[A | Refused | Outdated]) -> bool:
            count = len(asked.answers)
            if count < quorum and count <= spare:
                return False
            against = 0
            for answer in asked.answers.values():
                against += type(answer) is not wanted
            return count - against >= quorum or against > spare

        agenda = self.host.world.agenda
        began = agenda.now
        asked = await self.host.ask(acceptors, message, enough=enough, within=self._patience)
        self._learn_patience(agenda.now - began, enough=len(asked.answers) >= quorum)
        answers: list[A | Promise] = []
        for answer in asked.answers.values():
            if type(answer) is wanted or type(answer) is Promise:
                answers.append(answer)
            elif type(answer) is Refused:
                self._number = max(self._number, answer.promised[0])
            elif type(answer) is Outdated:
                self.go_by(answer.configuration)
        return answers

    def _learn_patience(self, took: float, *, enough: bool) -> None:
        knobs = self.knobs
        if enough:
            self._patience = max(knobs.patience, min(self._patience, SLACK * took))
        else:
            self._patience = min(2 * self._patience, knobs.most_patience)

    # --- requests that come twice ---------------------------------------------------------------

    def _change(self, operation: Single) -> Change:
        """Return what is to be done: of a write that is sent a second time, what was begun.

        What is done is done: then it is a new change, and what is there decides about it.
        """
        if type(operation) is not Write:
            return Change(self, operation)
        known = self._writes.get(operation.etag)
        if known is not None and known.operation == operation and not known.is_done:
            self.mark("a write was sent twice")
            return known
        if len(self._writes) == REQUESTS:
            del self._writes[next(iter(self._writes))]
        change = self._writes[operation.etag] = Change(self, operation)
        return change

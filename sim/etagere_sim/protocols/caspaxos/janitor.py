"""The janitor of a replica: brings keys at rest to all acceptors, and removes tombstones.

Rystsov (2018, section 3.1) removes a tombstone once all acceptors have it, every proposer's ballot
is beyond it, and acceptors refuse proposers of a lower age. Here a proposer's age is the number of
its ballots: an acceptor that removes a slot keeps the slot's promise as one for all keys that have
no slot, so whoever is too young is refused, forgets the promises that it holds, and is told how far
to go forward. So nobody needs to know all proposers, and no promise is ever forgotten: two
proposers that both saw the tombstone cannot both build on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etagere_sim.protocols.caspaxos.knobs import Knobs
from etagere_sim.protocols.caspaxos.messages import (
    Ballot,
    Cell,
    Configuration,
    Forget,
    Outdated,
    Peek,
    Peeked,
)
from etagere_sim.protocols.caspaxos.proposer import Proposer

if TYPE_CHECKING:
    from etagere_sim.protocols.caspaxos.ledger import Ledger
    from etagere_sim.world.asking import Asked
    from etagere_sim.world.hosts import Host

SLOWEST = 4
"""How many times longer than at first a janitor waits at most between two rounds."""


class Janitor:
    """Looks at keys that nobody changed since it last looked. It sleeps when all are clean.

    A key is clean when all acceptors have accepted the same for it last.
    """

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._host = host
        self._knobs = knobs
        self._ledger: Ledger | None = None
        self._proposer = Proposer(host, knobs)
        self._seen: dict[str, Ballot] = {}
        self._clean: dict[str, Ballot] = {}
        self._configuration = knobs.configuration
        self._awake = False
        # Each at a pace of its own, so that they do not meet over a key.
        names = knobs.configuration.accepters
        place = names.index(host.name) if host.name in names else len(names)
        self._pace = self._pause = knobs.rest * (1 + place / (1 + len(names)))

    def begin(self, ledger: Ledger) -> None:
        """Begin to look after the keys of an acceptor."""
        self._ledger = ledger
        if ledger.kept_keys():
            self.stir()

    def stir(self) -> None:
        """Wake up: something was accepted."""
        if not self._awake:
            self._awake = True
            self._host.after(self._pause, self._wake)

    def _wake(self, _: object) -> None:
        self._host.spawn(self._go_round())

    async def _go_round(self) -> None:
        ledger = self._ledger
        assert ledger is not None
        self._follow(ledger.minutes.configuration)
        moved, unclean = False, False
        for key in ledger.kept_keys():
            slot = ledger.slot(key)
            if slot is None:
                unclean = True
                await self._spread(key)
            elif self._clean.get(key) != slot.cell.ballot:
                unclean = True
                if self._seen.get(key) == slot.cell.ballot:
                    await self._tend(key, slot.cell)
                else:
                    self._seen[key] = slot.cell.ballot
                    moved = True
        self._awake = False
        if not unclean:
            self._pause = self._pace
            return
        self._pause = self._pace if moved else min(2 * self._pause, SLOWEST * self._pace)
        self.stir()

    async def _tend(self, key: str, cell: Cell) -> None:
        if not await self._all_have(key, cell.ballot):
            await self._spread(key)
            return
        self._clean[key] = cell.ballot
        if cell.record is None and self._knobs.collect == "on":
            self._host.world.mark("a tombstone is collected")
            for acceptor in self._configuration.accepters:
                self._host.send(acceptor, Forget(key, cell.ballot, self._configuration))

    async def _spread(self, key: str) -> None:
        self._host.world.mark("a janitor spreads a key")
        await self._proposer.settle(key)

    async def _all_have(self, key: str, ballot: Ballot) -> bool:
        accepters = self._configuration.accepters
        asked: Asked[Peeked | Outdated] = await self._host.ask(
            accepters,
            Peek(key, self._configuration),
            enough=len(accepters),
            within=self._knobs.most_patience,
        )
        having = [
            type(answer) is Peeked
            and answer.accepted == ballot
            and (answer.learned == ballot or not self._knobs.learn)
            for answer in asked.answers.values()
        ]
        return len(having) == len(accepters) and all(having)

    def _follow(self, configuration: Configuration) -> None:
        if configuration is not self._configuration:
            self._configuration = configuration
            self._proposer.go_by(configuration)
            self._clean.clear()

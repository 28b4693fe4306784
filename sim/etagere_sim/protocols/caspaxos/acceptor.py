"""The acceptor: remembers, for each key, what it promised and what it accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from etagere.operations import Record
from etagere_sim.protocols.caspaxos.knobs import Knobs
from etagere_sim.protocols.caspaxos.ledger import Ledger, Slot
from etagere_sim.protocols.caspaxos.messages import (
    ZERO,
    Accept,
    Accepted,
    Configuration,
    Fetch,
    Fetched,
    Forget,
    Install,
    Installed,
    Keys,
    Learn,
    ListKeys,
    Look,
    Outdated,
    Peek,
    Peeked,
    Prepare,
    Promise,
    Refused,
    Seen,
)
from etagere_sim.world.hosts import Host


class Acceptor:
    """Keeps its promises: everything is on the disk before it is answered.

    `stirred` is called whenever it accepts something.
    """

    def __init__(self, host: Host, knobs: Knobs, stirred: Callable[[], object]) -> None:
        self.ledger = Ledger(host, knobs.configuration)
        self._world = host.world
        self._naive = knobs.collect == "naive"
        self._stirred = stirred
        host.handlers |= {
            Prepare: self.prepare,
            Accept: self.accept,
            Learn: self.learn,
            Look: self.look,
            Fetch: self.fetch,
            Peek: self.peek,
            Forget: self.forget,
            Install: self.install,
            ListKeys: self.list_keys,
        }

    def prepare(self, source: str, asked: Prepare) -> Promise | Refused | Outdated:
        """Promise a ballot that is higher than all before."""
        ledger = self.ledger
        minutes = ledger.minutes
        if asked.configuration is not minutes.configuration and self._is_old(asked.configuration):
            return Outdated(ledger.minutes.configuration)
        slot = ledger.slot(asked.key)
        if slot is None:
            # Whatever it says of what it accepted would be a guess.
            return Refused((minutes.ceiling, ""))
        if asked.ballot <= slot.promised:
            return Refused(slot.promised)
        ledger.keep(asked.key, Slot(asked.ballot, slot.cell, slot.learned))
        return Promise(slot.cell)

    def accept(self, source: str, asked: Accept) -> Accepted | Promise | Refused | Outdated:
        """Accept under a ballot, unless a higher one has a promise."""
        ledger = self.ledger
        minutes = ledger.minutes
        if asked.configuration is not minutes.configuration and self._is_old(asked.configuration):
            return Outdated(ledger.minutes.configuration)
        slot = ledger.slot(asked.key)
        ballot = asked.cell.ballot
        if slot is None:
            if ballot[0] <= minutes.ceiling:
                return Refused((minutes.ceiling, ""))
            self._world.mark("a lost slot is filled")
            slot = ledger.fresh
        elif ballot < slot.promised:
            if not asked.or_promise or asked.next_ballot <= slot.promised:
                return Refused(slot.promised)
            ledger.keep(asked.key, Slot(asked.next_ballot, slot.cell, slot.learned))
            return Promise(slot.cell)
        ledger.keep(asked.key, Slot(asked.next_ballot, asked.cell, slot.learned))
        self._stirred()
        return Accepted(ballot)

    def look(self, source: str, asked: Look) -> Seen | Outdated:
        """Tell what was accepted last, and promise nothing."""
        if self._is_old(asked.configuration):
            return Outdated(self.ledger.minutes.configuration)
        slot = self.ledger.slot(asked.key)
        return Seen(None if slot is None else slot.cell)

    def learn(self, source: str, told: Learn) -> None:
        """Take down what is chosen."""
        slot = self.ledger.slot(told.key)
        if slot is not None and told.cell.ballot > slot.learned.ballot:
            self.ledger.note(told.key, Slot(slot.promised, slot.cell, told.cell))

    def fetch(self, source: str, asked: Fetch) -> Fetched | None:
        """Tell what is known to be chosen, and nothing that is only accepted."""
        slot = self.ledger.slot(asked.key)
        return None if slot is None else Fetched(slot.learned.record)

    def peek(self, source: str, asked: Peek) -> Peeked | Outdated:
        """Tell how far a key has come here."""
        if self._is_old(asked.configuration):
            return Outdated(self.ledger.minutes.configuration)
        slot = self.ledger.slot(asked.key)
        if slot is None:
            return Peeked(None, ZERO)
        return Peeked(slot.cell.ballot, slot.learned.ballot)

    def forget(self, source: str, asked: Forget) -> None:
        """Remove a tombstone, if nothing has come after it."""
        ledger = self.ledger
        slot = ledger.slot(asked.key)
        if slot is None or slot.cell.ballot != asked.ballot or self._is_old(asked.configuration):
            return
        if self._naive:
            ledger.erase(asked.key)
        else:
            self._world.mark("a tombstone is removed")
            ledger.remove(asked.key, slot)

    def install(self, source: str, asked: Install) -> Installed:
        """Go by a configuration, unless there is a newer one."""
        self._is_old(asked.configuration)
        return Installed(self.ledger.minutes.configuration.era)

    def list_keys(self, source: str, asked: ListKeys) -> Keys:
        """Tell the names of all keys."""
        return Keys(tuple(self.ledger.kept_keys()))

    def records(self) -> Mapping[str, Record | None]:
        """Return what was accepted for each key. Raises `Corrupt` if it can promise nothing."""
        self.ledger.check()
        slots = [(key, self.ledger.slot(key)) for key in self.ledger.kept_keys()]
        return {key: slot.cell.record for key, slot in slots if slot is not None}

    def _is_old(self, configuration: Configuration) -> bool:
        """Tell whether a newer configuration is known here; go by this one, if it is the newer."""
        known = self.ledger.minutes.configuration.era
        if configuration.era > known:
            self._world.mark("a configuration is adopted")
            self.ledger.adopt(configuration)
            self._stirred()
        elif configuration.era < known:
            self._world.mark("an old configuration is refused")
        return configuration.era < known

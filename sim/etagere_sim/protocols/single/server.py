"""The one server: applies what it is asked, one request after the other."""

from __future__ import annotations

from collections.abc import Mapping

from etagere import contract
from etagere.operations import Mutation, Outcome, Read, Record, Transaction
from etagere_sim.protocols.single.messages import (
    Change,
    Done,
    Found,
    Get,
    Ledger,
    Listed,
    Scan,
)
from etagere_sim.world.hosts import Host

FLUSH = 1000.0
"""Milliseconds between two syncs of a server that does not sync each change."""
RECORD, LEDGER = "record ", "ledger "
FRESH = Ledger()


class Server:
    """Keeps the records and, in one sync with them, the outcomes that may be asked for again."""

    def __init__(self, host: Host, *, fsync: bool) -> None:
        self._host = host
        self._disk = host.disk
        self._fsync = fsync
        host.handlers[Get] = self.get
        host.handlers[Scan] = self.scan
        host.handlers[Change] = self.change
        if not fsync:
            host.after(FLUSH, self._flush)

    def get(self, source: str, asked: Get) -> Found:
        """Return the record under a key."""
        return Found(self._read(asked.key))

    def scan(self, source: str, asked: Scan) -> Listed:
        """Return the keys that are asked for, in the order of their code points, as in UTF-8."""
        wanted = (key for key in self.records() if key.startswith(asked.prefix))
        keys = sorted(key for key in wanted if key > asked.after and self._read(key) is not None)
        return Listed(tuple(keys[: asked.limit]))

    def change(self, source: str, asked: Change) -> Done | None:
        """Do what is asked, unless it was done before; return the outcome."""
        name = LEDGER + asked.client
        ledger: Ledger = self._disk.read(name) or FRESH
        answer = ledger.answer_to(asked.number)
        if answer is not None:
            self._host.world.mark("request seen before")
            return answer
        if asked.number < ledger.oldest:
            self._host.world.mark("request came too late")
            return None  # a copy of one that was answered: nobody waits for it
        answer = Done(self._apply(asked.mutation))
        self._disk.write(name, ledger.with_answer(asked, answer))
        if self._fsync:
            self._disk.sync()
        return answer

    def records(self) -> Mapping[str, Record | None]:
        """Return the records."""
        names = (name for name in self._disk.names() if name.startswith(RECORD))
        return {name.removeprefix(RECORD): self._disk.read(name) for name in names}

    def _apply(self, mutation: Mutation) -> Outcome:
        now = self._host.now()
        if type(mutation) is Transaction:
            changes, outcome = contract.apply_transaction(self._find, mutation, now)
            for key, record in changes.items():
                self._disk.write(RECORD + key, record)
            return outcome
        before = self._find(mutation.key)
        record, outcome = contract.apply(before, mutation, now)
        if record is not before:
            self._disk.write(RECORD + mutation.key, record)
        return outcome

    def _read(self, key: str) -> Outcome:
        return contract.apply(self._find(key), Read(key), self._host.now())[1]

    def _find(self, key: str) -> Record | None:
        record: Record | None = self._disk.read(RECORD + key)
        return record

    def _flush(self, _: object) -> None:
        self._disk.sync()
        self._host.after(FLUSH, self._flush)

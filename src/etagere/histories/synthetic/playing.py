"""Clients that play against one sequential store."""

from __future__ import annotations

from random import Random

from msgspec import Struct
from msgspec.structs import replace

from etagere.contract import apply, apply_transaction
from etagere.histories.history import Call, History, Kind, Status, in_order
from etagere.histories.synthetic.workload import Workload
from etagere.operations import (
    KEEP,
    Conflict,
    Consistency,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)


def generate(workload: Workload) -> History:
    """Return a linearizable history."""
    return _Run(workload).history()


class _Pending(Struct):
    """An operation between its start and its answer."""

    call: Call
    operation: Read | Write | Remove | Touch | Transaction
    is_lost: bool
    took_effect: bool = False


class _Run:
    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.random = Random(workload.seed)  # noqa: S311
        self.now = 0
        self.minted = 0
        self.calls: list[Call] = []
        names = [f"k{number}" for number in range(workload.keys)]
        first = Record(b"v0", "e0") if workload.initial else None
        self.past: dict[str, list[Record | None]] = {name: [first] for name in names}
        self.known: dict[str, list[str]] = {name: [] for name in names}
        """The etags that clients have heard of."""
        self.clients: list[_Pending | None] = [None] * workload.clients
        self.crashes = [0] * workload.clients
        self.lost: list[_Pending] = []

    def history(self) -> History:
        left = self.workload.operations
        while left or any(self.clients):
            client = self.random.randrange(len(self.clients))
            pending = self.clients[client]
            if self.lost and self.random.random() < 0.1:
                self._take_effect(self.lost.pop(self.random.randrange(len(self.lost))))
            if pending is None:
                if left:
                    left -= 1
                    self._start(client)
            elif not pending.took_effect:
                self._take_effect(pending)
            else:
                self.clients[client] = None
                self.calls.append(replace(pending.call, finish=self._tick()))
        initial = "v0" if self.workload.initial else None
        return History(in_order(self.calls), "synthetic", initial)

    def _start(self, client: int) -> None:
        is_lost = self._chance(self.workload.unknown)
        call, operation = self._operation()
        crashes = self.crashes[client]
        name = f"c{client + 1}" + (f"~{crashes + 1}" if crashes else "")
        call = replace(call, start=self._tick(), client=name)
        pending = _Pending(call, operation, is_lost)
        if not is_lost:
            self.clients[client] = pending
            return
        self.crashes[client] += 1
        if isinstance(operation, Write) and self._chance(self.workload.telling):
            # The writer minted the etag, so it knows what it would be.
            call = replace(call, etag=operation.etag)
        self.calls.append(call)
        if self._chance(0.5):
            self.lost.append(pending)

    # --- what is asked ----------------------------------------------------------------------------

    def _operation(self) -> tuple[Call, Read | Write | Remove | Touch | Transaction]:
        share, chance = self.workload, self.random.random()
        key = self.random.choice(list(self.past))
        if chance < share.reads:
            eventual = self._chance(share.eventual)
            consistency = Consistency.EVENTUAL if eventual else Consistency.STRONG
            return Call(kind=Kind.GET, start=0, key=key, consistency=consistency), Read(key)
        if self._chance(share.transactions):
            both = [self._mutation(self.random.choice(list(self.past))) for _ in range(3)]
            parts = tuple(operation for _, operation in both if not isinstance(operation, Touch))
            calls = tuple(call for call, _ in both if call.kind is not Kind.TOUCH)
            if parts:
                return Call(kind=Kind.TRANSACTION, start=0, parts=calls), Transaction(parts)
        return self._mutation(key)

    def _mutation(self, key: str) -> tuple[Call, Write | Remove | Touch]:
        expected = self._expectation(key)
        ttl = self.random.randrange(5, 50) if self._chance(self.workload.expiring) else None
        if self._chance(self.workload.touches):
            call = Call(kind=Kind.TOUCH, start=0, key=key, expected=expected, ttl=ttl)
            return call, Touch(key, ttl, expected)
        if self._chance(self.workload.deletes):
            call = Call(kind=Kind.DELETE, start=0, key=key, expected=expected)
            return call, Remove(key, expected)
        self.minted += 1
        value, etag = f"v{self.minted}", f"e{self.minted}"
        kept = ttl is not None and ttl % 5 == 0
        call = Call(
            kind=Kind.SET, start=0, key=key, expected=expected, value=value, ttl=0 if kept else ttl
        )
        return call, Write(key, value.encode(), etag, expected, KEEP if kept else ttl)

    def _expectation(self, key: str) -> str | None:
        if not self._chance(self.workload.conditional):
            return None
        known = self.known[key]
        if not known or self._chance(0.2):
            return ""
        return known[-1] if self._chance(0.8) else self.random.choice(known[-10:])

    # --- what happens -----------------------------------------------------------------------------

    def _take_effect(self, pending: _Pending) -> None:
        operation = pending.operation
        if isinstance(operation, Transaction):
            changes, outcome = apply_transaction(self._record, operation, self._tick())
        elif pending.call.consistency is Consistency.EVENTUAL:
            changes, outcome = {}, self.random.choice(self.past[operation.key][-5:])
        else:
            record, outcome = apply(self._record(operation.key), operation, self._tick())
            changes = {operation.key: record}
        for key, record in changes.items():
            # An expired record was a state of its own that eventual reads may see.
            self.past[key].append(record)
            del self.past[key][:-10]
        pending.took_effect = True
        if not pending.is_lost:
            pending.call = self._answered(pending.call, operation, outcome)

    def _record(self, key: str) -> Record | None:
        return self.past[key][-1]

    def _answered(
        self,
        call: Call,
        operation: Read | Write | Remove | Touch | Transaction,
        outcome: Outcome,
    ) -> Call:
        telling = self._chance(self.workload.telling)
        if isinstance(outcome, Conflict):
            actual = (outcome.actual or "") if telling else None
            return replace(call, status=Status.MISMATCH, actual=actual, index=outcome.index)
        call = replace(call, status=Status.OK)
        if isinstance(operation, Transaction):
            parts = zip(call.parts, operation.operations, strict=True)
            return replace(call, parts=tuple(self._part(part, done) for part, done in parts))
        if isinstance(outcome, Record):
            self.known[operation.key].append(outcome.etag)
            return replace(call, value=outcome.value.decode(), etag=outcome.etag, found=True)
        if isinstance(operation, Write):
            return self._part(call, operation)
        found = outcome is True if telling or isinstance(operation, Read) else None
        return replace(call, found=found)

    def _part(self, call: Call, operation: Write | Remove) -> Call:
        if isinstance(operation, Write) and not self._chance(self.workload.silent):
            self.known[operation.key].append(operation.etag)
            return replace(call, etag=operation.etag)
        return call

    def _tick(self) -> int:
        self.now += 1
        return self.now

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

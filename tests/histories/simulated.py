"""Histories of a store that was really there: a simulation picks the moment of each effect.

`etagere.contract` decides what happens; so every history from here has an order, until `spoiled`
changes what somebody was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from msgspec.structs import replace

from etagere.contract import apply
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.operations import Conflict, Record
from tests.histories.oracles import operation_of

KINDS = [Kind.GET, Kind.GET, Kind.SET, Kind.SET, Kind.SET, Kind.DELETE, Kind.TOUCH]


class Store:
    """One key, and the clients that are at work on it."""

    def __init__(self, random: Random, lost: float, mortal: bool) -> None:
        self.random = random
        self.lost = lost
        self.mortal = mortal
        self.record: Record | None = None
        self.etags = ["nobody's"]

    def request(self, number: int, start: int, client: str) -> Call:
        kind = self.random.choice(KINDS)
        recent = self.random.choice(self.etags[-3:])
        expected = self.random.choice([None, "", recent, self.etags[-1]])
        writing = kind is Kind.SET
        mortal = self.mortal and kind in (Kind.SET, Kind.TOUCH) and self.random.random() < 0.4
        return Call(
            kind=kind,
            start=start,
            client=client,
            key="k",
            expected=None if kind is Kind.GET else expected,
            value=f"v{number}" if writing else None,
            etag=f"e{number}" if writing else None,
            ttl=1 if mortal else None,
        )

    def perform(self, call: Call) -> Any:
        if self.record is not None and self.record.expires_at and self.random.random() < 0.4:
            self.record = None
        self.record, outcome = apply(self.record, operation_of(call), 0)
        if self.record is not None and self.record.etag not in self.etags:
            self.etags.append(self.record.etag)
        return outcome

    def answer(self, call: Call, outcome: Any, finish: int) -> Call:
        if self.random.random() < self.lost:
            return replace(call, etag=None if self.random.random() < 0.7 else call.etag)
        if type(outcome) is Conflict:
            told = self.random.choice([None, outcome.actual or ""])
            return replace(call, status=Status.MISMATCH, finish=finish, actual=told)
        if type(outcome) is Record:
            value, etag = outcome.value.decode(), outcome.etag
            call = replace(call, found=True, value=value, etag=etag)
        elif call.kind is not Kind.SET:
            call = replace(call, found=bool(outcome))
        return replace(call, status=Status.OK, finish=finish)


def simulated(random: Random, calls: int, clients: int, lost: float, mortal: bool) -> list[Call]:
    """Return a history of one key, by start."""
    store = Store(random, lost, mortal)
    asked: dict[int, Call] = {}
    performed: dict[int, Any] = {}
    done: list[Call] = []
    for time in range(100 * calls):
        client = random.randrange(clients)
        if client not in asked:
            if len(done) + len(asked) < calls:
                asked[client] = store.request(
                    len(done) + len(asked) + 100 * time, time, str(client)
                )
        elif client in performed:
            done.append(store.answer(asked.pop(client), performed.pop(client), time))
        elif random.random() < store.lost / 3:
            done.append(asked.pop(client))
        else:
            performed[client] = store.perform(asked[client])
    return sorted(done, key=lambda call: call.start)


def spoiled(random: Random, calls: Sequence[Call]) -> list[Call]:
    """Return a history in which somebody was told something else."""
    calls = list(calls)
    index = random.randrange(len(calls))
    call = calls[index]
    reads = [each for each in calls if each.kind is Kind.GET and each.status is Status.OK]
    if call.kind is Kind.GET and reads:
        read, finish = random.choice(reads), min(call.finish, call.start + 1000)
        told = {"found": read.found, "value": read.value, "etag": read.etag}
        calls[index] = replace(call, status=Status.OK, finish=finish, **told)
    elif call.finish < NEVER and random.random() < 0.4:
        calls[index] = replace(call, finish=call.start + (call.finish - call.start) // 3)
    elif call.status is Status.MISMATCH:
        calls[index] = replace(call, status=Status.OK, actual=None)
    elif call.status is Status.OK and call.expected is not None:
        calls[index] = replace(call, status=Status.MISMATCH, found=None)
    return calls

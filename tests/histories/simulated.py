"""Histories of a store that was really there: a simulation picks the moment of each effect.

`etagere.contract` decides what happens; so every history from here has an order, until `spoiled`
changes what somebody was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import Any

from msgspec.structs import replace

from etagere.contract import apply
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.steps import Step
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


def texts(
    random: Random, operations: int, clients: int, *, stuck: float = 0.0, keys: int = 10
) -> list[Step]:
    """Return a history of texts, by start: each client has a call under way all the time.

    That is how the histories of Porcupine's key-value store are. `stuck` is the share of calls that
    take fifty times as long.
    """
    planned = sorted(_plans(random, operations, clients, stuck))[:operations]
    bounds = sorted({bound for plan in planned for bound in (plan[0], plan[2])})
    tick = {bound: number for number, bound in enumerate(bounds)}
    held: dict[str, str] = {}
    steps: list[Step] = []
    for start, _, finish, client, number in sorted(planned, key=lambda plan: plan[1]):
        key, text = str(random.randrange(keys)), f"x {client} {number} y"
        [function] = random.choices(["get", "append", "put"], [42, 52, 6])
        before = held.get(key, "")
        getting = function == "get"
        if not getting:
            held[key] = text if function == "put" else before + text
        steps.append(
            Step(
                function=function,
                argument=None if getting else text,
                result=before if getting else None,
                start=2 * tick[start],
                # A client begins its next call after the one before.
                finish=2 * tick[finish] - 1,
                status=Status.OK,
                client=str(client),
                key=key,
            )
        )
    return sorted(steps, key=lambda step: step.start)


def _plans(
    random: Random, operations: int, clients: int, stuck: float
) -> list[tuple[float, float, float, int, int]]:
    """Return when each call starts, takes effect and finishes; more calls than are wanted."""
    plans: list[tuple[float, float, float, int, int]] = []
    for client in range(clients):
        now = random.random()
        for number in range(operations if clients < 10 else 40 * operations // clients):
            took = random.expovariate(1) * (50 if random.random() < stuck else 1)
            plans.append((now, now + took * random.random(), now + took, client, number))
            now += took
    return plans


def misread(random: Random, steps: Sequence[Step], keys: int) -> list[Step]:
    """Return a history of texts in which, on some keys, a get saw a text that was gone before."""
    steps = list(steps)
    for key in random.sample(sorted({step.key for step in steps}), keys):
        gets = [i for i, step in enumerate(steps) if step.function == "get" and step.key == key]
        old, _, late = random.choice(
            [
                (old, new, late)
                for old, new, late in combinations(gets, 3)
                if steps[old].finish < steps[new].start
                and steps[new].finish < steps[late].start
                and steps[old].result != steps[new].result
            ]
        )
        steps[late] = replace(steps[late], result=steps[old].result)
    return steps

"""Clients that play their programs, and write down what they were told."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from etagere.backend import ETagOrigin
from etagere.errors import EtagereError, Interrupted, NotReplicated
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.operations import (
    ABSENT,
    ANYTHING,
    Conflict,
    Consistency,
    Outcome,
    Read,
    Record,
    Remove,
    Write,
)
from etagere.recovery import may_be_sent_twice, merge
from etagere_sim.campaigns.workloads import Ask, Intent
from etagere_sim.cluster import Cluster
from etagere_sim.kernel.agenda import Agenda
from etagere_sim.world.hosts import Host
from etagere_sim.world.tasks import Task

Asked = Read | Write | Remove
AGAIN = 20.0
"""Milliseconds before a step that must be done is tried once more."""


class Notebook:
    """The calls of one run, in an order that needs no clock."""

    def __init__(self, agenda: Agenda) -> None:
        self.calls: list[Call] = []
        self.times: list[float] = []
        """The virtual milliseconds of each moment, from moment 1."""
        self._agenda = agenda

    def moment(self) -> int:
        """Return the next number in the order of what happened."""
        self.times.append(self._agenda.now)
        return len(self.times)

    def note(
        self, client: str, start: int, operation: Asked, level: Consistency, outcome: Outcome
    ) -> Call:
        """Write down a call whose outcome is there."""
        call = call_of(client, start, self.moment(), operation, level, outcome)
        self.calls.append(call)
        return call

    def in_order(self) -> list[Call]:
        """Return the calls in the order of their starts."""
        return sorted(self.calls, key=lambda call: call.start)


class Outside(Protocol):
    """Where clients are: time passes there as everywhere, and nothing happens to it."""

    def sleep(self, milliseconds: float) -> Awaitable[object]:
        """Let time pass."""
        ...


class Client:
    """One client: plays a program through the coordinator on its host.

    The client itself does not die with the host. It is told that nothing is known, and goes on when
    the host is back, as somebody would who calls a service.
    """

    def __init__(self, cluster: Cluster, host: Host, outside: Outside, notebook: Notebook) -> None:
        self.name = host.name
        self.seen: dict[str, str] = {}
        """The ETag that it saw last, by key."""
        self._cluster = cluster
        self._host = host
        self._outside = outside
        self._notebook = notebook
        self._requests = 0

    async def play(self, program: Sequence[Intent]) -> None:
        """Do one step after the other."""
        for intent in program:
            await self._outside.sleep(intent.pause)
            await self.do(intent)

    async def insist(self, intent: Intent) -> None:
        """Do one step, again and again until it is done."""
        await self._outside.sleep(intent.pause)
        while (await self.do(intent)).status is not Status.OK:
            await self._outside.sleep(AGAIN)

    async def do(self, intent: Intent) -> Call:
        """Do one step, and write down what came of it."""
        self._requests += 1
        operation = self._operation(intent)
        start = self._notebook.moment()
        outcome = await self._perform(operation, intent.consistency)
        call = self._notebook.note(self.name, start, operation, intent.consistency, outcome)
        seen = call.actual if call.status is Status.MISMATCH else call.etag
        self.seen[intent.key] = seen or ABSENT
        return call

    async def _perform(self, operation: Asked, level: Consistency) -> Outcome:
        host = self._host
        while not host.up:
            await self._outside.sleep(1.0)
        try:
            outcome = await self._sent(operation, level)
        except EtagereError as died:
            return died
        if type(operation) is Remove and isinstance(outcome, bool):
            return outcome if self._cluster.capabilities.deletes_tell else None
        return outcome

    async def _sent(self, operation: Asked, level: Consistency) -> Outcome:
        first = self._send(operation, level)
        again = self._host.world.repeats.get((self.name, self._requests))
        if again is None or not may_be_sent_twice(operation, ETagOrigin.WRITER):
            return await first
        await self._outside.sleep(again.after)
        if first.done:
            return await first
        self._host.world.befell(again)
        second = self._send(operation, level)
        return merge(operation, Interrupted("not answered in time"), await second)

    def _send(self, operation: Asked, level: Consistency) -> Task[Outcome]:
        coordinator = self._cluster.coordinators[self.name]
        return self._host.spawn(coordinator.perform(operation, level))

    def _operation(self, intent: Intent) -> Asked:
        if intent.ask is Ask.GET:
            return Read(intent.key)
        if intent.ask is Ask.DELETE:
            return Remove(intent.key)
        # A value and an ETag that nobody writes again: a read names its write.
        name = f"{self.name}.{self._requests}"
        expected = self.seen.get(intent.key, ABSENT) if intent.ask is Ask.SWAP else ANYTHING
        return Write(intent.key, name.encode(), intent.etag or name, expected)


def call_of(
    client: str, start: int, finish: int, operation: Asked, level: Consistency, outcome: Outcome
) -> Call:
    """Return what a client asked and was told as a call of a history."""
    kind, expected, value, etag, found, actual = Kind.GET, None, None, None, None, None
    status = Status.OK
    if type(operation) is Write:
        kind, expected = Kind.SET, operation.expected
        value, etag = operation.value.decode(), operation.etag
    elif type(operation) is Remove:
        kind, expected = Kind.DELETE, operation.expected
    if isinstance(outcome, EtagereError):
        status, finish = _status_of(outcome, finish)
    elif type(outcome) is Conflict:
        status, actual, etag = Status.MISMATCH, outcome.actual or ABSENT, None
    elif type(outcome) is Record:
        value, etag, found = outcome.value.decode(), outcome.etag, True
    elif kind is Kind.GET:
        found = False
    elif kind is Kind.DELETE:
        found = None if outcome is None else outcome is True
    return Call(
        kind=kind,
        start=start,
        finish=finish,
        status=status,
        client=client,
        key=operation.key,
        expected=expected,
        value=value,
        etag=etag,
        found=found,
        actual=actual,
        consistency=level,
    )


def _status_of(error: EtagereError, finish: int) -> tuple[Status, int]:
    if isinstance(error, Interrupted | NotReplicated):
        # Under-replicated: it is in place somewhere, and may still be lost.
        return Status.INFO, NEVER
    return Status.FAIL, finish

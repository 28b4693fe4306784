"""The client's side of the one server: asks until there is an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from etagere.errors import EtagereError, Interrupted, Unavailable
from etagere.operations import Consistency, Mutation, Operation, Outcome, Read
from etagere_sim.protocols.single.knobs import Knobs
from etagere_sim.protocols.single.messages import Change, Done, Found, Get, Listed, Scan
from etagere_sim.world.asking import Asked
from etagere_sim.world.hosts import Host

A = TypeVar("A", Found, Listed, Done)


class Client:
    """Performs operations on the one server. Strong and eventual are the same: there is one copy.

    It asks again under the number of the first time, unless it is `naive`.
    """

    def __init__(self, host: Host, server: str, knobs: Knobs) -> None:
        self._host = host
        self._server = (server,)
        self._knobs = knobs
        # Another life of the same process must not number its requests like this one.
        self._name = f"{host.name}.{host.epoch}"
        self._last = 0
        self._open: dict[int, None] = {}

    async def perform(self, operation: Operation, consistency: Consistency) -> Outcome:
        """Carry out an operation."""
        if type(operation) is not Read:
            return await self._change(operation)
        found = await self._ask(Get(operation.key), Found)
        return Unavailable("no answer in time") if found is None else found.outcome

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> Sequence[str] | EtagereError:
        """Return the keys that start with `prefix` and sort after `after`, `limit` at most."""
        listed = await self._ask(Scan(prefix, after, limit), Listed)
        return Unavailable("no answer in time") if listed is None else listed.keys

    async def _change(self, mutation: Mutation) -> Outcome:
        number = self._next()
        self._open[number] = None
        oldest = next(iter(self._open))
        done = await self._ask(Change(self._name, number, oldest, mutation), Done)
        del self._open[number]
        return Interrupted("no answer in time") if done is None else done.outcome

    async def _ask(self, message: Get | Scan | Change, wanted: type[A]) -> A | None:
        agenda = self._host.world.agenda
        ends, patience = agenda.now + self._knobs.deadline, self._knobs.patience
        while agenda.now < ends:
            asked: Asked[A] = await self._host.ask(self._server, message, enough=1, within=patience)
            for answer in asked.answers.values():
                return answer
            self._host.world.mark("asked again")
            if self._knobs.naive and type(message) is Change:
                message = replace(message, number=self._next())
        return None

    def _next(self) -> int:
        self._last += 1
        return self._last

"""The coordinator on a client's host: finds the primary, and brings operations to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

from etagere.errors import EtagereError, Interrupted, Unavailable
from etagere.operations import Consistency, Operation, Outcome, Read
from etagere_sim.protocols.primary_backup.knobs import Knobs
from etagere_sim.protocols.primary_backup.messages import (
    Answer,
    Change,
    Elsewhere,
    Fetch,
    Request,
    Scan,
)
from etagere_sim.world.asking import Asked
from etagere_sim.world.hosts import Host

PAUSE = 1.0
"""Milliseconds before the second attempt. Doubles with each one."""

Told: TypeAlias = Answer | Elsewhere


class Coordinator:
    """Sends an operation again until it is answered, under one name, so that it is done once.

    The entry in the log has that name and the outcome (Raft, section 8). So a lost answer is made
    up for even where others wrote the key since.
    """

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._host = host
        self._knobs = knobs
        self._primary = knobs.replicas[0]
        self._backup = 0
        self._calls = 0
        self._open: dict[str, Asked[Told]] = {}
        host.handlers[Answer] = self._told
        host.handlers[Elsewhere] = self._told

    async def perform(self, operation: Operation, consistency: Consistency) -> Outcome:
        """Carry out an operation.

        One that changes something and is never answered is `Interrupted`, even if all that could
        be asked refused it: a network may bring a message twice, and who refused may not again.
        """
        call, strong = self._name(), consistency is Consistency.STRONG
        if isinstance(operation, Read):
            anywhere = self._knobs.backup_reads and not strong
            return cast("Outcome", await self._ask(Fetch(call, operation.key, strong, anywhere)))
        return cast("Outcome", await self._ask(Change(call, operation, strong)))

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> Sequence[str] | EtagereError:
        """Return the keys that start with `prefix` and sort after `after`, `limit` at most."""
        strong = consistency is Consistency.STRONG
        anywhere = self._knobs.backup_reads and not strong
        scan = Scan(self._name(), prefix, after, limit, strong, anywhere)
        return cast("Sequence[str] | EtagereError", await self._ask(scan))

    def _name(self) -> str:
        self._calls += 1
        return f"{self._host.name}.{self._host.epoch}.{self._calls}"

    async def _ask(self, request: Request) -> Outcome | tuple[str, ...]:
        agenda, pause = self._host.world.agenda, PAUSE
        ends = agenda.now + self._knobs.deadline
        target = self._first(request)
        while True:
            answer = await self._attempt(target, request)
            if type(answer) is Answer:
                return answer.outcome
            if agenda.now + pause > ends:
                return self._given_up(request)
            target = self._next(target, answer)
            await self._host.sleep(pause)
            pause = min(2 * pause, self._knobs.beat)

    async def _attempt(self, target: str, request: Request) -> Told | None:
        asked: Asked[Told] = Asked((target,), 1)
        self._open[request.call] = asked
        self._host.send(target, request)
        self._host.after(self._knobs.timeout, asked.end)
        await asked
        del self._open[request.call]
        return next(iter(asked.answers.values()), None)

    def _told(self, source: str, answer: Told) -> None:
        asked = self._open.get(answer.call)
        # The answer of who was asked before is as good; its not being the primary is no news.
        if asked is not None and (type(answer) is Answer or source in asked.targets):
            asked.answered(source, answer)

    def _first(self, request: Request) -> str:
        backups = [name for name in self._knobs.replicas if name != self._primary]
        if isinstance(request, Change) or not request.anywhere or not backups:
            return self._primary
        self._backup += 1
        return backups[self._backup % len(backups)]

    def _next(self, target: str, answer: Told | None) -> str:
        replicas = self._knobs.replicas
        if isinstance(answer, Elsewhere) and answer.primary not in ("", target):
            self._host.world.mark("a client is sent to the primary")
            self._primary = answer.primary
        else:
            self._host.world.mark("a client asks around for the primary")
            self._primary = replicas[(replicas.index(target) + 1) % len(replicas)]
        return self._primary

    def _given_up(self, request: Request) -> EtagereError:
        kind = Interrupted if isinstance(request, Change) else Unavailable
        return kind(f"no primary answered within {self._knobs.deadline:g} ms")

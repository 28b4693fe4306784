"""Whom a coordinator asks, how long it waits, and who steps in for those that do not answer.

Sloppy quorums: DeCandia et al., SOSP 2007, section 4.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TypeVar

from etagere import contract
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.messages import Done, Get, Got, Hold, Mend, Put
from etagere_sim.protocols.dynamo.versions import Cell, Version, time_of
from etagere_sim.world.asking import Asked
from etagere_sim.world.hosts import Host

A = TypeVar("A", Got, Done)


class Quorums:
    """Puts questions to the replicas of a key."""

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._host = host
        self._knobs = knobs
        self._ring = knobs.ring
        self._within = min(knobs.patience, knobs.timeout) if knobs.sloppy else knobs.timeout
        self._random = None if knobs.expanding else host.world.stream("subsets", host.name)

    async def read(self, question: Get, r: int) -> Asked[Got]:
        """Ask what is there; return the answers, R of them if all goes well.

        Those of hosts that stand in for others are among them.
        """
        targets = self._targets(question.key, r)
        asked: Asked[Got] = self._host.ask(targets, question, enough=r, within=self._within)
        await asked
        if len(asked) < r and self._knobs.sloppy:
            self._host.world.mark("a read asks stand-ins")
            pairs = self._pairs(question.key, asked)
            more = await self._ask_more(asked, [holder for holder, _ in pairs], question, r)
            asked.answers.update(more.answers)
        return asked

    async def write(self, question: Put | Mend, w: int) -> list[Done]:
        """Ask to write; return what those said who did, W of them if all goes well.

        Those of hosts that stand in for others are among them.
        """
        knobs, host = self._knobs, self._host
        targets = self._targets(question.key, w)
        asked: Asked[Done] = host.ask(targets, question, enough=w, within=self._within)
        if knobs.hints:
            host.after(knobs.patience, self._leave_hints, (asked, question, w))
        await asked
        if len(asked) < w and knobs.sloppy:
            host.world.mark("a write asks stand-ins")
            pairs = self._pairs(question.key, asked)
            hold = Hold(question.key, cell_of(question), pairs)
            more = await self._ask_more(asked, [holder for holder, _ in pairs], hold, w)
            return [*asked.answers.values(), *more.answers.values()]
        return list(asked.answers.values())

    def _targets(self, key: str, enough: int) -> Sequence[str]:
        replicas = self._ring.replicas_of(key)
        return replicas if self._random is None else self._random.sample(replicas, enough)

    async def _ask_more(
        self, asked: Asked[A], others: Sequence[str], question: Get | Hold, enough: int
    ) -> Asked[A]:
        """Ask others as well, until there are enough answers from both."""
        within = self._knobs.timeout - self._within
        more: Asked[A] = self._host.ask(
            dict.fromkeys(others),
            question,
            enough=lambda so_far: len(asked) + len(so_far) >= enough,
            within=within,
        )

        def late(source: str, answer: A) -> None:
            if len(asked) + len(more) >= enough:
                more.end()

        asked.late = late
        return await more

    def _leave_hints(self, written: tuple[Asked[Done], Put | Mend, int]) -> None:
        """Have others hold the write for replicas that have not answered by now."""
        asked, question, w = written
        if self._knobs.sloppy and len(asked) < w:
            return  # the write itself asks them
        pairs = self._pairs(question.key, asked)
        if not pairs and len(asked) < len(asked.targets):
            self._host.world.mark("nobody is there to hold a hint")
        for pair in pairs:
            self._host.send(pair[0], Hold(question.key, cell_of(question), (pair,)))

    def _pairs(self, key: str, asked: Asked[Got] | Asked[Done]) -> tuple[tuple[str, str], ...]:
        """Return who can hold for whom: others on the ring, or else replicas that answered."""
        silent = [target for target in asked.targets if target not in asked.answers]
        holders = self._ring.stand_ins_of(key) or tuple(asked.answers)
        return tuple(zip(cycle(holders), silent))


def cell_of(question: Put | Mend) -> Cell:
    """Return what a replica that had nothing has after it."""
    if isinstance(question, Mend):
        return question.cell
    record, _ = contract.apply(None, question.operation, time_of(question.stamp))
    return (Version(question.stamp, question.clock, record),)

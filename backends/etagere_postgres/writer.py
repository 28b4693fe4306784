"""Carries batches of writes to the primary."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias, cast

from etagere.errors import EtagereError, Interrupted
from etagere.operations import Consistency, Mutation, Outcome
from etagere_postgres import groups, ledger
from etagere_postgres.cluster import Cluster
from etagere_postgres.commits import committed
from etagere_postgres.failures import Contended, NotPrimary, translated
from etagere_postgres.groups import UNDECIDED, Kind, Single, Undecided
from etagere_postgres.lanes import Connection, Lane
from etagere_postgres.replication import Guarantee
from etagere_postgres.settings import Settings
from etagere_postgres.statements import Statements

Answers: TypeAlias = Sequence[Outcome | Undecided]

ATTEMPTS: Final = 5
"""How often a part is done that others are in the way of, before `Store` hears of it."""
PAUSE_SECONDS: Final = 0.02


class Writer:
    """Writes at each level of consistency, over connections of its own.

    So that a write never waits behind one that waits for standbys.
    """

    def __init__(
        self,
        lanes: Mapping[Consistency, Lane],
        cluster: Cluster,
        settings: Settings,
        statements: Statements,
    ) -> None:
        self._lanes = lanes
        self._cluster = cluster
        self._ack_timeout = settings.ack_timeout
        self._statements = statements

    async def write(
        self, operations: Sequence[Mutation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch: each kind of operation in one statement, the rest together at the end.

        Each part is committed on its own; one that fails does not undo those before it.
        """
        outcomes: list[Outcome] = [None] * len(operations)
        async with self._lanes[consistency].connection() as connection:
            guarantee = self._cluster.guarantee(consistency)
            parts = groups.sort_out(operations)
            if guarantee.needs_transaction and len(parts) > 1:
                parts = {Kind.OTHER: [*range(len(operations))]}  # one commit to wait for
            rest = parts.pop(Kind.OTHER, [])
            for kind, positions in parts.items():
                part = [operations[at] for at in positions]
                answers = await self._answers(connection, guarantee, kind, part)
                rest += _write_down(outcomes, positions, answers)
            if rest:
                part = [operations[at] for at in rest]
                answers = await self._answers(connection, guarantee, Kind.OTHER, part)
                _write_down(outcomes, rest, answers)
        return outcomes

    async def _answers(
        self, connection: Connection, guarantee: Guarantee, kind: Kind, part: Sequence[Mutation]
    ) -> Answers:
        try:
            for _ in range(ATTEMPTS - 1):
                with suppress(Contended):
                    return await self._attempt(connection, guarantee, kind, part)
                # Let whoever was in the way go first.
                await asyncio.sleep(random.uniform(0.0, PAUSE_SECONDS))  # noqa: S311
            return await self._attempt(connection, guarantee, kind, part)
        except EtagereError as error:
            if isinstance(error, NotPrimary):
                connection.terminate()
            return [error] * len(part)

    async def _attempt(
        self, connection: Connection, guarantee: Guarantee, kind: Kind, part: Sequence[Mutation]
    ) -> Answers:
        work = partial(self._do, connection, kind, part)
        if kind is Kind.OTHER or guarantee.needs_transaction:
            return await committed(connection, guarantee, self._ack_timeout, part, work)
        with translated(lost=Interrupted):
            return await work()

    async def _do(
        self, connection: Connection, kind: Kind, part: Sequence[Mutation]
    ) -> list[Outcome | Undecided]:
        if kind is Kind.OTHER:
            return [*await ledger.settle(connection, self._statements, part)]
        singles = cast("Sequence[Single]", part)
        return await groups.write_group(connection, self._statements, kind, singles)


def _write_down(outcomes: list[Outcome], positions: Sequence[int], answers: Answers) -> list[int]:
    """Put answers in their places; return the places that are still open."""
    undecided: list[int] = []
    for at, answer in zip(positions, answers, strict=True):
        if answer is UNDECIDED:
            undecided.append(at)
        else:
            outcomes[at] = answer
    return undecided

"""What the two kinds of servers have in common, and batches on their way to either."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Sequence
from typing import Final, Protocol

import anyio

from etagere.backend import Capabilities
from etagere.errors import EtagereError, Interrupted
from etagere.operations import Consistency, Mutation, Outcome, Read
from etagere.settling import keys_of

AT_ONCE: Final = 16
"""Requests of one batch under way at the same time."""
UNANSWERED: Final = Interrupted("its request was not answered")


class Server(Protocol):
    """A store of a server."""

    capabilities: Capabilities
    version: str
    """Which server it is."""

    async def read(self, reads: Sequence[Read], consistency: Consistency) -> Sequence[Outcome]:
        """Fetch records."""
        ...

    def errand_of(self, position: int, operation: Mutation) -> Hashable:
        """Return what operations of a batch have in common that are given to `write` together."""
        ...

    async def write(
        self, operations: Sequence[Mutation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do the operations of one errand, in order."""
        ...

    def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncGenerator[Sequence[str]]:
        """Yield pages of keys."""
        ...

    async def ping(self) -> None:
        """Return if the store answers."""
        ...


async def written(
    server: Server, operations: Sequence[Mutation], consistency: Consistency
) -> list[Outcome]:
    """Do a batch: errands that have no key in common at the same time, all others in order."""
    outcomes: list[Outcome] = [UNANSWERED] * len(operations)
    at_once = anyio.CapacityLimiter(AT_ONCE)

    async def run(positions: list[int]) -> None:
        chosen = [operations[position] for position in positions]
        async with at_once:
            found = await carried_out(server, chosen, consistency)
        for position, outcome in zip(positions, found, strict=True):
            outcomes[position] = outcome

    for errands in rounds(server, operations):
        if len(errands) == 1:
            await run(errands[0])
            continue
        async with anyio.create_task_group() as tasks:
            for positions in errands:
                tasks.start_soon(run, positions)
    return outcomes


async def carried_out(
    server: Server, operations: Sequence[Mutation], consistency: Consistency
) -> Sequence[Outcome]:
    """Do one errand; an error of all of it is that of each."""
    try:
        return await server.write(operations, consistency)
    except EtagereError as error:
        return [error] * len(operations)


def rounds(server: Server, operations: Sequence[Mutation]) -> list[list[list[int]]]:
    """Part a batch into rounds of errands: in a round, no key is in two of them."""
    found: list[list[list[int]]] = []
    errands: dict[Hashable, list[int]] = {}
    owners: dict[str, Hashable] = {}
    for position, operation in enumerate(operations):
        errand, keys = server.errand_of(position, operation), keys_of(operation)
        if any(owners.get(key, errand) != errand for key in keys):
            found.append(list(errands.values()))
            errands, owners = {}, {}
        errands.setdefault(errand, []).append(position)
        owners.update(dict.fromkeys(keys, errand))
    return [*found, list(errands.values())]

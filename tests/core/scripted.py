"""A backend that does what a test tells it to: wait, lose answers, refuse, break."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import anyio
import anyio.lowlevel
from msgspec.structs import replace

from etagere.backend import Batching, Capabilities, Reach
from etagere.errors import Interrupted, StoreFailed, Unavailable
from etagere.memory import MemoryBackend
from etagere.operations import Consistency, Operation, Outcome

Act = Callable[["ScriptedBackend", Sequence[Operation]], Awaitable[Any]]
"""What becomes of one batch."""

EVENTUAL = Consistency.EVENTUAL
ONE_AT_A_TIME = Batching()


class ScriptedBackend:
    """The memory backend behind lanes, with an act for each coming batch; later ones are answered.

    While `gate` is closed, batches that have left wait at it.
    """

    def __init__(
        self,
        *script: Act,
        batching: Batching | None = ONE_AT_A_TIME,
        capabilities: Capabilities | None = None,
        **limits: Any,
    ) -> None:
        self.capabilities = capabilities or replace(
            MemoryBackend.capabilities, reach=Reach.FAILOVER, durable=True, **limits
        )
        self.batching = batching
        self.memory = MemoryBackend()
        self.script = deque(script)
        self.batches: list[list[Operation]] = []
        self.levels: list[Consistency] = []
        self.lives: list[str] = []
        self.flying = 0
        self.cancelled = 0
        self.crowds_cancelled = 0  # of these, the batches of more than one call
        self.gate = anyio.Event()
        self.gate.set()

    # --- what tests do ------------------------------------------------------------------------

    def close_gate(self) -> None:
        self.gate = anyio.Event()

    async def left(self, batches: int) -> None:
        """Return once so many batches have left."""
        with anyio.fail_after(10):
            while len(self.batches) < batches:
                await anyio.lowlevel.checkpoint()

    async def apply(self, operations: Iterable[Operation]) -> Sequence[Outcome]:
        return await self.memory.execute(list(operations), EVENTUAL)

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]

    # --- what the store does ------------------------------------------------------------------

    async def open(self) -> None:
        self.lives.append("open")

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.lives.append("close")

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        self.batches.append(list(operations))
        self.levels.append(consistency)
        act = self.script.popleft() if self.script else answer
        self.flying += 1
        try:
            await self.gate.wait()
            await anyio.lowlevel.checkpoint()
            return await act(self, operations)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            self.crowds_cancelled += len(operations) > 1
            raise
        finally:
            self.flying -= 1

    def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        return self.memory.scan(prefix, after, limit, consistency)

    async def ping(self) -> None:
        await self.gate.wait()

    async def maintain(self) -> float | None:
        return None


# --- acts ---------------------------------------------------------------------------------------


async def answer(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
    return await backend.apply(operations)


async def lose(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
    """Do everything, and lose the answer."""
    await backend.apply(operations)
    raise Interrupted("the answer was lost")


async def vanish(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
    """Lose the batch on the way there."""
    raise Interrupted("the request was lost")


async def refuse(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
    raise Unavailable("connection refused")


async def fail(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
    raise StoreFailed("the disk is full")


async def hang(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
    await anyio.sleep_forever()
    raise AssertionError


def raising(error: BaseException) -> Act:
    async def act(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
        raise error

    return act


def answering(*outcomes: Outcome) -> Act:
    """Answer with these, whatever was asked, and do nothing."""

    async def act(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
        return outcomes

    return act


def overtaken(act: Act, *others: Operation) -> Act:
    """Act, and let somebody else write before the answer is back."""

    async def both(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
        try:
            return await act(backend, operations)
        finally:
            await backend.apply(others)

    return both

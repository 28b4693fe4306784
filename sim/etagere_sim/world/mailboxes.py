"""Where messages wait for programs of asyncio or anyio that run beside a world's own tasks."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any


class Mailbox:
    """What came for a host and no handler took, in the order in which it came.

    For programs run by `simulate(world.agenda, ...)`. It is emptied when the host dies: they do not
    die with it, as they are not its process.
    """

    __slots__ = ("_mail", "_waiting")

    def __init__(self) -> None:
        self._mail: deque[tuple[str, Any]] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._mail)

    def put(self, source: str, message: Any) -> None:
        """Put a message in, and wake who waited longest."""
        self._mail.append((source, message))
        self._wake()

    def clear(self) -> None:
        """Throw all mail away."""
        self._mail.clear()

    async def receive(self) -> tuple[str, Any]:
        """Return who sent the next message, and the message. Cancelled, it takes none."""
        while not self._mail:
            await self._arrival()
        return self._mail.popleft()

    async def _arrival(self) -> None:
        arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(arrival)
        try:
            await arrival
        except asyncio.CancelledError:
            if arrival in self._waiting:
                self._waiting.remove(arrival)
            elif self._mail:
                self._wake()  # the next one instead
            raise

    def _wake(self) -> None:
        while self._waiting:
            arrival = self._waiting.popleft()
            if not arrival.done():
                arrival.set_result(None)
                return

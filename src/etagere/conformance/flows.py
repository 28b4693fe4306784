"""One direction of the traffic through a proxy: how fast it is, and where it ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

STEP_SECONDS: Final = 0.02


class Home:
    """The event loop that a proxy lives on; other threads may have things done there."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def do(self, action: Callable[[], T]) -> T:
        """Do something on the loop, and return when it is done."""
        if self._is_here():
            return action()

        async def act() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop; a caller in another thread blocks until it ends."""
        if self._is_here():
            return await coroutine
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _is_here(self) -> bool:
        return threading.get_ident() == self._thread


class Flow:
    """One direction of the traffic. What is set holds for open connections and for new ones."""

    def __init__(self, home: Home) -> None:
        self.bytes = 0
        """Received so far, whether it was passed on or not."""
        self.seconds = 0.0
        """What is received now is passed on so much later."""
        self._home = home
        self._rate: float | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._left: int | None = None

    def delay(self, seconds: float) -> None:
        """Pass on what arrives from now on so much later, in order."""
        self.seconds = seconds

    def throttle(self, bytes_per_second: float) -> None:
        """Pass on no more than this on each connection, in steps of 20 ms or a byte."""
        self._rate = bytes_per_second

    def hold(self) -> None:
        """Keep everything back until `release`; connections stay open."""
        self._home.do(self._open.clear)

    def release(self) -> None:
        """Pass on what was held back, and go on."""
        self._home.do(self._open.set)

    def cut_after(self, count: int) -> None:
        """Pass on so many more bytes, then cut the connection on which the last of them came."""
        self._left = count

    def reset(self) -> None:
        """Pass everything on at once again."""
        self.delay(0.0)
        self._rate = None
        self._left = None
        self.release()

    # --- what a link asks ---------------------------------------------------------------------

    def due_time(self) -> float:
        """Return when what is received now may pass."""
        return time.monotonic() + self.seconds

    async def due(self, moment: float) -> None:
        """Return when what is due then may pass."""
        # Again, because timers may fire a little early.
        while (wait := moment - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        await self._open.wait()

    def step(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what of the data passes at once, and the rest."""
        if self._rate is None:
            return data, b""
        count = max(1, int(self._rate * STEP_SECONDS))
        return data[:count], data[count:]

    async def breathe(self, count: int) -> None:
        """Return when so many bytes that were passed on have taken their time."""
        if self._rate is not None:
            await asyncio.sleep(count / self._rate)

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """Return what of the data may pass, and whether the connection ends with it."""
        if self._left is None or len(data) < self._left:
            self._left = None if self._left is None else self._left - len(data)
            return data, False
        data, self._left = data[: self._left], None
        return data, True

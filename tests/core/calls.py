"""Calls that run side by side, and ways to wait for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from etagere import EtagereError

SOON = 10.0
"""Seconds that no test should ever need."""


async def until(condition: Callable[[], object]) -> None:
    with anyio.fail_after(SOON):
        while not condition():
            await checkpoint()


async def a_moment() -> None:
    """Let every task run until it waits for something."""
    for _ in range(20):
        await checkpoint()


class Calls:
    """Calls that run side by side, and what became of each."""

    def __init__(self) -> None:
        self.results: dict[Any, Any] = {}
        self.scopes: dict[Any, anyio.CancelScope] = {}

    async def make(self, name: Any, call: Awaitable[Any]) -> None:
        with anyio.CancelScope() as self.scopes[name]:
            try:
                self.results[name] = await call
            except EtagereError as error:
                self.results[name] = error

"""From a command line to calls on a store."""

from __future__ import annotations

import os
import signal
from argparse import Namespace
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import anyio

from etagere.commands.failures import Exit
from etagere.commands.options import VARIABLE
from etagere.errors import ConfigurationError
from etagere.opening import open
from etagere.store import Store

T = TypeVar("T")


def store_of(arguments: Namespace) -> Store:
    """Return the store that a command line names; it is not opened yet."""
    url = os.environ.get(VARIABLE) if arguments.store is None else arguments.store
    if not url:
        raise ConfigurationError(
            f"no store is named: give --store URL or set {VARIABLE}, for example to sqlite:///state.db"
        )
    return open(url, namespace=arguments.namespace, timeout=arguments.timeout)


def run_on(store: Store, use: Callable[[Store], Awaitable[T]]) -> T:
    """Open a store, use it and close it, in an event loop of its own."""

    async def session() -> T:
        async with store:
            return await use(store)

    with _ended_by_ctrl_c():
        return anyio.run(session)


@contextmanager
def _ended_by_ctrl_c() -> Generator[None]:
    """End the process at once on Ctrl-C.

    asyncio would cancel the call, and the store would then close in all order: it waits for what is
    under way, as long as the call may take. A command that is interrupted has nothing to wait for,
    and databases cope with clients that vanish.
    """
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(*_: object) -> NoReturn:
    os._exit(Exit.INTERRUPTED)

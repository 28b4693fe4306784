"""What tests run in processes of their own: `python -m tests.behaviour.children TASK URL KEY`."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import anyio

import etagere
from etagere import ETagMismatch


async def increment(url: str, key: str) -> None:
    """Add 1 to a counter, 150 times, in five tasks."""

    async def run() -> None:
        for _ in range(30):
            await store.update(key, lambda old: b"%d" % (int(old or 0) + 1), attempts=10_000)

    async with etagere.open(url) as store, anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(run)


async def claim(url: str, key: str) -> None:
    """Try to be the first at 100 keys; say at which that worked."""
    async with etagere.open(url) as store:
        for number in range(100):
            try:
                await store.set(f"{key}/{number}", b"", concurrency="first-write")
            except ETagMismatch:
                continue
            print(number, flush=True)


async def count_up(url: str, key: str) -> None:
    """Write 1, 2, 3 and so on, strongly, and say each number once the store has confirmed it."""
    async with etagere.open(url) as store:
        for number in itertools.count(1):
            await store.set(key, b"%d" % number, consistency="strong")
            print(number, flush=True)


TASKS: dict[str, Callable[[str, str], Any]] = {
    task.__name__: task for task in (increment, claim, count_up)
}

if __name__ == "__main__":
    anyio.run(TASKS[sys.argv[1]], *sys.argv[2:])

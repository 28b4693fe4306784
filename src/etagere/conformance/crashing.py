"""A process that writes until it is killed: `python -m etagere.conformance.crashing`.

Standard input says, in one line of JSON, what to write and where. Each write that was acknowledged
is told on standard output, as a line with the number of its writer and its own number.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from itertools import count
from typing import Final

import anyio
import msgspec
from msgspec import Struct

from etagere.conformance.items import alone
from etagere.conformance.subjects import backend_behind
from etagere.layers.prefix import KeyPrefix
from etagere.operations import Set
from etagere.store import Store

MOST_PIECES: Final = 1024
"""Of 64 bytes each, in a value."""


class Orders(Struct, frozen=True, kw_only=True):
    """What to write, and where."""

    url: str
    prefix: str
    """Before each key."""
    groups: list[list[str]]
    """The keys of each writer; several are written in one transaction."""
    consistency: str
    loop: str


def value_of(group: Sequence[str], number: int) -> bytes:
    """Return what a writer writes as its n-th value: it tells its number, and is known whole."""
    piece = hashlib.sha256(f"{group[0]} {number}".encode()).hexdigest()
    return f"{number}:{piece * (int(piece[:8], 16) % MOST_PIECES)}".encode()


def number_of(group: Sequence[str], value: bytes) -> int | None:
    """Return the number of a value; None where it is not a whole one of this writer's."""
    digits = value.partition(b":")[0]
    number = int(digits) if digits.isdigit() else 0
    return number if value == value_of(group, number) else None


async def write(orders: Orders) -> None:
    """Write all that is asked for, over and over, each writer in a task of its own."""
    backend = KeyPrefix(backend_behind(orders.url).from_url(orders.url), orders.prefix)
    async with Store(backend) as store:
        await store.ping()
        await write_groups(store, orders)


async def write_groups(store: Store, orders: Orders) -> None:
    """Let all writers write at the same time."""
    async with anyio.create_task_group() as tasks:
        for writer, group in enumerate(orders.groups):
            tasks.start_soon(write_group, store, orders.consistency, writer, group)


async def write_group(store: Store, consistency: str, writer: int, group: Sequence[str]) -> None:
    """Write one value after the other, and tell each that was acknowledged."""
    for number in count(1):
        value = value_of(group, number)
        if len(group) == 1:
            await store.set(group[0], value, consistency=consistency)
        else:
            await store.transact([Set(key, value) for key in group], consistency=consistency)
        os.write(sys.stdout.fileno(), b"%d %d\n" % (writer, number))


def main() -> int:
    """Read the orders, and write until the end."""
    orders = msgspec.json.decode(sys.stdin.readline(), type=Orders)
    try:
        anyio.run(write, orders, backend=orders.loop)
    except Exception as error:  # noqa: BLE001 - the code that fails is anybody's
        sys.stderr.write(f"{' '.join(str(alone(error)).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

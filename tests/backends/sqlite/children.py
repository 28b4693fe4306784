"""What the tests of SQLite run in processes of their own."""

from __future__ import annotations

import asyncio
import os
import resource
import threading
from itertools import count
from typing import Any

from etagere.errors import StoreFailed
from etagere.operations import (
    ABSENT,
    Outcome,
    Read,
    Record,
    Transaction,
    Write,
)
from etagere_sqlite import SqliteBackend
from tests.backends.sqlite.support import (
    STRONG,
    etag,
    one,
    opened,
    value,
)


async def increment(backend: SqliteBackend, key: str) -> None:
    while True:
        record = await one(backend, Read(key))
        assert record is None or isinstance(record, Record)
        number = int(record.value) + 1 if record else 1
        expected = record.etag if record else ABSENT
        if await one(backend, Write(key, b"%d" % number, etag(), expected)) is True:
            return


def increment_often(url: str, times: int, together: Any, answers: Any) -> None:
    async def run() -> None:
        together.wait(60)
        async with opened(url) as backend:
            for _ in range(times):
                await increment(backend, "counter")

    asyncio.run(run())


def write_pairs(url: str, answers: Any) -> None:
    async def run() -> None:
        async with opened(url) as backend:
            for number in count(1):
                text = b"%d" % number * 500
                pair = (Write("left", text, etag()), Write("right", text, etag()))
                assert await one(backend, Transaction(pair), STRONG) == (True, True)
                answers.send(number)

    asyncio.run(run())


def fill_up(url: str, answers: Any) -> None:
    """With files that may not grow beyond a limit."""

    async def run() -> tuple[str, list[bytes | None], Outcome]:
        async with opened(url) as backend:
            await one(backend, Write("before", b"kept", etag()))
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, hard))
            batch = [Write(f"k{n}", bytes(2**16), etag()) for n in range(20)]
            said = "nothing"
            try:
                await backend.execute(batch, STRONG)
            except StoreFailed as error:
                said = str(error)
            held = [await value(backend, key) for key in ("before", "k0", "k19")]
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            return said, held, await one(backend, Write("after", b"", etag()), STRONG)

    answers.send(asyncio.run(run()))


def use_read_only_file(folder: str, answers: Any) -> None:
    """Not as root, who may write anything."""

    async def use() -> str:
        async with opened("sqlite://"):
            pass  # imports the last modules, which another user may not read
        if os.getuid() == 0:
            os.setuid(65534)
        backend = SqliteBackend.from_url(f"sqlite:///{folder}/state.db")
        try:
            await backend.open()
        except StoreFailed as error:
            return str(error)
        finally:
            await backend.close()
        return "opened"

    answers.send((asyncio.run(use()), threading.active_count()))

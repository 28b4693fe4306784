"""A store in plain files that writes them where they are: a crash leaves halves behind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import msgpack

from etagere import Capabilities, TransactionScope, contract
from etagere.backend import Batching
from etagere.operations import Operation, Outcome, Record, Transaction

PAUSE = 0.002


class TornFiles:
    """A file for each key, written in two steps."""

    capabilities = Capabilities(transactions=TransactionScope.FULL)
    batching: Batching | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def from_url(cls, url: str) -> TornFiles:
        return cls(Path(url.removeprefix("torn://")))

    async def open(self) -> None:
        self._folder.mkdir(exist_ok=True)

    async def close(self) -> None: ...

    async def ping(self) -> None: ...

    async def maintain(self) -> None: ...

    async def execute(self, operations: Sequence[Operation], consistency: Any) -> list[Outcome]:
        return [self._apply(operation) for operation in operations]

    def scan(self, *bounds: Any) -> AsyncIterator[Sequence[str]]:
        raise NotImplementedError

    def _apply(self, operation: Operation) -> Outcome:
        if isinstance(operation, Transaction):
            changes, outcome = contract.apply_transaction(self._find, operation, 0)
        else:
            before = self._find(operation.key)
            after, outcome = contract.apply(before, operation, 0)
            changes = {} if after is before else {operation.key: after}
        for key, record in changes.items():
            self._put(key, record)
        return outcome

    def _path(self, key: str) -> Path:
        return self._folder / sha256(key.encode()).hexdigest()

    def _find(self, key: str) -> Record | None:
        path = self._path(key)
        return msgpack.decode(path.read_bytes(), type=Record) if path.exists() else None

    def _put(self, key: str, record: Record | None) -> None:
        if record is None:
            self._path(key).unlink(missing_ok=True)
            return
        data = msgpack.encode(record)
        with self._path(key).open("wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            time.sleep(PAUSE)
            file.write(data[len(data) // 2 :])

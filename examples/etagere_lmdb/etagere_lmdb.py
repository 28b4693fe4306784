"""Etagere on LMDB, a key-value store in a file that any number of processes may share.

    lmdb:///var/lib/app/state.lmdb      a file, absolute as in file:///; its folder must be there

`map_size`, as in `lmdb:///tmp/state.lmdb?map_size=1024`, is how many MiB the file may grow to
(default 4096). LMDB reserves them in the address space, not on the disk.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Self, TypeAlias, TypeVar
from urllib.parse import unquote

import anyio
import lmdb
from anyio.to_thread import run_sync
from msgspec import Struct, msgpack

from etagere import Batching, Capabilities, Clock, Reach, TransactionScope, contract
from etagere.errors import ConfigurationError, Interrupted, StoreFailed
from etagere.memory import wall_clock
from etagere.operations import Consistency, Operation, Outcome, Read, Record, Transaction
from etagere.urls import Options

T = TypeVar("T")
Txn: TypeAlias = "lmdb.Transaction[memoryview]"

PAGE = 1000
SWEEP_STEP = 1000
SWEEP_SECONDS = 10.0


class LmdbBackend:
    """Records in an LMDB file. Every batch of writes is one transaction, synced to the disk."""

    capabilities = Capabilities(
        reach=Reach.PRIMARY,
        transactions=TransactionScope.FULL,
        clock=Clock.CLIENT,
        listing=True,
        max_key_bytes=511,
        event_loops=frozenset({"asyncio", "trio"}),
    )
    batching = Batching(reads=2)

    def __init__(self, path: Path, map_size: int) -> None:
        self._environment = partial(environment, path, map_size)
        self._held = ExitStack()
        self._threads = anyio.CapacityLimiter(8)
        self._sweep_from = b""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a backend for `lmdb:///folder/file`."""
        options = Options(url)
        path = Path(unquote(options.parts.path))
        if options.parts.netloc or not path.name:
            raise ConfigurationError(f"{url!r} names no file; write lmdb:///var/lib/state.lmdb")
        map_size = options.integer("map_size", 4096, least=1) * 2**20
        options.done()
        return cls(path.resolve(), map_size)

    async def open(self) -> None:
        """Open the file, and make it if need be."""
        await run_sync(self._held.enter_context, self._environment(), limiter=self._threads)

    async def close(self) -> None:
        """Let go of the file."""
        await run_sync(self._held.close, limiter=self._threads)

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch in one transaction; cancelled, it is committed on return, or never will be."""
        if isinstance(operations[0], Read):
            return await self._in_thread(read_all, operations)
        writing = Writing()
        try:
            return await self._in_thread(writing.run, operations)
        except anyio.get_cancelled_exc_class():
            writing.call_off()
            raise

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield pages of keys, each as of the moment at which it is fetched."""
        left = float("inf") if limit is None else limit
        while left > 0:
            size = int(min(PAGE, left))
            keys = await self._in_thread(page, prefix.encode(), after.encode(), size)
            if keys:
                yield keys
            if len(keys) < size:
                return
            after = keys[-1]
            left -= size

    async def ping(self) -> None:
        """Return if the file can be read."""
        await self._in_thread(lmdb.Environment.stat)

    async def maintain(self) -> float:
        """Delete some expired records."""
        self._sweep_from = await self._in_thread(sweep, self._sweep_from)
        return 0.05 if self._sweep_from else SWEEP_SECONDS

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        def run() -> T:
            with self._environment() as env, translated():
                return work(env, *arguments)

        # Abandoned when cancelled: nothing can interrupt a wait for another process that writes.
        return await run_sync(run, abandon_on_cancel=True, limiter=self._threads)


# --- in threads -------------------------------------------------------------------------------

_lock = threading.Lock()
_open: dict[Path, tuple[lmdb.Environment, int]] = {}


@contextmanager
def environment(path: Path, map_size: int) -> Generator[lmdb.Environment]:
    """Lend the file; the last to give it back closes it.

    A process must not open an LMDB file twice, nor close it while one of its threads is in there.
    """
    with _lock:
        env, users = _open.get(path) or (opened(path, map_size), 0)
        _open[path] = env, users + 1
    try:
        yield env
    finally:
        with _lock:
            env, users = _open.pop(path)
            if users > 1:
                _open[path] = env, users - 1
            else:
                env.close()


def opened(path: Path, map_size: int) -> lmdb.Environment:
    """Open a file, or say why that does not work."""
    try:
        return lmdb.open(str(path), map_size=map_size, subdir=False)
    except lmdb.Error as error:
        advice = "see that its folder is there, and that this process may write in it"
        raise ConfigurationError(f"LMDB cannot open a file: {error}; {advice}") from error


@contextmanager
def translated() -> Generator[None]:
    """Turn LMDB's errors into etagere's; none of these has written anything."""
    try:
        yield
    except (lmdb.MapFullError, lmdb.MapResizedError) as error:
        advice = "open it with a larger map_size, the same in every process"
        raise StoreFailed(f"the LMDB file is full: {error}; {advice}") from error
    except lmdb.Error as error:
        raise StoreFailed(f"LMDB failed, and nothing was written: {error}") from error


class Writing:
    """A batch of writes, which can be called off until it is being committed."""

    def __init__(self) -> None:
        self._committing = threading.Lock()
        self._called_off = False

    def run(self, env: lmdb.Environment, operations: Sequence[Operation]) -> list[Outcome]:
        """Do the batch in one transaction."""
        with env.begin(write=True, buffers=True) as txn:
            now = wall_clock()
            outcomes = [apply(txn, operation, now) for operation in operations]
            with self._committing:
                if self._called_off:
                    txn.abort()
                else:
                    commit(txn)
        return outcomes

    def call_off(self) -> None:
        """Roll the batch back, unless it is being committed: then wait until it is."""
        with self._committing:
            self._called_off = True


def commit(txn: Txn) -> None:
    """Commit; tell a failure after which nobody knows what is in the file from one for no room."""
    try:
        txn.commit()
    except (lmdb.MapFullError, lmdb.DiskError):
        raise
    except lmdb.Error as error:
        raise Interrupted(f"LMDB failed while it committed: {error}") from error


def read_all(env: lmdb.Environment, reads: Sequence[Read]) -> list[Outcome]:
    """Do a batch of reads, all as of one moment."""
    with env.begin(buffers=True) as txn:
        now = wall_clock()
        return [contract.apply(find(txn, read.key), read, now)[1] for read in reads]


def apply(txn: Txn, operation: Operation, now: int) -> Outcome:
    """Do one operation that writes: the contract decides, LMDB keeps."""
    if isinstance(operation, Transaction):
        changes, outcome = contract.apply_transaction(partial(find, txn), operation, now)
    else:
        before = find(txn, operation.key)
        after, outcome = contract.apply(before, operation, now)
        changes = {} if after is before else {operation.key: after}
    for key, record in changes.items():
        put(txn, key, record)
    return outcome


def find(txn: Txn, key: str) -> Record | None:
    """Return the record under a key, expired or not."""
    found = txn.get(key.encode())
    return None if found is None else msgpack.decode(found, type=Record)


def put(txn: Txn, key: str, record: Record | None) -> None:
    """Make a record, or none, what is under a key."""
    if record is None:
        txn.delete(key.encode())
    else:
        txn.put(key.encode(), msgpack.encode(record))


class Header(Struct):
    """The part of a record that tells whether it is still there; the value is not looked at."""

    expires_at: int | None = None


def rows(txn: Txn, first: bytes, now: int) -> Iterator[tuple[bytes, bool]]:
    """Yield keys from the first on, in the order of their bytes, and whether each is expired."""
    cursor = txn.cursor()
    if cursor.set_range(first):  # else it would start over from the beginning
        for key, record in cursor.iternext():
            header = msgpack.decode(record, type=Header)
            yield bytes(key), contract.is_expired(header.expires_at, now)


def page(env: lmdb.Environment, prefix: bytes, after: bytes, size: int) -> list[str]:
    """Return the first keys with a prefix that sort after another key."""
    with env.begin(buffers=True) as txn:
        found = rows(txn, max(prefix, after + b"\0"), wall_clock())
        inside = takewhile(lambda row: row[0].startswith(prefix), found)
        return list(islice((key.decode() for key, expired in inside if not expired), size))


def sweep(env: lmdb.Environment, first: bytes) -> bytes:
    """Delete what has expired of the next keys; return where to go on, b"" for the beginning."""
    env.reader_check()  # readers that were killed keep LMDB from using space again
    with env.begin(write=True, buffers=True) as txn:
        step = list(islice(rows(txn, first, wall_clock()), SWEEP_STEP))
        for key, expired in step:
            if expired:
                txn.delete(key)
    return step[-1][0] + b"\0" if len(step) == SWEEP_STEP else b""

"""`Recorder`: what clients do and what they are told, as it happens.

    recorder = Recorder("run.jsonl")
    async with etagere.open(url) as store:
        alice = recorder.client("alice", store)
        etag = await alice.set("cart", b"1 apple")
    verdict = check_versioned(recorder.history())

The number of an invocation is taken before the call is made and that of its response when the
answer is there, so that an interval is never shorter than the call was.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from os import PathLike
from threading import Lock
from types import TracebackType
from typing import Self

from etagere import contract
from etagere.errors import InvalidArgument
from etagere.histories.calling import Calling
from etagere.histories.events import (
    Event,
    Invocation,
    Part,
    Response,
    Result,
    call_of,
    problem_between,
    problem_with,
)
from etagere.histories.files import HistoryWriter
from etagere.histories.history import History, Kind, Status, in_order
from etagere.histories.identities import client_in_life, identity_of
from etagere.histories.recorded import RecordedStore
from etagere.operations import Consistency
from etagere.store import Store


class Recorder:
    """Notes invocations and responses, from any number of tasks and threads.

    With `path` they are also written to a file, as `HistoryWriter` does; then `keep=False` saves
    the memory. `tick` gives the numbers, each greater than the one before; by default it counts.
    With a clock in its place, staleness comes out in the clock's unit.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
        *,
        keep: bool = True,
        tick: Callable[[], int] | None = None,
        initial: bytes | str | None = None,
    ) -> None:
        self._initial = identity_of(initial)
        self._writer = None if path is None else HistoryWriter(path, initial=self._initial)
        self._keep = keep
        self._tick = itertools.count(1).__next__ if tick is None else tick
        self._lock = Lock()
        self._asked: list[Invocation] = []
        self._told: dict[int, Response] = {}
        self._lives: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- clients ------------------------------------------------------------------------------

    def client(self, session: str, store: Store) -> RecordedStore:
        """Return a view of a store whose calls are noted as this client's.

        A client stands for one that does one thing at a time: give each task its own.
        """
        return RecordedStore(self, session, store)

    def calling(
        self,
        session: str,
        kind: Kind | str,
        key: str,
        *,
        value: bytes | str | None = None,
        expected: str | None = None,
        etag: str | None = None,
        ttl: int | None = None,
        consistency: Consistency | str = Consistency.STRONG,
        parts: tuple[Part, ...] = (),
    ) -> Calling:
        """Note a call of any client; make it inside the `with` block, and say there how it went.

        `value` is what is written; `expected` the precondition ("": the key must be absent); `etag`
        what the write gives the key, if that is known beforehand. A block that ends without an
        answer leaves the call unknown.
        """
        asked = self.invoke(
            Kind(kind),
            self.client_of(session),
            key,
            expected=expected,
            value=identity_of(value),
            etag=etag,
            ttl=ttl,
            consistency=contract.consistency_of(consistency),
            parts=parts,
        )
        return Calling(self, session, asked)

    def client_of(self, session: str) -> str:
        """Return what a session's client is called now."""
        return client_in_life(session, self._lives.get(session, 0))

    def bury(self, session: str, client: str) -> None:
        """Give a session another client than this one, which has a call without an answer."""
        if client == self.client_of(session):
            self._lives[session] = self._lives.get(session, 0) + 1

    # --- events -------------------------------------------------------------------------------

    def invoke(
        self,
        kind: Kind,
        client: str,
        key: str,
        *,
        expected: str | None = None,
        value: str | None = None,
        etag: str | None = None,
        ttl: int | None = None,
        consistency: Consistency = Consistency.STRONG,
        parts: tuple[Part, ...] = (),
    ) -> Invocation:
        """Note that a call sets out; the value is given by its identity."""
        with self._lock:
            asked = Invocation(
                self._tick(), kind, client, key, expected, value, etag, ttl, consistency, parts
            )
            if problem := problem_with(asked):
                raise InvalidArgument(problem)
            if self._keep:
                self._asked.append(asked)
            self._write(asked)
        return asked

    def respond(
        self,
        asked: Invocation,
        status: Status,
        *,
        etag: str | None = None,
        value: str | None = None,
        found: bool | None = None,
        actual: str | None = None,
        index: int = 0,
        parts: tuple[Result, ...] = (),
    ) -> None:
        """Note what a call was answered. An info may be followed by what settles it."""
        with self._lock:
            told = Response(
                self._tick(), asked.at, status, etag, value, found, actual, index, parts
            )
            if problem := problem_between(asked, told):
                raise InvalidArgument(problem)
            if self._keep:
                self._told[asked.at] = told
            self._write(told)

    def history(self, source: str = "") -> History:
        """Return what was noted so far; calls that are under way are info."""
        told = self._told
        calls = [call_of(asked, told.get(asked.at)) for asked in self._asked]
        return History(in_order(calls), source, self._initial)

    def flush(self) -> None:
        """Hand what was noted to the operating system."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Close the file; what is noted from now on is not in it."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _write(self, event: Event) -> None:
        if self._writer is not None:
            self._writer.append(event)

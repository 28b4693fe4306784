"""One connection to a Redis server, shared by all callers: batches of commands out, replies in.

Redis answers in the order in which it was asked, so a queue of the unanswered batches tells whose a
reply is. A caller that goes away leaves its batch in the queue: the replies are read all the same,
and dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from functools import partial
from ssl import SSLContext
from typing import Any, Final, TypeAlias, cast

import hiredis

from etagere.errors import Interrupted, Unavailable
from etagere_redis.settings import Address

Reply: TypeAlias = Any
"""bytes, int, None, a list of these, a `hiredis.ReplyError`; or `Interrupted`: it never came."""

_INCOMPLETE: Final = object()


def pack(*words: str | int | bytes) -> bytes:
    """Return a command as it travels."""
    # Its stub knows of tuples of one word only, and of no result.
    return cast("bytes", hiredis.pack_command(words))  # type: ignore[arg-type]


class _Batch:
    __slots__ = ("answer", "count", "replies")

    def __init__(self, count: int, answer: asyncio.Future[list[Reply]]) -> None:
        self.count = count
        self.answer = answer
        self.replies: list[Reply] = []


class Connection(asyncio.Protocol):
    """A connection; `connect` makes one. It is of no more use once it is `closed`."""

    def __init__(self, address: Address, patience: float) -> None:
        self.address = address
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._unanswered: deque[_Batch] = deque()
        self._writable = asyncio.Event()
        self._lost = asyncio.Event()
        self._problem: Exception | None = None
        self._quiet_since = 0.0
        self._unsent = 0
        self._watchdog: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    @property
    def closed(self) -> bool:
        """Whether it takes no more commands."""
        return self._transport.is_closing()

    async def exchange(self, commands: bytes, count: int) -> list[Reply]:
        """Send packed commands and return their `count` replies.

        Raises `Unavailable` if nothing was sent. Replies that do not come because the connection
        is lost are `Interrupted`.
        """
        if not self._writable.is_set():
            await self._writable.wait()
        if self.closed:
            raise Unavailable(f"the connection to Redis at {self.address} is lost")
        if not self._unanswered:
            self._quiet_since = self._loop.time()
        batch = _Batch(count, self._loop.create_future())
        self._unanswered.append(batch)
        self._transport.write(commands)
        self._unsent = self._transport.get_write_buffer_size()
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self._patience, self._watch)
        return await batch.answer

    async def close(self) -> None:
        """Close at once; what is unanswered stays so."""
        self.abort()
        await self._lost.wait()

    def abort(self, problem: Exception | None = None) -> None:
        """Close without waiting for the socket to be gone."""
        self._problem = self._problem or problem
        self._transport.abort()

    # --- what the event loop calls ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Give the replies in `data` to those who wait for them."""
        self._quiet_since = self._loop.time()
        try:
            self._reader.feed(data)
            self._read_replies()
        except hiredis.ProtocolError as error:
            self.abort(error)

    def pause_writing(self) -> None:
        """Hold back further batches: the server does not keep up."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let batches through again."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        problem = self._problem or exc or self._last_words()
        error = Interrupted(f"the connection to Redis at {self.address} broke: {problem}")
        error.__cause__ = problem
        for batch in self._unanswered:
            missing = batch.count - len(batch.replies)
            if not batch.answer.done():
                batch.answer.set_result(batch.replies + [error] * missing)
        self._unanswered.clear()
        self._lost.set()
        self._writable.set()

    # --- inside -------------------------------------------------------------------------------

    def _read_replies(self) -> None:
        next_reply = self._reader.gets
        while self._unanswered:
            batch = self._unanswered[0]
            while len(batch.replies) < batch.count:
                reply = next_reply()
                if reply is _INCOMPLETE:
                    return
                batch.replies.append(reply)
            self._unanswered.popleft()
            if not batch.answer.done():
                batch.answer.set_result(batch.replies)

    def _last_words(self) -> Exception:
        # A server that turns a client away says why, and waits for no question.
        with suppress(hiredis.ProtocolError):
            words = self._reader.gets()
            if isinstance(words, hiredis.ReplyError):
                return words
        return ConnectionResetError("closed by the server")

    def _watch(self) -> None:
        self._watchdog = None
        if not self._unanswered:
            return
        now, unsent = self._loop.time(), self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._quiet_since = unsent, now
        left = self._quiet_since + self._patience - now
        if left > 0:
            self._watchdog = self._loop.call_later(left, self._watch)
        else:
            self.abort(TimeoutError(f"no answer for {self._patience:g} s"))


async def connect(address: Address, tls: SSLContext | None, patience: float) -> Connection:
    """Connect to a server. A connection that is silent for `patience` seconds is given up."""
    loop = asyncio.get_running_loop()
    make = partial(Connection, address, patience)
    if not address.port:
        return (await loop.create_unix_connection(make, address.host))[1]
    return (await loop.create_connection(make, address.host, address.port, ssl=tls))[1]

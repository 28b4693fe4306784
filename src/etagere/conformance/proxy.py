"""A TCP proxy whose behaviour changes while it runs: slow, silent, cut, or gone.

Each direction of the traffic is a `Flow`: `proxy.requests` runs from clients to the server,
`proxy.replies` back. What is set on a flow holds for open connections as well as for new ones.

A proxy runs on asyncio. `tcp_proxy` makes one on the running loop, `threaded_proxy` one on a loop
of its own, in a thread; either takes orders from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Self

from anyio.from_thread import start_blocking_portal

from etagere.conformance.flows import Flow, Home

HOST: Final = "127.0.0.1"
# Below the range that systems give to outgoing connections: one of those could take the port while
# connections are refused, and a client of that port could even connect to itself.
PORTS: Final = range(31_000, 32_768)
CHUNK: Final = 2**16
CLOSE_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 0.05
LAST_TURNS: Final = 10


class TcpProxy:
    """A proxy in front of one server; make it with `tcp_proxy` or `threaded_proxy`."""

    host: Final = HOST

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self.connections = 0
        """Accepted so far."""
        self.dropped = 0
        """Connections that were cut by `drop_replies`."""
        self._home = Home()
        self.requests = Flow(self._home)
        self.replies = Flow(self._home)
        self._target = (host, port)
        self._listener: asyncio.Server | None = None
        self._links: dict[_Link, asyncio.Task[None]] = {}
        self._drop: bytes | None = None
        self._number = 1
        self._over = False

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.refuse()
        self._over = True
        tasks = list(self._links.values())
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A connection accepted at the last moment is aborted some turns of the loop from now, and
        # the loop may end with this block.
        for _turn in range(LAST_TURNS):
            await asyncio.sleep(0)

    async def accept(self) -> None:
        """Accept connections again, on the same port, after `refuse`."""
        await self._home.run(self._listen())

    def refuse(self) -> None:
        """Stop listening: new connections are refused, open ones live on."""
        self._home.do(self._stop_listening)

    def cut(self) -> None:
        """Abort every connection now; what is under way is lost."""
        self._home.do(self._abort)

    def drop_replies(self, *, containing: bytes = b"", number: int = 1) -> None:
        """Let the next request through and lose its reply, then cut that connection. Once.

        "Next" is what a client sends next, or next with these bytes in it. With `number=2` that
        reply still passes, and the one to what the client sends then is lost; and so on, for
        protocols in which one call takes several turns. The cut comes when the server has answered
        and then been silent for a moment, so it has done what it was asked.
        """
        self._number = number
        self._drop = containing

    def reset(self) -> None:
        """Pass everything on at once again, in both directions; lose no reply."""
        self.requests.reset()
        self.replies.reset()
        self._drop = None
        self._home.do(self._spare)

    # --- on its own loop ----------------------------------------------------------------------

    def replies_to_pass(self, request: bytes) -> int | None:
        """Return how many replies pass before one is lost, if these bytes begin to count."""
        if self._drop is None or self._drop not in request:
            return None
        self._drop = None
        return self._number - 1

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._connected, self.host, self.port)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _abort(self) -> None:
        for link in list(self._links):
            link.abort()

    def _spare(self) -> None:
        for link in self._links:
            link.spare()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._over:  # it was accepted just before the end
            writer.transport.abort()
            return
        self.connections += 1
        link = _Link(self, reader, writer)
        task = asyncio.create_task(link.run(*self._target))
        self._links[link] = task
        task.add_done_callback(lambda _: self._links.pop(link))


class _Link:
    """One connection through the proxy."""

    def __init__(
        self, proxy: TcpProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writers = [writer]
        self._over = False
        self._aborted = asyncio.Event()
        self._to_pass: int | None = None
        self._answering = False

    def abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._aborted.set()

    def spare(self) -> None:
        self._to_pass = None

    async def run(self, host: str, port: int) -> None:
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError:
            self.abort()
            return
        self._writers.append(writer)
        tasks = [
            asyncio.create_task(self._aborted.wait()),
            asyncio.create_task(self._carry(self._proxy.requests, self._reader, writer)),
            asyncio.create_task(self._carry(self._proxy.replies, reader, self._writers[0])),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(*tasks)
        await self._close()

    async def _carry(
        self, flow: Flow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one direction until it ends."""
        # Reading goes on while data waits for its time: a delay is a latency, not a slower pace.
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        receiving = asyncio.create_task(self._receive(flow, reader, queue))
        try:
            await self._send(flow, queue, writer)
        except ConnectionError:
            self.abort()
        finally:
            await _cancel(receiving)

    async def _receive(
        self, flow: Flow, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        while data := await _read(reader):
            flow.bytes += len(data)
            if flow is self._proxy.replies and self._is_to_lose():
                return await self._swallow(reader)
            queue.put_nowait((flow.due_time(), data))
        queue.put_nowait((flow.due_time(), b""))
        return None

    async def _send(
        self, flow: Flow, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while not self._over:
            moment, data = await queue.get()
            await flow.due(moment)
            if flow is self._proxy.requests:
                self._note_request(data)
            await self._pass_on(flow, data, writer)

    async def _pass_on(self, flow: Flow, data: bytes, writer: asyncio.StreamWriter) -> None:
        ends = not data
        while not self._over:
            piece, data = flow.step(data)
            passed, cut = flow.take(piece)
            # Said before the data goes out: an answer to it must not pass any more.
            self._over = cut or ends
            writer.write(passed)
            await writer.drain()
            if not data:
                return
            await flow.breathe(len(passed))

    def _note_request(self, data: bytes) -> None:
        """Begin to count replies, if the request says so; it begins another turn in any case."""
        self._answering = False
        to_pass = self._proxy.replies_to_pass(data)
        self._to_pass = self._to_pass if to_pass is None else to_pass

    def _is_to_lose(self) -> bool:
        """Tell, at each part of a reply, whether it is the one to lose."""
        if self._to_pass is None or self._answering:
            return False
        self._answering = True
        self._to_pass -= 1
        return self._to_pass < 0

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        """Lose the rest of a reply, and then the connection."""
        with contextlib.suppress(TimeoutError):
            while await asyncio.wait_for(_read(reader), QUIET_SECONDS):
                pass
        self._proxy.dropped += 1
        self.abort()

    async def _close(self) -> None:
        """Close both sides; what was passed on is delivered, unless a side no longer reads."""
        for writer in self._writers:
            writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for writer in self._writers:
                    await writer.wait_closed()
        self.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK)
    except ConnectionError:
        return b""


async def _cancel(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def tcp_proxy(host: str, port: int) -> TcpProxy:
    """Return a proxy in front of a server, to enter with `async with` on asyncio or uvloop."""
    return TcpProxy(host, port)


@contextmanager
def threaded_proxy(host: str, port: int) -> Generator[TcpProxy]:
    """Run a proxy in front of a server in a thread, whatever its user runs on."""

    async def make() -> TcpProxy:
        return TcpProxy(host, port)

    with start_blocking_portal("asyncio") as portal:
        # Made on the loop that it is to live on.
        proxy = portal.call(make)
        with portal.wrap_async_context_manager(proxy):
            yield proxy


def free_port() -> int:
    """Return a port on which nothing listens."""
    while True:
        port = random.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port

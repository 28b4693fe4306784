"""A TCP proxy whose behaviour changes while it runs: slow, silent, cut, or gone.

Each direction of the traffic is a `Flow`: `proxy.requests` runs from clients to the server,
`proxy.replies` back. What is set on a flow holds for open connections as well as for new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Self, TypeVar

from anyio.from_thread import start_blocking_portal

from tests.servers.processes import HOST, Service, free_port

T = TypeVar("T")

CHUNK: Final = 2**16
CLOSE_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 0.05


class Flow:
    """One direction of the traffic."""

    def __init__(self) -> None:
        self.bytes = 0
        """Received so far, whether it was passed on or not."""
        self.seconds = 0.0
        self._open = asyncio.Event()
        self._open.set()
        self._left: int | None = None

    def delay(self, seconds: float) -> None:
        """Pass on what arrives from now on so much later, in order."""
        self.seconds = seconds

    def hold(self) -> None:
        """Keep everything back until `release`; connections stay open."""
        self._open.clear()

    def release(self) -> None:
        """Pass on what was held back, and go on."""
        self._open.set()

    def cut_after(self, count: int) -> None:
        """Pass on so many more bytes, then cut the connection on which the last of them came."""
        self._left = count

    def reset(self) -> None:
        """Pass everything on at once again."""
        self.delay(0.0)
        self.release()
        self._left = None

    async def due(self, time: float) -> None:
        """Return when what is due at this time of the loop may pass."""
        wait = time - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)
        await self._open.wait()

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """Return what of the data may pass, and whether the connection ends with it."""
        if self._left is None or len(data) < self._left:
            self._left = None if self._left is None else self._left - len(data)
            return data, False
        data, self._left = data[: self._left], None
        return data, True


class TcpProxy:
    """A proxy in front of one server; see `tcp_proxy`."""

    host: Final = HOST

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self.connections = 0
        """Accepted so far."""
        self.dropped = 0
        """Connections that were cut by `drop_replies`."""
        self.requests = Flow()
        self.replies = Flow()
        self._target = (host, port)
        self._listener: asyncio.Server | None = None
        self._links: dict[_Link, asyncio.Task[None]] = {}
        self._drop: bytes | None = None

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.refuse()
        tasks = list(self._links.values())
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def accept(self) -> None:
        """Accept connections again, on the same port, after `refuse`."""
        self._listener = await asyncio.start_server(self._connected, self.host, self.port)

    def refuse(self) -> None:
        """Stop listening: new connections are refused, open ones live on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """Abort every connection now; what is under way is lost."""
        for link in list(self._links):
            link.abort()

    def drop_replies(self, *, containing: bytes = b"") -> None:
        """Let the next request through and lose its reply, then cut that connection. Once.

        "Next" is what a client sends next, or next with these bytes in it. The cut comes when the
        server has answered and then been silent for a moment, so it has done what it was asked.
        """
        self._drop = containing

    def reset(self) -> None:
        """Pass everything on at once again, in both directions."""
        self.requests.reset()
        self.replies.reset()
        self._drop = None

    def loses_reply(self, request: bytes) -> bool:
        """Tell whether the reply to these bytes is the one to lose."""
        if self._drop is None or self._drop not in request:
            return False
        self._drop = None
        return True

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
        self._swallows = False
        self._over = False
        self._aborted = asyncio.Event()

    def abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._aborted.set()

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
        now = asyncio.get_running_loop().time
        while data := await _read(reader):
            flow.bytes += len(data)
            if self._swallows and flow is self._proxy.replies:
                return await self._swallow(reader)
            queue.put_nowait((now() + flow.seconds, data))
        queue.put_nowait((now() + flow.seconds, b""))
        return None

    async def _send(
        self, flow: Flow, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while not self._over:
            time, data = await queue.get()
            await flow.due(time)
            if self._over:
                return
            if flow is self._proxy.requests and self._proxy.loses_reply(data):
                self._swallows = True
            passed, cut = flow.take(data)
            # Said before the data goes out: an answer to it must not pass any more.
            self._over = cut or not data
            writer.write(passed)
            await writer.drain()

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


class ThreadedProxy(Service):
    """A proxy on an event loop of its own, for servers that are started without one."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        self._portal = self._stack.enter_context(start_blocking_portal("asyncio"))
        # Made on the loop's own thread, like all that happens to it.
        proxy = self._portal.call(tcp_proxy, *self._target)
        self._proxy = self._stack.enter_context(self._portal.wrap_async_context_manager(proxy))

    def stop(self) -> None:
        self._stack.close()

    @property
    def address(self) -> tuple[str, int]:
        return self._proxy.host, self._proxy.port

    def do(self, action: Callable[[TcpProxy], T]) -> T:
        """Do something to the proxy on its event loop: `link.do(lambda proxy: proxy.cut())`."""
        return self._portal.call(action, self._proxy)

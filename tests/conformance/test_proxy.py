"""The kit's proxy: what it does to connections, and where it can stand."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from etagere.conformance.lines import NoLine, line_of
from etagere.conformance.proxy import TcpProxy, tcp_proxy, threaded_proxy

pytestmark = pytest.mark.anyio

QUESTIONS = {b"one\n": b"first", b"two\n": b"second", b"three\n": b"third"}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each line; echo what is none of the questions."""
    with suppress(ConnectionError):
        while line := await reader.readline():
            writer.write(QUESTIONS.get(line, line))
            await writer.drain()
    writer.close()


@asynccontextmanager
async def in_front_of_server() -> AsyncGenerator[TcpProxy]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=2**20)
    host, port = server.sockets[0].getsockname()
    async with server, tcp_proxy(host, port) as proxy:
        yield proxy


@contextmanager
def in_thread_in_front_of_server() -> Generator[TcpProxy]:
    async def start() -> asyncio.Server:
        return await asyncio.start_server(answer, "127.0.0.1", 0)

    with start_blocking_portal("asyncio") as portal:
        server = portal.call(start)
        host, port = server.sockets[0].getsockname()
        with threaded_proxy(host, port) as proxy:
            yield proxy
        portal.call(server.close)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, question: bytes) -> bytes:
        """Send a line; return what comes back, b"" if the connection is cut."""
        self._writer.write(question)
        async with asyncio.timeout(5):
            try:
                return await self._reader.read(2**16)
            except ConnectionError:
                return b""

    async def read(self, count: int) -> bytes:
        async with asyncio.timeout(5):
            return await self._reader.readexactly(count)

    def abort(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def client_of(proxy: TcpProxy) -> AsyncGenerator[Client]:
    client = Client(*await asyncio.open_connection(proxy.host, proxy.port))
    try:
        yield client
    finally:
        client.abort()


class TestFlows:
    @pytest.mark.parametrize("way", ["requests", "replies"])
    async def test_throttle(self, way: str) -> None:
        async with in_front_of_server() as proxy, client_of(proxy) as client:
            flow = proxy.requests if way == "requests" else proxy.replies
            flow.throttle(100_000)
            began = time.monotonic()
            first = await client.ask(b"x" * 19_999 + b"\n")
            await client.read(20_000 - len(first))
            # The last step is on its way before its time has passed.
            assert time.monotonic() - began >= 0.2 - 0.02
            flow.reset()
            assert await client.ask(b"one\n") == b"first"

    async def test_throttle_to_less_than_a_byte_a_step(self) -> None:
        async with in_front_of_server() as proxy, client_of(proxy) as client:
            proxy.replies.throttle(40)
            began = time.monotonic()
            assert (await client.ask(b"one\n"))[:1] == b"f"
            await client.read(4)
            assert time.monotonic() - began >= 4 / 40

    async def test_a_delay_is_at_least_that(self) -> None:
        async with in_front_of_server() as proxy, client_of(proxy) as client:
            proxy.replies.delay(0.05)
            began = time.monotonic()
            assert await client.ask(b"one\n") == b"first"
            assert time.monotonic() - began >= 0.05

    async def test_a_cut_counts_across_steps(self) -> None:
        async with in_front_of_server() as proxy, client_of(proxy) as client:
            proxy.replies.throttle(1000)
            proxy.replies.cut_after(30)
            got = await client.ask(b"y" * 99 + b"\n")
            while more := await client.ask(b""):
                got += more
            assert got == b"y" * 30


class TestLostReplies:
    @pytest.mark.parametrize("number", [1, 2, 3])
    async def test_of_the_turn_that_is_meant(self, number: int) -> None:
        async with in_front_of_server() as proxy, client_of(proxy) as client:
            proxy.drop_replies(containing=b"one", number=number)
            assert await client.ask(b"zero\n") == b"zero\n"
            answers = [await client.ask(question) for question in list(QUESTIONS)[:number]]
            assert answers == [*list(QUESTIONS.values())[: number - 1], b""]
            assert proxy.dropped == 1

    async def test_of_none_after_a_reset(self) -> None:
        async with in_front_of_server() as proxy, client_of(proxy) as client:
            proxy.drop_replies(containing=b"one", number=2)
            assert await client.ask(b"one\n") == b"first"
            proxy.reset()
            assert await client.ask(b"two\n") == b"second"
            assert proxy.dropped == 0

    async def test_on_one_connection_only(self) -> None:
        async with (
            in_front_of_server() as proxy,
            client_of(proxy) as client,
            client_of(proxy) as other,
        ):
            proxy.drop_replies(containing=b"one", number=2)
            assert await client.ask(b"one\n") == b"first"
            assert await other.ask(b"two\n") == b"second"
            assert await client.ask(b"two\n") == b""


@pytest.mark.usefixtures("any_loop")
class TestFromAnotherThread:
    async def test_takes_orders(self) -> None:
        with in_thread_in_front_of_server() as proxy:
            async with await anyio.connect_tcp(proxy.host, proxy.port) as stream:
                await stream.send(b"one\n")
                assert await stream.receive() == b"first"
                proxy.replies.hold()
                await stream.send(b"two\n")
                with anyio.move_on_after(0.05) as scope:
                    await stream.receive()
                assert scope.cancelled_caught
                proxy.replies.release()
                assert await stream.receive() == b"second"
                proxy.cut()
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()

    async def test_refuses_and_accepts(self) -> None:
        with in_thread_in_front_of_server() as proxy:
            proxy.refuse()
            with pytest.raises(OSError, match=r"refused|failed"):
                await anyio.connect_tcp(proxy.host, proxy.port)
            await proxy.accept()
            await proxy.accept()
            async with await anyio.connect_tcp(proxy.host, proxy.port) as stream:
                await stream.send(b"one\n")
                assert await stream.receive() == b"first"

    async def test_ends_with_connections_open(self) -> None:
        threads = threading.active_count()
        with in_thread_in_front_of_server() as proxy:
            stream = await anyio.connect_tcp(proxy.host, proxy.port)
            proxy.requests.hold()
            await stream.send(b"one\n")
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
        await stream.aclose()
        assert threading.active_count() == threads


class TestLines:
    @pytest.mark.parametrize(
        ("url", "ports", "through"),
        [
            ("redis://h:1/0?acks=0", None, "redis://127.0.0.1:9/0?acks=0"),
            ("redis://h/0", {"redis": 6379}, "redis://127.0.0.1:9/0"),
            ("pg://user:p%40ss@h:1/db", None, "pg://user:p%40ss@127.0.0.1:9/db"),
            ("x://[::1]:5/db", None, "x://127.0.0.1:9/db"),
            ("http://h/v1.0/state/s", {"http": 80}, "http://127.0.0.1:9/v1.0/state/s"),
        ],
    )
    def test_lead_through_a_proxy(
        self, url: str, ports: dict[str, int] | None, through: str
    ) -> None:
        assert line_of(url, ports).by_way_of("127.0.0.1", 9) == through

    @pytest.mark.parametrize(
        ("url", "ports", "reason"),
        [
            ("memory://", None, "names no address"),
            ("sqlite:////tmp/x.db", None, "names no address"),
            ("postgres://a:1,b:2/db", None, "names several servers"),
            ("redis+cluster://a:1", {"redis": 6379}, "more than one server, or TLS"),
            ("rediss://a:1", {"redis": 6379}, "more than one server, or TLS"),
            ("broken://racy-create", None, "no host or no port"),
            ("x://:7", None, "no host or no port"),
        ],
    )
    def test_where_there_is_none(self, url: str, ports: dict[str, int] | None, reason: str) -> None:
        with pytest.raises(NoLine, match=reason):
            line_of(url, ports)

    def test_name_the_port_that_a_url_does_not(self) -> None:
        line = line_of("postgres://h/db", {"postgres": 5432})
        assert (line.host, line.port) == ("h", 5432)

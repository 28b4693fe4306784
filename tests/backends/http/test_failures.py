"""Servers that are away, fall silent, or talk nonsense."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

import etagere
from etagere import (
    Certainty,
    ConfigurationError,
    Delete,
    EtagereError,
    NotReplicated,
    NotSupported,
    OutcomeUnknown,
    Set,
    Store,
    StoreFailed,
    TooLarge,
    Unavailable,
)
from etagere.conformance.proxy import TcpProxy, free_port, tcp_proxy
from etagere.serving import Settings
from tests.serving.failing import failing_components
from tests.serving.support import running_server

pytestmark = pytest.mark.anyio


@contextmanager
def answering(answer: Callable[[str, str], tuple[int, bytes]]) -> Iterator[str]:
    """Serve what a function says to a method and a path."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            status, body = answer(self.command, self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1.0/state/s"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def failing() -> Iterator[str]:
    """A server of ours with stores that fail, each in its own way."""
    settings = Settings(stores=[("memory", "memory://")], port=0)
    with running_server(settings, failing_components()) as server:
        yield f"{server.url}/v1.0/state/"  # type: ignore[attr-defined]


@pytest.fixture
async def proxy(ours: str) -> AsyncIterator[TcpProxy]:
    parts = urlsplit(ours)
    assert parts.hostname
    assert parts.port
    async with tcp_proxy(parts.hostname, parts.port) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: TcpProxy) -> AsyncIterator[Store]:
    """A store of a server of ours, by way of the proxy."""
    url = f"http://{proxy.host}:{proxy.port}/v1.0/state/shelf"
    async with etagere.open(url, timeout=5.0) as store:
        yield store


class TestTheServer:
    """What becomes of calls when the server is away, or its answers are lost."""

    async def test_it_is_away_and_comes_back(self, store: Store, proxy: TcpProxy) -> None:
        await store.set("away", b"1")
        proxy.refuse()
        proxy.cut()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await store.set("away", b"2")
        with pytest.raises(Unavailable):
            await store.ping()
        await proxy.accept()
        item = await store.get("away")
        assert item is not None
        assert item.value == b"1"

    async def test_it_is_away_when_the_store_is_opened(self, ours: str) -> None:
        async with etagere.open(f"http://127.0.0.1:{free_port()}/v1.0/state/s") as store:
            with pytest.raises(Unavailable, match="cannot be reached"):
                await store.get("k")

    async def test_it_comes_up_after_the_store_is_opened(self, ours: str, proxy: TcpProxy) -> None:
        proxy.refuse()
        url = f"http://{proxy.host}:{proxy.port}/v1.0/state/shelf"
        async with etagere.open(url) as store:
            await proxy.accept()
            assert await store.set("later", b"1")
            assert not store.capabilities.durable

    async def test_a_lost_answer_to_a_write(self, store: Store, proxy: TcpProxy) -> None:
        before = await store.set("lost", b"1")
        proxy.drop_replies(containing=b"POST")
        etag = await store.set("lost", b"2", etag=before)
        assert proxy.dropped == 1
        proxy.drop_replies(containing=b"POST")
        later = await store.set("lost", b"3")
        item = await store.get("lost")
        assert item == etagere.Item("lost", b"3", later)
        assert len({before, etag, later}) == 3

    async def test_a_lost_answer_to_a_transaction(self, store: Store, proxy: TcpProxy) -> None:
        proxy.drop_replies(containing=b"transaction")
        a, b = await store.transact([Set("la", b"1"), Set("lb", b"1")])
        assert proxy.dropped == 1
        items = await store.get_many(["la", "lb"])
        assert items == [etagere.Item("la", b"1", str(a)), etagere.Item("lb", b"1", str(b))]

    async def test_a_lost_answer_to_a_delete(self, store: Store, proxy: TcpProxy) -> None:
        await store.set("gone", b"1")
        proxy.drop_replies(containing=b"DELETE")
        with pytest.raises(OutcomeUnknown) as caught:
            await store.delete("gone")
        assert await store.settle(caught.value) is Certainty.APPLIED

    async def test_a_lost_answer_to_a_read(self, store: Store, proxy: TcpProxy) -> None:
        proxy.drop_replies(containing=b"GET /v1.0/state")
        assert await store.get("nothing") is None
        assert proxy.dropped == 1

    async def test_a_silent_server(self, store: Store, proxy: TcpProxy) -> None:
        await store.set("silent", b"1")
        proxy.replies.hold()
        with pytest.raises(OutcomeUnknown):
            await store.set("silent", b"2", timeout=0.3)
        proxy.replies.release()
        assert await store.exists("silent")


class TestTheStoreBehindIt:
    """The errors of the store are those of the client."""

    @pytest.mark.parametrize(
        ("name", "kind", "words"),
        [
            ("unreachable", Unavailable, "nobody listens at 192.0.2.1"),
            ("unanswered", OutcomeUnknown, "the connection was lost"),
            ("full", StoreFailed, "the disk is full"),
            ("lagging", NotReplicated, "no replica confirmed it within 1 s"),
            ("faulty", OutcomeUnknown, "may or may not have been written"),
        ],
    )
    async def test_writes(
        self, failing: str, name: str, kind: type[EtagereError], words: str
    ) -> None:
        async with etagere.open(failing + name) as store:
            errors = [error async for error in raised_by_writes(store)]
            errors += await store.set_many({"a": b"", "b": b""})  # type: ignore[arg-type]
        for error in errors:
            assert type(error) is kind
            assert words in str(error)

    async def test_reads(self, failing: str) -> None:
        async with etagere.open(failing + "unreachable") as store:
            with pytest.raises(Unavailable, match="nobody listens"):
                await store.get("k")
            with pytest.raises(Unavailable, match="nobody listens"):
                await store.ping()
            with pytest.raises(Unavailable, match="nobody listens"):
                await anext(store.keys())
        async with etagere.open(failing + "full") as store:
            found = await store.get_many(["a", "bad"])
            assert found[0] is None
            assert isinstance(found[1], StoreFailed)

    async def test_limits(self, failing: str) -> None:
        async with etagere.open(failing + "small") as store:
            assert store.capabilities.max_transaction == 3
            with pytest.raises(TooLarge):
                await store.set("k", b"x" * 11)
            with pytest.raises(TooLarge):
                await store.transact([Delete("k")] * 4)
        async with etagere.open(failing + "limited") as store:
            assert store.capabilities.why_not_strong == "it has no replicas"
            with pytest.raises(NotSupported, match="it has no replicas"):
                await store.get("k", consistency="strong")

    async def test_a_store_that_is_not_there(self, failing: str) -> None:
        with pytest.raises(ConfigurationError, match="no state store 'nope'; there are faulty, f"):
            await etagere.open(failing + "nope").__aenter__()


class TestNonsense:
    """Servers that speak HTTP, and not Dapr's API."""

    @pytest.mark.parametrize(
        ("status", "body", "kind", "words"),
        [
            (404, b"not found", ConfigurationError, "no state API at this address"),
            (401, b"invalid api token", ConfigurationError, "put the server's API token"),
            (200, b"<html>", Unavailable, "a body that makes no sense"),
            (503, b"", Unavailable, "503"),
            (302, b"", StoreFailed, "302"),
        ],
    )
    async def test_it_is_no_such_server(
        self, status: int, body: bytes, kind: type[EtagereError], words: str
    ) -> None:
        with (
            answering(lambda method, path: (status, body)) as url,
            pytest.raises(kind, match=words),
        ):
            async with etagere.open(url) as store:
                await store.ping()

    @pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'[{"etag": 5}]', b"{}", b"\xff"])
    async def test_its_answers_make_no_sense(self, body: bytes) -> None:
        described = b'{"version":"1","maxBodySize":9999,"capabilities":{"transactions":"full"}}'

        def answer(method: str, path: str) -> tuple[int, bytes]:
            return (200, described if path.endswith("/capabilities") else body)

        with answering(answer) as url:
            async with etagere.open(url, timeout=5.0) as store:
                with pytest.raises(Unavailable):
                    await store.get("k")
                found = await store.get_many(["a", "b"])
                assert [type(each) for each in found] == [Unavailable] * 2
                written = await store.set_many({"a": b"", "b": b""})
                assert [type(each) for each in written] == [OutcomeUnknown] * 2
                with pytest.raises(OutcomeUnknown):
                    await store.delete("k")
                with pytest.raises(OutcomeUnknown):
                    await store.transact([Set("a", b"")])


async def raised_by_writes(store: Store) -> AsyncIterator[EtagereError]:
    """Yield what each way to write one key raises."""
    for call in (store.set("k", b""), store.delete("k"), store.transact([Set("k", b"")])):
        with pytest.raises(EtagereError) as caught:
            await call
        yield caught.value

"""Malformed HTTP of every kind: the server answers or hangs up, and lives."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from etagere.serving import Server
from etagere.serving.http import protocol
from tests.serving.support import HOST, SECONDS, StoreClient, send_raw, serving

ITEM = '[{"key":"a","value":1}]'
GET = b"GET /v1.0/healthz HTTP/1.1\r\nHost: h\r\n"


@pytest.fixture(autouse=True)
def _alive(memory: StoreClient) -> Iterator[None]:
    """After each test the server still does its work."""
    yield
    assert memory.save({"key": "alive", "value": 1}).status == 204
    assert memory.get("alive").body == b"1"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n\r\n",
        b"CONNECT / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nna me: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nname: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_not_http(server: Server, data: bytes) -> None:
    answer = send_raw(server.url, data, half_close=True)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"G",
        b"GET /v1.0/healthz HTTP/1.1",
        GET,
        GET + b"X: ",
        b"POST /v1.0/state/memory HTTP/1.1\r\nContent-Length: 100\r\n\r\n",
        b"POST /v1.0/state/memory HTTP/1.1\r\nContent-Length: 100\r\n\r\n[{",
        b"POST /v1.0/state/memory HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{\r\n",
    ],
    ids=repr,
)
def test_a_request_that_is_cut_off(server: Server, data: bytes) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((HOST, parts.port), timeout=SECONDS) as connection:
        connection.sendall(data)


def test_random_bytes(server: Server) -> None:
    source = random.Random(1)
    for _ in range(40):
        data = source.randbytes(source.randint(1, 2000))
        answer = send_raw(server.url, data, half_close=True)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_requests_with_bytes_changed_at_random(server: Server) -> None:
    source = random.Random(2)
    whole = (
        b"POST /v1.0/state/memory?metadata.ttlInSeconds=5 HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(ITEM)
    ) + ITEM.encode()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        answer = send_raw(server.url, bytes(data), half_close=True)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 20", b"HTTP/1.1 4")), bytes(data)


def test_headers_without_end(server: Server) -> None:
    answer = send_raw(server.url, GET + b"X-Filler: " + b"x" * (protocol.HEAD_BYTES + 300_000))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_many_headers_without_end(server: Server) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((HOST, parts.port), timeout=SECONDS) as connection:
        connection.sendall(GET)
        sent, answer = 0, b""
        connection.setblocking(False)
        while not answer and sent < 64 * protocol.HEAD_BYTES:
            try:
                sent += connection.send(b"X: y\r\n" * 100)
                answer = connection.recv(1000)
            except BlockingIOError:
                time.sleep(0.001)
            except (ConnectionResetError, BrokenPipeError):
                answer = b"closed"
    assert answer.startswith((b"HTTP/1.1 431 ", b"closed"))


def test_who_does_not_come_to_the_point_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with serving("s=memory://") as call:
        for data in (b"", GET, GET + b"X: 1\r\n"):
            began = time.monotonic()
            assert send_raw(call.url, data) == b""
            assert time.monotonic() - began < SECONDS / 2


def test_who_drips_headers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with (
        serving("s=memory://") as call,
        socket.create_connection((HOST, urlsplit(call.url).port), timeout=SECONDS) as connection,
    ):
        began = time.monotonic()
        connection.sendall(GET)
        connection.settimeout(0.05)
        while time.monotonic() - began < SECONDS:
            try:
                connection.sendall(b"X")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        assert time.monotonic() - began < SECONDS / 2


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    save = b"POST /v1.0/state/memory HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (
        len(ITEM),
        ITEM.encode(),
    )
    get = b"GET /v1.0/state/memory/a HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = send_raw(server.url, save + get * 20 + last)
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"204"] + [b"200"] * 20 + [b"404"]


def test_http_1_0(server: Server) -> None:
    assert send_raw(server.url, b"GET /v1.0/healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 204 ")


def test_an_absolute_target_and_an_upgrade(server: Server) -> None:
    for data in (
        b"GET http://other.example/v1.0/healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        GET + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
        GET + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
    ):
        assert send_raw(server.url, data, half_close=True).startswith(b"HTTP/1.1 204 ")


def test_expect_100_continue(server: Server) -> None:
    head = (
        "POST /v1.0/state/memory HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(ITEM)}\r\nConnection: close\r\n\r\n"
    )
    answer = send_raw(server.url, head.encode() + ITEM.encode())
    assert b"HTTP/1.1 204 " in answer


def test_a_chunked_body(server: Server, memory: StoreClient) -> None:
    head = (
        b"POST /v1.0/state/memory HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n"
    )
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in ITEM.encode()) + b"0\r\n\r\n"
    assert send_raw(server.url, head + chunks).startswith(b"HTTP/1.1 204 ")
    assert memory.get("a").body == b"1"

"""The life of a server: start, many clients at once, and an orderly end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etagere.errors import ConfigurationError
from etagere.serving import Server, Settings, size_of
from tests.servers import free_port, wait_until
from tests.serving.support import HOST, SECONDS, Client, StoreClient, running_server, serving

ITEM = '[{"key":"a","value":1}]'
HEAD = (
    f"POST /v1.0/state/statestore HTTP/1.1\r\nHost: h\r\nContent-Length: {len(ITEM)}\r\n\r\n"
).encode()

PROGRAM = """
import sys
from etagere.serving import Settings, serve
serve(Settings(stores=[("statestore", sys.argv[2])], port=int(sys.argv[1]), shutdown_timeout=10.0))
"""


@contextmanager
def process(url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a server in a process of its own; yield it and its URL."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), url], stderr=subprocess.PIPE
    ) as running:
        try:
            wait_until(lambda: can_connect(port) or running.poll() is not None, "it listens")
            yield running, f"http://{HOST}:{port}"
        finally:
            running.kill()


def can_connect(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


# --- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_finished(tmp_path: Path, number: int) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    with process(url) as (running, base):
        port = urlsplit(base).port
        assert port
        with socket.create_connection((HOST, port), timeout=SECONDS) as connection:
            connection.sendall(HEAD + ITEM[:5].encode())
            with closing(Client(base)) as client:
                assert client("GET", "/v1.0/healthz").status == 204
            os.kill(running.pid, number)
            wait_until(lambda: not can_connect(port), "it takes no more connections")
            assert running.poll() is None
            connection.sendall(ITEM[5:].encode())
            answer = b""
            while chunk := connection.recv(1000):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 204 ")
        assert running.wait(SECONDS) == 0
        assert running.stderr
        assert b"Traceback" not in running.stderr.read()
    with serving(f"s={url}") as call:
        assert StoreClient(call, "s").get("a").body == b"1"


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with process("memory://") as (running, base):
        port = urlsplit(base).port
        assert port
        with socket.create_connection((HOST, port), timeout=SECONDS) as connection:
            connection.sendall(HEAD)
            with closing(Client(base)) as client:
                assert client("GET", "/v1.0/healthz").status == 204
            os.kill(running.pid, signal.SIGTERM)
            wait_until(lambda: not can_connect(port), "it takes no more connections")
            os.kill(running.pid, signal.SIGTERM)
            assert running.wait(SECONDS) == 0


def test_a_client_that_never_finishes_does_not_hold_the_server_up() -> None:
    with running_server(
        Settings(stores=[("statestore", "memory://")], port=0, shutdown_timeout=0.5)
    ) as server:
        connection = socket.create_connection((HOST, urlsplit(server.url).port), timeout=SECONDS)
        connection.sendall(HEAD)
        with closing(Client(server.url)) as client:
            assert client("GET", "/v1.0/healthz").status == 204
    connection.close()


def test_a_shutdown_request() -> None:
    with process("memory://") as (running, base), closing(Client(base)) as client:
        assert client("POST", "/v1.0/shutdown").status == 204
        assert running.wait(SECONDS) == 0


def test_a_server_that_stops_is_not_ready() -> None:
    settings = Settings(stores=[("statestore", "memory://")], port=0)
    with running_server(settings) as server, closing(Client(server.url)) as client:
        assert client("GET", "/v1.0/healthz").status == 204
        server._health.stopping = True
        answer = client("GET", "/v1.0/healthz")
        assert answer.error == (500, "ERR_HEALTH_NOT_READY")
        assert answer.json["message"] == "dapr is not ready: [shutting down]"
        answer = client("GET", "/v1.0/healthz/outbound")
        assert answer.error == (500, "ERR_OUTBOUND_HEALTH_NOT_READY")


def test_a_signal_while_stores_are_opened() -> None:
    with socket.create_server((HOST, 0)) as silent:  # takes connections and says nothing
        url = f"redis://{HOST}:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(free_port()), url], stderr=subprocess.PIPE
        ) as running:
            try:
                silent.settimeout(SECONDS)
                connection, _ = silent.accept()
                with connection:
                    os.kill(running.pid, signal.SIGTERM)
                    assert running.wait(SECONDS) == 0
            finally:
                running.kill()


# --- the start ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(stores=[("s", "nonsense")]), "'nonsense' is not a store's URL"),
        (Settings(stores=[("s", "nonsense://")]), "no backend is installed for nonsense://"),
        (Settings(stores=[("s", "memory://"), ("s", "memory://")]), "more than one store is named"),
        (Settings(stores=[("s", "memory://")], default_store="t"), "there is no store 't'"),
        (Settings(components=Path("/nowhere")), "there is no folder '/nowhere'"),
        (Settings(stores=[("s", "memory://")], host="nowhere.invalid"), "cannot listen on"),
        (Settings(stores=[("s", "memory://")], port=99_999), "cannot listen on"),
        (Settings(stores=[("s", "memory://?x=1")], port=0), "unknown settings: 'x'"),
    ],
    ids=lambda each: "" if isinstance(each, Settings) else each,
)
def test_settings_that_lead_nowhere(settings: Settings, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said), running_server(settings):
        pass


def test_an_address_that_is_taken() -> None:
    with socket.create_server((HOST, 0)) as other:
        settings = Settings(stores=[("s", "memory://")], port=other.getsockname()[1])
        with pytest.raises(ConfigurationError, match="in use"), running_server(settings):
            pass


def test_a_server_listens_on_the_loopback_only() -> None:
    assert Settings().host == "127.0.0.1"
    with running_server(Settings(stores=[("s", "memory://")], port=0, host="localhost")) as server:
        assert urlsplit(server.url).hostname == HOST


def test_a_server_for_everybody_without_a_token_warns(caplog: pytest.LogCaptureFixture) -> None:
    store = [("s", "memory://")]
    with running_server(Settings(stores=store, port=0, host="0.0.0.0")):
        assert "set an API token" in caplog.text
    caplog.clear()
    with running_server(Settings(stores=store, port=0, host="0.0.0.0", api_token="t")):
        assert "set an API token" not in caplog.text


@pytest.mark.parametrize(
    ("text", "size"), [("4Mi", 4 * 2**20), ("500k", 500_000), ("7", 7), ("1 GiB", 2**30)]
)
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "0", "Mi", "-1", "1.5Mi", "4mi", "4 apples"])
def test_sizes_that_make_no_sense(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a size"):
        size_of(text)


# --- many clients -------------------------------------------------------------------------------


def at_once(url: str, count: int, work: Callable[[Client, int], object]) -> list[object]:
    """Do some work on so many connections at once."""
    barrier = threading.Barrier(count)

    def run(number: int) -> object:
        with closing(Client(url)) as client:
            client("GET", "/v1.0/healthz")
            barrier.wait()
            return work(client, number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_fifty_writers_on_one_etag_one_wins(store: StoreClient) -> None:
    for _ in range(5):
        etag = store.save({"key": "a", "value": -1}).etag

        def write(client: Client, number: int, etag: str = etag) -> int:
            item = {"key": "a", "value": number, "etag": etag}
            return StoreClient(client, store.store).save(item).status

        statuses = at_once(store.call.url, 50, write)
        assert sorted(statuses) == [204] + [409] * 49
        assert store.get("a").json == statuses.index(204)


def test_no_update_is_lost(store: StoreClient) -> None:
    store.save({"key": "counter", "value": 0})

    def add(client: Client, number: int) -> None:
        mine = StoreClient(client, store.store)
        for _ in range(10):
            status = 0
            while status != 204:
                found = mine.get("counter")
                new = {"key": "counter", "value": found.json + 1, "etag": found.etag}
                status = mine.save(new).status
                assert status in (204, 409)

    at_once(store.call.url, 8, add)
    assert store.get("counter").json == 80


def test_a_client_that_goes_away_harms_nobody(server: Server, store: StoreClient) -> None:
    port = urlsplit(server.url).port
    bulk = (
        f'POST {store.path}/bulk HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\n{{"keys":["a"]}}'
    )
    for _ in range(30):
        with socket.create_connection((HOST, port), timeout=SECONDS) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(bulk.encode())
    assert store.save({"key": "a", "value": 1}).status == 204


def test_hundreds_of_connections(server: Server, memory: StoreClient) -> None:
    port = urlsplit(server.url).port
    connections = [http.client.HTTPConnection(HOST, port, timeout=SECONDS) for _ in range(400)]
    for connection in connections:
        connection.request("GET", "/v1.0/state/memory/a")
    for connection in connections:
        assert connection.getresponse().read() == b""
        connection.close()

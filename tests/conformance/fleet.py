"""Every store that we answer for, as a subject of the kit: alone, replicated, served, layered."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from etagere.backend import Backend
from etagere.conformance.subjects import Subject, subject_of_url
from etagere.histories.recording import Recorder
from etagere.layers import KeyPrefix
from etagere.layers.recording import Recording
from etagere.memory import MemoryBackend
from etagere.serving import Settings
from tests.conformance.hooks import (
    ClockHooks,
    ReplicatedPostgresHooks,
    ReplicatedRedisHooks,
    ServerHooks,
)
from tests.servers import (
    postgres,
    postgres_binaries,
    redis_binaries,
    valkey,
    valkey_cluster,
    valkey_sentinel,
)
from tests.serving.support import running_server

Subjects: TypeAlias = Generator[Subject]
Opens: TypeAlias = Callable[[], AbstractContextManager[Subject]]
LARGEST_BODY: Final = 64 * 2**20
# A standby that is paused must not make the kit wait for longer than it waits for anything else.
ACK_TIMEOUT: Final = "ack_timeout=5"


@contextmanager
def memory() -> Subjects:
    """A dict."""
    yield named("memory", "memory://")


@contextmanager
def sqlite() -> Subjects:
    """A file."""
    with TemporaryDirectory() as directory:
        yield named("sqlite", f"sqlite:///{Path(directory, 'state.db')}", hooks=ClockHooks())


@contextmanager
def redis(name: str, binary: Path) -> Subjects:
    """A server on its own, whose word is enough for a strong write."""
    with valkey(binary=binary, appendonly=True) as server:
        yield named(name, f"{server.url}?acks=0", hooks=ServerHooks(server))


@contextmanager
def replicated_redis(name: str, binary: Path) -> Subjects:
    """A primary with two replicas, which eventual reads come from."""
    with valkey(replicas=2, replica_lag=0.0, binary=binary) as server:
        url = f"{server.url}?reads=replica&{ACK_TIMEOUT}"
        yield named(name, url, hooks=ReplicatedRedisHooks(server))


@contextmanager
def redis_cluster() -> Subjects:
    """Three primaries, each with a third of the slots."""
    with valkey_cluster(3) as cluster:
        yield named("redis-cluster", f"{cluster.url}?acks=0", hooks=ClockHooks())


@contextmanager
def redis_sentinel() -> Subjects:
    """A primary that Sentinels name, with a replica."""
    with valkey_sentinel() as sentinel:
        yield named("redis-sentinel", f"{sentinel.url}?{ACK_TIMEOUT}", hooks=ClockHooks())


@contextmanager
def postgresql(name: str, version: int) -> Subjects:
    """A server on its own."""
    with postgres(version=version, durable=True) as server:
        url = server.database_url(server.create_database())
        yield named(name, url, hooks=ServerHooks(server))


@contextmanager
def replicated_postgresql(name: str, version: int) -> Subjects:
    """A primary with two standbys, one of which must have applied a strong write."""
    with postgres(version=version, standbys=2, sync="ANY 1 (s1, s2)") as server:
        standbys = ",".join(standby.address for standby in server.standbys)
        url = f"{server.url}?standbys={standbys}&{ACK_TIMEOUT}"
        yield named(name, url, hooks=ReplicatedPostgresHooks(server))


@contextmanager
def simulated(name: str, settings: str) -> Subjects:
    """A simulated cluster, whose time passes as it does here."""
    yield named(name, f"sim://?{settings}", hooks=ClockHooks())


@contextmanager
def served(name: str, behind: Opens) -> Subjects:
    """A store behind our HTTP server."""
    with behind() as subject:
        assert subject.url
        settings = Settings(stores=[("shelf", subject.url)], port=0, max_body_size=LARGEST_BODY)
        with running_server(settings) as server:
            url = f"{server.url}/v1.0/state/shelf"  # type: ignore[attr-defined]
            yield named(name, url)


@contextmanager
def layered(name: str, wrap: Callable[[Backend], Backend]) -> Subjects:
    """A layer around a dict."""
    subject = subject_of_url("memory://")
    yield replace(subject, name=name, make=lambda url: wrap(MemoryBackend.from_url(url)))


def named(name: str, url: str, **options: Any) -> Subject:
    """Return the store behind a URL under a name that tells people more."""
    return replace(subject_of_url(url, **options), name=name)


def clusters() -> dict[str, Opens]:
    """Return simulated clusters: of strong protocols, and of others that claim less."""
    protocols = {
        "single": "protocol=single",
        "caspaxos": "protocol=caspaxos",
        "primary-backup": "protocol=primary_backup",
        "abd": "protocol=abd",
        "quorum-regular": "protocol=quorum_regular",
        "dynamo": "protocol=dynamo&r=2&w=2",
    }
    return {
        f"sim-{name}": partial(simulated, f"sim-{name}", f"{settings}&latency=lnkd-ssd")
        for name, settings in protocols.items()
    }


def fleet() -> dict[str, Opens]:
    """Return everything that this machine has the servers for, by name."""
    alone: dict[str, Opens] = {"memory": memory, "sqlite": sqlite}
    others: dict[str, Opens] = {}
    for name, binary in redis_binaries():
        alone[name] = partial(redis, name, binary)
        others[f"{name}-replicated"] = partial(replicated_redis, f"{name}-replicated", binary)
    for version in postgres_binaries():
        name = f"postgres-{version}"
        alone[name] = partial(postgresql, name, version)
        others[f"{name}-replicated"] = partial(replicated_postgresql, f"{name}-replicated", version)
    if redis_binaries():
        others |= {"redis-cluster": redis_cluster, "redis-sentinel": redis_sentinel}
    over_http = {f"http-{name}": partial(served, f"http-{name}", alone[name]) for name in alone}
    layers = {
        "prefix": partial(layered, "prefix", partial(KeyPrefix, prefix="app||")),
        "recording": partial(layered, "recording", recorded),
    }
    return alone | others | clusters() | over_http | layers


def recorded(inner: Backend) -> Backend:
    """Record what a backend does, and forget it."""
    return Recording(inner, Recorder(keep=False))

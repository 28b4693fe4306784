"""Servers and event loops for every test.

Servers start when a test first asks for one and serve the whole session; each test gets a database
of its own. Tests that kill, freeze or reconfigure a server start their own from `tests.servers`.
A machine without a server skips its tests and says so first; where CI is set, it refuses to start.
ETAGERE_TEST_REDIS_BIN names another redis-server or valkey-server, ETAGERE_TEST_POSTGRES_BIN
another directory with PostgreSQL's programs, and ETAGERE_TEST_CHROMIUM_BIN another browser, which
is a server like the others here.

An async test carries the mark `anyio` and runs on asyncio. One that must hold on every event loop
asks for `any_loop` as well, by argument or for a whole module:

    pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]

A module can choose its loops itself with a fixture `anyio_backend` of its own that has
`params=ALL_LOOPS`, or some of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Chromium, chromium
from tests.servers import (
    PostgresServer,
    ServerUnavailable,
    ValkeyServer,
    postgres,
    postgres_binaries,
    redis_binaries,
    valkey,
)

ALL_LOOPS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
    pytest.param(("trio", {}), id="trio"),
]
REDIS_BINARIES = [pytest.param(path, id=name) for name, path in redis_binaries()]


# --- what this machine has ----------------------------------------------------------------------


def pytest_configure() -> None:
    if os.environ.get("CI") and (missing := _missing_servers()):
        raise pytest.UsageError("; ".join(missing))


def pytest_report_header() -> list[str]:
    redis_names = [name for name, _ in redis_binaries()]
    versions = [f"PostgreSQL {version}" for version in postgres_binaries()]
    lines = [f"servers: {', '.join(redis_names + versions) or 'none'}"]
    return lines + [f"SKIPPING what needs a server: {reason}" for reason in _missing_servers()]


def _missing_servers() -> list[str]:
    return [reason for make in (valkey, postgres, chromium) if (reason := _why_not(make))]


def _why_not(make: Callable[[], object]) -> str:
    try:
        make()
    except ServerUnavailable as error:
        return str(error)
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    with _skip_without_server():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    with _skip_without_server():
        return (yield)


@contextmanager
def _skip_without_server() -> Iterator[None]:
    try:
        yield
    except ServerUnavailable as error:
        pytest.skip(str(error))


# --- event loops --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def anyio_backend() -> Any:
    return "asyncio"


@pytest.fixture
def any_loop(anyio_backend: Any) -> Any:
    """Run the test on asyncio, on asyncio with uvloop, and on trio."""
    return anyio_backend


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "any_loop" in metafunc.fixturenames:
        metafunc.parametrize("anyio_backend", ALL_LOOPS, scope="module")


# --- servers ------------------------------------------------------------------------------------


@pytest.fixture(scope="session", params=REDIS_BINARIES or [None])
def redis_binary(request: pytest.FixtureRequest) -> Path | None:
    """Run the test on Valkey, and on Redis where it is installed."""
    return request.param


@pytest.fixture(scope="session")
def valkey_server(redis_binary: Path | None) -> Iterator[ValkeyServer]:
    with valkey(binary=redis_binary) as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: ValkeyServer) -> str:
    """The URL of an empty server that has never seen a script."""
    valkey_server.call("FLUSHALL")
    valkey_server.call("SCRIPT FLUSH")
    return valkey_server.url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database. A test that leaves a connection open fails."""
    name = postgres_server.create_database()
    yield postgres_server.database_url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path}/state.db"

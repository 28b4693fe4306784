"""Servers for the tests of the PostgreSQL backend."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import PostgresServer, postgres, postgres_binaries


@pytest.fixture(scope="package", params=list(postgres_binaries()) or [None])
def versions_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """Run the test on each version of PostgreSQL that is here."""
    with postgres(version=request.param) as server:
        yield server


@pytest.fixture
def each_url(versions_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database on each version. No test may leave a connection open."""
    name = versions_server.create_database()
    yield versions_server.database_url(name)
    versions_server.drop_database(name)

"""One server for all tests of its API, with a store of each kind; each test finds them empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from etagere.serving import Server, Settings
from tests.serving.support import Client, StoreClient, running_server

STORES = ["memory", "sqlite"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("serving")
    urls = [("memory", "memory://"), ("sqlite", f"sqlite:///{folder}/state.db")]
    with running_server(Settings(stores=urls, port=0)) as server:
        yield server


@pytest.fixture(scope="session")
def session_client(server: Server) -> Iterator[Client]:
    with closing(Client(server.url)) as client:
        yield client


@pytest.fixture
def call(session_client: Client) -> Client:
    """A client of the server; all its stores are empty."""
    session_client.close()  # the server hangs up on who is silent for long; it connects again
    for name in STORES:
        store = StoreClient(session_client, name)
        while keys := store.keys():
            doomed = [{"key": key} for key in keys]
            assert session_client("POST", f"{store.extensions}/delete", doomed).status == 200
    return session_client


@pytest.fixture(params=STORES)
def store(call: Client, request: pytest.FixtureRequest) -> StoreClient:
    """A store of each kind in turn."""
    return StoreClient(call, request.param)


@pytest.fixture
def memory(call: Client) -> StoreClient:
    """A store, where the kind does not matter."""
    return StoreClient(call, "memory")

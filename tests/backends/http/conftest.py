"""A server of ours with a dict behind it, and one that is not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

import etagere
from etagere import Store
from etagere.serving import Settings
from tests.backends.http.daprd import Daprd, daprd
from tests.serving.support import running_server


@pytest.fixture(scope="module")
def ours() -> Iterator[str]:
    """The URL of a store of a server of ours; its bodies are small, so that batches are parted."""
    settings = Settings(stores=[("shelf", "memory://")], port=0, max_body_size=64 * 2**10)
    with running_server(settings) as server:
        yield f"{server.url}/v1.0/state/shelf"  # type: ignore[attr-defined]


@pytest.fixture
def theirs() -> Iterator[Daprd]:
    """A server of Dapr's API that is not ours."""
    with daprd(counting=True) as server:
        yield server


@pytest.fixture
async def store(ours: str) -> AsyncIterator[Store]:
    """A store of the server of ours."""
    async with etagere.open(ours) as store:
        yield store


@pytest.fixture
async def foreign(theirs: Daprd) -> AsyncIterator[Store]:
    """The store of the server that is not ours."""
    async with etagere.open(theirs.store) as store:
        yield store

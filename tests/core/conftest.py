"""A store on a backend that does what the test tells it to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from etagere import Store
from tests.core.scripted import ScriptedBackend


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
async def store(backend: ScriptedBackend) -> AsyncIterator[Store]:
    async with Store(backend) as store:
        yield store

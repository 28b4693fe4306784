"""One fixture, `target`: a database to open stores on, for each backend.

`store` is one open store for a whole module. Tests keep apart by key: `key` is one of a test's own.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from etagere import Store
from tests.behaviour.targets import BACKENDS, TARGETS, Target, Targets

_numbers = itertools.count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("targets")
        wanted = BACKENDS if marker is None else marker.args
        names = [name for name in TARGETS if family(name) in wanted]
        metafunc.parametrize("target", names, indirect=True, scope="module")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "targets(*names): run on these; without it, on every backend but not over HTTP"
    )


def family(name: str) -> str:
    return name.partition("-")[0]


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    with ExitStack() as stack:
        yield Targets(tmp_path_factory.mktemp("behaviour"), stack)


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest, targets: Targets) -> Iterator[Target]:
    """A database that is empty when the module starts."""
    with targets.make(request.param) as target:
        yield target


@pytest.fixture(scope="module")
async def store(target: Target) -> AsyncIterator[Store]:
    async with target.open() as store:
        yield store


@pytest.fixture
def key() -> str:
    """A key that no other test uses; also a prefix of such keys."""
    return f"k{next(_numbers):05}"

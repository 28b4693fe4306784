"""The first door: a class to subclass, with every clause in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

import pytest

from etagere.backend import Backend
from etagere.conformance.clauses import clause_of
from etagere.conformance.faults import FaultClauses
from etagere.conformance.hidden import hidden_clauses
from etagere.conformance.hooks import Hooks, Probe
from etagere.conformance.lab import Lab
from etagere.conformance.plugin import plugin_of
from etagere.conformance.races import RaceClauses
from etagere.conformance.running import Target
from etagere.conformance.suite.bulk import BulkLevelClauses
from etagere.conformance.suite.conditional import ConditionalClauses
from etagere.conformance.suite.core import CoreClauses
from etagere.conformance.suite.crashed import CrashClauses
from etagere.conformance.suite.expiring import ExpiringClauses
from etagere.conformance.suite.listing import ListingClauses
from etagere.conformance.suite.replicated import ReplicatedClauses
from etagere.conformance.suite.strong import StrongClauses
from etagere.conformance.suite.transactional import TransactionalClauses


@pytest.mark.anyio
class BackendConformance(
    CoreClauses,
    ConditionalClauses,
    ExpiringClauses,
    BulkLevelClauses,
    TransactionalClauses,
    ListingClauses,
    StrongClauses,
    ReplicatedClauses,
    RaceClauses,
    FaultClauses,
    CrashClauses,
):
    """All clauses, for one backend.

    A test module with this in it is all that is needed:

        class TestMine(BackendConformance):
            backend = MyBackend

    Without a URL the backend is made by `MyBackend()`, with one by `MyBackend.from_url(url)`.
    """

    __conformance__: ClassVar[bool] = True

    backend: ClassVar[Callable[..., Backend] | None] = None
    """A backend class, or a function that makes a backend."""
    url: ClassVar[Any] = ""
    """The URL of the store: a text, or a fixture where it is known only when tests run."""
    hooks: ClassVar[Hooks | None] = None
    """What can be done to the server."""
    probe: ClassVar[Callable[[str], Probe] | None] = None
    """Makes another way to the data from the URL."""

    @pytest.fixture
    def anyio_backend(self, target: Target) -> str:
        """Run on the event loop of the target."""
        return target.loop

    @pytest.fixture
    def database(self, request: pytest.FixtureRequest, target: Target) -> str:
        """Return the URL of the store."""
        known = target.subject.url
        url: str = request.getfixturevalue("url") if known is None else known
        return url

    @pytest.fixture
    async def lab(
        self, request: pytest.FixtureRequest, target: Target, database: str
    ) -> AsyncIterator[Lab]:
        """Return a place to work in, with an open store."""
        run, clause = plugin_of(request.config).run, clause_of(request.function)
        assert clause is not None, f"{request.node.name} is not decorated with a clause"
        async with run.lab(clause, target, database) as lab:
            subject = target.subject
            if reason := clause.why_not(lab.capabilities, subject.hooks):
                pytest.skip(reason)
            if reason := subject.why_not(clause, database):
                pytest.skip(reason)
            yield lab


if _hidden := [f"{clause.id} by {owner}" for clause, owner in hidden_clauses(BackendConformance)]:
    raise TypeError(f"clauses are hidden by methods of the same name: {', '.join(_hidden)}")

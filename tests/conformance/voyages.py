"""A ship of the fleet on its way through the kit."""

from __future__ import annotations

from typing import Final

from etagere.conformance.results import Outcome
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from tests.conformance.fleet import fleet

SEED: Final = 20_260
MINUTES: Final = 600
"""Seconds within which a ship must be back, on a busy machine."""
FLAGSHIPS: Final = ("memory", "sqlite", "valkey", "postgres-18")
"""Tested by every path; `make conformance` does that with all."""


def names(*beginnings: str) -> list[str]:
    """Return the ships whose names begin so."""
    return [name for name in fleet() if name.startswith(beginnings)]


def conforms(name: str) -> Run:
    """Hold a store to every clause, and fail with what failed."""
    paths = frozenset[str]() if name in FLAGSHIPS else frozenset({"batch"})
    with fleet()[name]() as subject:
        run = conduct([subject], Settings(seed=SEED, paths=paths))
    failures = [
        f"{result.clause} {result.variant}\n{result.message}"
        for result in run.results
        if result.outcome is not Outcome.PASSED
    ]
    assert not failures, "\n\n".join([f"{name}, seed {run.settings.seed}", *failures])
    assert run.results, f"nothing was tested on {name}"
    return run

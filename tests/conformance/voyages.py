"""A ship of the fleet on its way through the kit."""

from __future__ import annotations

from typing import Final

from etagere.conformance import BackendConformance
from etagere.conformance.clauses import REGISTRY
from etagere.conformance.results import Outcome
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from tests.conformance.fleet import fleet

assert BackendConformance.__conformance__  # importing it loads every clause

SEED: Final = 20_260
MINUTES: Final = 600
"""Seconds within which a ship must be back, on a busy machine."""
FLAGSHIPS: Final = ("memory", "sqlite", "valkey", "postgres-18")
"""Tested by every clause and on every path; `make conformance` does that with all."""
SERVED: Final = tuple(f"http-{name}" for name in fleet() if name not in ("memory", "postgres-18"))
ESSENTIAL: Final = ("core", "conditional")
SLOW: Final = ("ETG-RACE", "ETG-FAULT")
SHARED: Final = frozenset({"ETG-RACE-001", "ETG-RACE-005", "ETG-FAULT-010", "ETG-FAULT-065"})
"""Of races and faults, what the others are tested by as well: these take their time."""


def names(*beginnings: str) -> list[str]:
    """Return the ships whose names begin so."""
    return [name for name in fleet() if name.startswith(beginnings)]


def settings_for(name: str) -> Settings:
    """Return how thoroughly a ship is tested each time."""
    if name in FLAGSHIPS:
        return Settings(seed=SEED)
    chosen = {clause for clause in REGISTRY if not clause.startswith(SLOW)}
    # What a server adds shows in any store behind it: the others are tested for the essentials.
    levels = frozenset(ESSENTIAL if name in SERVED else ())
    return Settings(seed=SEED, clauses=SHARED | chosen, levels=levels, paths=frozenset({"batch"}))


def conforms(name: str) -> Run:
    """Hold a store to every clause, and fail with what failed."""
    with fleet()[name]() as subject:
        run = conduct([subject], settings_for(name))
    failures = [
        f"{result.clause} {result.variant}\n{result.message}"
        for result in run.results
        if result.outcome is not Outcome.PASSED
    ]
    assert not failures, "\n\n".join([f"{name}, seed {run.settings.seed}", *failures])
    assert run.results, f"nothing was tested on {name}"
    return run

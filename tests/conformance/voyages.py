"""A ship of the fleet on its way through the kit."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

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
WHOLE: Final = ("memory", "sqlite")
"""Tested by every clause and on every path; `make conformance` does that with all."""
EVERY_CLAUSE: Final = ("valkey",)
"""Tested by every clause, on one path."""
LEVELS: Final = frozenset({"core", "conditional", "strong", "replicated"})
"""Of the others, what is most their own; of races and faults a few, since these take their time."""
SLOW: Final = ("ETG-RACE", "ETG-FAULT")
SHARED: Final = frozenset({"ETG-RACE-001", "ETG-RACE-005", "ETG-FAULT-010", "ETG-FAULT-065"})


def names(*beginnings: str) -> list[str]:
    """Return the ships whose names begin so."""
    return [name for name in fleet() if name.startswith(beginnings)]


def settings_for(name: str) -> Settings:
    """Return how thoroughly a ship is tested each time."""
    if name in WHOLE:
        return Settings(seed=SEED)
    one_path = Settings(seed=SEED, paths=frozenset({"batch"}))
    if name in EVERY_CLAUSE:
        return one_path
    chosen = {clause for clause in REGISTRY if not clause.startswith(SLOW)}
    return replace(one_path, levels=LEVELS, clauses=SHARED | chosen)


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

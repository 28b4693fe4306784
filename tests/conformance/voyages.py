"""A ship of the fleet on its way through the kit."""

from __future__ import annotations

from etagere.conformance.results import Outcome
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from tests.conformance.fleet import fleet

SEED = 20_260


def names(*beginnings: str) -> list[str]:
    """Return the ships whose names begin so."""
    return [name for name in fleet() if name.startswith(beginnings)]


def conforms(name: str, settings: Settings | None = None) -> Run:
    """Hold a store to every clause, and fail with what failed."""
    with fleet()[name]() as subject:
        run = conduct([subject], settings or Settings(seed=SEED))
    failures = [
        f"{result.clause} {result.variant}\n{result.message}"
        for result in run.results
        if result.outcome is not Outcome.PASSED
    ]
    assert not failures, "\n\n".join([f"{name}, seed {run.settings.seed}", *failures])
    assert run.results, f"nothing was tested on {name}"
    return run

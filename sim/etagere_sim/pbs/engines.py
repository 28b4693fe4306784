"""The engines by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from etagere_sim.pbs import messages, montecarlo, oracle
from etagere_sim.pbs.cells import TRIALS, Cell, Prediction, Progress

MODULES: Final[Mapping[str, ModuleType]] = {
    "oracle": oracle,
    "montecarlo": montecarlo,
    "messages": messages,
}


def predict(
    engine: str,
    cell: Cell,
    times: tuple[float, ...],
    *,
    trials: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Prediction:
    """Predict how consistent and how fast a cell is. The same seed gives the same numbers."""
    number = TRIALS[engine] if trials is None else trials
    found: Prediction = MODULES[engine].predict(
        cell, times, trials=number, seed=seed, progress=progress
    )
    return found

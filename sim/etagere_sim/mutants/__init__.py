"""Planted faults: protocols with one rule broken, which the simulator must find.

A kit that finds nothing has either nothing to find or no teeth. Each mutant here is a few lines,
has been seen in a real system or a paper, and must be caught and made small.
"""

from __future__ import annotations

from typing import Final

from etagere_sim.mutants import of_abd, of_caspaxos, of_dynamo, of_primary_backup, of_single
from etagere_sim.mutants.hunting import SEEDS, Caught, hunt
from etagere_sim.mutants.mutant import Mutant

MUTANTS: Final[tuple[Mutant, ...]] = (
    *of_caspaxos.MUTANTS,
    *of_abd.MUTANTS,
    *of_single.MUTANTS,
    *of_primary_backup.MUTANTS,
    *of_dynamo.MUTANTS,
)

__all__ = ["MUTANTS", "SEEDS", "Caught", "Mutant", "hunt"]

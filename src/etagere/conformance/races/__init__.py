"""Races: many clients on the same keys at the same time."""

from __future__ import annotations

from etagere.conformance.races.linearizable import ProgramClauses
from etagere.conformance.races.sequential import SequentialClauses
from etagere.conformance.races.sums import SumClauses
from etagere.conformance.races.winners import WinnerClauses


class RaceClauses(WinnerClauses, SumClauses, ProgramClauses, SequentialClauses):
    """Everything about clients that meet on a key."""


__all__ = ["RaceClauses"]

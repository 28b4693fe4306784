"""How much a complete search may cost."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Where a search gives up, with `Answer.UNDECIDED`."""

    seconds: float = 60.0
    """Of wall time, over all keys."""
    states: int = 1_000_000
    """Configurations held in memory at once, over all keys."""

"""The settings of one copy."""

from __future__ import annotations

from typing import Self

from msgspec import Struct

from etagere.urls import Options
from etagere_sim.protocols import waiting


class Knobs(Struct, frozen=True, kw_only=True):
    """How the server and its clients go about it."""

    fsync: bool = True
    """Whether a change is synced before anybody is told of it."""
    naive: bool = False
    """Whether what is sent again is a new request, as of a driver that retries without a word: then
    a conditional write whose first answer was lost may report a conflict with its own success."""
    patience: float = 60.0
    """Milliseconds to wait for an answer before asking again."""
    deadline: float = 2000.0
    """Milliseconds after which an operation is given up."""

    @classmethod
    def from_options(cls, options: Options, round_trip: float) -> Self:
        """Take the settings out of a `sim://` URL."""
        return cls(
            fsync=options.flag("fsync", default=True),
            naive=options.choice("retries", "settled", "naive") == "naive",
            patience=waiting.patience(options, round_trip),
            deadline=waiting.deadline(options, round_trip),
        )

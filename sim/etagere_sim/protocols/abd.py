"""ABD: an atomic register in message-passing systems, for many writers.

Attiya, Bar-Noy and Dolev, "Sharing memory robustly in message-passing systems" (JACM, 1995), for
many writers after Lynch and Shvartsman, "Robust emulation of shared memory using dynamic
quorum-acknowledged broadcasts" (FTCS, 1997). A write asks a majority for the highest tag and then
puts its value at a majority under a higher one. A read asks a majority for the newest cell and,
unless all of them have just that, puts it at a majority before it returns: so no later read can
miss what this one saw.
"""

from __future__ import annotations

from typing import Self

from etagere.urls import Options
from etagere_sim.protocols import waiting
from etagere_sim.protocols.registers.knobs import Knobs, conditional_of, keepers_of
from etagere_sim.protocols.registers.replication import Registers


class Abd(Registers):
    """Majorities, and write-back. Gets and sets are linearizable, and so is that a key is deleted.

    So are writes that keep the expiry, but for those that are under way at the very moment at which
    the record expires. What else depends on what is there (a conditional operation, a touch) is
    refused, or unsafe.
    """

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL: `n`, `unsafe`, `cas` and times."""
        keepers = keepers_of(options)
        majority = len(keepers) // 2 + 1
        return cls(
            Knobs(
                keepers=keepers,
                read_quorum=majority,
                write_quorum=majority,
                write_back=True,
                conditional=conditional_of(options),
                patience=waiting.patience(options, round_trip),
                deadline=waiting.deadline(options, round_trip),
            )
        )

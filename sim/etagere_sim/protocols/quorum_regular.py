"""Quorums that overlap, R + W > N, and nothing more: a regular register, not an atomic one.

Gifford, "Weighted voting for replicated data" (SOSP, 1979), with a weight of one for each replica
and without transactions. A read sees every write that returned before it began. While a write is
under way one read may return the new value and a later one the old (Lamport, "On interprocess
communication", 1986, calls that regular): the first saw a replica that the second did not ask.
"""

from __future__ import annotations

from typing import Self

from etagere.urls import Options
from etagere_sim.protocols import waiting
from etagere_sim.protocols.registers.knobs import Knobs, conditional_of, keepers_of
from etagere_sim.protocols.registers.replication import Registers


class QuorumRegular(Registers):
    """Reads of R replicas and writes to W, without write-back: also eventual reads ask R.

    It does not claim to be strong, although a read misses no write that returned before it began:
    who reads the new value and tells another, who then reads the old one, has been misled.
    """

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL: `r` and `w`, and those of `Abd`."""
        keepers = keepers_of(options)
        number, majority = len(keepers), len(keepers) // 2 + 1
        read_quorum = options.integer("r", majority, least=1)
        write_quorum = options.integer("w", majority, least=1)
        if not number < read_quorum + write_quorum or max(read_quorum, write_quorum) > number:
            raise options.wrong(
                f"r={read_quorum} and w={write_quorum} of n={number} replicas: r and w are at most"
                " n, and more than n together, or a read may miss a write;"
                " for quorums that do not overlap, take protocol=dynamo"
            )
        return cls(
            Knobs(
                keepers=keepers,
                read_quorum=read_quorum,
                write_quorum=write_quorum,
                write_back=False,
                eventual_reads=read_quorum,
                conditional=conditional_of(options),
                patience=waiting.patience(options, round_trip),
                deadline=waiting.deadline(options, round_trip),
            )
        )

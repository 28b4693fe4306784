"""Replication protocols, each behind the interface of `protocol`."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from etagere.urls import Options
from etagere_sim.protocols.protocol import Replication

PROTOCOLS: Final = {
    "single": "etagere_sim.protocols.single:Single",
    "dynamo": "etagere_sim.protocols.dynamo:Dynamo",
    "quorum_regular": "etagere_sim.protocols.quorum_regular:QuorumRegular",
    "abd": "etagere_sim.protocols.abd:Abd",
    "caspaxos": "etagere_sim.protocols.caspaxos:CasPaxos",
    "primary_backup": "etagere_sim.protocols.primary_backup:PrimaryBackup",
}
"""Where each protocol is. They are imported when they are asked for."""


def protocol_of(options: Options, round_trip: float = 0.0) -> Replication:
    """Return the protocol that a `sim://` URL names, with its settings (by default single).

    Times that the URL does not say fit a network in which a round trip takes so many milliseconds.
    """
    module, _, name = PROTOCOLS[options.choice("protocol", *PROTOCOLS)].partition(":")
    kind: type[Replication] = getattr(import_module(module), name)
    return kind.from_options(options, round_trip)

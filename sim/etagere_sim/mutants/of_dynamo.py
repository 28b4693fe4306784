"""Mutants of what makes a cluster in the manner of Dynamo converge.

It is not linearizable by itself, so all that tells of them is that replicas stay apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from etagere_sim.campaigns.judging import NOT_CONVERGED
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.mutants.mutant import Mutant, Place, campaign, subclass
from etagere_sim.protocols.dynamo import knobs, merkle, replica
from etagere_sim.protocols.dynamo.anti_entropy import AntiEntropy
from etagere_sim.protocols.dynamo.hints import Hints
from etagere_sim.protocols.dynamo.messages import Contents, HandOver
from etagere_sim.protocols.dynamo.versions import Cell

MANY_KEYS: Final = Workload(keys=8, conditional=0.0, reads=0.2, eventual=1.0)
SYNCED: Final = "dynamo&sync=0.3"
HINTED: Final = "dynamo&w=2&hints=on"
HELD_FOR_SURE: Final = "dynamo&w=3&hints=on&hosts=7&sloppy=on"
"""A write waits until three have it: hints are then no longer a matter of luck."""


def lengths_only(leaf: Mapping[str, Cell]) -> Iterator[bytes]:
    """Yield how many versions there are of each key, instead of which."""
    for key, cell in leaf.items():
        yield repr((key, len(cell))).encode()


def first_comes(mine: Cell, other: Cell) -> Cell:
    """Keep what is there, whatever its stamp."""
    return mine or other


class TellsOnly(AntiEntropy):
    """Takes in what differs, and does not tell its own."""

    def take_in(self, source: str, told: Contents) -> None:
        """Take in what the other host has."""
        super().take_in(source, Contents(told.leaves, told.cells, is_answer=True))


class LetsGo(Hints):
    """Forgets a hint when it is sent, and not when it has arrived."""

    def _hand_over(self, _: object) -> None:
        held = list(self._held)
        super()._hand_over(_)
        for absent, key in held:
            self._put_down(absent, key, None)


class Overwrites(Hints):
    """Takes a hint for the newest version, whatever is there."""

    def take_over(self, source: str, given: HandOver) -> None:
        """Take what another host held for this one."""
        self._host.disk.write(given.key, given.cell)
        self._host.disk.sync()
        super().take_over(source, given)


MUTANTS: Final = (
    Mutant(
        name="trees compare lengths only",
        protocol="dynamo",
        what="a leaf's hash is of how many versions there are, and not of which",
        seen="rsync's quick check, which compares sizes and times and no contents",
        places=(Place(merkle, "_texts", lengths_only),),
        campaign=campaign(SYNCED, "all", MANY_KEYS),
        signs=(NOT_CONVERGED,),
    ),
    Mutant(
        name="anti-entropy one way",
        protocol="dynamo",
        what="of two hosts that compare, only one takes in what the other has",
        seen="push without pull: Demers et al., PODC 1987, on its long tail",
        places=subclass(TellsOnly, replica),
        campaign=campaign(SYNCED, "all", MANY_KEYS),
        signs=(NOT_CONVERGED,),
    ),
    Mutant(
        name="first version stays",
        protocol="dynamo",
        what="of two versions the one that is there stays, whatever the stamps",
        seen="replication by insert-if-absent, such as INSERT IGNORE",
        places=(Place(knobs, "keep_the_last", first_comes),),
        campaign=campaign(SYNCED, "all", MANY_KEYS),
        signs=(NOT_CONVERGED,),
    ),
    Mutant(
        name="hint dropped when sent",
        protocol="dynamo",
        what="a hint is forgotten when it is sent, and not when it has arrived",
        seen="folklore of hinted handoff",
        places=subclass(LetsGo, replica),
        campaign=campaign(HELD_FOR_SURE, "messages", MANY_KEYS),
        signs=(NOT_CONVERGED,),
    ),
    Mutant(
        name="hint overwrites newer",
        protocol="dynamo",
        what="a hint takes the place of what is there, even of what is newer",
        seen="folklore of hinted handoff",
        places=subclass(Overwrites, replica),
        campaign=campaign(HINTED, "pauses,holds", MANY_KEYS),
        signs=(NOT_CONVERGED,),
    ),
)

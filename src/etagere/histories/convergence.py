"""Whether replicas came to agree once everything was quiet, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeAlias

import msgspec
from msgspec import Struct

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.ordering import VersionOrder

Final: TypeAlias = tuple[str | None, str | None]
"""What a replica holds under a key in the end: the identity of the value, and the etag."""
Replica: TypeAlias = Mapping[str, Final]
"""What a replica holds in the end, by key."""
NOTHING: Final = (None, None)


class Convergence(Struct, frozen=True):
    """What became of the replicas of a history."""

    digests: dict[str, str]
    """Of each replica's keys, values and etags."""
    diverged: dict[str, dict[str, Final]]
    """By key: what each replica holds, where they do not hold the same; (None, None): nothing."""
    invented: dict[str, list[Final]]
    """By key: what is held although nobody wrote it."""
    lost: list[Call]
    """Writes that were acknowledged, that nobody replaced, and that no replica holds."""
    acknowledged: int
    """How many writes were acknowledged."""

    @property
    def agreed(self) -> bool:
        """Whether all replicas hold the same."""
        return len(set(self.digests.values())) <= 1

    @property
    def converged(self) -> bool:
        """Whether they agree on what was written, and lost nothing."""
        return self.agreed and not self.invented and not self.lost


def check_convergence(history: History, replicas: Mapping[str, Replica]) -> Convergence:
    """Hold what replicas have in the end against the writes of a history.

    A write is lost if what is there came before it, or took its place although both were made on
    one version. Where nothing orders the two, it counts as replaced; so does everything on a key
    whose records expire and that is absent.
    """
    diverged: dict[str, dict[str, Final]] = {}
    invented: dict[str, list[Final]] = {}
    lost: list[Call] = []
    by_key = history.by_key()
    for key in sorted({*by_key, *(key for replica in replicas.values() for key in replica)}):
        held = {name: replica.get(key, NOTHING) for name, replica in replicas.items()}
        finals = list(dict.fromkeys(held.values()))
        if len(finals) > 1:
            diverged[key] = held
        order = VersionOrder(by_key.get(key, []), history.initial)
        possible = {final: list(order.held_as(*final)) for final in finals}
        foreign = [held for held in finals if not possible[held] and held not in vanished(order)]
        if foreign:
            invented[key] = foreign
        else:
            lost += lost_writes(order, list(possible.values()))
    return Convergence(
        digests={name: digest_of(replica) for name, replica in replicas.items()},
        diverged=diverged,
        invented=invented,
        lost=lost,
        acknowledged=sum(is_acknowledged(call) for calls in by_key.values() for call in calls),
    )


def lost_writes(order: VersionOrder, finals: list[list[int]]) -> list[Call]:
    """Return the acknowledged writes that are lost, whichever of the possible versions is there."""
    if not all(finals):
        return []
    possible = [version for versions in finals for version in versions]
    return [
        maker
        for version, maker in enumerate(order.makers)
        if maker is not None
        and is_acknowledged(maker)
        and all(is_lost(order, version, final) for final in possible)
    ]


def is_lost(order: VersionOrder, version: int, final: int) -> bool:
    """Tell whether a version is neither in the end nor replaced on the way to it."""
    if order.leads_to(version, final):
        return False
    return order.are_kin(version, final) or order.before(final, version)


def is_acknowledged(call: Call) -> bool:
    """Tell whether a call is a write that its client knows to be done."""
    if call.status is not Status.OK:
        return False
    return call.kind is Kind.SET or (call.kind is Kind.DELETE and call.found is not False)


def vanished(order: VersionOrder) -> tuple[Final, ...]:
    """Return what may be there without a write: nothing, where records expire."""
    return (NOTHING,) if order.expires else ()


def digest_of(replica: Replica) -> str:
    """Return a digest of all that a replica holds."""
    content = sorted((key, *held) for key, held in replica.items() if held != NOTHING)
    return blake2b(msgspec.json.encode(content), digest_size=16).hexdigest()

"""What a strong write means on the servers as they are set up."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from etagere.backend import Reach

_LIST: Final = re.compile(r"\s*(?:(?:any|first)\s+)?(\d+)\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
_MEMBER: Final = re.compile(r'"(?:[^"]|"")*"|[^\s,"]+')


class Facts(Struct, frozen=True):
    """What a server says of itself."""

    in_recovery: bool
    version: int
    encoding: str
    synchronous: str
    """Its `synchronous_standby_names`."""
    attached: int
    """How many standbys are connected to it."""
    commit: str
    """The `synchronous_commit` of this session."""


class Quorum(Struct, frozen=True):
    """How many standbys a commit waits for, out of how many."""

    acks: int
    standbys: int


class Guarantee(Struct, frozen=True):
    """What a commit waits for."""

    durability: str
    """A value of `synchronous_commit`."""
    waits_for_standbys: bool = False
    needs_transaction: bool = False
    """Whether a session does not commit like that by itself."""


LOCAL: Final = Guarantee("local")
LOCAL_BY_TRANSACTION: Final = Guarantee("local", needs_transaction=True)
REPLICATED: Final = Guarantee("remote_apply", waits_for_standbys=True, needs_transaction=True)


class Strength(Struct, frozen=True):
    """What the two levels of consistency mean for a write, or why there is no strong one."""

    reach: Reach
    eventual: Guarantee = LOCAL
    strong: Guarantee = LOCAL
    why_not_strong: str = ""


def strength_of(facts: Facts, acks: int | None) -> Strength:
    """Return what a primary can do, given the acknowledgements that the URL asks for."""
    local = LOCAL if commits_locally(facts) else LOCAL_BY_TRANSACTION
    if acks == 0 or (acks is None and not facts.synchronous and not facts.attached):
        return Strength(Reach.PRIMARY, local, local)
    if problem := too_few_acks(facts, acks):
        return Strength(Reach.NONE, local, why_not_strong=problem)
    return Strength(Reach.FAILOVER, local, REPLICATED)


def commits_locally(facts: Facts) -> bool:
    """Tell whether a session commits to the primary's disk, and waits for nothing else."""
    return facts.commit == "local" or (facts.commit != "off" and not facts.synchronous)


def too_few_acks(facts: Facts, acks: int | None) -> str | None:
    """Tell what is wrong where commits wait for fewer standbys than they should."""
    if not facts.synchronous:
        return (
            f"commits wait for none of the {facts.attached} standbys that are attached to the"
            " primary; set synchronous_standby_names there, as in 'ANY 1 (*)', or do without:"
            " acks=0 in the URL"
        )
    quorum = quorum_of(facts.synchronous, facts.attached)
    needed = acks or majority(quorum.standbys)
    if quorum.acks >= needed:
        return None
    return (
        f"commits wait for {quorum.acks} of {quorum.standbys} standbys, and {needed} are needed;"
        f" raise the number in synchronous_standby_names (now {facts.synchronous!r}), or ask for"
        f" less: acks={quorum.acks} in the URL"
    )


def quorum_of(synchronous: str, attached: int) -> Quorum:
    """Read `synchronous_standby_names`; `*` stands for the standbys that are attached."""
    match = _LIST.fullmatch(synchronous)
    acks, names = (int(match[1]), match[2]) if match else (1, synchronous)
    members = _MEMBER.findall(names)
    return Quorum(acks, max(attached, acks) if "*" in members else len(members))


def majority(standbys: int) -> int:
    """Return how many standbys make, with the primary, a majority of all."""
    return (standbys + 1) // 2

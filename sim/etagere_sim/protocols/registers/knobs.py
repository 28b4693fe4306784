"""The settings of registers that are read and written by quorums."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from etagere.urls import Options

Conditional: TypeAlias = Literal["refused", "read-check-write", "replica"]
"""What becomes of an operation that depends on what is there: it is refused; or read by a quorum,
decided by the client and written to a quorum; or decided by each replica for itself. Only the first
is safe: registers cannot solve consensus, which compare-and-set does (Herlihy, "Wait-Free
Synchronization", 1991)."""


class Knobs(Struct, frozen=True, kw_only=True):
    """How registers are read and written."""

    keepers: tuple[str, ...]
    read_quorum: int
    write_quorum: int
    write_back: bool
    """Whether a read makes sure that what it returns is at a quorum before it returns it."""
    eventual_reads: int = 1
    """How many replicas an eventual read asks."""
    conditional: Conditional = "refused"
    patience: float = 60.0
    """Milliseconds to wait for the answers of one round."""
    deadline: float = 2000.0
    """Milliseconds after which an operation is given up."""
    exchange: float = 250.0
    """Milliseconds between two times that a keeper tells another one what it holds."""


def keepers_of(options: Options) -> tuple[str, ...]:
    """Take the number of replicas out of a URL; return the names of their hosts."""
    number = options.integer("n", 3, least=1)
    return tuple(f"r{position}" for position in range(1, number + 1))


def conditional_of(options: Options) -> Conditional:
    """Take out of a URL what becomes of conditional operations: `unsafe=1`, and `cas`."""
    unsafe = options.flag("unsafe")
    if options.given("cas") and not unsafe:
        raise options.wrong(
            "cas chooses between two ways that are both broken; add unsafe=1 to study them"
        )
    if options.choice("cas", "read-check-write", "replica") == "replica":
        return "replica"
    return "read-check-write" if unsafe else "refused"

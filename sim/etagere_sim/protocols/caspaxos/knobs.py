"""The settings of CASPaxos."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from msgspec import Struct

from etagere.urls import Options
from etagere_sim.protocols import waiting
from etagere_sim.protocols.caspaxos.messages import Configuration

Collection: TypeAlias = Literal["on", "off", "naive"]

PATIENT = 8
"""How many times longer than at first a proposer waits at most for answers."""


class Knobs(Struct, frozen=True, kw_only=True):
    """How proposers and acceptors go about it."""

    configuration: Configuration
    """The one to start with."""
    patience: float = 60.0
    """Milliseconds to wait for the answers of one round, at first. Doubles, up to `most_patience`,
    while there are too few."""
    deadline: float = 2000.0
    """Milliseconds after which an operation is given up."""
    backoff: float = 5.0
    """Milliseconds: the most to wait before the second attempt. Doubles with each one. 0: none."""
    own_id: bool = True
    """Whether a proposer looks for its own change before it calls the outcome unknown."""
    cache: bool = True
    """Whether promises for the next ballot are asked for along with each accept."""
    learn: bool = False
    """Whether acceptors are told what is chosen, so that any one of them can serve an eventual
    read. If not, an eventual read is a strong one."""
    collect: Collection = "on"
    """Whether tombstones are removed. Naive: at once, on the word of a quorum, which is wrong."""
    rest: float = 200.0
    """Milliseconds that a key is left alone before a janitor looks after it."""

    @property
    def most_patience(self) -> float:
        """Milliseconds to wait at most for the answers of one round; always, where nobody waits."""
        return PATIENT * self.patience

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL."""
        collect = options.choice("collect", "on", "off", "naive")
        if not options.flag("unsafe") and collect == "naive":
            raise options.wrong("collect=naive brings deleted values back; for study, add unsafe=1")
        return cls(
            configuration=_configuration(options),
            patience=waiting.patience(options, round_trip),
            deadline=waiting.deadline(options, round_trip),
            backoff=max(5.0, round_trip / 4) if options.flag("backoff", default=True) else 0.0,
            own_id=options.flag("own_id", default=True),
            cache=options.flag("cache", default=True),
            learn=options.flag("learn", default=True),
            collect="naive" if collect == "naive" else "on" if collect == "on" else "off",
            rest=options.seconds("rest", 0.2) * 1000,
        )


def among(members: tuple[str, ...], era: int = 0) -> Configuration:
    """Return the configuration in which any majority of the members decides."""
    majority = len(members) // 2 + 1
    return Configuration(era, members, majority, members, majority)


def _configuration(options: Options) -> Configuration:
    n = options.integer("n", 3, least=1)
    members = tuple(f"r{position}" for position in range(1, n + 1))
    majority = n // 2 + 1
    prepare = options.integer("prepare", majority, least=1)
    accept = options.integer("accept", majority, least=1)
    if prepare > n or accept > n or prepare + accept <= n:
        raise options.wrong(
            f"prepare={prepare} and accept={accept} must each be at most n={n}, and together more:"
            " two quorums that do not meet lose writes"
        )
    return Configuration(0, members, prepare, members, accept)

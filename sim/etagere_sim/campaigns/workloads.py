"""What clients ask for in a run."""

from __future__ import annotations

from enum import Enum
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from etagere.errors import InvalidArgument
from etagere.operations import Consistency


class Ask(Enum):
    """What a client asks for."""

    GET = "get"
    SET = "set"
    """Whatever is there."""
    SWAP = "swap"
    """On the ETag that the client saw last; if it saw none, it creates."""
    DELETE = "delete"


class Intent(Struct, frozen=True, omit_defaults=True):
    """One step of a client's program."""

    ask: Ask
    key: str
    consistency: Consistency
    pause: float
    """Milliseconds before it."""
    etag: str = ""
    """Of a write: the ETag that it gives, even if another write gave it before. Empty: one of its
    own, as it should be."""


class Workload(Struct, frozen=True, kw_only=True):
    """How many clients do what, how often. Shares are of one."""

    clients: int = 3
    operations: int = 5
    """Of each client, while there is trouble; when it is over each has one more write."""
    keys: int = 1
    reads: float = 0.4
    conditional: float = 0.5
    """Of the writes."""
    deletes: float = 0.0
    """Of the writes."""
    eventual: float = 0.0
    """Of everything: asked for at the eventual level."""
    pause: float = 4.0
    """Milliseconds between two steps of a client, on average."""

    def programs(self, random: Random) -> dict[str, list[Intent]]:
        """Draw a program for each client, by name."""
        return {
            name: [self._intent(random) for _ in range(self.operations)] for name in self.names()
        }

    def check(self) -> None:
        """Raise `InvalidArgument` where a number makes no sense."""
        for name in ("clients", "keys"):
            if getattr(self, name) < 1:
                raise InvalidArgument(f"a workload needs at least one of its {name}")
        for name in ("reads", "conditional", "deletes", "eventual"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidArgument(f"{name} of a workload is a share, from 0 to 1")
        if self.conditional + self.deletes > 1:
            raise InvalidArgument("conditional and deletes are shares of the writes: at most 1")
        if self.operations < 0 or self.pause <= 0:
            raise InvalidArgument("a workload has 0 operations or more, and a pause above 0")

    def names(self) -> list[str]:
        """Return the names of the clients."""
        return [f"c{number}" for number in range(1, self.clients + 1)]

    def at_eventual(self) -> Workload:
        """Return the same with everything asked for at the eventual level."""
        return replace(self, eventual=1.0)

    def last(self, number: int) -> Intent:
        """Return what a client does when all is calm again: a write that must go through.

        One client begins after the other, as they do before.
        """
        level = Consistency.EVENTUAL if self.eventual == 1 else Consistency.STRONG
        return Intent(Ask.SET, f"k{number % self.keys}", level, 2 * number * self.pause)

    def _intent(self, random: Random) -> Intent:
        key = f"k{random.randrange(self.keys)}" if self.keys > 1 else "k0"
        eventual = self.eventual > 0 and random.random() < self.eventual
        level = Consistency.EVENTUAL if eventual else Consistency.STRONG
        return Intent(self._ask(random), key, level, random.expovariate(1 / self.pause))

    def _ask(self, random: Random) -> Ask:
        if random.random() < self.reads:
            return Ask.GET
        luck = random.random()
        if luck < self.deletes:
            return Ask.DELETE
        return Ask.SWAP if luck < self.deletes + self.conditional else Ask.SET

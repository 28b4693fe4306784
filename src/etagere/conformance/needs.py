"""Needs: what a store must claim, or must not, for a clause to apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from etagere.backend import Capabilities, Clock, ETagOrigin, Reach, TransactionScope


class Need(Struct, frozen=True):
    """A condition on what a store claims. `~need` is its opposite."""

    claim: str
    """What is claimed, in the words that come after "the store does not claim"."""
    holds: Callable[[Capabilities], bool]
    wanted: bool = True

    def __invert__(self) -> Need:
        return replace(self, wanted=not self.wanted)

    def why_not(self, capabilities: Capabilities) -> str:
        """Return why the condition does not hold; empty if it does."""
        if self.holds(capabilities) is self.wanted:
            return ""
        return f"the store {'does not claim' if self.wanted else 'claims'} {self.claim}"


CONDITIONAL: Final = Need("writing on a condition", lambda offered: offered.conditional)
EXPIRY: Final = Need("keys that expire", lambda offered: offered.clock is not Clock.NONE)
SERVER_CLOCK: Final = Need(
    "expiry by the server's clock", lambda offered: offered.clock is Clock.SERVER
)
TOUCH: Final = Need("changing only when a key expires", lambda offered: offered.touches)
TRANSACTIONS: Final = Need(
    "transactions", lambda offered: offered.transactions is not TransactionScope.NONE
)
SAME_SLOT: Final = Need(
    "transactions only over keys that are stored together",
    lambda offered: offered.transactions is TransactionScope.SAME_SLOT,
)
FULL_TRANSACTIONS: Final = Need(
    "transactions over any keys", lambda offered: offered.transactions is TransactionScope.FULL
)
LISTING: Final = Need("listing", lambda offered: offered.listing)
STRONG: Final = Need("strong consistency", lambda offered: offered.strong)
ACROSS_FAILOVER: Final = Need(
    "strong writes that survive a failover",
    lambda offered: offered.reach in (Reach.FAILOVER, Reach.ALWAYS),
)
DURABLE: Final = Need("data that outlives a process", lambda offered: offered.durable)
WRITER_ETAGS: Final = Need(
    "that it stores ETags as the writer mints them",
    lambda offered: offered.etags is ETagOrigin.WRITER,
)
SMALL_VALUES: Final = Need(
    "a limit for values that is at most 16 MiB", lambda offered: offered.max_value_bytes <= 2**24
)
LIMITED_VALUES: Final = Need(
    "a limit for values that a test can exceed", lambda offered: offered.max_value_bytes < 2**31
)

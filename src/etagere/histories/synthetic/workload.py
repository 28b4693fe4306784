"""What the clients of a synthetic history do."""

from __future__ import annotations

from msgspec import Struct


class Workload(Struct, frozen=True, kw_only=True):
    """What the clients do. Shares are from 0 to 1."""

    operations: int = 1000
    clients: int = 4
    """How many run at the same time."""
    keys: int = 1
    reads: float = 0.5
    """The share of gets."""
    conditional: float = 0.5
    """The share of writes with a precondition."""
    deletes: float = 0.1
    """The share of deletes among the writes."""
    touches: float = 0.0
    transactions: float = 0.0
    expiring: float = 0.0
    """The share of sets and touches with a time to live."""
    eventual: float = 0.0
    """The share of reads that may see an older version."""
    unknown: float = 0.1
    """The share of operations that are never answered; half of these take effect some time."""
    telling: float = 0.5
    """The share of answers that tell all they can: what was there instead, whether something was
    there. And that of unanswered sets whose etag is known, since the writer mints it."""
    silent: float = 0.0
    """The share of sets that are answered without their etag, as some servers do."""
    initial: bool = False
    """Whether the keys hold something at the start."""
    seed: int = 0

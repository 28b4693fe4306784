"""Fresh ETags."""

from __future__ import annotations

import os
from typing import Final

MINTED_AT_ONCE: Final = 256
_minted: list[str] = []


def mint_etag() -> str:
    """Return a fresh ETag: 128 random bits, so that none is ever used twice."""
    try:
        return _minted.pop()
    except IndexError:
        # One call of the system's for many: it costs more than all the rest of a mint.
        bits = os.urandom(16 * MINTED_AT_ONCE).hex()
        _minted.extend([bits[at : at + 32] for at in range(32, len(bits), 32)])
        return bits[:32]


if hasattr(os, "register_at_fork"):
    # Parent and child would give out the same ones.
    os.register_at_fork(after_in_child=_minted.clear)

"""Listing keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from etagere_redis.connections import Connections
from etagere_redis.settings import Address
from etagere_redis.wire import pack

_STEP = 1000
_SPECIAL = re.compile(r"([*?\[\]\\])")


async def keys_of_node(connections: Connections, address: Address, prefix: str) -> set[str]:
    """Return all keys of records on a primary that start with a prefix."""
    pattern = _SPECIAL.sub(r"\\\1", prefix) + "*"
    keys: set[str] = set()
    cursor = b"0"
    while True:
        words = (b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _STEP, b"TYPE", b"hash")
        ((cursor, page),) = await connections.ask(address, pack(*words))
        keys.update(_texts(page))
        if cursor == b"0":
            return keys


def _texts(words: Iterable[bytes]) -> Iterable[str]:
    for word in words:
        with suppress(UnicodeDecodeError):  # not one of ours
            yield word.decode()

"""Random numbers, from streams that do not disturb one another."""

from __future__ import annotations

from hashlib import blake2b
from random import Random


def stream(seed: int, *names: str) -> Random:
    """Return the generator of one stream of a run.

    What one stream is asked for never changes what another gives: one more message on a link must
    not deal all the faults anew. The same on every version of Python.
    """
    text = "\0".join((str(seed), *names)).encode()
    return Random(int.from_bytes(blake2b(text, digest_size=8).digest()))

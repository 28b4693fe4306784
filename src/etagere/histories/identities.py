"""What values and clients are called in a history."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

LONGEST: Final = 48
"""Bytes of a value that is its own identity."""
DIGEST: Final = "blake2b:"
LIFE: Final = "~"
AS_BEFORE: Final = 0
"""As the ttl of a set: that of the record which it replaces."""


def value_identity(value: bytes) -> str:
    """Return what a value is called: itself if it is short text, else a digest of 128 bits.

    A harness that writes values of which no two are equal learns from each read which write it saw.
    """
    if len(value) <= LONGEST:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            pass
        else:
            if not text.startswith(DIGEST):
                return text
    return DIGEST + blake2b(value, digest_size=16).hexdigest()


def identity_of(value: bytes | str | None) -> str | None:
    """Return what a value is called; text stands for its UTF-8, None for a value not known."""
    if value is None:
        return None
    return value_identity(value.encode() if isinstance(value, str) else value)


def client_in_life(session: str, life: int) -> str:
    """Return what a session's client is called after so many calls that were never answered.

    Such a call may still take effect while the session goes on, as if two clients were at work.
    """
    return session if life == 0 else f"{session}{LIFE}{life + 1}"


def session_of(client: str) -> str:
    """Return the session that a client belongs to."""
    session, mark, life = client.rpartition(LIFE)
    return session if mark and life.isdecimal() else client

"""Many keys as the arguments of one statement.

Arrays travel as text, the way PostgreSQL writes them down, and the values of all rows as one
`bytea`. asyncpg has arrays of its own; but about most types of them (`bytea`, `bigint`) it asks the
server first, and sets something in the session to do so: wrong behind pgbouncer, where the next
client gets the session. Those that it knows (`text`) cost it many times what they cost here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

EMPTY: Final = "{}"
"""Among longer arrays: `unnest` fills it up with NULL."""
NUL: Final = "\0"


def texts(items: Sequence[str | None]) -> str:
    """Return a `text[]`; None is NULL, and of nothing but None it is `EMPTY`."""
    given = [item for item in items if item is not None]
    if not given:
        return EMPTY
    if len(given) < len(items):
        return _array("NULL" if item is None else _quoted(item) for item in items)
    # All at once: no text that PostgreSQL can hold has a NUL in it.
    return _array([_quoted(NUL.join(given)).replace(NUL, '","')])


def numbers(items: Sequence[int | None]) -> str:
    """Return an array of integers; None is NULL, and of nothing but None it is `EMPTY`."""
    if items.count(None) == len(items):
        return EMPTY
    return _array(["NULL" if item is None else str(item) for item in items])


def flags(items: Sequence[bool]) -> str:
    """Return a `boolean[]`; where none is set it is `EMPTY`."""
    return _array(["t" if item else "f" for item in items]) if any(items) else EMPTY


def joined(values: Sequence[bytes]) -> tuple[bytes, str, str]:
    """Return values as one, where in it, from 1, each begins, and how long each is."""
    sizes = list(map(len, values))
    starts = list(accumulate(sizes, initial=1))[:-1]
    return b"".join(values), numbers(starts), numbers(sizes)


def _array(elements: Iterable[str]) -> str:
    return f"{{{','.join(elements)}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'

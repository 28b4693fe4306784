"""Many keys as the arguments of one statement.

The rows travel as one JSON text, their values as one `bytea`. Arrays would say the same; but about
most types of them (`bytea`, `bigint`) asyncpg asks the server first, and sets something in the
session to do so: wrong behind pgbouncer, where the next client gets the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from msgspec.json import Encoder

Row: TypeAlias = dict[str, Any]

_encoder: Final = Encoder()


def packed(rows: Sequence[Row]) -> str:
    """Return rows for `json_to_recordset`."""
    return _encoder.encode(rows).decode()


def packed_with_values(rows: Sequence[Row], values: Sequence[bytes | None]) -> tuple[str, bytes]:
    """Return rows and, as one, their values; each row says where in that, from 1, its own is."""
    start = 1
    for row, value in zip(rows, values, strict=True):
        if value is not None:
            row["start"], row["size"] = start, len(value)
            start += len(value)
    return packed(rows), b"".join(value for value in values if value)

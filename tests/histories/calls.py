"""Short ways to write calls down."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from etagere.histories.history import NEVER, Call, History, Kind, Status
from etagere.operations import Consistency


def call(kind: str, start: int, finish: int = NEVER, status: str = "ok", **fields: Any) -> Call:
    return Call(
        kind=Kind(kind),
        start=start,
        finish=finish,
        status=Status(status),
        **({"key": "k"} | fields),
    )


def wrote(start: int, finish: int, etag: str, expected: str | None = None, **fields: Any) -> Call:
    """A set that took effect; the value is called as the etag, in capitals."""
    fields = {"value": etag.upper(), "expected": expected} | fields
    return call("set", start, finish, etag=etag, **fields)


def saw(start: int, finish: int, etag: str | None, **fields: Any) -> Call:
    """An eventual get: of a version, or of nothing."""
    seen = (
        {"found": False} if etag is None else {"etag": etag, "value": etag.upper(), "found": True}
    )
    return call("get", start, finish, consistency=Consistency.EVENTUAL, **(seen | fields))


def deleted(start: int, finish: int, **fields: Any) -> Call:
    return call("delete", start, finish, **({"found": True} | fields))


def unknown(written: Call) -> Call:
    """The same set, never answered."""
    return replace(written, finish=NEVER, status=Status.INFO)


def history(*calls: Call, initial: str | None = None) -> History:
    return History(sorted(calls, key=lambda each: each.start), initial=initial)

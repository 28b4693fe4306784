"""PostgreSQL's errors, and those on the way to it, as etagere's."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import asyncpg

from etagere.errors import (
    ConfigurationError,
    EtagereError,
    Interrupted,
    StoreFailed,
    Unavailable,
)

DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
CONTENTION: Final = {"40001", "40P01"}
CONNECTION: Final = ("08", "57P01", "57P02", "57P05")
"""The connection is gone, and what was under way with it."""
PASSING: Final = {"53300", "55P03", "57014", "57P03"}
"""Refused, but not for good."""
READ_ONLY: Final = "25006"
MISCONFIGURED: Final = ("28", "3D000", "42501")
"""At the login: refused for good."""
POOLER: Final = "startup parameter"
"""How pgbouncer refuses what it does not know."""
ADVICE: Final = {
    "42501": "grant the role what the message names",
    "42P01": "its table was dropped, and is made again when a store is opened",
    "42P07": "a table of that name was not made by etagere: choose another with table= in the URL,"
    " or migrate=no to use it as it is",
    "53100": "make room on the server's disk",
    "53200": "give the server more memory, or store smaller values",
    "54000": "store smaller values",
    "25P03": "raise idle_in_transaction_session_timeout on the server",
}


class Contended(Unavailable):
    """Another transaction was in the way: nothing was written, and at once it may work."""


class NotPrimary(Unavailable):
    """The server takes no writes, or no longer: nothing was written, and another one may."""


class Translation:
    """Raises the driver's errors as etagere's; see `translated`."""

    __slots__ = ("_lost",)

    def __init__(self, lost: type[Interrupted | Unavailable]) -> None:
        self._lost = lost

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, DRIVER_ERRORS):
            raise _translation(error, self._lost) from error


def translated(lost: type[Interrupted | Unavailable]) -> Translation:
    """Raise what the driver raises inside as etagere's; `lost`: what a broken connection means."""
    return Translation(lost)


def _translation(error: Exception, lost: type[Interrupted | Unavailable]) -> EtagereError:
    if isinstance(error, asyncpg.InterfaceError):
        return Unavailable(f"the driver could not send it: {error}")
    if not isinstance(error, asyncpg.PostgresError):  # OSError, or the driver lost its way
        return lost(f"the connection to PostgreSQL broke: {error!r}")
    code = error.sqlstate or ""
    if code in CONTENTION or isinstance(error, asyncpg.InvalidCachedStatementError):
        return Contended(f"other transactions were in the way: {_said(error)}")
    if code.startswith(CONNECTION):
        return lost(f"the connection to PostgreSQL broke: {_said(error)}")
    if code == READ_ONLY:
        return NotPrimary(f"the server takes no writes: {_said(error)}")
    if code in PASSING:
        return Unavailable(f"PostgreSQL did not do it: {_said(error)}; nothing was written")
    advice = ADVICE.get(code, "see the server's log")
    return StoreFailed(f"PostgreSQL failed: {_said(error)}; nothing was written; {advice}")


@contextmanager
def connecting(place: object) -> Generator[None]:
    """Raise what goes wrong on the way to a server as an error of etagere's."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise _no_connection(error, place) from error


def _no_connection(error: Exception, place: object) -> EtagereError:
    if isinstance(error, asyncpg.PostgresError):
        if POOLER in str(error):
            return ConfigurationError(
                f"{place} refused the login: {_said(error)}; behind pgbouncer, put pgbouncer=yes"
                " into the URL"
            )
        if (error.sqlstate or "").startswith(MISCONFIGURED):
            return ConfigurationError(
                f"{place} refused the login: {_said(error)}; check user, password and database in"
                " the URL"
            )
        return Unavailable(f"{place} takes no connections: {_said(error)}")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{place} did not answer within connect_timeout")
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable(f"{place} cannot be reached: {error}")
    return ConfigurationError(f"{place} cannot be connected to as the postgres URL says: {error}")


def _said(error: asyncpg.PostgresError) -> str:
    return f"{error} (SQLSTATE {error.sqlstate})"

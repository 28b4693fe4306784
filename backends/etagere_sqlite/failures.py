"""SQLite's errors as etagere's."""

from __future__ import annotations

import sqlite3

from etagere.errors import (
    ConfigurationError,
    EtagereError,
    Interrupted,
    StoreFailed,
    Unavailable,
)
from etagere_sqlite.settings import Settings

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_ADVICE = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_IOERR: "look at its disk, and at the limits of this process",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this process",
    sqlite3.SQLITE_CANTOPEN: "see that this process may read and write the file and its folder",
    sqlite3.SQLITE_PERM: "see that this process may read and write the file and its folder",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore it from a backup",
    sqlite3.SQLITE_TOOBIG: "store a smaller value",
}


class Translation:
    """A context that turns what SQLite raises in it into an error of etagere's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise _translation(error, self._settings) from error


def is_locked(error: sqlite3.Error) -> bool:
    """Tell whether another connection was in the way."""
    return _code(error) & 0xFF in _LOCKED


def _translation(error: sqlite3.Error, settings: Settings) -> EtagereError:
    if is_locked(error):
        return Unavailable(
            f"another process kept {settings.place} locked for longer than"
            f" busy_timeout={settings.busy_timeout:g} s ({error}); nothing was written"
        )
    if _code(error) == sqlite3.SQLITE_IOERR_FSYNC:
        # The log may hold the whole transaction all the same, for the next process to find.
        return Interrupted(f"{settings.place} could not be synced to its disk: {error}")
    if problem := _wrong_file(error, settings):
        return ConfigurationError(problem)
    advice = _ADVICE.get(
        _code(error) & 0xFF, "see whether its tables are etagere's, or name another with table=..."
    )
    return StoreFailed(
        f"SQLite failed on {settings.place}: {error}"
        f" ({getattr(error, 'sqlite_errorname', type(error).__name__)});"
        f" nothing was written; {advice}"
    )


def _wrong_file(error: sqlite3.Error, settings: Settings) -> str | None:
    if settings.path is None:
        return None
    if _code(error) & 0xFF == sqlite3.SQLITE_NOTADB:
        return f"{settings.place} is not an SQLite database; name another file"
    if settings.path.is_dir():
        return f"{settings.place} is a folder; name a file in it"
    if not settings.path.parent.is_dir():
        return f"the folder of {settings.place} is not there; make it, or name another file"
    return None


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0)

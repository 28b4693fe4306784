"""The connections to one database, and getting its file ready."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from operator import attrgetter

from etagere.errors import ConfigurationError, NotSupported
from etagere_sqlite.connection import Connection
from etagere_sqlite.failures import is_locked
from etagere_sqlite.inline import InlineReader
from etagere_sqlite.reader import Reader
from etagere_sqlite.settings import Settings
from etagere_sqlite.statements import Statements
from etagere_sqlite.writer import Writer

SCHEMA = 1
_POLL_SECONDS = 0.01
_LOG_PAGES = 4000


class Database:
    """One connection that writes, and readers that never wait for it, one of them without a thread.

    A database in memory belongs to one connection, which then does both.
    """

    def __init__(
        self, settings: Settings, statements: Statements, clock: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._statements = statements
        self._clock = clock
        self.writer = Connection(self._writer)
        self.inline: InlineReader | None = None
        self._readers = [
            Connection(self._reader) for _ in range(settings.readers if settings.path else 0)
        ]

    async def open(self) -> None:
        """Connect; a failure leaves nothing open."""
        try:
            # The writer first: it makes the file and the table that the readers read.
            await self.writer.open()
            for reader in self._readers:
                await reader.open()
            if self._readers and self._settings.inline:
                self.inline = await self._readers[0].run(self._inline_reader)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect. Must not be cancelled."""
        if self.inline is not None:
            self.inline.raw.close()  # quick, as it is not the last
        for reader in self._readers:
            await reader.close()
        # The writer last: the last connection to a file folds its log into it.
        await self.writer.close()

    def _inline_reader(self, session: Reader) -> InlineReader:
        with _connected(self._settings) as raw:
            raw.execute("PRAGMA query_only = ON")
            raw.execute("PRAGMA busy_timeout = 0")
            inline = InlineReader(raw, self._statements, self._clock)
            inline.read("")  # reads the schema, which is not for the event loop to do
            return inline

    @property
    def reader(self) -> Connection[Reader] | Connection[Writer]:
        """The connection with the least to do."""
        return min(self._readers, key=attrgetter("waiting")) if self._readers else self.writer

    def _writer(self) -> Writer:
        with _connected(self._settings) as raw:
            _prepare(raw, self._settings, self._statements)
            return Writer(raw, self._statements, self._clock, self._settings.always_durable)

    def _reader(self) -> Reader:
        with _connected(self._settings) as raw:
            raw.execute("PRAGMA query_only = ON")
            return Reader(raw, self._statements, self._clock)


@contextmanager
def _connected(settings: Settings) -> Generator[sqlite3.Connection]:
    """Give a connection that stays open unless the block fails."""
    raw = sqlite3.connect(
        settings.path or ":memory:",
        timeout=settings.busy_timeout,
        isolation_level=None,  # transactions begin and end where this package says so
        check_same_thread=False,  # an interrupt comes from another thread, by its nature
    )
    try:
        # A sync on macOS reaches the disk itself only so; elsewhere this does nothing.
        raw.execute("PRAGMA fullfsync = ON")
        # What a statement of many rows needs to undo itself must not go through a file.
        raw.execute("PRAGMA temp_store = MEMORY")
        yield raw
    except BaseException:
        raw.close()
        raise


def _prepare(raw: sqlite3.Connection, settings: Settings, statements: Statements) -> None:
    (encoding,) = raw.execute("PRAGMA encoding").fetchone()
    if encoding != "UTF-8":
        raise ConfigurationError(
            f"{settings.place} holds text as {encoding}, so keys would not sort as they should;"
            " name another file"
        )
    if settings.path is not None:
        _write_ahead(raw, settings)
    if not raw.execute(statements.is_there, (statements.meta_table,)).fetchone()[0]:
        _create(raw, statements)
    (schema,) = raw.execute(statements.schema).fetchone() or (None,)
    if schema != SCHEMA:
        raise ConfigurationError(
            f"the tables in {settings.place} are of version {schema}, and this etagere knows"
            f" version {SCHEMA}; update etagere, or name another table with table=..."
        )


def _write_ahead(raw: sqlite3.Connection, settings: Settings) -> None:
    mode = _switch_journal(raw, until=time.monotonic() + settings.busy_timeout)
    if mode != "wal":
        raise NotSupported(
            f"{settings.place} cannot have a write-ahead log where it is (journal mode {mode});"
            " put it on a local disk"
        )
    # Four times SQLite's own choice, so up to 16 MB: the log is copied back less often.
    raw.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")


def _switch_journal(raw: sqlite3.Connection, until: float) -> str:
    while True:
        try:
            (mode,) = raw.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            # Processes that start at once meet here, where SQLite does not wait by itself.
            if not is_locked(error) or time.monotonic() > until:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return str(mode)


def _create(raw: sqlite3.Connection, statements: Statements) -> None:
    try:
        raw.executescript(statements.create)
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")

"""Etagere on SQLite, through aiosqlite.

    sqlite:///state.db                  a file, relative to the working directory
    sqlite:////var/lib/app/state.db     a file, absolute (four slashes)
    sqlite://  or  sqlite:///:memory:   in memory, gone when the store is closed

Settings, as in `sqlite:///state.db?durability=full&readers=4`:

    table           name of the table                                           etagere
    readers         connections that read beside the one that writes            2
    busy_timeout    seconds to wait for other processes that write the file     5
    durability      normal: a power cut may lose the last eventual writes;      normal
                    full: it loses none. Strong writes are always durable
    sweep           seconds between looks for expired records                   10
    inline          on: a call that is alone reads a value of up to 16 KiB      on
                    on the event loop itself, until that turns out slow;
                    off: threads do all that touches the file

The folder must be there; the file need not be. What a URL cannot hold is escaped: `%3F` for `?`.
The file is switched to a write-ahead log, so it must be on a disk of this machine, not on a network
share. Any number of processes may use it at once, and it may hold other tables.
"""

from etagere_sqlite.backend import SqliteBackend

__all__ = ["SqliteBackend"]

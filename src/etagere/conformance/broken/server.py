"""The database that the broken backends share: a dict, its replica, and what can befall them."""

from __future__ import annotations

from etagere.conformance.hooks import Hooks
from etagere.operations import Record


class Server:
    """A database in this process: it stays while the stores on it come and go."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.replica: dict[str, Record] = {}
        """What a replica holds: the same, unless it is paused."""
        self.unsaved: dict[str, Record | None] = {}
        """What would be found, after a crash, under keys that were written and not yet saved."""
        self.client_is_ahead = 0
        """Milliseconds that the clock of this process runs before that of the server."""
        self.replica_is_paused = False
        self.hooks: Hooks = ServerHooks(self)

    def put(self, key: str, record: Record | None) -> None:
        """Make this the record under a key, on the replica too."""
        assign(self.records, key, record)
        if not self.replica_is_paused:
            assign(self.replica, key, record)

    def crash(self) -> None:
        """Lose what was not saved."""
        for key, record in self.unsaved.items():
            self.put(key, record)
        self.unsaved.clear()


class ServerHooks(Hooks):
    """What the kit can do to a `Server`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def restart(self) -> None:
        """Crash the server, and have it back at once."""
        self._server.crash()

    async def pause_replica(self) -> None:
        """Keep the replica as it is; enough others, which are not modelled, are up to date."""
        self._server.replica_is_paused = True

    async def resume_replica(self) -> None:
        """Let the replica catch up."""
        self._server.replica_is_paused = False
        self._server.replica = dict(self._server.records)

    async def skew_clock(self, seconds: float) -> None:
        """Set the clock of this process so far off that of the server."""
        self._server.client_is_ahead = round(seconds * 1000)


def assign(records: dict[str, Record], key: str, record: Record | None) -> None:
    """Put a record under a key; None takes away what is there."""
    if record is None:
        records.pop(key, None)
    else:
        records[key] = record

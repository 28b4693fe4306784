"""What readers of a replica are shown."""

from __future__ import annotations

from typing import TypeAlias

from etagere.contract import is_expired
from etagere.operations import Record
from etagere_sim.protocols.primary_backup.messages import Entry, Scan

Place: TypeAlias = tuple[int, Record | None]
"""A record and the number of the entry that it is from; 0: nobody ever wrote it."""
NOTHING: Place = (0, None)


class Shown:
    """The records that may be read.

    Entries may be shown out of their order: one that waits for backups keeps none back that does
    not. This is how the order in which a database shows commits can differ from that of its log.
    """

    def __init__(self) -> None:
        self.newest = 0
        """The number of the last entry that is shown."""
        self._places: dict[str, Place] = {}

    def show(self, number: int, entry: Entry) -> None:
        """Show what an entry changed, where nothing later is shown."""
        self.newest = max(self.newest, number)
        for key, record in entry.changes:
            if self._places.get(key, NOTHING)[0] < number:
                self._places[key] = number, record

    def get(self, key: str) -> Place:
        """Return what is shown under a key."""
        return self._places.get(key, NOTHING)

    def keys(self, asked: Scan, now: int) -> tuple[str, ...]:
        """Return the keys that are asked for and not expired, in UTF-8 byte order."""
        found = sorted(
            key
            for key, (_, record) in self._places.items()
            if record is not None and not is_expired(record.expires_at, now)
            if key.startswith(asked.prefix) and key > asked.after
        )
        return tuple(found[: asked.limit])

"""What a replica has on its disk: the versions of each key."""

from __future__ import annotations

from collections.abc import Mapping

from etagere.operations import Record
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.versions import EMPTY, Cell, record_of, time_of
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.hosts import Host

HINT = "\0"
"""What the names of hints begin with on a disk, and no key does."""


class Cells:
    """The cells of a replica, by key. Everything is on the disk before anybody hears of it."""

    def __init__(self, host: Host, knobs: Knobs) -> None:
        self._host = host
        self._disk = host.disk
        self._grace = knobs.grace
        self._merge = knobs.merge
        for key in self.known():
            self._bury(key, self.read(key))

    def known(self) -> list[str]:
        """Return the keys of which there is or was something."""
        return [name for name in self._disk.names() if not name.startswith(HINT)]

    def read(self, key: str) -> Cell:
        """Return what is there. What the disk cannot give back is not there: others have it."""
        try:
            return self._disk.read(key) or EMPTY
        except Corrupt:
            self._host.world.mark("a corrupt value is taken for none")
            return EMPTY

    def take_in(self, key: str, news: Cell) -> Cell:
        """Merge versions into what is there; return what is there then."""
        return self.add(key, self.read(key), news)

    def add(self, key: str, before: Cell, news: Cell) -> Cell:
        """Merge versions into what was just read; return what is there then."""
        merged = self._merge(before, news)
        if merged is before:
            if news and merged[0].stamp != news[0].stamp:
                self._host.world.mark("an older version is dropped")
            return before
        if len(merged) > 1:
            self._host.world.mark("siblings are kept")
        return self._keep(key, merged)

    def records(self) -> Mapping[str, Record | None]:
        """Return what each key shows."""
        return {key: record_of(self.read(key)) for key in self.known()}

    def _keep(self, key: str, cell: Cell) -> Cell:
        kept = self._without_old_tombstones(cell)
        self._disk.write(key, kept)
        self._disk.sync()
        self._bury(key, kept)
        return kept

    def _bury(self, key: str, cell: Cell) -> None:
        """See to it that tombstones go when their time has come."""
        for version in cell:
            if version.record is None:
                due = time_of(version.stamp) + self._grace - self._host.now()
                self._host.after(max(due, 1.0), self._collect, key)

    def _collect(self, key: str) -> None:
        cell = self.read(key)
        if cell:
            self._keep(key, cell)

    def _without_old_tombstones(self, cell: Cell) -> Cell:
        for version in cell:
            if version.record is None:
                break
        else:
            return cell
        now = self._host.now()
        kept = tuple(
            version
            for version in cell
            if version.record is not None or time_of(version.stamp) + self._grace > now
        )
        if kept != cell:
            self._host.world.mark("a tombstone is collected")
        return kept

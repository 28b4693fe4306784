"""What can be put in between to change what is under the key."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.versions import Version, vanished
from etagere.histories.versioned.words import NEEDS_ANYTHING


class Supply:
    """The writes that may still be placed: first those that must be, then those that may be."""

    def __init__(self, clusters: Clusters) -> None:
        movable = [head for head in clusters.heads if head.chain_closes < head.deadline]
        movable.sort(key=attrgetter("chain_closes"), reverse=True)
        self._coming = movable
        self._ready: list[Version] = []
        self._optional: dict[str | None, list[Version]] = {}
        """By the etag that they expect; those that expect none, and those that expect nothing to be
        there, are under None."""
        for version in clusters.optional:
            assert version.write is not None  # noqa: S101
            if clusters.names.foundlings and version.etag is None and not version.is_absent:
                # It may be needed as the writer of one of these.
                continue
            self._optional.setdefault(version.write.expected or None, []).append(version)

    def ready(self, now: int) -> list[Version]:
        """Return the heads of the chains that can be placed as a whole at `now`."""
        coming, ready = self._coming, self._ready
        while coming and coming[-1].chain_closes <= now:
            ready.append(coming.pop())
        # Most are placed at their deadline and have never been asked for.
        self._ready = [head for head in ready if not head.placed]
        return self._ready

    def restock(self, versions: list[Version]) -> None:
        """Take back what was placed."""
        self._ready += [
            head
            for head in versions
            if not head.is_optional and head.previous is None and head.chain_closes < head.deadline
        ]

    def find(self, wanted: Callable[[Version], bool], current: Version, now: int) -> list[Version]:
        """Return versions to be placed in a row at `now`, so that the last is what is wanted."""
        for head in sorted(self.ready(now), key=_urgency):
            chain = list(head.chain())
            if current.admits(head.needs) and wanted(chain[-1]):
                return chain
        if not current.is_absent and current.mortal <= now:
            gone = vanished(now)
            if wanted(gone):
                return [gone]
        for etag in dict.fromkeys((current.etag, None)):
            for version in self._optional.get(etag, ()):
                if version.start > now:
                    break
                if not version.placed and current.admits(version.needs) and wanted(version):
                    return [version]
        return []


def _urgency(head: Version) -> tuple[bool, int]:
    """Those that suit few states come first, then those that can wait the least."""
    return head.needs is NEEDS_ANYTHING, head.deadline

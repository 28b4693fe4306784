"""Read repair: a read that finds replicas behind brings them up to date.

DeCandia et al., SOSP 2007, section 5; to wait for it, as Cassandra does, makes the reads of one
quorum after another monotonic.
"""

from __future__ import annotations

from collections.abc import Sequence

from etagere_sim.protocols.dynamo.messages import Done, Got, Mend
from etagere_sim.protocols.dynamo.versions import Cell, Merge
from etagere_sim.world.asking import Asked
from etagere_sim.world.hosts import Host


class ReadRepair:
    """The repair of one read. What answers show that come later is repaired in any case."""

    def __init__(self, host: Host, asked: Asked[Got], key: str, cell: Cell, merge: Merge) -> None:
        self._host = host
        self._asked = asked
        self._key = key
        self._newest = cell
        self._merge = merge
        asked.late = self._take_late

    def begin(self) -> None:
        """Bring up to date who answered, without waiting for it."""
        self._send(self._behind())

    async def finish(self, within: float) -> bool:
        """Bring up to date who answered, and return whether that is done."""
        behind = self._behind()
        if not behind:
            return True
        self._host.world.mark("a read waits for a repair")
        mend = Mend(self._key, self._newest)
        done: Asked[Done] = self._host.ask(behind, mend, enough=len(behind), within=within)
        await done
        if len(done) < len(behind):
            self._host.world.mark("a repair takes too long")
        return len(done) == len(behind)

    def _take_late(self, source: str, got: Got) -> None:
        merged = self._merge(self._newest, got.cell)
        if merged is not self._newest:
            self._host.world.mark("a late answer brings news")
            self._newest = merged
            self._send(self._behind())
        elif got.cell != merged:
            self._send([source])

    def _behind(self) -> Sequence[str]:
        # Hosts that stand in for others answered as well, and keep no such key themselves.
        asked, newest = self._asked, self._newest
        replicas = [host for host in asked.targets if host in asked.answers]
        return [host for host in replicas if asked.answers[host].cell != newest]

    def _send(self, behind: Sequence[str]) -> None:
        for replica in behind:
            self._host.world.mark("a read repairs a replica")
            self._host.send(replica, Mend(self._key, self._newest))

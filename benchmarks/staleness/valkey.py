"""Valkey with two replicas, each behind a proxy that holds its stream and its acknowledgements up.

Each write is held up for a constant time and an exponential one, both ways, on each replica by
itself. When a replica shows a write is what `MONITOR` says there, which disturbs nothing.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from random import Random
from typing import Final

import redis

from benchmarks.staleness.trials import PLACES, Copy, Mode
from tests.servers import Replica, ValkeyServer, valkey

STREAM: Final = (2.0, 5.0)
"""Milliseconds: what is certain, and the mean of what comes on top of it."""
ACKS: Final = (1.0, 2.0)
SECONDS: Final = 30.0


class Monitor:
    """What a replica does, as it says itself."""

    def __init__(self, replica: Replica) -> None:
        self._socket = socket.create_connection((replica.host, replica.port), timeout=SECONDS)
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(b"MONITOR\r\n")
        self._lines.readline()

    def moment(self, key: bytes) -> float:
        """Return when the replica set a key."""
        for line in self._lines:
            if b'"SET"' in line and b'"%b"' % key in line:
                return 1000 * float(line[1:].split(b" ", 1)[0])
        raise ConnectionError("the replica has ended")

    def close(self) -> None:
        """Listen no more."""
        self._lines.close()
        self._socket.close()


class Valkey:
    """A primary and two replicas behind proxies."""

    name = "Valkey"
    modes: tuple[Mode, ...] = (Mode("eventual"), Mode("WAIT 1", acks=1))

    def __init__(self, server: ValkeyServer, stack: AsyncExitStack) -> None:
        self._replicas = server.replicas
        self._clients = [_client(one, stack) for one in (*server.replicas, server)]
        self._primary = self._clients[-1]
        self._random = Random(2)
        self._monitors: list[Monitor] = []
        self._acks = 0
        self._slow: Sequence[int] = PLACES

    async def use(self, mode: Mode) -> None:
        """Write in this way from now on."""
        self.close()
        self._acks, self._slow = mode.acks, PLACES

    async def observe(self, mode: Mode, needed: int | None) -> None:
        """Write, wait for this replica or none, and look at what replicas do."""
        self.close()
        self._monitors = [Monitor(replica) for replica in self._replicas]
        # One alone cannot be waited for; but both can, and the other be quick.
        self._acks = 0 if needed is None else len(PLACES)
        self._slow = PLACES if needed is None else (needed,)

    async def write(self, key: int) -> None:
        """Set a new key."""
        for place in PLACES:
            self._hold_up(place)
        if not self._acks:
            self._primary.set(_name(key), b"")
            return
        with self._primary.pipeline(transaction=False) as pipeline:
            pipeline.set(_name(key), b"")
            pipeline.execute_command("WAIT", self._acks, 0)  # type: ignore[no-untyped-call]
            pipeline.execute()

    async def read(self, place: int, key: int) -> bool:
        """Tell whether a replica shows a key."""
        return bool(self._clients[place].exists(_name(key)))

    async def clock(self, place: int | None) -> float:
        """Return when a replica, or the primary, looked at its clock."""
        seconds, microseconds = self._clients[-1 if place is None else place].time()
        return 1000 * seconds + microseconds / 1000

    async def copies(self, key: int) -> list[Copy]:
        """Return when each replica set a key."""
        moments = [monitor.moment(_name(key)) for monitor in self._monitors]
        return [Copy(moment, moment) for moment in moments]

    def close(self) -> None:
        """Look at replicas no more."""
        for monitor in self._monitors:
            monitor.close()
        self._monitors = []

    def _hold_up(self, place: int) -> None:
        link = self._replicas[place].link
        assert link is not None
        slow = place in self._slow
        for flow, (least, mean) in ((link.replies, STREAM), (link.requests, ACKS)):
            more = self._random.expovariate(1 / mean)
            flow.delay((least + more) / 1000 if slow else 0.0)


def _client(server: ValkeyServer, stack: AsyncExitStack) -> redis.Redis:
    client = redis.Redis(host=server.host, port=server.port, single_connection_client=True)
    return stack.enter_context(closing(client))


def _name(key: int) -> bytes:
    return b"key-%d" % key


@asynccontextmanager
async def replicated_valkey() -> AsyncIterator[Valkey]:
    """Start the servers and yield them."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(valkey(replicas=2, replica_lag=0.0))
        yield stack.enter_context(closing(Valkey(server, stack)))

"""What can be done to our own servers while the kit is at work on them."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Final
from unittest.mock import patch

from anyio import to_thread

from etagere.conformance.hooks import Hooks
from tests.servers import PostgresServer, Server, ValkeyServer

NOW: Final = time.time
NOW_NS: Final = time.time_ns


class ClockHooks(Hooks):
    """Any store: the clock of this process is anybody's to set."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._skewed = ExitStack()

    async def skew_clock(self, seconds: float) -> None:
        """Add so much to the time that this process is told."""
        self._seconds = seconds
        self._skewed.close()
        if seconds:
            self._skewed.enter_context(patch.object(time, "time", self._time))
            self._skewed.enter_context(patch.object(time, "time_ns", self._time_ns))

    def _time(self) -> float:
        return NOW() + self._seconds

    def _time_ns(self) -> int:
        return NOW_NS() + round(self._seconds * 1e9)


class ServerHooks(ClockHooks):
    """A server that keeps what it acknowledged when it is killed."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    async def restart(self) -> None:
        """Kill the server, and start it again on its port."""
        await to_thread.run_sync(self._kill_and_start)

    def _kill_and_start(self) -> None:
        self._server.kill()
        self._server.restart()


class ReplicatedRedisHooks(ClockHooks):
    """A primary whose replicas are linked through proxies."""

    def __init__(self, server: ValkeyServer) -> None:
        super().__init__()
        self._replicas = server.replicas

    async def pause_replica(self) -> None:
        """Hold the stream to the first replica."""
        self._replicas[0].hold()

    async def resume_replica(self) -> None:
        """Let it have what was held back."""
        self._replicas[0].release()


class ReplicatedPostgresHooks(ClockHooks):
    """A primary with standbys, of which one is enough to confirm."""

    def __init__(self, server: PostgresServer) -> None:
        super().__init__()
        self._standby = server.standbys[0]

    async def pause_replica(self) -> None:
        """Let the first standby show nothing new."""
        await to_thread.run_sync(self._standby.pause_replay)

    async def resume_replica(self) -> None:
        """Let it catch up."""
        await to_thread.run_sync(self._standby.resume_replay)

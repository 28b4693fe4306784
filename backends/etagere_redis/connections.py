"""Connections to servers: made when they are first needed, and again after they broke."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from enum import Enum, auto
from typing import TypeAlias

from etagere.errors import ConfigurationError, Unavailable
from etagere_redis.failures import refuse_errors, refuse_handshake
from etagere_redis.settings import Address, Login, Settings, Shape
from etagere_redis.wire import Connection, Reply, connect, pack

_PING = pack(b"PING")
_READONLY = pack(b"READONLY")


class Lane(Enum):
    """What a connection is for: what waits on one lane holds nothing up on another."""

    READS = auto()
    """Reads from a primary, and everything that is not about records."""
    WRITES = auto()
    STRONG_WRITES = auto()
    """Apart, because WAIT blocks a connection until the replicas answer."""
    REPLICA_READS = auto()


_Place: TypeAlias = tuple[Address, Lane]


class Connections:
    """At most one connection for each server and lane."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[_Place, Connection] = {}
        self._opening: defaultdict[_Place, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, address: Address, lane: Lane) -> Connection:
        """Return a connection that works, as far as we know.

        Raises `Unavailable`, or `ConfigurationError` where the server does not let us in.
        """
        place = (address, lane)
        connection = self._open.get(place)
        if connection is not None and not connection.closed:
            return connection
        async with self._opening[place]:
            connection = self._open.get(place)
            if connection is None or connection.closed:
                connection = self._open[place] = await self._connect(address, lane)
            return connection

    async def ask(self, address: Address, *commands: bytes) -> list[Reply]:
        """Send commands that change nothing to a server; raise `EtagereError` if one fails."""
        connection = await self.get(address, Lane.READS)
        replies = await connection.exchange(b"".join(commands), len(commands))
        refuse_errors(replies, address)
        return replies

    async def close(self) -> None:
        """Close all connections, also those that are being made."""
        for place, lock in list(self._opening.items()):
            async with lock:
                if connection := self._open.pop(place, None):
                    await connection.close()

    async def _connect(self, address: Address, lane: Lane) -> Connection:
        settings, patience = self._settings, self._settings.reply_timeout
        greeting: list[bytes] = []
        if lane is Lane.STRONG_WRITES:
            patience += settings.ack_timeout
        if lane is Lane.REPLICA_READS:
            # There are others to turn to.
            patience = min(patience, settings.connect_timeout)
            if settings.shape is Shape.CLUSTER:
                greeting.append(_READONLY)
        return await dial(settings, address, settings.login, patience, *greeting)


async def dial(
    settings: Settings, address: Address, login: Login, patience: float, *greeting: bytes
) -> Connection:
    """Connect to a server and log in; raise as `Connections.get` does."""
    try:
        async with asyncio.timeout(settings.connect_timeout):
            connection = await connect(address, settings.tls, patience)
            try:
                await _greet(connection, login, *greeting)
            except BaseException:
                await connection.close()
                raise
            return connection
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(
            f"Redis at {address} shows a certificate that we do not trust ({error});"
            " name its authority with tls_ca="
        ) from error
    except TimeoutError as error:
        raise Unavailable(
            f"Redis at {address} did not answer within"
            f" connect_timeout={settings.connect_timeout:g} s"
        ) from error
    except OSError as error:
        raise Unavailable(f"Redis at {address} cannot be reached: {error}") from error


async def _greet(connection: Connection, login: Login, *greeting: bytes) -> None:
    commands = [*greeting, _PING]
    if login.database:
        commands.insert(0, pack(b"SELECT", login.database))
    if login.password:
        user = (login.user,) if login.user else ()
        commands.insert(0, pack(b"AUTH", *user, login.password))
    replies = await connection.exchange(b"".join(commands), len(commands))
    refuse_handshake(replies, connection.address)

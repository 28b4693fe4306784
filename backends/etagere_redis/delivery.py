"""Commands to the servers that they are for, with what their consistency level asks of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from hiredis import ReplyError

from etagere.errors import ConfigurationError, EtagereError, StoreFailed, Unavailable
from etagere.operations import Consistency
from etagere_redis.commands import LOAD, Command
from etagere_redis.connections import Connections, Lane
from etagere_redis.failures import code_of, refuse_errors
from etagere_redis.replication import ROLE, Replication, check_primary
from etagere_redis.settings import Address, Settings
from etagere_redis.topology import Shard, Topology
from etagere_redis.wire import Reply, pack

ATTEMPTS = 5
_ASKING = pack(b"ASKING")

Send: TypeAlias = Callable[[Shard, Address, Sequence[Command]], Awaitable[object]]


class Delivery:
    """Takes commands to servers, and leaves the replies with them."""

    def __init__(
        self,
        settings: Settings,
        topology: Topology,
        connections: Connections,
        replication: Replication,
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._connections = connections
        self._replication = replication

    async def read(self, commands: Sequence[Command], consistency: Consistency) -> None:
        """Have commands answered that change nothing."""
        if consistency is Consistency.STRONG:
            await self._deliver(commands, self._read_strongly)
        elif self._settings.read_replicas:
            await self._deliver(commands, self._read_from_replica)
        else:
            await self._deliver(commands, self._read)

    async def write(self, commands: Sequence[Command], consistency: Consistency) -> None:
        """Have commands answered that write."""
        strong = consistency is Consistency.STRONG
        await self._deliver(commands, self._write_strongly if strong else self._write)

    # --- what a level asks for ----------------------------------------------------------------

    async def _read(self, shard: Shard, address: Address, commands: Sequence[Command]) -> None:
        await self._send(address, Lane.READS, commands)

    async def _read_strongly(
        self, shard: Shard, address: Address, commands: Sequence[Command]
    ) -> None:
        await self._replication.acks_needed(shard)
        # A primary can become a replica without closing its connections. Asked last, it tells for
        # all that came before.
        role = await self._send(address, Lane.READS, commands, ROLE)
        refuse_errors([role], address)
        check_primary(role, address)

    async def _read_from_replica(
        self, shard: Shard, address: Address, commands: Sequence[Command]
    ) -> None:
        redirected = commands[0].target is not None
        for replica in () if redirected else await self._replication.readable(shard):
            try:
                await self._send(replica, Lane.REPLICA_READS, commands)
                if _are_served(commands):
                    return
            except EtagereError:
                pass
            self._replication.shun(replica)
        await self._send(address, Lane.READS, commands)

    async def _write(self, shard: Shard, address: Address, commands: Sequence[Command]) -> None:
        await self._send(address, Lane.WRITES, commands)

    async def _write_strongly(
        self, shard: Shard, address: Address, commands: Sequence[Command]
    ) -> None:
        needed = await self._replication.acks_needed(shard)
        if not needed:
            await self._send(address, Lane.STRONG_WRITES, commands)
            return
        seconds = self._settings.ack_timeout
        # On the same connection: WAIT waits for what its own connection wrote.
        wait = pack(b"WAIT", needed, max(1, round(seconds * 1000)))
        acks = await self._send(address, Lane.STRONG_WRITES, commands, wait)
        if isinstance(acks, int) and acks >= needed:
            return
        for command in commands:
            command.unconfirmed = _shortfall(acks, needed, address, seconds)

    # --- there and back -----------------------------------------------------------------------

    async def _deliver(self, commands: Sequence[Command], send: Send) -> None:
        for _ in range(ATTEMPTS):
            groups = await self._by_address(commands)
            if len(groups) == 1:
                await _try(send, *groups[0])
            else:
                async with asyncio.TaskGroup() as tasks:
                    for group in groups:
                        tasks.create_task(_try(send, *group))
            commands = [command for command in commands if self._is_to_go_on(command)]
            if not commands:
                return

    async def _by_address(
        self, commands: Sequence[Command]
    ) -> list[tuple[Shard, Address, list[Command]]]:
        groups: dict[Address, tuple[Shard, Address, list[Command]]] = {}
        for command in commands:
            try:
                shard = await self._topology.shard_of(command.slot)
            except Unavailable as error:
                _fail([command], error)
                continue
            address = command.target or shard.primary
            groups.setdefault(address, (shard, address, []))[2].append(command)
        return list(groups.values())

    async def _send(
        self, address: Address, lane: Lane, commands: Sequence[Command], *last: bytes
    ) -> Reply:
        connection = await self._connections.get(address, lane)
        packed: list[bytes] = []
        count = 0
        for command in commands:
            packed += (*command.prelude, command.packed)
            count += len(command.prelude) + command.count
        replies = await connection.exchange(b"".join((*packed, *last)), count + len(last))
        start = 0
        for command in commands:
            start = _note(command, address, replies, start)
        return replies[-1]

    def _is_to_go_on(self, command: Command) -> bool:
        """Tell whether a command was not executed and is to be sent again, and how."""
        reply = command.replies[0]
        code = code_of(reply)
        if code == "NOSCRIPT":
            command.prelude = (LOAD, *command.prelude)
            return True
        if code not in ("MOVED", "ASK") or self._topology.slots == 1:
            return False
        command.target = _redirection(reply, command.address)
        command.prelude = (_ASKING,) if code == "ASK" else ()
        if code == "MOVED":
            self._topology.forget()
        return True


async def _try(send: Send, shard: Shard, address: Address, commands: Sequence[Command]) -> None:
    try:
        await send(shard, address, commands)
    except ConfigurationError as error:
        refused = StoreFailed(str(error))
        refused.__cause__ = error.__cause__
        _fail(commands, refused)
    except EtagereError as error:
        _fail(commands, error)


def _fail(commands: Sequence[Command], error: EtagereError) -> None:
    for command in commands:
        command.replies = [error] * command.count


def _note(command: Command, address: Address, replies: list[Reply], start: int) -> int:
    first = start + len(command.prelude)
    end = first + command.count
    # Where loading the script is refused, that is the answer.
    refused = [reply for reply in replies[start:first] if isinstance(reply, ReplyError)]
    command.address, command.replies = address, refused[:1] or replies[first:end]
    return end


def _redirection(reply: ReplyError, asked: Address) -> Address:
    # "MOVED <slot> <host>:<port>"; no host: the one that was asked.
    host, _, port = str(reply).split(" ")[2].rpartition(":")
    return Address(host or asked.host, int(port))


def _are_served(commands: Sequence[Command]) -> bool:
    """Tell whether a replica gave the answers that the primary would give."""
    return all(
        isinstance(reply, list) or code_of(reply) == "WRONGTYPE"
        for command in commands
        for reply in command.replies
    )


def _shortfall(acks: Reply, needed: int, address: Address, seconds: float) -> str:
    if isinstance(acks, int):
        problem = f"{acks} of {needed} replicas confirmed it within ack_timeout={seconds:g} s"
    else:
        problem = f"whether replicas have it is not known ({acks})"
    return (
        f"written on the primary, Redis at {address}, but {problem};"
        " whoever reads the primary sees it, a failover may lose it"
    )

"""One primary, which Sentinels watch and replace."""

from __future__ import annotations

import asyncio

from etagere.errors import ConfigurationError, EtagereError, Unavailable
from etagere_redis.connections import dial
from etagere_redis.failures import refuse_errors
from etagere_redis.settings import Address, Settings
from etagere_redis.topology import Shard, Single
from etagere_redis.wire import pack


class Sentinel(Single):
    """The primary that the Sentinels name."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings
        self._sentinels = list(settings.addresses)
        self._question = pack(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", settings.service)
        self._known = False
        self._asking = asyncio.Lock()

    async def shard_of(self, slot: int) -> Shard:
        """Return the only shard, with the primary that it has now."""
        if not self._known:
            async with self._asking:
                if not self._known:
                    self._shard.primary = await self._ask_all()
                    self._known = True
        return self._shard

    def forget(self) -> None:
        """Ask the Sentinels again."""
        super().forget()
        self._known = False

    async def _ask_all(self) -> Address:
        problems: list[EtagereError] = []
        for sentinel in list(self._sentinels):
            try:
                primary = await self._ask(sentinel)
            except (Unavailable, ConfigurationError) as error:
                problems.append(error)
                continue
            # Who knows is asked first next time.
            self._sentinels.remove(sentinel)
            self._sentinels.insert(0, sentinel)
            return primary
        raise Unavailable(
            f"no Sentinel names the primary {self._settings.service!r}:"
            f" {'; '.join(map(str, problems))}"
        ) from problems[-1]

    async def _ask(self, sentinel: Address) -> Address:
        settings = self._settings
        connection = await dial(
            settings, sentinel, settings.sentinel_login, settings.connect_timeout
        )
        try:
            replies = await connection.exchange(self._question, 1)
        finally:
            await connection.close()
        refuse_errors(replies, sentinel)
        if replies[0] is None:
            raise Unavailable(
                f"Sentinel at {sentinel} knows no primary {settings.service!r};"
                " is that the name in its configuration?"
            )
        host, port = replies[0]
        return Address(host.decode(), int(port))

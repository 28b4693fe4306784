"""Reading from a server that is not ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import anyio
from msgspec import UNSET

from etagere.errors import EtagereError, Interrupted, StoreFailed
from etagere.operations import Consistency, Outcome, Read, Record
from etagere_http.bodies import DOTS, Found, decoded, encode, query_of
from etagere_http.connection import Connection
from etagere_http.failures import failure_in, outcome_of
from etagere_http.server import AT_ONCE
from etagere_http.settings import Settings
from etagere_http.values import Values


class DaprReader:
    """Fetches records, with the ETags that the server gave them."""

    def __init__(self, connection: Connection, settings: Settings, values: Values) -> None:
        self._call, self._state, self._values = connection.call, settings.state, values

    async def read(self, reads: Sequence[Read], consistency: Consistency) -> Sequence[Outcome]:
        """Fetch records: together where no level is asked for, which only a get takes."""
        keys = list(dict.fromkeys(read.key for read in reads))
        if len(keys) == 1 or consistency is Consistency.STRONG:
            found = await self._get_each(keys, consistency)
        else:
            found = await self._get_all(keys)
        return [found[read.key] for read in reads]

    async def _get_each(self, keys: Sequence[str], consistency: Consistency) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        at_once = anyio.CapacityLimiter(AT_ONCE)

        async def fetch(key: str) -> None:
            async with at_once:
                try:
                    found[key] = await self.get(key, consistency)
                except EtagereError as error:
                    found[key] = error

        async with anyio.create_task_group() as tasks:
            for key in keys:
                tasks.start_soon(fetch, key)
        return found

    async def _get_all(self, keys: Sequence[str]) -> dict[str, Outcome]:
        answer = await self._call("POST", f"{self._state}/bulk", body=encode({"keys": keys}))
        if not answer.is_good:
            failure = failure_in(answer)
            return {key: outcome_of(Read(key), failure) for key in keys}
        if not answer.body and DOTS.isdisjoint(keys):
            # So Dapr answers when one of the values is not JSON.
            return await self._get_each(keys, Consistency.EVENTUAL)
        # In any order, and some stores leave out what is not there.
        found = {each.key: self._record_in(each) for each in decoded(answer, list[Found])}
        return {key: found.get(key) for key in keys}

    async def get(self, key: str, consistency: Consistency) -> Outcome:
        """Fetch one record."""
        if key in DOTS:
            return (await self._get_all([key]))[key]
        answer = await self._call("GET", path_of(self._state, key), query_of(consistency))
        if answer.status == 204:
            return None
        if not answer.is_good:
            return outcome_of(Read(key), failure_in(answer))
        value = self._values.unpack(key, answer.body)
        expires = answer.headers.get("metadata.ttlexpiretime")
        return Record(value, answer.headers.get("etag", ""), moment(expires))

    def _record_in(self, found: Found) -> Outcome:
        if found.error:
            return StoreFailed(found.error)
        if found.data is UNSET:
            return None
        metadata = {name.lower(): word for name, word in (found.metadata or {}).items()}
        try:
            value = self._values.unpack(found.key, found.data)
        except StoreFailed as error:
            return error
        return Record(value, found.etag, moment(metadata.get("ttlexpiretime")))


def path_of(state: str, key: str) -> str:
    """Return the path of a key."""
    return f"{state}/{quote(key, safe='')}"


def moment(text: str | None) -> int | None:
    """Return when a record expires, in milliseconds."""
    if not text:
        return None
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError as error:
        raise Interrupted(f"{text!r} is no time at which a key expires") from error

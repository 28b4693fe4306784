"""Requests to one server, over connections that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

import httpx2

from etagere.errors import Interrupted, Unavailable
from etagere_http.settings import Settings

CONNECTIONS: Final = 32
IDLE_SECONDS: Final = 30.0
"""Less than servers wait before they hang up, so that no request meets a closing connection."""
NO_QUERY: Final[Mapping[str, str]] = {}
NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    """Found by their names in any case."""
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300


class Connection:
    """One server. Nothing is ever sent twice, and nobody but the store sets deadlines."""

    def __init__(self, settings: Settings) -> None:
        self.server = settings.server
        headers = {"accept-encoding": "identity", "content-type": "application/json"}
        if settings.token:
            headers["dapr-api-token"] = settings.token
        self._client = httpx2.AsyncClient(
            headers=headers,
            verify=settings.tls or False,
            timeout=httpx2.Timeout(None, connect=settings.connect_timeout),
            limits=httpx2.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
            ),
            trust_env=False,
        )

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = NO_QUERY,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; return the answer, whatever its status.

        Raises `Unavailable` when nothing was sent, `Interrupted` when no answer came.
        """
        url = f"{self.server}{path}{'?' if query else ''}{urlencode(query, quote_via=quote)}"
        try:
            answer = await self._client.request(method, url, content=body, headers=headers)
        except NOT_SENT as error:
            raise Unavailable(f"{self.server} cannot be reached: {told(error)}") from error
        except httpx2.HTTPError as error:
            raise Interrupted(f"{self.server} did not answer: {told(error)}") from error
        return Answer(answer.status_code, answer.headers, answer.content)


def told(error: Exception) -> str:
    """Return what an error says; some say nothing but their name."""
    return str(error) or type(error).__name__

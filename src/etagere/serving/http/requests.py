"""`Request`: what a handler needs of an HTTP request, read no sooner than it is asked for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias, cast
from urllib.parse import unquote_to_bytes

from etagere.serving.errors import BODY_TOO_LARGE, MALFORMED, ApiError
from etagere.serving.model import NO_METADATA

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

METADATA: Final = "metadata."
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Disconnected(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


class Request:
    """One HTTP request."""

    __slots__ = ("_body", "_max_body_size", "_query", "_receive", "_scope", "method", "path")

    def __init__(self, scope: Scope, receive: Receive, max_body_size: int) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self._scope = scope
        self._receive = receive
        self._max_body_size = max_body_size
        self._query: dict[str, str] | None = None
        self._body: bytes | None = None

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; where a name is given twice, the first value counts."""
        if self._query is None:
            text = self._scope["query_string"]
            self._query = parse_query(text.decode("latin-1")) if text else {}
        return self._query

    def header(self, name: bytes) -> str | None:
        """Return a header by its name in lower case; the first one, if there are several."""
        headers = cast("Iterable[tuple[bytes, bytes]]", self._scope["headers"])
        for each, value in headers:
            if each == name:
                return value.decode("utf-8", "replace")
        return None

    def metadata(self) -> Mapping[str, str]:
        """Return the request metadata: what the query says under `metadata.<name>`."""
        if not self.query:
            return NO_METADATA
        return {
            name.removeprefix(METADATA): value
            for name, value in self.query.items()
            if name.startswith(METADATA)
        }

    async def body(self) -> bytes:
        """Return the whole body; refuse one that is over the limit without keeping it."""
        if self._body is not None:
            return self._body
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            body = await self._rest(bytearray(body))
        elif message["type"] == "http.disconnect":
            raise Disconnected
        if len(body) > self._max_body_size:
            raise ApiError(BODY_TOO_LARGE)
        self._body = body
        return body

    async def _rest(self, body: bytearray) -> bytes:
        more = True
        while more and len(body) <= self._max_body_size:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body)


def parse_query(text: str) -> dict[str, str]:
    """Read a query; where a name is given twice, the first value counts."""
    found: dict[str, str] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            found.setdefault(unescape(name), unescape(value))
    return found


def unescape(text: str) -> str:
    """Undo the escapes of a query or a path parameter: `%2F` is a slash, and `+` a space."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    if bad := _BAD_ESCAPE.search(text):
        escape = text[bad.start() : bad.start() + 3]
        raise ApiError(MALFORMED, problem=f'invalid URL escape "{escape}"')
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        problem = f"{text[:60]!r} in the URL is not UTF-8 behind its escapes"
        raise ApiError(MALFORMED, problem=problem) from error

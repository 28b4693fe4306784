"""Lines: where a proxy can stand between a store and its server."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct


class NoLine(ValueError):
    """Raised when no proxy can stand in front of a store's server; the message says why."""


class Line(Struct, frozen=True):
    """The way to one server over TCP."""

    url: str
    host: str
    port: int

    def by_way_of(self, host: str, port: int) -> str:
        """Return the URL of the same store with another address in it."""
        parts = urlsplit(self.url)
        login, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}{host}:{port}").geturl()


def line_of(url: str, default_ports: Mapping[str, int] | None) -> Line:
    """Return the line to the server that a URL names; raise `NoLine` where there is no such one.

    `default_ports`: what a backend class says of itself, see `Subject.default_ports`.
    """
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    if not address:
        raise NoLine("its URL names no address of a server")
    if "," in address:
        raise NoLine("its URL names several servers")
    if default_ports is not None and parts.scheme not in default_ports:
        raise NoLine(f"behind {parts.scheme}:// is more than one server, or TLS")
    port = parts.port or (default_ports or {}).get(parts.scheme)
    if parts.hostname is None or port is None:
        raise NoLine("its URL names no host or no port")
    return Line(url, parts.hostname, port)

"""From a URL to a broken backend."""

from __future__ import annotations

from typing import ClassVar

from etagere.backend import Backend, Capabilities
from etagere.conformance.broken.catalogue import Flaw, flaw_of
from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Sound
from etagere.errors import ConfigurationError
from etagere.layers.base import Layer
from etagere.opening import backend_type
from etagere.urls import Options

_servers: dict[str, Server] = {}


class BrokenBackend:
    """The way to the broken backends by URL; it is none itself.

    `broken://NAME`, and for those that are layers around a backend for a real database
    `broken://HOST:PORT/NAME?over=SCHEME`.
    """

    capabilities: ClassVar[Capabilities] = Sound.capabilities

    @classmethod
    def from_url(cls, url: str) -> Backend:
        """Make the broken backend that a URL names; all of one name share a database."""
        options = Options(url)
        scheme, place = options.text("over"), options.parts.netloc
        options.done()
        if not scheme:
            return on_its_server(flaw_of(place))
        flaw = flaw_of(options.parts.path.strip("/"))
        if not issubclass(flaw.backend, Layer):
            raise ConfigurationError(f"{flaw.name} is no layer; write broken://{flaw.name}")
        return flaw.backend(backend_type(scheme).from_url(f"{scheme}://{place}"))


def on_its_server(flaw: Flaw) -> Sound:
    """Make a backend on the server that all with this flaw share."""
    if issubclass(flaw.backend, Layer):
        example = f"broken://127.0.0.1:6379/{flaw.name}?over=redis"
        raise ConfigurationError(f"{flaw.name} is a layer on a real backend; write {example}")
    return flaw.backend(_servers.setdefault(flaw.name, Server()))

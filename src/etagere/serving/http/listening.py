"""uvicorn, set up for the state API; needs the extra `server`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

from etagere.errors import ConfigurationError
from etagere.serving.http.app import HttpApp
from etagere.serving.http.protocol import BoundedProtocol
from etagere.serving.settings import Settings

KEEP_ALIVE_SECONDS = 120
BACKLOG = 2048


class HttpServer(uvicorn.Server):
    """uvicorn's server, without its hold on signals, which belong to the whole process."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections, and say so."""
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield


def http_server(app: HttpApp, settings: Settings, on_ready: Callable[[], None]) -> HttpServer:
    """Return a server for an application, to be given its sockets."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_timeout,  # type: ignore[arg-type]
    )
    return HttpServer(config, on_ready)


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that has the address, and does not listen yet.

    Of several addresses of a host it is the first, IPv4 before IPv6.
    """
    if not 0 <= port < 2**16:
        raise ConfigurationError(f"cannot listen on port {port}; there are 0 to 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        bound = socket.socket(family, kind)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise cannot_listen(host, port, error) from error
    return bound


def cannot_listen(host: str, port: int, error: OSError) -> ConfigurationError:
    """Return the error for an address that cannot be had."""
    return ConfigurationError(f"cannot listen on {host} port {port}: {error}")


def url_of(bound: socket.socket) -> str:
    """Return the URL under which a socket is reached."""
    address: tuple[Any, ...] = bound.getsockname()
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"http://{host}:{address[1]}"

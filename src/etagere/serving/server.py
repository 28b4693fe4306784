"""The server: stores opened, faces listening, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

from etagere.components import Component, Surroundings, load
from etagere.errors import ConfigurationError
from etagere.serving import logs
from etagere.serving.health import Health
from etagere.serving.http import http_app
from etagere.serving.settings import Settings
from etagere.serving.stores import NamedStore, opened

if TYPE_CHECKING:
    from etagere.serving.http.listening import HttpServer

log = logging.getLogger("etagere.server")

LOOPBACK = ("127.", "::1", "localhost")


def serve(settings: Settings) -> None:
    """Serve until a signal or a request stops the server; requests in flight are finished.

    A second signal stops it at once. Raises `ConfigurationError` when a store, a component file or
    the address cannot be used.
    """
    logs.configure(settings.log_format)
    server = Server(settings)
    with (
        asyncio.Runner(loop_factory=loop_factory()) as runner,
        stopped_by_signals(server),
        suppress(asyncio.CancelledError),
    ):
        runner.run(server.run())


class Server:
    """A server, to be run in the running event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._components = components_of(settings)
        self._health = Health()
        self._http: HttpServer | None = None
        self._starting: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None

    async def run(self, on_ready: Callable[[str], None] = lambda url: None) -> None:
        """Open the stores, serve until `stop`, then close the stores.

        `on_ready` gets the server's URL once it takes connections.
        """
        listening = _listening()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._starting = (asyncio.get_running_loop(), task)
        with closing(listening.bound_socket(self.settings.host, self.settings.port)) as bound:
            url: str = listening.url_of(bound)
            async with opened(self._components, self.settings.timeout) as stores:

                def announce() -> None:
                    self._announce(url, stores)
                    on_ready(url)

                app = http_app(stores, self.settings, self._health, self.stop)
                http: HttpServer = listening.http_server(app, self.settings, announce)
                self._http, self._starting = http, None
                await http.serve(sockets=[bound])
        log.info("stopped")

    def stop(self) -> None:
        """Begin to stop, from any thread or signal handler; the second time, do so at once."""
        if self._http is not None:
            self._http.force_exit = self._health.stopping
            self._http.should_exit = True
        elif self._starting is not None:
            loop, task = self._starting
            loop.call_soon_threadsafe(task.cancel)
        self._health.stopping = True

    def _announce(self, url: str, stores: Sequence[NamedStore]) -> None:
        names = ", ".join(named.name for named in stores) or "none"
        log.info("serving HTTP on %s, stores: %s", url, names)
        if not self.settings.host.startswith(LOOPBACK) and not self.settings.api_token:
            log.warning("everybody who reaches %s can use the stores; set an API token", url)


def components_of(settings: Settings) -> list[Component]:
    """Return the stores that the settings name, by URL and in component files."""
    app_id = settings.app_id
    components = [
        Component.from_url(name, url, app_id=app_id) for name, url in settings.named_urls()
    ]
    if settings.components is not None:
        surroundings = Surroundings(app_id=app_id, environment=settings.environment)
        components += load(settings.components, surroundings)
    names = [component.name for component in components]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"more than one store is named {twice[0]!r}")
    if settings.default_store and settings.default_store not in names:
        raise ConfigurationError(
            f"there is no store {settings.default_store!r} to be the default;"
            f" there are {', '.join(names) or 'none'}"
        )
    return components


@contextmanager
def stopped_by_signals(server: Server) -> Generator[None]:
    """Let SIGINT and SIGTERM stop the server, for as long as the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        server.stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _listening() -> ModuleType:
    try:
        from etagere.serving.http import listening
    except ImportError as error:
        raise ConfigurationError(
            f"the server needs the package {error.name!r};"
            " install it with: pip install 'etagere[server]'"
        ) from error
    return listening

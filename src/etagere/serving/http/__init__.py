"""The HTTP face."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from etagere.serving.health import Health
from etagere.serving.http.app import HttpApp, Limits
from etagere.serving.http.extensions import ExtensionRoutes
from etagere.serving.http.operations import OperationsRoutes
from etagere.serving.http.router import Route, Router
from etagere.serving.http.state import OldPaths, StateRoutes
from etagere.serving.metadata import Metadata
from etagere.serving.service import StateService
from etagere.serving.settings import DEFAULT_STORE, Settings
from etagere.serving.stores import NamedStore


def http_app(
    stores: Sequence[NamedStore], settings: Settings, health: Health, stop: Callable[[], None]
) -> HttpApp:
    """Return the application that serves some stores; `stop` is what a shutdown request calls."""
    routes = routes_of(stores, settings, health, stop)
    limits = Limits(max_body_size=settings.max_body_size, api_token=settings.api_token)
    return HttpApp(Router(routes), limits, access_log=settings.access_log)


def routes_of(
    stores: Sequence[NamedStore], settings: Settings, health: Health, stop: Callable[[], None]
) -> list[Route]:
    """Return everything that is served."""
    lenient = not settings.strict
    service = StateService(stores, app_id=settings.app_id, strict=settings.strict)
    state = StateRoutes(service, lenient=lenient)
    routes = [
        *state.routes(),
        *ExtensionRoutes(
            service, state, lenient=lenient, max_body_size=settings.max_body_size
        ).routes(),
        *OperationsRoutes(service, health, Metadata(service), stop).routes(),
    ]
    if lenient and (default := default_store(stores, settings)) is not None:
        on_purpose = bool(settings.default_store)
        routes += OldPaths(state, service, default, on_purpose=on_purpose).routes()
    return routes


def default_store(stores: Sequence[NamedStore], settings: Settings) -> NamedStore | None:
    """Return the store of requests that name none, if there is any store."""
    by_name = {named.name: named for named in stores}
    wanted = by_name.get(settings.default_store or DEFAULT_STORE)
    return wanted or next(iter(stores), None)

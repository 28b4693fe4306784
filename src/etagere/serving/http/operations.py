"""Routes about the server itself: health, metadata, shutdown, and the description of all routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from etagere.serving.errors import MALFORMED, ApiError
from etagere.serving.health import Health, health_of
from etagere.serving.http.openapi import document
from etagere.serving.http.requests import Request
from etagere.serving.http.responses import NO_CONTENT, Response, json_response
from etagere.serving.http.router import Route
from etagere.serving.metadata import Metadata
from etagere.serving.service import StateService

PING_SECONDS = 2.0


class OperationsRoutes:
    """What operators and Dapr's clients ask before and beside the state."""

    def __init__(
        self,
        service: StateService,
        health: Health,
        metadata: Metadata,
        stop: Callable[[], None],
    ) -> None:
        self._service = service
        self._health = health
        self._metadata = metadata
        self._stop = stop

    def routes(self) -> Sequence[Route]:
        """Return what is served."""
        return [
            Route(("GET",), "/v1.0/healthz", "GetHealth", self.health, open=True),
            Route(
                ("GET",),
                "/v1.0/healthz/outbound",
                "GetOutboundHealth",
                self.outbound_health,
                open=True,
            ),
            Route(("GET",), "/v1.0/metadata", "GetMetadata", self.metadata),
            Route(("PUT",), "/v1.0/metadata/{key}", "SetMetadata", self.set_metadata),
            Route(("POST",), "/v1.0/shutdown", "Shutdown", self.shutdown),
            Route(("GET",), "/v1.0-etagere/health", "GetStoresHealth", self.stores_health),
            Route(("GET",), "/v1.0-etagere/openapi.json", "GetOpenApi", self.openapi),
        ]

    async def health(self, request: Request) -> Response:
        """Tell whether the server is ready."""
        self._health.check(request.query.get("appid"), self._service.app_id)
        return NO_CONTENT

    async def outbound_health(self, request: Request) -> Response:
        """Tell whether stores can be called."""
        self._health.check_outbound()
        return NO_CONTENT

    async def stores_health(self, request: Request) -> Response:
        """Tell which stores answer; 503 if one does not."""
        stores = await health_of(self._service.stores.values(), PING_SECONDS)
        status = 200 if all(store.ready for store in stores) else 503
        return json_response({"stores": stores}, status)

    async def metadata(self, request: Request) -> Response:
        """Describe the server."""
        return json_response(self._metadata.describe())

    async def set_metadata(self, request: Request, key: str) -> Response:
        """Add a word to the description."""
        try:
            value = (await request.body()).decode()
        except UnicodeDecodeError as error:
            raise ApiError(MALFORMED, problem="the body is not UTF-8") from error
        self._metadata.add(key, value)
        return NO_CONTENT

    async def shutdown(self, request: Request) -> Response:
        """Begin to stop: requests in flight are finished."""
        self._stop()
        return NO_CONTENT

    async def openapi(self, request: Request) -> Response:
        """Describe every route."""
        return json_response(document())

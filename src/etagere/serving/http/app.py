"""The ASGI application: token, route, handler, answer. Whatever a request does, it is answered."""

from __future__ import annotations

import hmac
import logging
import secrets
import time

from msgspec import Struct

from etagere.serving.errors import NO_ROUTE, ApiError, unexpected
from etagere.serving.http.requests import Disconnected, Receive, Request, Scope, Send
from etagere.serving.http.responses import UNAUTHORIZED, Response, error_response
from etagere.serving.http.router import Router

log = logging.getLogger("etagere.http")
access = logging.getLogger("etagere.access")

TOKEN_HEADER = b"dapr-api-token"


class Limits(Struct, frozen=True, kw_only=True):
    """What the application asks of every request."""

    max_body_size: int
    """Bytes."""
    api_token: str = ""
    """Empty: none is asked for."""


class HttpApp:
    """Dapr's state API over HTTP, as an ASGI application."""

    def __init__(self, router: Router, limits: Limits, *, access_log: bool = False) -> None:
        self._router = router
        self._max_body_size = limits.max_body_size
        self._token = limits.api_token.encode()
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive, self._max_body_size)
        began = time.perf_counter() if self._access_log else 0.0
        try:
            response = await self._respond(request)
        except Disconnected:
            return
        status, headers = response.status, response.headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})
        if began:
            _log_access(request, response, time.perf_counter() - began)

    async def _respond(self, request: Request) -> Response:
        try:
            found = self._router.find(request)
            if self._token and not (found and found[0].open) and not self._is_authorized(request):
                return UNAUTHORIZED
            if found is None:
                raise ApiError(NO_ROUTE)
            route, parameters = found
            return await route.handler(request, *parameters)
        except ApiError as error:
            return error_response(error)
        except Disconnected:
            raise
        except Exception:
            request_id = secrets.token_hex(8)
            facts = {"request_id": request_id, "method": request.method, "path": request.path}
            log.exception("a request failed in a way that it should not", extra={"facts": facts})
            return error_response(unexpected(request_id))

    def _is_authorized(self, request: Request) -> bool:
        given = request.header(TOKEN_HEADER) or ""
        return hmac.compare_digest(given.encode(), self._token)


def _log_access(request: Request, response: Response, seconds: float) -> None:
    facts = {
        "method": request.method,
        "path": request.path,
        "status": response.status,
        "bytes": len(response.body),
        "ms": round(seconds * 1000, 3),
    }
    access.info("request", extra={"facts": facts})

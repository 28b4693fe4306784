"""Our own routes, under `/v1.0-etagere`: what Dapr's API lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from etagere._version import __version__
from etagere.errors import EtagereError
from etagere.serving.errors import KEY_MISSING, MALFORMED, ApiError
from etagere.serving.failures import BULK_DELETE, SAVE, Action, failed
from etagere.serving.http import bodies
from etagere.serving.http.requests import Request
from etagere.serving.http.responses import Response, error_body, json_response
from etagere.serving.http.router import Route
from etagere.serving.http.state import StateRoutes
from etagere.serving.model import StateItem
from etagere.serving.service import StateService
from etagere.serving.stores import NamedStore
from etagere.store import Result

T = TypeVar("T")

BASE = "/v1.0-etagere/state/{store}"
PAGE = 1000
MAX_PAGE = 10_000


class ExtensionRoutes:
    """Bulk calls that answer item by item, listing, deleting by prefix, touch, capabilities."""

    def __init__(
        self, service: StateService, state: StateRoutes, *, lenient: bool, max_body_size: int
    ) -> None:
        self._service = service
        self._state = state
        self._lenient = lenient
        self._max_body_size = max_body_size

    def routes(self) -> Sequence[Route]:
        """Return what is served."""
        return [
            Route(("POST",), BASE, "SaveEachState", self.save_each),
            Route(("GET",), BASE, "GetStateByKey", self.get_by_key),
            Route(("DELETE",), BASE, "DeleteStateByKey", self.delete_by_key),
            Route(("POST",), BASE + "/delete", "DeleteBulkState", self.delete_each),
            Route(("POST",), BASE + "/touch", "TouchState", self.touch),
            Route(("GET",), BASE + "/keys", "ListKeys", self.list_keys),
            Route(("DELETE",), BASE + "/keys", "DeletePrefix", self.delete_prefix),
            Route(("GET",), BASE + "/capabilities", "GetCapabilities", self.capabilities),
        ]

    async def capabilities(self, request: Request, store: str) -> Response:
        """Tell what a store can do."""
        described = {
            "version": __version__,
            "maxBodySize": self._max_body_size,
            "capabilities": self._service.find(store).store.capabilities,
        }
        return json_response(described)

    async def save_each(self, request: Request, store: str) -> Response:
        """Write items; answer with the new ETag of each, or its error."""
        named = self._service.find(store)
        items = bodies.items_in(await request.body(), lenient=self._lenient)
        results = await self._service.save_each(named, items, request.metadata())
        return self._report(SAVE, named, items, results, "etag")

    async def delete_each(self, request: Request, store: str) -> Response:
        """Delete keys; answer for each whether it was there, or its error."""
        named = self._service.find(store)
        items = bodies.items_in(await request.body(), lenient=self._lenient)
        results = await self._service.delete_each(named, items)
        return self._report(BULK_DELETE, named, items, results, "deleted")

    async def get_by_key(self, request: Request, store: str) -> Response:
        """Read the key that the query names, slashes and all."""
        named = self._service.find(store)
        return await self._state.get_in(named, request, key_in(request))

    async def delete_by_key(self, request: Request, store: str) -> Response:
        """Delete the key that the query names, slashes and all."""
        named = self._service.find(store)
        return await self._state.delete_in(named, request, key_in(request))

    async def touch(self, request: Request, store: str) -> Response:
        """Change when a key expires; answer whether it is there."""
        named = self._service.find(store)
        found = await self._service.touch(named, bodies.touch_in(await request.body()))
        return json_response({"found": found})

    async def list_keys(self, request: Request, store: str) -> Response:
        """Return a page of keys, in order."""
        named, query = self._service.find(store), request.query
        page = await self._service.list_keys(
            named,
            query.get("prefix", ""),
            query.get("after", ""),
            limit_in(query.get("limit", str(PAGE))),
            query.get("consistency", ""),
        )
        return json_response(page)

    async def delete_prefix(self, request: Request, store: str) -> Response:
        """Delete the keys that start with a prefix; answer how many."""
        named = self._service.find(store)
        deleted = await self._service.delete_prefix(named, request.query.get("prefix", ""))
        return json_response({"deleted": deleted})

    def _report(
        self,
        action: Action,
        named: NamedStore,
        items: Sequence[StateItem],
        results: Sequence[Result[T]],
        word: str,
    ) -> Response:
        answers: list[dict[str, Any]] = []
        for item, result in zip(items, results, strict=True):
            answer: dict[str, Any] = {"key": item.key}
            if isinstance(result, EtagereError):
                error = failed(action, named.name, result, key=item.key or "")
                answer["error"] = {**error_body(error), "status": error.condition.status}
            else:
                answer[word] = result
            answers.append(answer)
        return json_response(answers)


def key_in(request: Request) -> str:
    """Return the key that a query names."""
    key = request.query.get("key")
    if not key:
        raise ApiError(KEY_MISSING)
    return key


def limit_in(text: str) -> int:
    """Return the size of a page."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MAX_PAGE):
        problem = f"limit is a whole number from 1 to {MAX_PAGE}, not {text[:40]!r}"
        raise ApiError(MALFORMED, problem=problem)
    return int(text)

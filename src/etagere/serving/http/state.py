"""Dapr's state routes."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from etagere.serving.errors import NO_ROUTE, ApiError, no_queries
from etagere.serving.exact import is_exact
from etagere.serving.http import bodies
from etagere.serving.http.requests import Request
from etagere.serving.http.responses import (
    NO_CONTENT,
    Response,
    bulk_item,
    exact_bulk_item,
    item_response,
    json_response,
    transacted,
)
from etagere.serving.http.router import Route
from etagere.serving.model import StateItem, StateOptions
from etagere.serving.service import StateService
from etagere.serving.stores import NamedStore

WRITE = ("POST", "PUT")
STATE = "/v1.0/state/{store}"


class StateRoutes:
    """Dapr's state API.

    Where it is lenient, it also understands what Dapr answers with an error or passes over: JSON
    that was encoded twice, numbers for ETags, options of a get or a delete as headers; and it tells
    the new ETag of a single item that was saved.
    """

    def __init__(self, service: StateService, *, lenient: bool) -> None:
        self._service = service
        self._lenient = lenient

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [
            Route(WRITE, STATE, "SaveState", self.save),
            Route(("GET",), STATE + "/{key}", "GetState", self.get),
            Route(("DELETE",), STATE + "/{key}", "DeleteState", self.delete),
            Route(WRITE, STATE + "/bulk", "GetBulkState", self.get_bulk),
            Route(WRITE, STATE + "/transaction", "ExecuteStateTransaction", self.transact),
            Route(WRITE, "/v1.0-alpha1/state/{store}/query", "QueryStateAlpha1", self.query),
        ]

    def save(self, request: Request, store: str) -> Awaitable[Response]:
        """Write items."""
        return self.save_in(self._service.find(store), request)

    async def save_in(self, named: NamedStore, request: Request) -> Response:
        """Write items into a store that was found."""
        items = bodies.items_in(await request.body(), lenient=self._lenient)
        etags = await self._service.save(named, items, request.metadata())
        if len(etags) == 1 and self._lenient:
            return Response(204, [(b"etag", etags[0].encode())])
        return NO_CONTENT

    def get(self, request: Request, store: str, key: str) -> Awaitable[Response]:
        """Read a key."""
        return self.get_in(self._service.find(store), request, key)

    async def get_in(self, named: NamedStore, request: Request, key: str) -> Response:
        """Read a key of a store that was found."""
        consistency = self._option(request, "consistency")
        found = await self._service.get(named, key, consistency)
        return item_response(found, exact=is_exact(request.metadata()))

    def delete(self, request: Request, store: str, key: str) -> Awaitable[Response]:
        """Delete a key."""
        return self.delete_in(self._service.find(store), request, key)

    async def delete_in(self, named: NamedStore, request: Request, key: str) -> Response:
        """Delete a key of a store that was found."""
        etag = request.header(b"if-match")
        if not etag and self._lenient:
            etag = request.header(b"etag")
        options = StateOptions(
            self._option(request, "concurrency"), self._option(request, "consistency")
        )
        existed = await self._service.delete(named, StateItem(key, etag=etag, options=options))
        if is_exact(request.metadata()):
            return json_response({"deleted": existed})
        return NO_CONTENT

    async def get_bulk(self, request: Request, store: str) -> Response:
        """Read many keys."""
        named = self._service.find(store)
        keys = bodies.bulk_get_in(await request.body(), lenient=self._lenient).keys or []
        consistency = request.query.get("consistency", "")
        found = await self._service.get_bulk(named, keys, consistency)
        write_down = exact_bulk_item if is_exact(request.metadata()) else bulk_item
        items = [write_down(key, item) for key, item in zip(keys, found, strict=True)]
        return json_response(items, end=b"\n")

    async def transact(self, request: Request, store: str) -> Response:
        """Do several things, or nothing."""
        named = self._service.find(store)
        self._service.check_transactions(named)
        asked = bodies.transaction_in(await request.body(), lenient=self._lenient)
        operations, metadata = asked.operations or [], request.metadata()
        results = await self._service.transact(named, operations, metadata)
        if is_exact(metadata):
            return json_response([transacted(result) for result in results])
        return NO_CONTENT

    async def query(self, request: Request, store: str) -> Response:
        """Refuse: no store can be queried."""
        raise no_queries(self._service.find(store).name)

    def _option(self, request: Request, name: str) -> str:
        word = request.query.get(name)
        if word is None and self._lenient:
            word = request.header(name.encode())
        return word or ""


class OldPaths:
    """The paths of 2019, `/v1.0/state/{key}`, which name no store: a default store stands in.

    A path that names a store is never taken for a key. A save under a name that is no store's goes
    to the default store if its body is JSON encoded twice, as the guides of that time had it, or if
    the default store was named on purpose; any other is a misspelt store, refused as in Dapr.
    """

    def __init__(
        self, state: StateRoutes, service: StateService, default: NamedStore, *, on_purpose: bool
    ) -> None:
        self._state = state
        self._service = service
        self._default = default
        self._on_purpose = on_purpose

    def routes(self) -> Sequence[Route]:
        """Return what is served."""
        path = "/v1.0/state/{key}"
        return [
            Route(WRITE, STATE, "SaveState", self.save),
            Route(("GET",), path, "GetStateOfDefaultStore", self.get),
            Route(("DELETE",), path, "DeleteStateOfDefaultStore", self.delete),
        ]

    async def save(self, request: Request, segment: str) -> Response:
        """Write items."""
        named = self._service.stores.get(segment)
        if named is None:
            named = self._default
            if not self._on_purpose and not bodies.is_quoted(await request.body()):
                self._service.find(segment)
        return await self._state.save_in(named, request)

    async def get(self, request: Request, key: str) -> Response:
        """Read a key."""
        self._refuse_store(key)
        return await self._state.get_in(self._default, request, key)

    async def delete(self, request: Request, key: str) -> Response:
        """Delete a key."""
        self._refuse_store(key)
        return await self._state.delete_in(self._default, request, key)

    def _refuse_store(self, key: str) -> None:
        if key in self._service.stores:
            raise ApiError(NO_ROUTE)

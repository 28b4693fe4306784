"""The server as a store: the same method names over Dapr's state API and what we add to it.

Values travel as JSON strings that hold base64, because over HTTP a value is JSON text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

import httpx2

from etagere import (
    Capabilities,
    Clock,
    Delete,
    EtagereError,
    ETagMismatch,
    InvalidArgument,
    Item,
    Reach,
    Set,
    StoreFailed,
    TooLarge,
    TransactionScope,
    Unavailable,
)

KINDS: dict[str, type[EtagereError]] = {
    "TOO_LARGE": TooLarge,
    "INVALID_ARGUMENT": InvalidArgument,
    "UNAVAILABLE": Unavailable,
}


class HttpStore:
    """A client of one store of a server; what it cannot be told over HTTP it returns as None."""

    capabilities = Capabilities(
        reach=Reach.ALWAYS,
        transactions=TransactionScope.FULL,
        clock=Clock.CLIENT,
        listing=True,
    )

    def __init__(self, url: str, name: str) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=30.0)
        self._dapr = f"/v1.0/state/{name}"
        self._ours = f"/v1.0-etagere/state/{name}"

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._client.__aexit__(*error)

    # --- one key, by Dapr's own routes --------------------------------------------------------

    async def get(self, key: str, *, consistency: str = "eventual") -> Item[bytes] | None:
        path = f"{self._dapr}/{quote(key, '')}?consistency={consistency}"
        answer = await self._call("GET", path)
        if answer.status_code == 204:
            return None
        expires = answer.headers.get("metadata.ttlexpiretime")
        return item_of(key, answer.json(), answer.headers["etag"], expires)

    async def set(self, key: str, value: bytes, *, ttl: int | None = None, **options: Any) -> str:
        body = [as_json(Set(key, value, ttl=ttl, **of_request(options)), **of_call(options))]
        answer = await self._call("POST", self._dapr, body)
        assert answer.status_code == 204
        return answer.headers["etag"]

    async def delete(self, key: str, *, etag: str | None = None, **options: str) -> None:
        if etag and not (etag.isascii() and etag.isprintable()):  # no header can hold it
            concurrency = options.pop("concurrency", "last-write")
            (result,) = await self.delete_many([Delete(key, etag, concurrency)], **options)
            if isinstance(result, EtagereError):
                raise result
            return
        query = "&".join(f"{name}={word}" for name, word in options.items())
        headers = {"if-match": etag} if etag else {}
        answer = await self._call("DELETE", f"{self._dapr}/{quote(key, '')}?{query}", None, headers)
        assert answer.status_code == 204

    async def exists(self, key: str, *, consistency: str = "eventual") -> bool:
        return await self.get(key, consistency=consistency) is not None

    async def update(
        self, key: str, change: Callable[[bytes | None], bytes], *, attempts: int = 10_000
    ) -> Item[bytes]:
        """The retry loop of the guide."""
        for _ in range(attempts):
            item = await self.get(key, consistency="strong")
            value = change(item and item.value)
            try:
                etag = await self.set(
                    key, value, etag=item and item.etag, concurrency="first-write"
                )
            except ETagMismatch:
                continue
            return Item(key, value, etag)
        raise AssertionError("no attempt worked")

    async def transact(self, requests: Sequence[Set | Delete], **options: str) -> list[Any]:
        operations = [
            {
                "operation": "upsert" if isinstance(request, Set) else "delete",
                "request": as_json(request, **options),
            }
            for request in requests
        ]
        answer = await self._call("POST", f"{self._dapr}/transaction", {"operations": operations})
        assert answer.status_code == 204
        items = await self.get_many([request.key for request in requests], consistency="strong")
        return [
            getattr(item, "etag", None) if isinstance(request, Set) else None
            for request, item in zip(requests, items, strict=True)
        ]

    async def get_many(self, keys: Iterable[str], *, consistency: str = "eventual") -> list[Any]:
        body = {"keys": list(keys)}
        answer = await self._call("POST", f"{self._dapr}/bulk?consistency={consistency}", body)
        return [
            item_of(
                found["key"],
                found["data"],
                found["etag"],
                found.get("metadata", {}).get("ttlExpireTime"),
            )
            if "etag" in found
            else None
            for found in answer.json()
        ]

    # --- what we add --------------------------------------------------------------------------

    async def touch(self, key: str, ttl: int | None, *, etag: str | None = None) -> bool:
        body = {"key": key, "ttlInSeconds": ttl, "etag": etag}
        return (await self._call("POST", f"{self._ours}/touch", body)).json()["found"]

    async def set_many(
        self, requests: Iterable[Set] | Mapping[str, bytes], **options: str
    ) -> list[Any]:
        if isinstance(requests, Mapping):
            requests = [Set(key, value) for key, value in requests.items()]
        body = [as_json(request, **options) for request in requests]
        answers = (await self._call("POST", self._ours, body)).json()
        return [answer["etag"] if "etag" in answer else error_of(answer) for answer in answers]

    async def delete_many(self, requests: Iterable[Delete | str], **options: str) -> list[Any]:
        chosen = [Delete(each) if isinstance(each, str) else each for each in requests]
        body = [as_json(request, **options) for request in chosen]
        answers = (await self._call("POST", f"{self._ours}/delete", body)).json()
        return [
            answer["deleted"] if "deleted" in answer else error_of(answer) for answer in answers
        ]

    async def keys(
        self, *, prefix: str = "", after: str = "", limit: int | None = None, **options: str
    ) -> AsyncIterator[str]:
        left = limit
        while left is None or left > 0:
            size = min(1000, 1000 if left is None else left)
            query = {"prefix": prefix, "after": after, "limit": str(size), **options}
            page = (await self._call("GET", f"{self._ours}/keys", query=query)).json()
            for key in page["keys"]:
                yield key
            if page.get("next") is None:
                return
            after = page["next"]
            left = None if left is None else left - size

    async def items(self, **bounds: Any) -> AsyncIterator[Item[bytes]]:
        keys = [key async for key in self.keys(**bounds)]
        for start in range(0, len(keys), 500):
            for item in await self.get_many(keys[start : start + 500]):
                if item is not None:
                    yield item

    async def delete_prefix(self, prefix: str) -> int:
        query = {"prefix": prefix}
        return (await self._call("DELETE", f"{self._ours}/keys", query=query)).json()["deleted"]

    async def ping(self) -> None:
        assert (await self._client.get("/v1.0-etagere/health")).status_code == 200

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        content = None if body is None else json.dumps(body).encode()
        answer = await self._client.request(
            method, path, content=content, headers=headers, params=query
        )
        if answer.status_code >= 400:
            raise error_of({"error": {**answer.json(), "status": answer.status_code}})
        return answer


def of_request(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in ("etag", "concurrency")}


def of_call(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name == "consistency"}


def as_json(request: Set | Delete, **options: str) -> dict[str, Any]:
    """Return an item of a request body."""
    item: dict[str, Any] = {
        "key": request.key,
        "options": {"concurrency": request.concurrency, **options},
    }
    if request.etag is not None:
        item["etag"] = request.etag
    if isinstance(request, Set):
        item["value"] = base64.b64encode(request.value).decode()
        if request.ttl is not None:
            item["metadata"] = {"ttlInSeconds": str(request.ttl)}
    return item


def item_of(key: str, data: str, etag: str, expires: str | None) -> Item[bytes]:
    moment = datetime.fromisoformat(expires) if expires else None
    return Item(key, base64.b64decode(data), etag, moment)


def error_of(answer: Mapping[str, Any]) -> EtagereError:
    """Return the error that an answer stands for."""
    error = answer["error"]
    details = error.get("details") or [{}]
    info, reason = details[-1].get("metadata") or {}, details[-1].get("reason", "")
    if error["status"] == 409:
        assert reason == "ETAG_MISMATCH"
        index = int(info["index"]) if "index" in info else None
        return ETagMismatch(info["key"], info.get("expected"), info.get("actual"), index)
    kind = KINDS.get(reason, InvalidArgument if error["status"] == 400 else StoreFailed)
    return kind(f"{error['status']} {error['errorCode']}: {error['message']}")

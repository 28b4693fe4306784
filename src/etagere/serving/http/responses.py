"""`Response`, and how items and errors are written down as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from etagere.errors import EtagereError
from etagere.operations import Item
from etagere.serving.errors import ILLEGAL_KEY, ApiError
from etagere.serving.exact import exact_metadata_of
from etagere.serving.http.bodies import is_json
from etagere.serving.model import metadata_of
from etagere.store import Result

JSON: Final = (b"content-type", b"application/json")
TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")

Headers = list[tuple[bytes, bytes]]


class Response(Struct, frozen=True, gc=False):
    """What goes back."""

    status: int
    headers: Headers
    body: bytes = b""


class BulkItem(Struct, frozen=True, omit_defaults=True):
    """One item of the answer to a bulk get."""

    key: str
    data: Raw | msgspec.UnsetType = msgspec.UNSET
    etag: str = ""
    metadata: Mapping[str, str] = {}
    error: str = ""


NO_CONTENT: Final = Response(204, [])
UNAUTHORIZED: Final = Response(401, [TEXT, (b"content-length", b"17")], b"invalid api token")


def json_response(content: object, status: int = 200, *, end: bytes = b"") -> Response:
    """Return a response whose body is JSON."""
    body = msgspec.json.encode(content) + end
    return Response(status, [JSON, (b"content-length", b"%d" % len(body))], body)


def item_response(item: Item[bytes] | None, *, exact: bool = False) -> Response:
    """Return the answer to a get: the bytes of the value, and its version as a header."""
    if item is None:
        return NO_CONTENT
    value = item.value
    headers = [JSON, (b"content-length", b"%d" % len(value)), (b"etag", item.etag.encode())]
    if item.expires_at is not None:
        facts = exact_metadata_of(item) if exact else metadata_of(item)
        for name, fact in facts.items():
            headers.append((b"metadata." + name.lower().encode(), fact.encode()))
    return Response(200, headers, value)


def bulk_item(key: str, result: Result[Item[bytes] | None]) -> BulkItem:
    """Return one item of the answer to a bulk get.

    A value that is not JSON (written over gRPC, say) cannot stand in a JSON body. Its item says so
    and has its ETag; the other items do not suffer.
    """
    if result is None:
        return BulkItem(key)
    if isinstance(result, EtagereError):
        return BulkItem(key, error=str(result))
    metadata = metadata_of(result)
    if not is_json(result.value):
        error = "the value is not JSON; a get of this key alone returns its bytes"
        return BulkItem(key, etag=result.etag, metadata=metadata, error=error)
    return BulkItem(key, Raw(result.value), result.etag, metadata)


def exact_bulk_item(key: str, result: Result[Item[bytes] | None]) -> BulkItem:
    """Return one item of the answer to an exact bulk get: its value is in base64."""
    if result is None or isinstance(result, EtagereError):
        return bulk_item(key, result)
    data = Raw(msgspec.json.encode(result.value))
    return BulkItem(key, data, result.etag, exact_metadata_of(result))


def transacted(result: str | bool) -> dict[str, str | bool]:
    """Return one item of the answer to an exact transaction."""
    return {"deleted": result} if isinstance(result, bool) else {"etag": result}


def error_body(error: ApiError) -> dict[str, Any]:
    """Return what an error looks like over HTTP."""
    message = error.message
    if error.condition is ILLEGAL_KEY:
        message = f"api error: code = {error.condition.grpc} desc = {message}"
    body: dict[str, Any] = {"errorCode": error.condition.code, "message": message}
    if error.details:
        body["details"] = error.details
    return body


def error_response(error: ApiError) -> Response:
    """Return the answer to a request that failed."""
    return json_response(error_body(error), error.condition.status)

"""Request bodies: read fast when they are as they should be, and tolerantly when they are not.

Dapr looks at no content type, matches field names in any case, ignores fields that it does not know
and whatever follows the first JSON value. `msgspec` does none of that but is many times faster, so
only what it refuses goes to `etagere.serving.http.tolerant`, which has the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from etagere.serving.errors import MALFORMED, MALFORMED_BODY, ApiError
from etagere.serving.http import tolerant
from etagere.serving.http.tolerant import Malformed
from etagere.serving.model import (
    BulkGetRequest,
    StateItem,
    TouchRequest,
    TransactionRequest,
)

T = TypeVar("T")

_ITEMS: Final = msgspec.json.Decoder(list[StateItem])
_BULK_GET: Final = msgspec.json.Decoder(BulkGetRequest)
_TRANSACTION: Final = msgspec.json.Decoder(TransactionRequest)
_TOUCH: Final = msgspec.json.Decoder(TouchRequest)
_REFUSED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def items_in(body: bytes, *, lenient: bool) -> list[StateItem]:
    """Read the items of a save or a bulk delete."""
    try:
        return _decode(_ITEMS, body, tolerant.items_in, lenient)
    except Malformed as error:
        raise ApiError(MALFORMED, problem=error) from error


def bulk_get_in(body: bytes, *, lenient: bool) -> BulkGetRequest:
    """Read a bulk get."""
    try:
        return _decode(_BULK_GET, body, tolerant.bulk_get_in, lenient)
    except Malformed as error:
        raise ApiError(MALFORMED_BODY, problem=error) from error


def transaction_in(body: bytes, *, lenient: bool) -> TransactionRequest:
    """Read a transaction."""
    try:
        return _decode(_TRANSACTION, body, tolerant.transaction_in, lenient)
    except Malformed as error:
        raise ApiError(MALFORMED_BODY, problem=error) from error


def touch_in(body: bytes) -> TouchRequest:
    """Read a touch; it is not Dapr's, so nothing in it is tolerated."""
    try:
        return _TOUCH.decode(body)
    except _REFUSED as error:
        raise ApiError(MALFORMED_BODY, problem=error) from error


def is_quoted(body: bytes) -> bool:
    """Tell whether a body is a JSON string: a client that encoded its JSON twice."""
    return body.lstrip()[:1] == b'"'


def is_json(value: bytes) -> bool:
    """Tell whether a stored value is JSON text."""
    try:
        msgspec.json.decode(value, type=msgspec.Raw)
        return value.isascii() or bool(value.decode())
    except _REFUSED:
        return tolerant.is_json(value)


def _decode(
    decoder: msgspec.json.Decoder[T],
    body: bytes,
    slowly: Callable[[str, bool], T],
    lenient: bool,
) -> T:
    try:
        if not body.isascii():
            body.decode()  # msgspec does not look inside the values that it leaves as they are
        return decoder.decode(body)
    except _REFUSED:
        return slowly(tolerant.first_value(body, unwrap=lenient), lenient)

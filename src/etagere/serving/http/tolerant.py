"""JSON bodies as Dapr takes them, without a float or a character of a value being touched.

Texts here are JSON texts: each function cuts out the parts of one that was found to be valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn

from msgspec import Raw

from etagere.serving.model import (
    BulkGetRequest,
    StateItem,
    StateOptions,
    TransactionOperation,
    TransactionRequest,
)

_NULL: Final = "null"
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_KINDS: Final = {"{": "object", "[": "array", '"': "string", "t": "bool", "f": "bool", "n": "null"}


class Malformed(ValueError):
    """A body that is not what it should be, in words like those of Dapr's decoder."""


# --- whole bodies -----------------------------------------------------------------------------


def first_value(body: bytes, *, unwrap: bool) -> str:
    """Return the first JSON value of a body; what follows it is ignored.

    With `unwrap`, a string that holds an array or an object stands for what it holds.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"invalid UTF-8 in the body (byte {error.start})") from error
    value = _first_in(text)
    if unwrap and value[0] == '"' and (inner := json.loads(value).strip())[:1] in ("[", "{"):
        return _first_in(inner)
    return value


def items_in(text: str, lenient: bool) -> list[StateItem]:
    """Read the items of a save."""
    return [_item(part, lenient) for part in _elements(text, "[]state.SetRequest")]


def bulk_get_in(text: str, lenient: bool) -> BulkGetRequest:
    """Read a bulk get."""
    fields = _fields(text, "http.BulkGetRequest")
    keys = _elements(fields.get("keys", _NULL), "[]string")
    return BulkGetRequest(
        [_string(key, "BulkGetRequest.keys") for key in keys],
        _integer(fields.get("parallelism", _NULL), "BulkGetRequest.parallelism"),
        _strings(fields.get("metadata", _NULL), "BulkGetRequest.metadata"),
    )


def transaction_in(text: str, lenient: bool) -> TransactionRequest:
    """Read a transaction."""
    fields = _fields(text, "state.TransactionalRequest")
    parts = _elements(fields.get("operations", _NULL), "[]state.TransactionalOperation")
    return TransactionRequest(
        [_operation(part, lenient) for part in parts],
        _strings(fields.get("metadata", _NULL), "TransactionalRequest.metadata"),
    )


def is_json(value: bytes) -> bool:
    """Tell whether a value is JSON text and nothing else."""
    try:
        text = value.decode()
        return text.strip(" \t\n\r") == _first_in(text)
    except (Malformed, UnicodeDecodeError):
        return False


# --- their parts ------------------------------------------------------------------------------


def _item(text: str, lenient: bool) -> StateItem:
    fields = _fields(text, "state.SetRequest")
    value = _encodable(fields.get("value", _NULL))
    return StateItem(
        _string(fields.get("key", _NULL), "SetRequest.key"),
        Raw(value.encode()),
        _etag(fields.get("etag", _NULL), lenient),
        _strings(fields.get("metadata", _NULL), "SetRequest.metadata"),
        _options(fields.get("options", _NULL)),
    )


def _operation(text: str, lenient: bool) -> TransactionOperation:
    fields = _fields(text, "state.TransactionalOperation")
    return TransactionOperation(
        _string(fields.get("operation", _NULL), "TransactionalOperation.operation"),
        _item(fields.get("request", _NULL), lenient),
    )


def _options(text: str) -> StateOptions:
    fields = _fields(text, "state.SetStateOption")
    return StateOptions(
        _string(fields.get("concurrency", _NULL), "SetStateOption.options.concurrency"),
        _string(fields.get("consistency", _NULL), "SetStateOption.options.consistency"),
    )


def _etag(text: str, lenient: bool) -> str:
    if lenient and _kind(text) == "number":
        return text
    return _string(text, "SetRequest.etag")


# --- JSON -------------------------------------------------------------------------------------


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"invalid character {name[:1]!r} looking for beginning of value")


# Numbers stay texts: nothing is computed from them, and they may have any number of digits.
_scan: Final = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=_refuse_constant
).raw_decode


def _first_in(text: str) -> str:
    start = _skip(text, 0)
    if start == len(text):
        raise Malformed("EOF")
    try:
        _, end = _scan(text, start)
    except json.JSONDecodeError as error:
        raise Malformed(_problem(text, error)) from error
    except RecursionError as error:
        raise Malformed("exceeded max depth") from error
    return text[start:end]


def _problem(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
        return "unexpected EOF"
    return f"invalid character {text[error.pos]!r} at character {error.pos}: {error.msg}"


def _elements(text: str, type_name: str) -> list[str]:
    if text == _NULL:
        return []
    if _kind(text) != "array":
        raise Malformed(f"json: cannot unmarshal {_kind(text)} into Go value of type {type_name}")
    return [text[start:end] for start, end in _parts(text)]


def _fields(text: str, type_name: str) -> dict[str, str]:
    if text == _NULL:
        return {}
    if _kind(text) != "object":
        raise Malformed(f"json: cannot unmarshal {_kind(text)} into Go value of type {type_name}")
    spans = [text[start:end] for start, end in _parts(text)]
    names = [json.loads(name).lower() for name in spans[::2]]
    return dict(zip(names, spans[1::2], strict=True))


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each part of an array or object lies: values, or names and values in turn."""
    at = _skip(text, 1)
    while text[at] not in "]}":
        _, end = _scan(text, at)
        yield at, end
        at = _skip(text, end)
        if text[at] in ",:":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _kind(text: str) -> str:
    return _KINDS.get(text[0], "number")


def _string(text: str, field: str) -> str:
    if text == _NULL:
        return ""
    if _kind(text) != "string":
        raise _wrong(text, field, "string")
    return _encodable(json.loads(text))


def _integer(text: str, field: str) -> int | None:
    if text == _NULL:
        return None
    if not text.removeprefix("-").isdecimal() or len(text) > 20:
        raise _wrong(text, field, "int")
    return int(text)


def _strings(text: str, field: str) -> dict[str, str]:
    if text == _NULL:
        return {}
    if _kind(text) != "object":
        raise _wrong(text, field, "map[string]string")
    spans = [text[start:end] for start, end in _parts(text)]
    values = [_string(value, field) for value in spans[1::2]]
    return {json.loads(name): value for name, value in zip(spans[::2], values, strict=True)}


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Malformed("invalid Unicode: half of a surrogate pair") from error
    return text


def _wrong(text: str, field: str, type_name: str) -> Malformed:
    return Malformed(
        f"json: cannot unmarshal {_kind(text)} into Go struct field {field} of type {type_name}"
    )

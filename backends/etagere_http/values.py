"""How values travel to servers that take only JSON."""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec import Raw

from etagere.errors import InvalidArgument, StoreFailed


class Values(Protocol):
    """A way to write values as JSON, and to read them."""

    def pack(self, key: str, value: bytes) -> bytes | Raw:
        """Return a value as it goes into a body."""
        ...

    def unpack(self, key: str, text: bytes | Raw) -> bytes:
        """Return the value that a JSON text stands for."""
        ...


class Base64Values:
    """Any bytes, each value a JSON string of base64."""

    def pack(self, key: str, value: bytes) -> bytes:
        """Return the bytes; in JSON they become base64 of themselves."""
        return value

    def unpack(self, key: str, text: bytes | Raw) -> bytes:
        """Return the bytes in a JSON string."""
        try:
            return msgspec.json.decode(text, type=bytes)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreFailed(
                f"the value of key {key!r} is no JSON string of base64, so it was not written"
                f" through here ({error}); values=json in the URL reads it as it is"
            ) from error


class JsonValues:
    """Only JSON, as it is; the server may write it otherwise than it was written."""

    def pack(self, key: str, value: bytes) -> Raw:
        """Return the JSON text."""
        try:
            msgspec.json.decode(value, type=Raw)
            value.decode()
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidArgument(
                f"the value for key {key!r} is not JSON ({error}), and values=json in the URL"
                " promises that all are"
            ) from error
        return Raw(value)

    def unpack(self, key: str, text: bytes | Raw) -> bytes:
        """Return the JSON text."""
        return bytes(text)

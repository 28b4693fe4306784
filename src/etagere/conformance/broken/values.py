"""Backends that change keys or values on their way."""

from __future__ import annotations

import unicodedata
from typing import TypeVar

from msgspec.structs import replace

from etagere.conformance.broken.sound import Single, Sound
from etagere.operations import Operation, Outcome, Record, Transaction, Write

Op = TypeVar("Op", bound=Operation)


class Rewriting(Sound):
    """Keeps another key, or another value, than it is asked to keep."""

    async def _perform(self, operation: Operation) -> Outcome:
        return await super()._perform(self._rewritten(operation))

    def _rewritten(self, operation: Op) -> Op:
        if isinstance(operation, Transaction):
            parts = tuple(self._rewritten(part) for part in operation.operations)
            return replace(operation, operations=parts)
        if isinstance(operation, Write):
            operation = replace(operation, value=self._value(operation.value))
        return replace(operation, key=self._key(operation.key))

    def _key(self, key: str) -> str:
        return key

    def _value(self, value: bytes) -> bytes:
        return value


class ValuesAsText(Rewriting):
    """Keeps values as text; what is not UTF-8 comes back as replacement characters."""

    def _value(self, value: bytes) -> bytes:
        return value.decode(errors="replace").encode()


class TrailingZerosCut(Rewriting):
    """Cuts zero bytes off the end of a value."""

    def _value(self, value: bytes) -> bytes:
        return value.rstrip(b"\0")


class ValuesTruncated(Rewriting):
    """Cuts a value off behind 65,535 bytes without a word."""

    def _value(self, value: bytes) -> bytes:
        return value[:65_535]


class EmptyValueIsNone(Sound):
    """Cannot tell an empty value from no value."""

    def _apply(self, operation: Single) -> Outcome:
        outcome = super()._apply(operation)
        return None if isinstance(outcome, Record) and not outcome.value else outcome


class KeysFoldCase(Rewriting):
    """Takes keys that differ only in case for one."""

    def _key(self, key: str) -> str:
        return key.lower()


class KeysNormalised(Rewriting):
    """Takes keys for one that are the same text in Unicode and other bytes."""

    def _key(self, key: str) -> str:
        return unicodedata.normalize("NFC", key)


class KeysTruncated(Rewriting):
    """Takes keys for one whose first 255 characters are the same."""

    def _key(self, key: str) -> str:
        return key[:255]


class TrailingBlanksCut(Rewriting):
    """Takes keys for one that differ only in blanks at the end."""

    def _key(self, key: str) -> str:
        return key.rstrip(" ")

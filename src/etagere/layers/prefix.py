"""Key prefixes: several applications, or several parts of one, in the same database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from msgspec.structs import replace

from etagere.backend import Backend, Capabilities
from etagere.contract import is_storable
from etagere.errors import ConfigurationError
from etagere.layers.base import Layer
from etagere.operations import Consistency, Operation, Outcome, Read, Transaction


class KeyPrefix(Layer):
    """Keeps each key under a prefix, and sees no key without it.

    Dapr writes its prefixes with `||` at the end, `app||`, which no user's key can contain; keep to
    that, and no store can reach into another.
    """

    def __init__(self, inner: Backend, prefix: str) -> None:
        super().__init__(inner)
        size = len(prefix.encode()) if is_storable(prefix) else 0
        room = inner.capabilities.max_key_bytes
        if not 0 < size < room:
            raise ConfigurationError(
                f"the key prefix {prefix!r} must be text of 1 to {room - 1} bytes, without NUL"
            )
        self.prefix = prefix
        self._size = size

    @property
    def capabilities(self) -> Capabilities:
        """What the backend inside can do, with shorter keys."""
        inner = self.inner.capabilities
        return replace(inner, max_key_bytes=inner.max_key_bytes - self._size)

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch on prefixed keys."""
        return await self.inner.execute([self._inside(each) for each in operations], consistency)

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """List the keys behind the prefix."""
        # Keys before ours in the order must not count against the limit, so start at the prefix.
        start = self.prefix + after if after else ""
        length = len(self.prefix)
        pages = self.inner.scan(self.prefix + prefix, start, limit, consistency)
        try:
            async for page in pages:
                yield [key[length:] for key in page]
        finally:
            # Not left to the garbage collector: there may be a connection in it.
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()

    def _inside(self, operation: Operation) -> Operation:
        if type(operation) is Read:
            return Read(self.prefix + operation.key)
        if type(operation) is Transaction:
            return Transaction(
                tuple(replace(part, key=self.prefix + part.key) for part in operation.operations)
            )
        return replace(operation, key=self.prefix + operation.key)

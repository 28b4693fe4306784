"""Backends that list the wrong keys."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

from etagere.conformance.broken.sound import PAGE, Sound
from etagere.operations import Consistency


class FirstPageOnly(Sound):
    """Ends a listing after its first page."""

    def _listed(self, prefix: str, after: str) -> list[str]:
        return super()._listed(prefix, after)[:PAGE]


class Unordered(Sound):
    """Lists keys in the order in which they were created."""

    def _listed(self, prefix: str, after: str) -> list[str]:
        return [key for key in self._matching(prefix) if key > after]


class Utf16Order(Sound):
    """Lists keys in the order of their UTF-16 code units."""

    def _listed(self, prefix: str, after: str) -> list[str]:
        floor = after.encode("utf-16-be")
        keys = [key for key in self._matching(prefix) if key.encode("utf-16-be") > floor]
        return sorted(keys, key=lambda key: key.encode("utf-16-be"))


class ListsExpired(Sound):
    """Lists keys that have expired."""

    def _matching(self, prefix: str) -> list[str]:
        return [key for key in self.server.records if key.startswith(prefix)]


class PrefixIsPattern(Sound):
    """Takes `_` in a prefix for any character."""

    def _matching(self, prefix: str) -> list[str]:
        pattern = re.compile(re.escape(prefix).replace("_", "."), re.DOTALL)
        return [key for key in super()._matching("") if pattern.match(key)]


class OffsetPaging(Sound):
    """Pages by counting: a key that is deleted meanwhile makes the next page skip another."""

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield the keys that are there when each page is fetched."""
        start = 0
        while page := self._listed(prefix, after)[:limit][start : start + PAGE]:
            yield page
            start += PAGE

"""Paths: the ways in which one write can reach a backend.

A clause whose test takes `path` is tested on each of them; what is claimed must hold on all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final

import anyio

from etagere.conformance.lab import Lab
from etagere.conformance.needs import TRANSACTIONS, Need
from etagere.errors import EtagereError
from etagere.operations import Consistency, Delete, Set
from etagere.store import Store

CROWD: Final = 24
"""Calls around the one that counts, so that a store sends them together."""

Request = Set | Delete
Words = Consistency | str


class Path(ABC):
    """A way to write one key: it returns and raises what `Store.set` and `Store.delete` do."""

    name: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ()

    @abstractmethod
    async def send(self, lab: Lab, request: Request, consistency: Words) -> str | bool:
        """Carry out a request."""

    async def set(
        self, lab: Lab, key: str, value: bytes, *, consistency: Words = "eventual", **options: Any
    ) -> str:
        """Write a key and return its new etag; the options are those of `Set`."""
        etag = await self.send(lab, Set(key, value, **options), consistency)
        return await lab.told(key, etag)

    async def delete(
        self, lab: Lab, key: str, *, consistency: Words = "eventual", **options: Any
    ) -> bool:
        """Delete a key; the options are those of `Delete`."""
        existed = await self.send(lab, Delete(key, **options), consistency)
        assert isinstance(existed, bool), f"a delete by {self.name} returned {existed!r}"
        return existed


class Single(Path):
    """A call that is alone."""

    name = "single"

    async def send(self, lab: Lab, request: Request, consistency: Words) -> str | bool:
        """Call `Store.set` or `Store.delete`."""
        return await call(lab.store, request, consistency)


class Bulk(Path):
    """One item of a bulk call, between two others."""

    name = "bulk"

    async def send(self, lab: Lab, request: Request, consistency: Words) -> str | bool:
        """Call `Store.set_many` or `Store.delete_many`."""
        before, after = lab.key("before"), lab.key("after")
        results: list[Any]
        if isinstance(request, Set):
            sets = [Set(before, b"before"), request, Set(after, b"after")]
            results = await lab.store.set_many(sets, consistency=consistency)
        else:
            deletes = [Delete(before), request, Delete(after)]
            results = await lab.store.delete_many(deletes, consistency=consistency)
        assert len(results) == 3, f"three items have {len(results)} results: {results}"
        if isinstance(results[1], EtagereError):
            raise results[1]
        result: str | bool = results[1]
        return result


class InTransaction(Path):
    """The only operation of a transaction."""

    name = "transaction"
    needs = (TRANSACTIONS,)

    async def send(self, lab: Lab, request: Request, consistency: Words) -> str | bool:
        """Call `Store.transact`."""
        (result,) = await lab.store.transact([request], consistency=consistency)
        return result


class InCrowd(Path):
    """One call among many at the same time, which the store sends off together."""

    name = "batch"

    async def send(self, lab: Lab, request: Request, consistency: Words) -> str | bool:
        """Call `Store.set` or `Store.delete` while others write other keys."""
        results: list[str | bool] = []
        errors: list[EtagereError] = []

        async def send() -> None:
            try:
                results.append(await call(lab.store, request, consistency))
            except EtagereError as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(CROWD):
                if number == CROWD // 2:
                    tasks.start_soon(send)
                tasks.start_soon(lab.store.set, lab.key("crowd"), b"crowd")
        if errors:
            raise errors[0]
        return results[0]


async def call(store: Store, request: Request, consistency: Words) -> str | bool:
    """Carry out one request by itself."""
    options: dict[str, Any] = {
        "etag": request.etag,
        "concurrency": request.concurrency,
        "consistency": consistency,
    }
    if isinstance(request, Set):
        return await store.set(request.key, request.value, ttl=request.ttl, **options)
    return await store.delete(request.key, **options)


PATHS: Final[tuple[Path, ...]] = (Single(), Bulk(), InTransaction(), InCrowd())
"""Every way to write."""

"""Deeds: writes to keys that nobody else writes, so that what became of them can be told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import anyio
from msgspec import Struct

from etagere.conformance.lab import Lab
from etagere.conformance.needs import CONDITIONAL, TRANSACTIONS, Need
from etagere.conformance.suite.checks import done
from etagere.errors import Certainty, EtagereError, ETagMismatch, OutcomeUnknown
from etagere.operations import Consistency, Delete, Item, Set
from etagere.store import Store

SETTLING_SECONDS: Final = 2.0
"""Within which a write that is under way is there as a whole, or not."""
PAUSE: Final = 0.005

Items: TypeAlias = dict[str, Item[bytes] | None]
Told: TypeAlias = str | bool | list[str | bool] | EtagereError
"""What the caller of a deed was told."""


class Deed(Struct, frozen=True):
    """One write, what was there before, and so what is to be there afterwards."""

    name: str
    before: Items
    requests: tuple[Set | Delete, ...]

    @property
    def mark(self) -> bytes:
        """What no other traffic has in it."""
        return self.requests[0].key.encode()

    @property
    def after(self) -> Mapping[str, bytes | None]:
        """The value that each key is to have; None: it is to be absent."""
        return {
            request.key: request.value if isinstance(request, Set) else None
            for request in self.requests
        }

    async def do(self, store: Store, **options: Any) -> Told:
        """Write; return what one is told, errors too."""
        try:
            if len(self.requests) > 1:
                return await store.transact(self.requests, **options)
            return await self._alone(store, **options)
        except EtagereError as error:
            return error

    async def _alone(self, store: Store, **options: Any) -> Told:
        (request,) = self.requests
        options |= {"etag": request.etag, "concurrency": request.concurrency}
        if isinstance(request, Set):
            return await store.set(request.key, request.value, **options)
        return await store.delete(request.key, **options)


# --- which there are ----------------------------------------------------------------------------


async def creation(lab: Lab, size: int) -> Deed:
    """Set an absent key, if it is absent."""
    key = lab.key("created")
    return Deed("creation", {key: None}, (Set(key, new(key, size), concurrency="first-write"),))


async def blind_set(lab: Lab, size: int) -> Deed:
    """Set a key, whatever is there."""
    item = await lab.place(lab.key("overwritten"), b"old")
    return Deed("blind set", {item.key: item}, (Set(item.key, new(item.key, size)),))


async def conditional_set(lab: Lab, size: int) -> Deed:
    """Set a key, if nobody else did."""
    item = await lab.place(lab.key("swapped"), b"old")
    request = Set(item.key, new(item.key, size), etag=item.etag)
    return Deed("conditional set", {item.key: item}, (request,))


async def blind_delete(lab: Lab, size: int) -> Deed:
    """Delete a key, whatever is there."""
    item = await lab.place(lab.key("deleted"), b"old")
    return Deed("blind delete", {item.key: item}, (Delete(item.key),))


async def conditional_delete(lab: Lab, size: int) -> Deed:
    """Delete a key, if nobody else wrote."""
    item = await lab.place(lab.key("removed"), b"old")
    return Deed("conditional delete", {item.key: item}, (Delete(item.key, etag=item.etag),))


async def transaction(lab: Lab, size: int) -> Deed:
    """Replace one key, delete another and create a third."""
    replaced, deleted, created = lab.together("replaced", "deleted", "created")
    before: Items = {
        replaced: await lab.place(replaced, b"old"),
        deleted: await lab.place(deleted, b"old"),
        created: None,
    }
    requests = (
        Set(replaced, new(replaced, size), etag=await lab.version(replaced)),
        Delete(deleted, etag=await lab.version(deleted)),
        Set(created, new(created, size), concurrency="first-write"),
    )
    return Deed("transaction", before, requests)


Make: TypeAlias = Callable[[Lab, int], Awaitable[Deed]]

SETS: Final[tuple[Make, ...]] = (creation, blind_set, conditional_set)
DELETES: Final[tuple[Make, ...]] = (blind_delete, conditional_delete)
NEEDS: Final[dict[Make, tuple[Need, ...]]] = {
    creation: (CONDITIONAL,),
    blind_set: (),
    conditional_set: (CONDITIONAL,),
    blind_delete: (),
    conditional_delete: (CONDITIONAL,),
    transaction: (CONDITIONAL, TRANSACTIONS),
}


def offered(lab: Lab) -> tuple[Make, ...]:
    """Return every kind that a store claims to do."""
    return tuple(
        make
        for make, needs in NEEDS.items()
        if not any(need.why_not(lab.capabilities) for need in needs)
    )


def levels(lab: Lab) -> tuple[Consistency, ...]:
    """Return the levels that a store claims."""
    return tuple(Consistency) if lab.capabilities.strong else (Consistency.EVENTUAL,)


async def warm_up(lab: Lab, store: Store) -> None:
    """Do each kind once, so that every script and every statement is known from then on."""
    for level in levels(lab):
        for make in offered(lab):
            deed = await make(lab, 0)
            told = await deed.do(store, consistency=level)
            assert not isinstance(told, EtagereError), f"without any fault: {told!r}"
            for key in deed.before:
                await store.get(key, consistency=level)


def new(key: str, size: int) -> bytes:
    """Return the value that a deed writes: it is nobody else's."""
    start = f"new {key} ".encode()
    return start + b"." * (size - len(start))


# --- what became of them ------------------------------------------------------------------------


class Ledger:
    """The deeds of a test, and what was told of each; nothing of it may turn out to be untrue."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._entries: list[tuple[Deed, Told]] = []

    async def enter(self, deed: Deed, told: Told) -> bool:
        """Check what was told of a deed; return whether it took effect by now."""
        self._entries.append((deed, told))
        return await check(self._lab, deed, told)

    async def check(self) -> None:
        """Check all again: what was not applied then is not applied now either."""
        for deed, told in self._entries:
            await check(self._lab, deed, told)


def certainty_of(told: Told) -> Certainty:
    """Return what the caller of a deed knows of it."""
    return told.certainty if isinstance(told, EtagereError) else Certainty.APPLIED


async def check(lab: Lab, deed: Deed, told: Told) -> bool:
    """Check that a deed took effect as a whole or not at all, and that what was told is true."""
    # Nobody else writes these keys: there is nothing to be in conflict with but itself.
    assert not isinstance(told, ETagMismatch), f"the {deed.name} met itself: {told!r}"
    applied = await took_effect(lab, deed)
    if certainty_of(told) is Certainty.APPLIED:
        assert applied, f"the {deed.name} was said to be applied, and is not: {told!r}"
    if certainty_of(told) is Certainty.NOT_APPLIED:
        assert not applied, f"the {deed.name} was said not to be applied, and is: {told!r}"
    await check_etags(lab, deed, told, applied=applied)
    return applied


async def took_effect(lab: Lab, deed: Deed) -> bool:
    """Tell whether a deed took effect, where it did so as a whole or not at all."""
    found: Items = {}
    with anyio.move_on_after(SETTLING_SECONDS):
        # Again and again: one that is under way may come in between two reads.
        while True:
            found = {key: await lab.read(key) for key in deed.before}
            if found == deed.before:
                return False
            if is_done(deed, found):
                return True
            await anyio.sleep(PAUSE)
    raise AssertionError(f"the {deed.name} of {deed.before} left this half behind: {found}")


def is_done(deed: Deed, found: Items) -> bool:
    """Tell whether the keys are as a deed leaves them, each with an ETag of its own."""
    values = {key: item and item.value for key, item in found.items()}
    etags = [item.etag for item in found.values() if item]
    old = {item.etag for item in deed.before.values() if item}
    return values == deed.after and old.isdisjoint(etags) and len(set(etags)) == len(etags)


async def check_etags(lab: Lab, deed: Deed, told: Told, *, applied: bool) -> None:
    """Check the ETags that the caller of a deed was told."""
    if isinstance(told, EtagereError):
        result: list[str | bool] = []
        if applied and isinstance(told, OutcomeUnknown) and told.etag:
            result = [told.etag]
    else:
        result = told if isinstance(told, list) else [told]
    for request, part in zip(deed.requests, result, strict=False):
        if isinstance(request, Set):
            assert await lab.version(request.key) == await lab.told(request.key, part)
        else:
            assert part is True, f"the {deed.name} was told that there was nothing"


async def check_settled(lab: Lab, store: Store, deed: Deed, told: Told) -> None:
    """Check that what `settle` makes of an unknown outcome is so."""
    if not isinstance(told, OutcomeUnknown):
        return
    settled, applied = await store.settle(told), await took_effect(lab, deed)
    truth = Certainty.APPLIED if applied else Certainty.NOT_APPLIED
    assert settled in (truth, Certainty.UNKNOWN), f"settle says {settled} of what is {truth}"


async def all_read(store: Store, wanted: Mapping[str, bytes], **options: Any) -> None:
    """Check that each key has the value that is its own."""
    items = await store.get_many(wanted, **options)
    for (key, value), item in zip(wanted.items(), map(done, items), strict=True):
        assert item is not None, f"{key!r} is absent"
        assert (item.key, item.value) == (key, value), f"under {key!r} is what belongs elsewhere"

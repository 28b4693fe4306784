"""What the tests of many clauses check."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from etagere.conformance.lab import Lab
from etagere.contract import precondition
from etagere.errors import Certainty, EtagereError, ETagMismatch, NotSupported
from etagere.operations import Consistency, Item, Operation, Outcome, Read, Set
from etagere.store import Result

T = TypeVar("T")
E = TypeVar("E", bound=EtagereError)


@contextmanager
def conflict(key: str, *, expected: str | None, actual: str | None) -> Generator[None]:
    """Expect an `ETagMismatch` that tells the key, the expected and the actual ETag."""
    try:
        yield
    except ETagMismatch as error:
        check_conflict(error, key, expected=expected, actual=actual)
    else:
        wanted = "absent" if expected is None else f"at ETag {expected!r}"
        raise AssertionError(f"it was done, though {key!r} was to be {wanted}, not at {actual!r}")


def check_conflict(
    error: object, key: str, *, expected: str | None, actual: str | None, index: int | None = None
) -> None:
    """Check that a conflict is told as what it is; `index` is None where it does not matter."""
    assert isinstance(error, ETagMismatch), f"it is no conflict but {error!r}"
    assert error.key == key
    # An etag that no store can hold is told as one that none has.
    assert error.expected == (precondition("last-write", expected) or None)
    assert error.actual == actual, "the actual ETag is not the one that is there"
    assert error.certainty is Certainty.NOT_APPLIED
    if index is not None:
        assert error.index == index, "it names another operation than the one that conflicts"


@contextmanager
def refused(kind: type[E], what: str) -> Generator[None]:
    """Expect an error, and no other, for something that must not be done."""
    raised: EtagereError | None = None
    try:
        yield
    except kind as error:
        raised = error
    assert raised is not None, f"{what} was not refused with {kind.__name__}"
    assert raised.certainty is Certainty.NOT_APPLIED


@contextmanager
def not_supported(what: str) -> Generator[None]:
    """Expect to be told that a store cannot do something."""
    with refused(NotSupported, what):
        yield


def done(result: Result[T]) -> T:
    """Return the result of one item of a bulk call, which must not be an error."""
    if isinstance(result, EtagereError):
        raise result
    return result


def there(item: Item[bytes] | None) -> Item[bytes]:
    """Return an item, which must not be None."""
    assert item is not None, "there is nothing"
    return item


async def listed(keys: AsyncIterable[T]) -> list[T]:
    """Return all that a listing yields."""
    await anyio.lowlevel.checkpoint()  # a store that never waits could not be stopped in time
    return [key async for key in keys]


async def executed(lab: Lab, operation: Operation) -> Outcome:
    """Let the backend do one operation."""
    level = lab.capabilities.freshest if type(operation) is Read else Consistency.EVENTUAL
    (outcome,) = await lab.backend.execute([operation], level)
    return outcome


async def gathered(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T | EtagereError]:
    """Make calls at the same time; return the result or the error of each, in order."""
    results: dict[int, T | EtagereError] = {}

    async def make(number: int, call: Callable[[], Awaitable[T]]) -> None:
        try:
            results[number] = await call()
        except EtagereError as error:
            results[number] = error

    async with anyio.create_task_group() as tasks:
        for number, call in enumerate(calls):
            tasks.start_soon(make, number, call)
    return [results[number] for number in range(len(results))]


async def placed(lab: Lab, keys: list[str]) -> list[Item[bytes]]:
    """Write keys, and return the items as reads show them."""
    for result in await lab.store.set_many([Set(key, key.encode()) for key in keys]):
        done(result)
    return await found(lab, keys)


async def found(lab: Lab, keys: list[str]) -> list[Any]:
    """Return what one bulk call says is under keys."""
    items = await lab.store.get_many(keys, consistency=lab.capabilities.freshest)
    return [done(item) for item in items]

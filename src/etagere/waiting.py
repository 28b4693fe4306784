"""One answer for one waiting call, on whichever event loop runs.

On asyncio an answer is the loop's own future: half the price of an event, and this is the hot path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import anyio
import sniffio

T = TypeVar("T")


class Answer(Protocol[T]):
    """A result that one task waits for and another sets; awaiting it gives the result."""

    def set_result(self, result: T, /) -> None:
        """Wake the waiting task. Must not be called when `done`."""
        ...

    def done(self) -> bool:
        """Tell whether the result is set, or nobody waits any longer."""
        ...

    def cancel(self) -> object:
        """Say that nobody waits any longer."""
        ...

    def __await__(self) -> Generator[Any, Any, T]: ...


class EventAnswer(Generic[T]):
    """An `Answer` made of an anyio event, for loops other than asyncio."""

    __slots__ = ("_abandoned", "_event", "_result")

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._abandoned = False
        self._result: T

    def set_result(self, result: T, /) -> None:
        """Wake the waiting task."""
        self._result = result
        self._event.set()

    def done(self) -> bool:
        """Tell whether the result is set, or the waiting task was cancelled."""
        return self._abandoned or self._event.is_set()

    def cancel(self) -> None:
        """Say that nobody waits any longer."""
        self._abandoned = True

    def __await__(self) -> Generator[Any, Any, T]:
        return self._wait().__await__()

    async def _wait(self) -> T:
        try:
            await self._event.wait()
        except BaseException:
            self.cancel()
            raise
        return self._result


def is_being_cancelled() -> bool:
    """Tell whether the `asyncio.CancelledError` at hand is meant for the task that runs."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


class Scope(Protocol):
    """A block that can be cancelled from outside, and then ends quietly."""

    def cancel(self) -> None:
        """Cancel what the task does in the block."""
        ...

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool | None: ...


class TaskScope:
    """A `Scope` for asyncio, at a small part of the price of an anyio scope.

    It cancels and uncancels the task as `asyncio.timeout` does.
    """

    __slots__ = ("_called", "_earlier", "_task")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._task = task
        self._earlier = task.cancelling()
        self._called = False

    def cancel(self) -> None:
        """Cancel what the task does in the block."""
        self._called = True
        self._task.cancel()

    def __enter__(self) -> object:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool:
        alone = self._called and self._task.uncancel() <= self._earlier
        return alone and isinstance(error, asyncio.CancelledError)


class Loop:
    """What the hot path needs of the event loop that is running, looked up once."""

    def __init__(self) -> None:
        self.name = sniffio.current_async_library()
        self.new_answer: Callable[[], Answer[Any]] = EventAnswer
        self.new_scope: Callable[[], Scope] = anyio.CancelScope
        self.time: Callable[[], float] = anyio.current_time
        if self.name == "asyncio":
            loop = asyncio.get_running_loop()
            self.new_answer, self.time = loop.create_future, loop.time
            self.new_scope = TaskScope

"""What runs on a host: coroutines that wait for answers, for time and for one another.

Not asyncio's: a step of these costs a small part of a callback there, and a sweep takes millions.
They live in the same agenda, so a simulated event loop can run beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from etagere.errors import Interrupted
from etagere_sim.world.disks import Corrupt, DiskFailed

if TYPE_CHECKING:
    from etagere_sim.world.hosts import Host

T = TypeVar("T")


class Waiting(Protocol):
    """What a task can wait for: it resumes the task once, some time later. Its text says what."""

    def attach(self, task: Task[Any]) -> None:
        """Resume the task when the time has come."""
        ...


class Task(Generic[T]):
    """A coroutine on a host. It dies with the host, without another line of it being run."""

    __slots__ = ("_epoch", "_host", "_waits_for", "_watchers", "_work", "name", "result")

    def __init__(self, host: Host, work: Coroutine[Waiting, Any, T]) -> None:
        self.name: str = getattr(work, "__qualname__", "a task")
        self.result: T | BaseException | None = None
        self._host = host
        self._epoch = host.epoch
        self._work: Coroutine[Waiting, Any, T] | None = work
        self._watchers: list[Callable[[T | BaseException], object]] | None = None
        self._waits_for: Waiting | None = None

    def __str__(self) -> str:
        return f"{self.name} on {self._host.name}"

    @property
    def waits_for(self) -> str:
        """What has to happen before it runs on."""
        return "nothing" if self._waits_for is None or self.done else str(self._waits_for)

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self._work is None

    def resume(self, value: Any = None) -> None:
        """Run on, up to the next thing to wait for."""
        if self._work is None or self._epoch != self._host.epoch:
            return
        try:
            waiting = self._waits_for = self._work.send(value)
        except StopIteration as end:
            self._finish(end.value)
        except (DiskFailed, Corrupt) as failure:
            self._host.fail(failure)
        else:
            waiting.attach(self)

    def die(self) -> None:
        """End as the host's process ends."""
        if self._work is not None:
            # Kept: a coroutine that is let go of runs its finally blocks, and a dead process none.
            self._host.world.buried.append(self._work)
            self._finish(Interrupted(f"{self._host.name} died"))

    def end(self) -> None:
        """End without a result: nobody is there any more to hear of it."""
        self._work = self._watchers = self._waits_for = None

    def watch(self, watcher: Callable[[T | BaseException], object]) -> None:
        """Call the watcher with the result, once it is there."""
        if self._work is None:
            watcher(self.result)  # type: ignore[arg-type]
        elif self._watchers is None:
            self._watchers = [watcher]
        else:
            self._watchers.append(watcher)

    def attach(self, task: Task[Any]) -> None:
        """Resume another task with the result."""
        self.watch(task.resume)

    def __await__(self) -> Generator[Waiting, Any, T]:
        if self._work is not None:
            yield self
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result  # type: ignore[return-value]

    def _finish(self, result: T | BaseException) -> None:
        self._work = self._waits_for = None
        self.result = result
        self._host.tasks.pop(self, None)
        if self._watchers is not None:
            for watcher in self._watchers:
                watcher(result)


class Sleep:
    """Wait for some milliseconds of the host's time."""

    __slots__ = ("_delay", "_host")

    def __init__(self, host: Host, delay: float) -> None:
        self._host = host
        self._delay = delay

    def __str__(self) -> str:
        return f"{self._delay:g} ms to pass"

    def attach(self, task: Task[Any]) -> None:
        """Resume the task after the delay."""
        self._host.after(self._delay, task.resume)

    def __await__(self) -> Generator[Waiting, None, None]:
        yield self


class Signal:
    """Something that happens once; tasks wait for it."""

    __slots__ = ("_tasks", "happened", "name")

    def __init__(self, name: str = "a signal") -> None:
        self.name = name
        """What it is about, for who waits in vain."""
        self.happened = False
        self._tasks: list[Task[Any]] = []

    def __str__(self) -> str:
        return self.name

    def set(self) -> None:
        """Let everybody who waits go on."""
        self.happened = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.resume()

    def attach(self, task: Task[Any]) -> None:
        """Resume the task when it happens."""
        self._tasks.append(task)

    def __await__(self) -> Generator[Waiting, None, None]:
        if not self.happened:
            yield self

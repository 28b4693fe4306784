"""An asyncio event loop whose time is that of an agenda."""

from __future__ import annotations

import asyncio
import threading
from asyncio import Handle, TimerHandle
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Executor
from contextvars import Context
from math import inf, nextafter
from typing import Any, NoReturn, TypeVar, TypeVarTuple

import anyio

from etagere_sim.kernel.agenda import Agenda
from etagere_sim.kernel.sameness import (
    SequencedTask,
    refuse_threads,
    sequenced_scopes,
    threads_refused,
)

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
MILLISECONDS = 1000.0


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs asyncio and anyio code in virtual time, one callback after another.

    No wall clock, no sockets, no threads. Nothing waits: where nothing can happen now, time jumps
    to the next timer, and where there is none `Deadlock` says who waits for what.
    """

    _stopping: bool

    def __init__(self, agenda: Agenda) -> None:
        super().__init__()
        self.agenda = agenda
        self._home = threading.get_ident()
        self._tasks_made = 0
        self.set_task_factory(self._make_task)
        agenda.witnesses.append(self._waiting)

    def time(self) -> float:
        """Return the time of the agenda, in seconds."""
        return self.agenda.now / MILLISECONDS

    def call_soon(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> Handle:
        """Call back at this moment."""
        handle = Handle(callback, args, self, context)
        self.agenda.soon(self._owner(callback), _run, handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> TimerHandle:
        """Call back after some seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> TimerHandle:
        """Call back at a time in seconds."""
        handle = TimerHandle(when, callback, args, self, context)
        self.agenda.at(_moment(when), self._owner(callback), _run, handle)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> Handle:
        """Call back at this moment. From another thread: refused, it has no virtual time."""
        if threading.get_ident() != self._home:
            refuse_threads()
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Arguments], T],
        *args: *Arguments,
    ) -> NoReturn:
        """Refuse: what a thread does takes no virtual time."""
        refuse_threads()

    def stop(self) -> None:
        """Stop after the callback that runs."""
        super().stop()
        self.agenda.stop()

    def close(self) -> None:
        """Close, and tell no more who waits."""
        if not self.is_closed():
            self.agenda.witnesses.remove(self._waiting)
        super().close()

    def _run_once(self) -> None:
        if self._stopping:  # before it began
            self.agenda.step()
        else:
            self.agenda.play()

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        pass  # it is passed over when its time comes

    def _owner(self, callback: Callable[..., object]) -> str:
        """Return whose step a callback is: only a chooser wants to know."""
        if self.agenda.chooser is None:
            return ""
        task = getattr(callback, "__self__", None)
        return task.get_name() if isinstance(task, asyncio.Task) else ""

    def _make_task(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, T] | Generator[Any, None, T],
        **more: Any,
    ) -> SequencedTask[T]:
        self._tasks_made += 1
        return SequencedTask(self._tasks_made, work, loop=loop, **more)

    def _waiting(self) -> Iterator[str]:
        for task in sorted(asyncio.all_tasks(self), key=hash):
            yield f"{task.get_name()} waits in {_place(task)}"


def simulate(agenda: Agenda, work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
    """Run an anyio program in the virtual time of an agenda, and return what it returns.

    The same program does the same in the same order in every process, on every version of Python:
    also the tasks of a task group are cancelled in the order in which they were started.
    """
    with sequenced_scopes(), threads_refused():
        options = {"loop_factory": lambda: SimulatedLoop(agenda)}
        return anyio.run(work, *arguments, backend="asyncio", backend_options=options)


def _moment(when: float) -> float:
    """Return the first moment, in milliseconds, whose time in seconds is not before another.

    Else a timer might find that it is not yet time, and set itself again for the same moment.
    """
    moment = when * MILLISECONDS
    while moment / MILLISECONDS < when:
        moment = nextafter(moment, inf)
    return moment


def _run(handle: Handle) -> None:
    if not handle.cancelled():
        handle._run()  # noqa: SLF001 - what asyncio's own loop does with it


def _place(task: asyncio.Task[Any]) -> str:
    """Return the functions that a task stands in, the innermost last."""
    places: list[str] = []
    work: Any = task.get_coro()
    while (frame := getattr(work, "cr_frame", None)) is not None:
        places.append(f"{work.__qualname__}, line {frame.f_lineno}")
        work = work.cr_await
    return " > ".join(places) or "a place that is not known"

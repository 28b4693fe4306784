"""What happens next: the one queue of a simulation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import inf
from typing import Any, NoReturn, Protocol, TypeAlias

Entry: TypeAlias = tuple[float, int, str, Callable[[Any], object], Any]
"""When (milliseconds), a number of its own, whose doing it is, what to call, and with what."""

MOST = 10_000_000
"""Entries that may happen in one go, before it is taken for one that has no end."""


class Chooser(Protocol):
    """Who decides which of several things that can happen now does happen."""

    def choose(self, ready: list[Entry], step: int) -> int:
        """Return the position of one of `ready`, which are two or more in the order they came."""
        ...


class Deadlock(Exception):
    """Nothing is left that could happen, and somebody still waits."""


class Agenda:
    """Things to do, each at a moment of virtual time.

    Time is in milliseconds, and passes only from one entry to the next. Entries of one moment
    happen in the order in which they were made, unless a chooser says otherwise.
    """

    __slots__ = ("_going", "_heap", "_made", "_soon", "chooser", "now", "witnesses")

    def __init__(self, chooser: Chooser | None = None) -> None:
        self.now = 0.0
        self.chooser = chooser
        self.witnesses: list[Callable[[], Iterable[str]]] = []
        """Each tells, when nothing can happen any more, who waits for what."""
        self._heap: list[Entry] = []
        self._soon: deque[Entry] = deque()  # for this very moment: no need to sort them
        self._made = 0
        self._going = False

    def __len__(self) -> int:
        return len(self._heap) + len(self._soon)

    @property
    def next(self) -> float:
        """When the next entry is to happen; infinity: there is none."""
        if self._soon:
            return self.now
        return self._heap[0][0] if self._heap else inf

    @property
    def steps(self) -> int:
        """How many entries have happened."""
        return self._made - len(self._heap) - len(self._soon)

    def after(
        self, delay: float, owner: str, do: Callable[[Any], object], what: Any = None
    ) -> None:
        """Do something after a delay."""
        self._made += 1
        heappush(self._heap, (self.now + delay, self._made, owner, do, what))

    def at(self, when: float, owner: str, do: Callable[[Any], object], what: Any = None) -> None:
        """Do something at a moment; at once, if that has passed."""
        self._made += 1
        heappush(self._heap, (max(when, self.now), self._made, owner, do, what))

    def soon(self, owner: str, do: Callable[[Any], object], what: Any = None) -> None:
        """Do something at this moment, after what was to be done in it already."""
        self._made += 1
        self._soon.append((self.now, self._made, owner, do, what))

    def step(self) -> bool:
        """Do what is next; return whether there was anything."""
        if self.chooser is not None:
            entry = self._chosen(self.chooser)
        elif self._soon and not (self._heap and self._heap[0] < self._soon[0]):
            entry = self._soon.popleft()
        elif self._heap:
            entry = heappop(self._heap)
        else:
            entry = None
        if entry is None:
            return False
        self.now = entry[0]
        entry[3](entry[4])
        return True

    def run(self, is_over: Callable[[], bool], most: int = MOST) -> None:
        """Let things happen until it is over, which is looked at after each of them.

        Raises `Deadlock` if before that nothing is left, or after so many steps.
        """
        for _ in range(most):
            if is_over():
                return
            if not self.step():
                raise self.deadlock()
        self._no_end(most)

    def play(self, until: float = inf, most: int = MOST) -> None:
        """Let things happen until one of them calls `stop`, or up to a moment, that included.

        Faster than `run`. Raises `Deadlock` if nothing is left before that; time then stands where
        the last thing happened. So it does after so many steps.
        """
        self._going = True
        if self.chooser is None:
            self._play_in_order(until, most)
            return
        for _ in range(most):
            if self._after(until):
                return
            self.step()
            if not self._going:
                return
        self._no_end(most)

    def stop(self) -> None:
        """Let nothing more happen in this `play`."""
        self._going = False

    def clear(self) -> None:
        """Forget all that was to be done, and who might wait for it."""
        self._heap.clear()
        self._soon.clear()
        self.witnesses.clear()

    def deadlock(self) -> Deadlock:
        """Return the error that says who waits for what."""
        who = [line for witness in self.witnesses for line in witness()]
        told = "".join(f"\n  {line}" for line in who) or " Nobody waits."
        return Deadlock(f"at {self.now:g} ms nothing is left that could happen.{told}")

    def _play_in_order(self, until: float, most: int) -> None:
        heap, soon = self._heap, self._soon
        for _ in range(most):
            if soon and not (heap and heap[0] < soon[0]):
                self.now, _, _, do, what = soon.popleft()
            elif heap and heap[0][0] <= until:
                self.now, _, _, do, what = heappop(heap)
            else:
                self._after(until)
                return
            do(what)
            if not self._going:
                return
        self._no_end(most)

    def _after(self, until: float) -> bool:
        """Tell whether all that is to happen up to a moment did, and if so let time pass to it."""
        if self._soon or (self._heap and self._heap[0][0] <= until):
            return False
        if until == inf:
            raise self.deadlock()
        self.now = max(self.now, until)
        return True

    def _chosen(self, chooser: Chooser) -> Entry | None:
        steps = self.steps
        while self._soon:
            heappush(self._heap, self._soon.popleft())
        if not self._heap:
            return None
        first = heappop(self._heap)
        if not self._heap or self._heap[0][0] > first[0]:
            return first
        ready = [first]
        while self._heap and self._heap[0][0] <= first[0]:
            ready.append(heappop(self._heap))
        chosen = ready.pop(chooser.choose(ready, steps))
        for entry in ready:
            heappush(self._heap, entry)
        return chosen

    def _no_end(self, most: int) -> NoReturn:
        raise Deadlock(f"at {self.now:g} ms, after {most:,} steps, there is no end in sight")

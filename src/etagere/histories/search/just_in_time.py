"""Just in time: follow all configurations at once, and put a step in only when it must be in.

The just-in-time linearization of Lowe (2017), breadth first. Steps wait until one of them is over;
then each configuration is extended, in every way, until that step is in it. Configurations that
differ only in crashed steps are told apart by how many of each kind they used, and those that used
fewest are followed first and stand for the rest. It is at its best where many steps crashed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from etagere.histories.search.outcome import STRIDE, Found, Search, Visited
from etagere.histories.search.problem import REFUSED, Problem
from etagere.histories.steps import Step

Path: TypeAlias = tuple["Path | None", int]
"""The moves that led here, the last one outside."""


Configuration: TypeAlias = tuple[int, int, int, int, int, Path | None]
"""Where one order of the steps so far has led: the state, which of the pending steps are in it (by
their bits), how many crashed steps of each kind, how many in all, how many others, and the path."""

START: Configuration = (0, 0, 0, 0, 0, None)


def just_in_time(problem: Problem) -> Search:
    """Search for an order."""
    pending = _Pending()
    configurations = [START]
    cost = 0
    for time, returning, step in _events(problem):
        if not returning:
            pending.add(step)
        elif step in pending.bits:
            extension = _Extension(problem, pending.bits, step, time)
            extended = yield from extension.run(configurations)
            if not extended:
                return extension.failure()
            configurations = pending.retire(extended)
            cost += extension.cost
            if cost > STRIDE:
                cost = 0
                yield len(configurations) + len(problem.transitions.rows)
    return Found(True, _order(problem, configurations[0]), [])


def _events(problem: Problem) -> list[tuple[int, bool, int]]:
    starts = [(time, False, step) for step, time in enumerate(problem.starts)]
    finishes = [(time, True, step) for step, time in enumerate(problem.finishes)]
    return sorted(starts + finishes)


def _order(problem: Problem, configuration: Configuration) -> list[Step]:
    moves: list[int] = []
    path = configuration[-1]
    while path is not None:
        path, move = path
        moves.append(move)
    return problem.steps_of(reversed(moves))


class _Pending:
    """The steps that are not in every configuration yet, each with a bit; few bits at a time."""

    def __init__(self) -> None:
        self.bits: dict[int, int] = {}
        self._free: list[int] = []
        self._next = 1

    def add(self, step: int) -> None:
        """Give a step a bit."""
        if not self._free:
            self._free.append(self._next)
            self._next <<= 1
        self.bits[step] = self._free.pop()

    def retire(self, configurations: list[Configuration]) -> list[Configuration]:
        """Take the bits of the steps that are in every configuration, over or not."""
        common = configurations[0][1]
        for each in configurations:
            common &= each[1]
        for step in [step for step, bit in self.bits.items() if bit & common]:
            self._free.append(self.bits.pop(step))
        return [
            (state, done ^ common, used, crashes, depth, path)
            for state, done, used, crashes, depth, path in configurations
        ]


class _Extension:
    """Extends configurations until the step that is over is in each of them."""

    def __init__(self, problem: Problem, pending: dict[int, int], target: int, time: int) -> None:
        self._problem = problem
        self._pending = pending
        self._bit, self._time = pending[target], time
        self.cost = 1 + len(pending) // 8
        kinds, reads = problem.kinds, problem.reads
        self._choices = [(step, bit, kinds[step]) for step, bit in pending.items()]
        self._reads = [choice for choice in self._choices if reads[choice[0]]]
        self._visited = Visited(problem.guards)
        self._reached: set[tuple[int, int, int, int]] = set()
        self._deepest = START
        # By the number of crashed steps: those with the fewest go first, and stand for the others.
        self._waiting: dict[int, list[Configuration]] = {}

    def run(self, configurations: list[Configuration]) -> Generator[int, None, list[Configuration]]:
        """Return the configurations with the step in them."""
        for each in configurations:
            self._waiting.setdefault(each[3], []).append(each)
        extended: list[Configuration] = []
        rows = self._problem.transitions.rows
        while self._waiting:
            crashes = min(self._waiting)
            level = self._waiting[crashes]
            while level:
                self.cost += 1
                if self.cost > STRIDE:
                    self.cost = 0
                    yield len(configurations) + self._visited.count + len(rows)
                here = self._observe(level.pop())
                state, done, used, *_ = here
                if not self._visited.enter((state, done), used):
                    continue
                if done & self._bit:
                    extended.append(here)
                else:
                    self._extend(here, level)
            del self._waiting[crashes]
        return extended

    def failure(self) -> Found:
        """Return how far the deepest configuration came, where none could be extended."""
        _, done, *_ = self._deepest
        steps = self._problem.steps
        frontier = [steps[step] for step, bit in self._pending.items() if not done & bit]
        return Found(False, _order(self._problem, self._deepest), frontier)

    def _observe(self, here: Configuration) -> Configuration:
        # An observation loses nothing by being made as early as possible.
        state, done, used, crashes, depth, path = here
        row, find = self._problem.transitions.rows[state], self._problem.transitions.find
        for step, bit, kind in self._reads:
            if not done & bit and (row[kind] if kind in row else find(state, kind)) == state:
                done, depth, path = done | bit, depth + 1, (path, step)
        return here if done == here[1] else (state, done, used, crashes, depth, path)

    def _extend(self, here: Configuration, level: list[Configuration]) -> None:
        state, done, used, crashes, depth, path = here
        if depth >= self._deepest[4]:
            self._deepest = here
        row, find = self._problem.transitions.rows[state], self._problem.transitions.find
        for step, bit, kind in self._choices:
            if not done & bit:
                after = row[kind] if kind in row else find(state, kind)
                reached = after, done | bit, used, crashes
                # Most ways lead where another has led: those are not worth a closer look.
                if after != REFUSED and reached not in self._reached:
                    self._reached.add(reached)
                    level.append((after, done | bit, used, crashes, depth + 1, (path, step)))
        if self._problem.crashed:
            self._crash(here)

    def _crash(self, here: Configuration) -> None:
        state, done, used, crashes, depth, path = here
        for move, after, crashed in self._problem.changes(state):
            if crashed.starts[(used >> crashed.shift) & crashed.mask] <= self._time:
                more = used + crashed.unit
                reached = after, done, more, crashes + 1
                if reached not in self._reached:
                    self._reached.add(reached)
                    self._waiting.setdefault(crashes + 1, []).append(
                        (after, done, more, crashes + 1, depth, (path, move))
                    )

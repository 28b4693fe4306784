"""Depth first: of the steps that may come next, try one and go on; take it back if that fails.

The algorithm of Wing and Gong (1993) with the memory of Lowe (2017), which never enters the same
configuration twice. It is at its best where an order exists and few steps crashed.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from etagere.histories.history import NEVER
from etagere.histories.search.outcome import STRIDE, Found, Search, Visited
from etagere.histories.search.problem import REFUSED, Problem

Move: TypeAlias = tuple[int, int]
"""A step, or ~i for one of crashed kind i; and the state after it."""
Place: TypeAlias = tuple[int, int, int]
"""Low, done, state: the steps below low are done, and those above it whose bits are set in done."""

LATER: Final[Move] = (0, REFUSED)
"""In place of the crashed steps, which are of use only where all others fail."""


def depth_first(problem: Problem) -> Search:
    """Search for an order."""
    remaining, visited = Remaining(problem), Visited(problem.guards)
    place, used = (0, 0, 0), 0
    moves = remaining.moves(0, 0)
    path: list[tuple[int, Place, int, list[Move]]] = []
    depth, steps = 0, 0
    longest: tuple[int, list[int], list[int]] = (-1, [], [])
    while depth < len(problem.steps):
        steps += 1
        if steps % STRIDE == 0:
            yield visited.count + len(problem.transitions.rows)
        if moves:
            chosen = moves.pop()
            if chosen is LATER:
                moves = remaining.crashed_moves(place[2], used)
                continue
            move, state = chosen
            after = _after(place, move, state)
            used_after = used if move >= 0 else used + problem.crashed[~move].unit
            if visited.enter(after, used_after):
                path.append((move, place, used, moves))
                if move >= 0:
                    remaining.lift(move)
                    depth += 1
                place, used = after, used_after
                moves = remaining.moves(state, used)
            continue
        if depth > longest[0]:
            longest = (depth, [each[0] for each in path], remaining.frontier())
        if not path:
            frontier = [problem.steps[step] for step in longest[2]]
            return Found(False, problem.steps_of(longest[1]), frontier)
        move, place, used, moves = path.pop()
        if move >= 0:
            remaining.put_back(move)
            depth -= 1
    return Found(True, problem.steps_of(each[0] for each in path), [])


def _after(place: Place, move: int, state: int) -> Place:
    low, done, _ = place
    if move > low:
        return low, done | 1 << (move - low), state
    if move < 0:
        return low, done, state
    # The first step that was missing: those right behind it may be done already.
    done = done >> 1
    ready = (~done & (done + 1)).bit_length() - 1
    return low + ready + 1, done >> ready, state


class Remaining:
    """The steps that are not in the order yet: a doubly linked list in the order of starts."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._end = size = len(problem.steps)
        self._following = [*range(1, size + 1), 0]
        self._previous = [size, *range(size)]

    def lift(self, step: int) -> None:
        """Take a step out."""
        before, after = self._previous[step], self._following[step]
        self._following[before] = after
        self._previous[after] = before

    def put_back(self, step: int) -> None:
        """Put a step back where it was. The last that was taken out goes back first."""
        self._following[self._previous[step]] = step
        self._previous[self._following[step]] = step

    def moves(self, state: int, used: int) -> list[Move]:
        """Return what may come next, the first to be tried last."""
        problem, following, end = self._problem, self._following, self._end
        starts, finishes, kinds = problem.starts, problem.finishes, problem.kinds
        row, find = problem.transitions.rows[state], problem.transitions.find
        found: list[Move] = []
        bound, step = NEVER, following[end]
        while step != end and starts[step] <= bound:
            kind = kinds[step]
            after = row[kind] if kind in row else find(state, kind)
            if after == state and problem.reads[step]:
                # An observation loses nothing by being made as early as possible.
                return [(step, after)]
            if after != REFUSED:
                found.append((step, after))
            bound = min(bound, finishes[step])
            step = following[step]
        if problem.crashed:
            found.append(LATER)
        found.reverse()
        return found

    def crashed_moves(self, state: int, used: int) -> list[Move]:
        """Return which crashed steps may come next, those first that make room for another step."""
        problem = self._problem
        frontier = self.frontier()
        bound = min((problem.finishes[step] for step in frontier), default=NEVER)
        found = [
            (move, after)
            for move, after, crashed in problem.changes(state)
            if crashed.starts[(used >> crashed.shift) & crashed.mask] <= bound
        ]
        row = problem.transitions.rows[state]
        stuck = [
            kind for kind in (problem.kinds[step] for step in frontier) if row[kind] == REFUSED
        ]
        found.sort(key=lambda move: self._allows(move[1], stuck))
        return found

    def _allows(self, state: int, kinds: list[int]) -> bool:
        row, find = self._problem.transitions.rows[state], self._problem.transitions.find
        return any((row[kind] if kind in row else find(state, kind)) != REFUSED for kind in kinds)

    def frontier(self) -> list[int]:
        """Return the steps that began before any that remains was over."""
        starts, finishes = self._problem.starts, self._problem.finishes
        found: list[int] = []
        bound, step = NEVER, self._following[self._end]
        while step != self._end and starts[step] <= bound:
            found.append(step)
            bound = min(bound, finishes[step])
            step = self._following[step]
        return found

"""Whose turn it is: the keys, smallest first, each searched by all strategies.

No strategy is the best one for every history, and one key can take longer than all the others
together. So every search gets a small budget, and those that need more get four times as much in
the next round. The first key that has no order ends it all. Where memory runs out, the search that
holds the most is given up; one that had to share the memory gets all of it at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Final, Generic, TypeAlias, TypeVar

from etagere.histories.limits import Limits
from etagere.histories.search.depth_first import depth_first
from etagere.histories.search.just_in_time import just_in_time
from etagere.histories.search.outcome import Found, Search
from etagere.histories.search.problem import Problem
from etagere.histories.search.relaxed import relaxed
from etagere.histories.steps import Model, Step
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict

S = TypeVar("S", bound=Hashable)

Strategy: TypeAlias = Callable[[Problem], Search]

STRATEGIES: Final[tuple[Strategy, ...]] = (depth_first, just_in_time)
"""Each comes to an answer in the end. Where steps crashed, `relaxed` may find one long before."""
FIRST_BUDGET = 4
"""In turns of one search, which are `STRIDE` configurations each."""
GROWTH = 4
SHARED = 0.9
"""A search that was given up with less than this part of the memory had to share it."""


class Competition(Generic[S]):
    """Searches all keys within the same limits."""

    def __init__(self, keys: Mapping[str, Sequence[Step]], model: Model[S], limits: Limits) -> None:
        self._keys = keys
        self._model = model
        self._limits = limits
        self._deadline = monotonic() + limits.seconds
        self._runners: dict[str, list[_Runner]] = {}
        self._interrupted: dict[str, list[Strategy]] = {}
        self._held = 0

    def verdicts(self) -> Iterator[KeyVerdict]:
        """Give a verdict for each key as it is decided; none after the first that is no."""
        open_keys = sorted(self._keys, key=lambda key: len(self._keys[key]))
        exhausted: list[str] = []
        budget = FIRST_BUDGET
        while open_keys:
            still_open: list[str] = []
            for key in open_keys:
                verdict = self._search(key, budget)
                if verdict is not None:
                    self._forget(key)
                    yield verdict
                    if verdict.answer is Answer.NO:
                        return
                elif self._runners[key]:
                    still_open.append(key)
                else:
                    exhausted.append(key)
            open_keys = still_open
            budget *= GROWTH
        for key in exhausted:
            verdict = self._search_alone(key)
            yield verdict
            if verdict.answer is Answer.NO:
                return

    def _search(self, key: str, budget: int) -> KeyVerdict | None:
        if key not in self._runners:
            problem = Problem(self._keys[key], self._model)
            strategies = (*STRATEGIES, relaxed) if problem.crashed else STRATEGIES
            self._runners[key] = [_Runner(strategy, problem) for strategy in strategies]
        for runner in tuple(self._runners[key]):
            for _ in range(budget):
                if monotonic() > self._deadline:
                    return self._undecided(key, f"in {self._limits.seconds:g} s")
                found = self._turn(key, runner)
                if found is not None:
                    return self._decided(key, found)
                if runner not in self._runners[key]:
                    break
        return None

    def _turn(self, key: str, runner: _Runner) -> Found | None:
        self._held -= runner.held
        found = runner.turn()
        self._held += runner.held
        if runner.over:
            self._runners[key].remove(runner)
        elif self._held > self._limits.states:
            self._give_up_the_largest()
        return found

    def _give_up_the_largest(self) -> None:
        everyone = [(each.held, key, each) for key, some in self._runners.items() for each in some]
        held, key, runner = max(everyone, key=lambda each: each[0])
        self._held -= held
        self._runners[key].remove(runner)
        if held < SHARED * self._limits.states:
            self._interrupted.setdefault(key, []).append(runner.strategy)

    def _search_alone(self, key: str) -> KeyVerdict:
        for strategy in self._interrupted.pop(key, ()):
            runner = _Runner(strategy, Problem(self._keys[key], self._model))
            while not runner.over and runner.held <= self._limits.states:
                if monotonic() > self._deadline:
                    return self._undecided(key, f"in {self._limits.seconds:g} s")
                found = runner.turn()
                if found is not None:
                    return self._decided(key, found)
        return self._undecided(key, f"with {self._limits.states:,} configurations in memory")

    def _forget(self, key: str) -> None:
        self._held -= sum(runner.held for runner in self._runners.pop(key))

    def _decided(self, key: str, found: Found) -> KeyVerdict:
        if found.complete:
            return KeyVerdict(key, Answer.YES, order=found.order, method="search")
        message = f"No order of the {len(self._keys[key])} calls explains every answer: "
        if found.possible:
            length = len(found.order)
            message += f"after the longest that was found, of {length} calls, none of these can"
        else:
            message += "even if lost calls took effect many times, none of these could"
        finding = Finding(Anomaly.NO_ORDER, key, f"{message} come next.", tuple(found.frontier))
        partial = found.order if found.possible else None
        return KeyVerdict(key, Answer.NO, (finding,), partial=partial, method="search")

    def _undecided(self, key: str, limit: str) -> KeyVerdict:
        message = (
            f"A complete search of the {len(self._keys[key])} calls came to no answer {limit};"
            " raise the limit, or record shorter histories with more keys."
        )
        finding = Finding(Anomaly.UNDECIDED, key, message)
        return KeyVerdict(key, Answer.UNDECIDED, (finding,), method="search")


class _Runner:
    """One search, and how much it holds."""

    def __init__(self, strategy: Strategy, problem: Problem) -> None:
        self.strategy = strategy
        self.held = 0
        self.over = False
        self._search = strategy(problem)

    def turn(self) -> Found | None:
        """Search on for a while; return what was found, if anything was."""
        try:
            self.held = next(self._search)
        except StopIteration as end:
            self.over, self.held = True, 0
            found: Found | None = end.value
            return found
        return None

"""Smaller histories that still fail, by delta debugging (Zeller and Hildebrandt, 2002).

Whole keys are taken away first, then clients, then calls. What is left is checked each time with
the checker that found the fault, and must show an anomaly of the same name on the same key. The
order of attempts depends on the history alone; where time runs out, the smallest failing history
so far is the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec.structs import replace

from etagere.histories.counterexamples.dependencies import needs_of
from etagere.histories.counterexamples.grounds import Grounds
from etagere.histories.history import Call, History
from etagere.histories.steps import Step
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict, Verdict

C = TypeVar("C", bound=Call | Step)
SECONDS = 10.0

AnyVerdict: TypeAlias = Verdict | KeyVerdict
Positions: TypeAlias = frozenset[int]


def minimise(
    history: History,
    check: Callable[[History], AnyVerdict],
    *,
    anomaly: Anomaly | None = None,
    seconds: float = SECONDS,
) -> History:
    """Return a smallest part of a history that still shows what is wrong with it.

    `anomaly` says which one, where there are several; by default the first that `check` names.
    A write stays while a read of its value, or a call that expects its etag, stays; and so does
    one of those that a call may have found, where which one is not known.
    A history in which `check` finds nothing wrong comes back as it is.
    """

    def check_calls(calls: Sequence[Call]) -> AnyVerdict:
        return check(replace(history, calls=calls))

    calls = minimise_calls(history.calls, check_calls, anomaly=anomaly, seconds=seconds)
    return replace(history, calls=calls)


def minimise_calls(
    calls: Sequence[C],
    check: Callable[[Sequence[C]], AnyVerdict],
    *,
    anomaly: Anomaly | None = None,
    seconds: float = SECONDS,
) -> list[C]:
    """Return a smallest failing part of calls or steps; as `minimise` for any checker of them."""
    deadline = time.monotonic() + seconds
    findings = _findings(check(calls))
    if findings is None:
        return list(calls)
    named = [finding for finding in findings if anomaly in (None, finding.anomaly)] or findings
    reduction = _Reduction(calls, check, named[0] if named else None, deadline)
    with suppress(_TimeUpError):
        reduction.run()
    return [calls[position] for position in sorted(reduction.smallest)]


class _TimeUpError(Exception):
    pass


class _Reduction(Generic[C]):
    """The smallest failing subset so far, as positions in the whole history."""

    def __init__(
        self,
        calls: Sequence[C],
        check: Callable[[Sequence[C]], AnyVerdict],
        finding: Finding | None,
        deadline: float,
    ) -> None:
        self.smallest: Positions = frozenset(range(len(calls)))
        self._calls = calls
        self._check = check
        self._finding = finding
        self._deadline = deadline
        self._needs = needs_of(calls)
        self._grounds = Grounds(calls)

    def run(self) -> None:
        if self._finding is not None:
            self._try_finding(self._finding)
        self._debug(lambda position: keys_of(self._calls[position]))
        self._debug(lambda position: self._calls[position].client)
        self._debug(lambda position: position)

    # --- attempts -----------------------------------------------------------------------------

    def _try(self, positions: Iterable[int]) -> bool:
        """Keep a subset, with all that it needs, if it is smaller and still fails."""
        if time.monotonic() > self._deadline:
            raise _TimeUpError
        subset = self._with_needs(positions)
        if len(subset) >= len(self.smallest):
            return False
        fails = self._fails(subset)
        if fails:
            self.smallest = subset
        return fails

    def _fails(self, subset: Positions) -> bool:
        verdict = self._check([self._calls[position] for position in sorted(subset)])
        findings = _findings(verdict)
        if findings is None or self._finding is None:
            return findings is not None
        wanted = (self._finding.anomaly, self._finding.key)
        same = any((finding.anomaly, finding.key) == wanted for finding in findings)
        return same and self._grounds.hold(subset)

    def _with_needs(self, positions: Iterable[int]) -> Positions:
        return _closure(positions, self._needs) & self.smallest

    def _try_finding(self, finding: Finding) -> None:
        """Begin with what the checker names: its witnesses alone, or else the calls of its key."""
        witnesses = set(map(identity, finding.witnesses))
        if witnesses and self._try(
            at for at, call in enumerate(self._calls) if identity(call) in witnesses
        ):
            return
        self._try(at for at, call in enumerate(self._calls) if finding.key in keys_of(call))

    # --- delta debugging ----------------------------------------------------------------------

    def _debug(self, group_of: Callable[[int], Hashable]) -> None:
        groups = self._grouped(group_of)
        parts = 2
        while len(groups) > 1:
            chunks = _split(groups, parts)
            if any(self._try(_flat(chunk)) for chunk in chunks):
                groups, parts = self._grouped(group_of), 2
            elif parts > 2 and self._try_without(chunks):
                groups, parts = self._grouped(group_of), parts - 1
            elif parts >= len(groups):
                return
            else:
                parts *= 2
            parts = min(parts, len(groups))

    def _try_without(self, chunks: Sequence[Sequence[Sequence[int]]]) -> bool:
        return any(self._try(self.smallest.difference(_flat(chunk))) for chunk in chunks)

    def _grouped(self, group_of: Callable[[int], Hashable]) -> list[list[int]]:
        groups: dict[Hashable, list[int]] = {}
        for position in sorted(self.smallest):
            groups.setdefault(group_of(position), []).append(position)
        return list(groups.values())


def keys_of(call: Call | Step) -> tuple[str, ...]:
    """Return the keys that a call is about."""
    if isinstance(call, Call) and call.parts:
        return tuple(dict.fromkeys(part.key for part in call.parts))
    return (call.key,)


def identity(call: Call | Step) -> tuple[int, int, str]:
    """Return what tells a call from every other one, also where only a part of it is at hand."""
    return call.start, call.finish, call.client


def _findings(verdict: AnyVerdict) -> list[Finding] | None:
    """Return what a failing verdict finds; None where it does not fail."""
    return list(verdict.findings) if verdict.answer is Answer.NO else None


def _closure(positions: Iterable[int], edges: Sequence[Positions]) -> Positions:
    reached = set(positions)
    new = list(reached)
    while new:
        found = edges[new.pop()] - reached
        reached |= found
        new += found
    return frozenset(reached)


def _split(groups: Sequence[Any], parts: int) -> list[Sequence[Any]]:
    bounds = [len(groups) * part // parts for part in range(parts + 1)]
    return [groups[low:high] for low, high in pairwise(bounds)]


def _flat(groups: Iterable[Iterable[int]]) -> Iterable[int]:
    return (position for group in groups for position in group)

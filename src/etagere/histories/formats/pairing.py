"""Steps from invocations and completions, as Jepsen and its kin write them down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, Final, TypeGuard, final

from msgspec import Struct

from etagere.histories.formats.edn import is_vector
from etagere.histories.history import NEVER, Status
from etagere.histories.identities import client_in_life
from etagere.histories.malformed import MalformedHistory
from etagere.histories.steps import Step

STATUSES: Final = {"ok": Status.OK, "info": Status.INFO, "fail": Status.FAIL}
OBSERVING: Final = frozenset({"read", "get"})
"""What is asked for with no argument, and answered with a value."""


@final
class Event(Struct, frozen=True):
    """One line of a history: a process invokes something, or what it invoked is complete."""

    line: int
    process: Hashable
    type: str
    """invoke, ok, fail or info."""
    function: str
    value: Any
    key: str | None = None
    """None: it may be the first half of the value."""
    observed: bool = False
    """Of a fail: whether it was an answer of the object itself, a cas whose value was not there."""


@final
class _Pair(Struct, frozen=True):
    start: int
    invoked: Event
    client: str
    finish: int = NEVER
    completed: Event | None = None

    @property
    def is_lost(self) -> bool:
        return self.completed is None or self.completed.type == "info"


def pair(events: Iterable[Event], source: str) -> list[Step]:
    """Return the steps of a history. Times are the positions of the events in it.

    A process that invokes again without a completion, and one that never gets one, leaves a step
    that may take effect at any time. Where each value is a pair, its first half is the key. Raises
    `MalformedHistory` where events do not fit together.
    """
    pairs: list[_Pair] = []
    pending: dict[Hashable, _Pair] = {}
    lost: Counter[Hashable] = Counter()
    for position, event in enumerate(events):
        process = event.process
        done = before = pending.pop(process, None)
        _check(event, before, source)
        if before is not None and event.type != "invoke":
            done = _Pair(before.start, before.invoked, before.client, position, event)
        if done is not None:
            pairs.append(done)
            lost[process] += done.is_lost
        if event.type == "invoke":
            pending[process] = _Pair(position, event, client_in_life(str(process), lost[process]))
    pairs.extend(pending.values())
    if not pairs:
        raise MalformedHistory(source, None, "there is no operation in it; is this the format?")
    keyed = all(_is_keyed(each.invoked) for each in pairs)
    return [_step(each, keyed) for each in sorted(pairs, key=_start)]


def _start(pair: _Pair) -> int:
    return pair.start


def _check(event: Event, before: _Pair | None, source: str) -> None:
    process, problem = event.process, ""
    if event.type == "invoke":
        if event.function == "cas" and not _is_pair(event.value):
            problem = f"the value of a cas is [from to], not {event.value}"
    elif event.type not in STATUSES:
        problem = f"the type is invoke, ok, fail or info, not {event.type!r}"
    elif before is None:
        problem = f"process {process} completes {event.function!r}, which it has not invoked"
    elif before.invoked.function != event.function:
        problem = (
            f"process {process} completes {event.function!r}, but what it invoked in line"
            f" {before.invoked.line} is {before.invoked.function!r}"
        )
    if problem:
        raise MalformedHistory(source, event.line, problem)


def _is_keyed(invoked: Event) -> bool:
    """Tell whether an invocation may be one of many objects: its value is a key and a value."""
    value = invoked.value
    if invoked.key is not None or not _is_pair(value):
        return False
    return invoked.function != "cas" or _is_pair(value[1])


def _is_pair(value: object) -> TypeGuard[tuple[Any, Any]]:
    return is_vector(value) and len(value) == 2


def _step(pair: _Pair, keyed: bool) -> Step:
    invoked, completed = pair.invoked, pair.completed
    status = Status.INFO if completed is None else STATUSES[completed.type]
    asked, answered = invoked.value, completed.value if completed and status is Status.OK else None
    key = invoked.key or ""
    if keyed:
        key, asked = str(asked[0]), asked[1]
        answered = answered[1] if _is_pair(answered) else None
    observing = invoked.function in OBSERVING
    return Step(
        function=invoked.function,
        argument=None if observing else answered if asked is None else asked,
        result=answered if observing else None,
        start=pair.start,
        finish=pair.finish,
        status=Status.MISMATCH if completed and completed.observed else status,
        client=pair.client,
        key=key,
    )

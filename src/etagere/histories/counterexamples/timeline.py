"""From a verdict to what there is to draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from etagere.histories.counterexamples import describing, states
from etagere.histories.counterexamples.choosing import chosen, events, gaps, is_open, matters
from etagere.histories.counterexamples.drawing import Interval, Timeline
from etagere.histories.counterexamples.minimise import identity, keys_of
from etagere.histories.counterexamples.placing import lanes, letters, points
from etagere.histories.counterexamples.shortening import Shortener
from etagere.histories.history import Call, History, Status
from etagere.histories.models import Product
from etagere.histories.steps import Model, Step
from etagere.histories.verdicts import Answer, Finding, KeyVerdict, Verdict

MOST = 120
TOGETHER = ""
"""The key of a verdict on all keys together."""


def timelines(
    history: History | Iterable[Step],
    verdict: Verdict,
    *,
    model: Model[Any] | None = None,
    most: int = MOST,
) -> Iterator[Timeline]:
    """Give a timeline for each finding of a verdict, and one for each key without any.

    `model` is that of the steps, for the states along an order; calls need none.
    """
    initial = history.initial if isinstance(history, History) else None
    by_key = _by_key(history)
    if TOGETHER in verdict.keys and TOGETHER not in by_key:
        by_key = {TOGETHER: [step for steps in by_key.values() for step in steps]}
        model = model and Product(model, (step.key for step in by_key[TOGETHER]))
    for key, judged in verdict.keys.items():
        calls = by_key.get(key, ())
        for finding in judged.findings or (None,):
            yield timeline(calls, judged, finding, initial=initial, model=model, most=most)


def timeline(
    calls: Sequence[Call] | Sequence[Step],
    verdict: KeyVerdict,
    finding: Finding | None = None,
    *,
    initial: str | None = None,
    model: Model[Any] | None = None,
    most: int = MOST,
) -> Timeline:
    """Return how the calls of one key show a finding; of a verdict without one, their order.

    Where there are more than `most` calls, those around the finding's witnesses are drawn.
    `initial` is the value at the start, as in `History`.
    """
    told = [call for call in _calls(calls) if matters(call)]
    finding = finding or next(iter(verdict.findings), None)
    witnesses = _calls(finding.witnesses) if finding else []
    drawn = chosen(told, witnesses, most)
    along = _Along(verdict, model or states.model_of(told, initial))
    sketch = _Sketch(verdict.key, drawn, witnesses, along, states.values_of(told))
    return Timeline(
        key=verdict.key,
        answer=verdict.answer,
        anomaly=finding.anomaly if finding else None,
        message=finding.message if finding else _summary(verdict, len(calls)),
        lanes=lanes(sketch.intervals()),
        events=len(events(drawn)),
        conflicts=() if along.partial else sketch.conflicts(),
        gaps=gaps(told, drawn),
        ordered=bool(along.order),
        complete=verdict.order is not None,
    )


def _by_key(history: History | Iterable[Step]) -> Mapping[str, Sequence[Any]]:
    if isinstance(history, History):
        return history.by_key()
    keys: dict[str, list[Step]] = {}
    for step in history:
        keys.setdefault(step.key, []).append(step)
    return keys


def _calls(items: Iterable[Any]) -> list[Call | Step]:
    return [describing.call_of(item) for item in items]


def _summary(verdict: KeyVerdict, calls: int) -> str:
    if verdict.answer is Answer.YES:
        return f"One order of the {calls} calls explains every answer."
    return f"The {calls} calls are {verdict.answer}."


class _Along:
    """The order of a verdict, if it has one, with the states on its way."""

    def __init__(self, verdict: KeyVerdict, model: Model[Any] | None) -> None:
        self.order = _calls(verdict.order or verdict.partial or ())
        self.partial = verdict.order is None and verdict.partial is not None
        self.positions = {identity(call): at for at, call in enumerate(self.order, 1)}
        self._changes = states.along(self.order, model) if model else []
        self._initial = states.state_text(model.initial) if model else ""

    def change(self, call: Call | Step) -> states.Change | None:
        """Return the states before and after a call of the order; None where it is not in it."""
        position = self.positions.get(identity(call), len(self.order) + 1)
        return self._changes[position - 1] if position <= len(self._changes) else None

    def stuck(self) -> states.Change | None:
        """Return the state after an order that nothing can follow."""
        if not self.partial or len(self._changes) < len(self.order):
            return None
        last = self._changes[-1][1] if self._changes else self._initial
        return last, states.UNEXPLAINED


class _Sketch:
    """What there is to know of each call that is drawn."""

    def __init__(
        self,
        key: str,
        drawn: Sequence[Call | Step],
        witnesses: Sequence[Call | Step],
        along: _Along,
        values: dict[str, str],
    ) -> None:
        self._key = key
        self._drawn = drawn
        self._along = along
        self._values = values
        self._names = letters(witnesses)
        self._ranks = {moment: rank for rank, moment in enumerate(events(drawn))}
        self._points = points(along.order, drawn, self._ranks)
        self._short = Shortener(text for call in drawn for text in describing.names_in(call))
        self._many_keys = len({key for call in drawn for key in keys_of(call)}) > 1

    def intervals(self) -> list[Interval]:
        return [self._interval(number, call) for number, call in enumerate(self._drawn, 1)]

    def conflicts(self) -> tuple[tuple[int, int], ...]:
        """Return which witnesses exclude each other: those that expect the same, or neighbours."""
        named = [(at, call) for at, call in enumerate(self._drawn, 1) if self._name_of(call)]
        rivals = [
            (one, other)
            for (one, first), (other, second) in combinations(named, 2)
            if _expected(first) is not None and _expected(first) == _expected(second)
        ]
        return tuple(rivals or ((one, other) for (one, _), (other, _) in pairwise(named)))

    def _interval(self, number: int, call: Call | Step) -> Interval:
        before, after = self._change(call)
        return Interval(
            number=number,
            client=call.client,
            start=self._ranks[call.start],
            finish=None if is_open(call) else self._ranks[call.finish],
            asked=self._asked(call),
            answered=describing.answered(call, self._short),
            sentence=describing.sentence(call),
            status=call.status,
            name=self._name_of(call),
            position=self._along.positions.get(identity(call)),
            point=self._points.get(identity(call)),
            before=before,
            after=after,
            words=tuple(dict.fromkeys((self._key, *describing.words(call)))),
        )

    def _name_of(self, call: Call | Step) -> str:
        return self._names.get(identity(call), "")

    def _asked(self, call: Call | Step) -> str:
        words = describing.asked(call, self._short)
        return f"{self._short(call.key)}: {words}" if self._many_keys and call.key else words

    def _change(self, call: Call | Step) -> states.Change:
        stuck = self._along.stuck() if self._name_of(call) else None
        return self._along.change(call) or stuck or states.told(call, self._values)


def _expected(call: Call | Step) -> str | None:
    return call.expected if isinstance(call, Call) and call.status is Status.OK else None

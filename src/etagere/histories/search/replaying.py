"""The check of a certificate, which shares nothing with the search that found it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from etagere.histories.history import NEVER, Status
from etagere.histories.steps import Model, Step

S = TypeVar("S", bound=Hashable)


def replay(order: Sequence[Step], steps: Iterable[Step], model: Model[S]) -> str | None:
    """Return what is wrong with an order of these steps as a proof; None where it is one.

    It must have each step that is known to have taken effect, and no step twice; no step may come
    after one that began when it was over; and the model must explain each answer.
    """
    return _misses(order, steps) or _travels_in_time(order) or _refused(order, model)


def is_possible(order: Sequence[Step]) -> bool:
    """Tell whether no step is in an order twice, and each may come after those before it."""
    return len({id(step) for step in order}) == len(order) and _travels_in_time(order) is None


def _misses(order: Sequence[Step], steps: Iterable[Step]) -> str | None:
    placed = {id(step) for step in order}
    if len(placed) < len(order):
        return "a step is in the order twice"
    for step in steps:
        if id(step) in placed:
            placed.remove(id(step))
        elif step.status not in (Status.INFO, Status.FAIL):
            return f"a step is missing: {step}"
    return f"the order has {len(placed)} steps that are not in the history" if placed else None


def _travels_in_time(order: Sequence[Step]) -> str | None:
    earliest = NEVER
    for step in reversed(order):
        if step.start > earliest:
            return f"it comes before a step that was over when it began: {step}"
        if step.status is not Status.INFO:
            earliest = min(earliest, step.finish)
    return None


def _refused(order: Sequence[Step], model: Model[S]) -> str | None:
    state = model.initial
    for step in order:
        after = model.step(state, step)
        if after is None:
            return f"the state before it does not explain its answer: {state!r}, {step}"
        state = after
    return None

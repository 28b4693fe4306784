"""What a step of unknown effect is not: two wrong readings, to see that a checker tells them apart.

A checker that takes one of them for the truth is hard to tell from a right one, except by histories
of real crashes: most of those that are linearizable turn out not to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from etagere.histories.history import NEVER, Status
from etagere.histories.steps import Step


def never_applied(steps: Sequence[Step]) -> list[Step]:
    """Take every step of unknown effect to have had none."""
    return [step for step in steps if step.status is not Status.INFO]


def applied_when_reported(steps: Sequence[Step]) -> list[Step]:
    """Take every step of unknown effect to have taken it before its client gave up."""
    return [_applied(step) for step in steps]


def _applied(step: Step) -> Step:
    given_up = step.status is Status.INFO and step.finish != NEVER
    return replace(step, status=Status.OK) if given_up else step


MISREADINGS: Final[Mapping[str, Callable[[Sequence[Step]], list[Step]]]] = {
    "never applied": never_applied,
    "applied when reported": applied_when_reported,
}

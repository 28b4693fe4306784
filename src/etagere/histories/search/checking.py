"""Complete checks: whether there is an order of the steps that explains every answer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from time import perf_counter
from typing import TypeVar

from etagere.histories.limits import Limits
from etagere.histories.models import Product
from etagere.histories.search.competition import Competition
from etagere.histories.steps import Model, Step
from etagere.histories.verdicts import KeyVerdict, Verdict, overall

S = TypeVar("S", bound=Hashable)

NO_LIMITS_GIVEN = Limits()


def search(steps: Sequence[Step], model: Model[S], limits: Limits = NO_LIMITS_GIVEN) -> KeyVerdict:
    """Decide whether the steps of one object are linearizable.

    Steps whose status is info take effect at any time after their start, or never; those whose
    status is fail are left out. The other steps must all take effect, between start and finish.
    """
    key = steps[0].key if steps else ""
    return next(Competition({key: steps}, model, limits).verdicts())


def check_steps(
    steps: Iterable[Step],
    model: Model[S],
    limits: Limits = NO_LIMITS_GIVEN,
    *,
    partition: bool = True,
) -> Verdict:
    """Decide whether a history is linearizable, each key an object of its own.

    That takes far less time than to search for one order of everything, and has the same answer
    (P-compositionality: Horn and Kroening, 2015). Without `partition` there is one search for all
    keys together. The check ends at the first key that is not linearizable; keys that it did not
    get to have no verdict.
    """
    started = perf_counter()
    steps = list(steps)
    if partition:
        verdicts = list(Competition(_by_key(steps), model, limits).verdicts())
    else:
        product = Product(model, (step.key for step in steps))
        verdicts = list(Competition({"": steps}, product, limits).verdicts())
    answer = overall([verdict.answer for verdict in verdicts])
    keys = {verdict.key: verdict for verdict in verdicts}
    return Verdict(answer, keys, len(steps), perf_counter() - started)


def _by_key(steps: Iterable[Step]) -> dict[str, list[Step]]:
    keys: dict[str, list[Step]] = {}
    for step in steps:
        keys.setdefault(step.key, []).append(step)
    return keys

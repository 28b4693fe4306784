"""An easier problem: crashed steps may take effect any number of times.

Where no order exists even so, none exists. Where one does, it may need no step twice. What makes
many crashed steps hard, which of them are used up already, is not remembered at all.
"""

from __future__ import annotations

from etagere.histories.search.just_in_time import just_in_time
from etagere.histories.search.outcome import Found, Search
from etagere.histories.search.problem import Problem
from etagere.histories.search.replaying import is_possible


def relaxed(problem: Problem) -> Search:
    """Search for an order; give up where the one that is found uses a crashed step twice."""
    found = yield from just_in_time(problem.relaxed())
    if found is None or is_possible(found.order):
        return found
    return None if found.complete else Found(False, found.order, found.frontier, possible=False)

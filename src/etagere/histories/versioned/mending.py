"""Where the quick order does not go on: a complete search of a window around the trouble."""

from __future__ import annotations

from time import monotonic

from etagere.histories.history import NEVER
from etagere.histories.limits import Limits
from etagere.histories.models import VersionedKey
from etagere.histories.search import search
from etagere.histories.verdicts import Answer, KeyVerdict
from etagere.histories.versioned.surroundings import Surroundings
from etagere.histories.versioned.weaving import Weaver
from etagere.histories.versioned.windows import Window, relaxed_window, strict_window

FIRST_SIZE = 8
"""In versions before the trouble, and things to be placed after it."""
GROWTH = 4
WINDOW_SECONDS = 5.0
WINDOW_STATES = 100_000


def mend(
    weaver: Weaver, near: Surroundings, limits: Limits
) -> tuple[Answer, KeyVerdict | None, Window | None]:
    """Search windows of growing size until one decides.

    Where that is yes, the order of `weaver` goes on behind the trouble. Where that is no, its
    verdict and the window come back. Undecided is where only the whole key is left to be searched.
    """
    trouble = weaver.events[weaver.position]
    ends = monotonic() + limits.seconds
    size = FIRST_SIZE
    while True:
        length, end = _bounds(weaver, size)
        if (length == 1 and end == NEVER) or monotonic() > ends:
            return Answer.UNDECIDED, None, None
        versions = weaver.order.versions
        cut = versions[length - 1]
        left, taken = weaver.left_after(length, end), versions[length:]
        window = strict_window(near, cut, end, left, taken)
        found = _search(window, _allowance(limits, ends))
        if found.answer is Answer.YES:
            weaver.splice(length, window.solution(found.order or ()), end)
            if trouble.placed:
                return Answer.YES, None, None
        if length == 1 or not near.clusters.names.has_guesses:
            window = relaxed_window(near, cut, end)
            found = _search(window, _allowance(limits, ends))
            if found.answer is Answer.NO:
                return Answer.NO, found, window
        size *= GROWTH


def _bounds(weaver: Weaver, size: int) -> tuple[int, int]:
    """Return how much of the order a window keeps, and the moment at which it ends."""
    versions = weaver.order.versions
    length = max(1, len(versions) - size)
    while length > 1 and versions[length - 1].is_optional:
        length -= 1
    after = weaver.position + size
    return length, weaver.events[after].deadline if after < len(weaver.events) else NEVER


def _search(window: Window, limits: Limits) -> KeyVerdict:
    return search(window.steps(), VersionedKey(window.calls), limits)


def _allowance(limits: Limits, ends: float) -> Limits:
    left = max(0.0, ends - monotonic())
    return Limits(seconds=min(left, WINDOW_SECONDS), states=min(limits.states, WINDOW_STATES))

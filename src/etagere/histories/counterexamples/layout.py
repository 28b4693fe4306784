"""How wide the time between two events must be, for every call to have room for its label."""

from __future__ import annotations

from collections.abc import Callable

from etagere.histories.counterexamples.drawing import Interval, Timeline


def edges(
    timeline: Timeline, need: Callable[[Interval], int], *, least: int, gap: int
) -> list[int]:
    """Return where each event is, and after them the right edge of the drawing.

    Two events are at least `least` apart, an interval is as wide as it needs, and there is room of
    `gap` before an event where calls are left out.
    """
    widths = [least] * timeline.events
    spans = [(_slots(interval, timeline), need(interval)) for interval in timeline.intervals]
    for slots, needed in sorted(spans, key=lambda span: len(span[0])):
        missing = needed - sum(widths[slot] for slot in slots)
        for at, slot in enumerate(slots):
            # What cannot be shared evenly goes to the first.
            widths[slot] += max(0, (missing + len(slots) - 1 - at) // len(slots))
    places = [0]
    for slot, width in enumerate(widths):
        places.append(places[-1] + width + gap * (slot + 1 in timeline.gaps))
    first = gap * (0 in timeline.gaps)
    return [first + place for place in places]


def _slots(interval: Interval, timeline: Timeline) -> range:
    return range(interval.start, timeline.events if interval.finish is None else interval.finish)

"""What went wrong, as stretches of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from etagere_sim.pages.picture import Life, Stretch
from etagere_sim.pages.wording import fault_label
from etagere_sim.world.faults import Cut, Fault, Held, MessageFault, SentTwice
from etagere_sim.world.trace import Event, What

KINDS = {What.DIED: "down", What.PAUSED: "paused"}
ENDS = {What.STARTED: "down", What.WENT_ON: "paused", What.DIED: "paused"}


def stretches(events: Sequence[Event], lanes: Mapping[str, int], calm: float) -> Iterator[Stretch]:
    """Yield the faults but those of single messages, in the order in which they began."""
    for event in events:
        if event.what is What.FAULT and not isinstance(event.said, MessageFault):
            fault: Fault = event.said
            ways = list(_ways(fault, lanes))
            yield Stretch(
                kind=type(fault).__name__,
                label=fault_label(fault),
                at=event.at,
                until=max(event.at, min(getattr(fault, "until", event.at), calm)),
                lanes=[lanes[host] for host in _struck(fault)],
                ways=ways,
            )


def _struck(fault: Fault) -> Sequence[str]:
    if isinstance(fault, Cut):
        return min(fault.sources, fault.targets, key=len)
    if isinstance(fault, Held):
        return fault.targets
    host = fault.client if isinstance(fault, SentTwice) else getattr(fault, "host", "")
    return [host] if host else []


def _ways(fault: Fault, lanes: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    if not isinstance(fault, Cut | Held):
        return
    for source in fault.sources:
        for target in fault.targets:
            if source != target:
                yield lanes[source], lanes[target]
                if isinstance(fault, Cut) and fault.both:
                    yield lanes[target], lanes[source]


def lives(events: Sequence[Event], lanes: Mapping[str, int], end: float) -> Iterator[Life]:
    """Yield when hosts had no process, or one that stood still, in the order of the ends."""
    begun: dict[tuple[str, str], float] = {}
    for event in events:
        over = ENDS.get(event.what)
        if over and (event.host, over) in begun:
            at = begun.pop((event.host, over))
            yield Life(lanes[event.host], at, event.at, over)
        if event.what in KINDS:
            begun[event.host, KINDS[event.what]] = event.at
    for (host, what), at in begun.items():
        yield Life(lanes[host], at, end, what)

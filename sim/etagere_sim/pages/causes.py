"""Which operation of a client each event belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from etagere.histories.history import NEVER, Call
from etagere_sim.pages.picture import NOTHING
from etagere_sim.world.trace import Event, What

Questions = Mapping[tuple[str, int], int]
MESSAGE_ENDS = frozenset({What.ARRIVED, What.UNHEARD, What.LOST, What.CUT})


class Causes:
    """Follows causes back: from a message to what its sender was about, and so on."""

    def __init__(
        self, events: Sequence[Event], calls: Sequence[Call], times: Sequence[float]
    ) -> None:
        self.of_event: dict[int, int] = {}
        """The place of an operation among the calls, by the number of an event."""
        self.of_question: dict[tuple[str, int], int] = {}
        """The same, by the host that put a question, and its number there."""
        self.told: dict[int, float] = {}
        """When the last task of an operation ended."""
        self._clients = _Clients(calls, times)
        self._tasks: dict[int, int] = {}
        for event in events:
            operation = self._operation(event)
            if operation != NOTHING:
                self.of_event[event.number] = operation

    def _operation(self, event: Event) -> int:
        if event.what is What.BEGAN:
            known = self.of_event.get(event.cause, NOTHING)
            if known == NOTHING:
                known = self._clients.at(event.host, event.at)
                self._tasks[event.number] = known
            return known
        if event.what is What.ENDED:
            self._end(event)
        if event.what in MESSAGE_ENDS:
            return self.of_event.get(event.message, NOTHING)
        if event.what is What.SENT and event.question < 0:
            return self.of_question.get((event.target, -event.question), NOTHING)
        operation = self.of_event.get(event.cause, NOTHING)
        if event.what is What.ASKED:
            self.of_question[event.host, event.question] = operation
        return operation

    def _end(self, event: Event) -> None:
        operation = self._tasks.get(event.message, NOTHING)
        if operation != NOTHING:
            self.told[operation] = max(event.at, self.told.get(operation, 0.0))


class _Clients:
    """Which operation a client was at, and when."""

    def __init__(self, calls: Sequence[Call], times: Sequence[float]) -> None:
        self._starts: dict[str, list[float]] = {}
        self._numbers: dict[str, list[int]] = {}
        self._ends = [times[call.finish - 1] if call.finish != NEVER else None for call in calls]
        for number, call in enumerate(calls):
            self._starts.setdefault(call.client, []).append(times[call.start - 1])
            self._numbers.setdefault(call.client, []).append(number)

    def at(self, client: str, moment: float) -> int:
        place = bisect_right(self._starts.get(client, []), moment) - 1
        if place < 0:
            return NOTHING
        number = self._numbers[client][place]
        end = self._ends[number]
        return NOTHING if end is not None and moment > end else number

"""Ends of waiting, most of which come to nothing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etagere_sim.world.asking import Asked
    from etagere_sim.world.hosts import Host


class Deadlines:
    """Ends questions that were put with the same patience, so that their ends are in a row.

    The agenda hears only of the first that is still open: nearly all are answered before it.
    """

    __slots__ = ("_agenda", "_host", "_patience", "_row")

    def __init__(self, host: Host, patience: float) -> None:
        self._host = host
        self._agenda = host.world.agenda
        self._patience = patience
        self._row: deque[tuple[float, Asked[Any]]] = deque()

    def add(self, asked: Asked[Any]) -> None:
        """End a question when the patience with it is over."""
        row = self._row
        ends = self._agenda.now + self._patience
        row.append((ends, asked))
        if len(row) == 1:
            self._host.at(ends, self._look)

    def _look(self, _: object) -> None:
        row, now = self._row, self._agenda.now
        while row and (row[0][1].over or row[0][0] <= now):
            # What its end sets going may put the next question.
            row[0][1].end()
            row.popleft()
        if row:
            self._host.at(row[0][0], self._look)
        elif self._host.deadlines.get(self._patience) is self:
            del self._host.deadlines[self._patience]

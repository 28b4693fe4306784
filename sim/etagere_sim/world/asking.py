"""Putting a question to several hosts, and waiting for enough answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from etagere_sim.world.tasks import Task, Waiting

R = TypeVar("R")


class Asked(Generic[R]):
    """The answers to one question.

    Awaiting it returns itself, when there are enough answers, when everybody has answered, or when
    the time is over. Of a host that answers twice, because a message came twice, the first counts.
    """

    __slots__ = ("_enough", "_task", "answers", "late", "over", "targets")

    def __init__(self, targets: Iterable[str], enough: int | Callable[[Asked[R]], bool]) -> None:
        self.targets = tuple(targets)
        self.answers: dict[str, R] = {}
        """By host, in the order in which they came. Late ones are in it as well."""
        self.over = False
        self.late: Callable[[str, R], object] | None = None
        """Called with each answer that comes after the waiting was over."""
        self._enough = enough
        self._task: Task[Any] | None = None

    def __len__(self) -> int:
        return len(self.answers)

    def __str__(self) -> str:
        silent = [target for target in self.targets if target not in self.answers]
        return f"answers from {', '.join(silent)} ({len(self.answers)} of {len(self.targets)} came)"

    def answered(self, source: str, answer: R) -> bool:
        """Take one answer down; return whether everybody has answered."""
        answers = self.answers
        if source in answers:
            return False
        answers[source] = answer
        everybody = len(answers) == len(self.targets)
        if self.over:
            if self.late is not None:
                self.late(source, answer)
            return everybody
        enough = self._enough
        if everybody or (len(answers) >= enough if isinstance(enough, int) else enough(self)):
            self.end()
        return everybody

    def end(self, _: object = None) -> None:
        """Wait no longer."""
        if not self.over:
            self.over = True
            if self._task is not None:
                self._task.resume(self)

    def attach(self, task: Task[Any]) -> None:
        """Resume the task when the waiting is over."""
        self._task = task

    def __await__(self) -> Generator[Waiting, Any, Asked[R]]:
        if not self.over:
            yield self
        return self

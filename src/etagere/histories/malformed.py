"""What a file that cannot be read as a history is called."""

from __future__ import annotations

from etagere.errors import EtagereError


class MalformedHistory(EtagereError, ValueError):
    """Raised when a file is not a history in the format that it is read as."""

    def __init__(self, source: str, line: int | None, problem: str) -> None:
        self.source, self.line, self.problem = source, line, problem
        super().__init__(source, line, problem)

    def __str__(self) -> str:
        place = f"{self.source}, line {self.line}" if self.line else self.source
        return f"{place}: {self.problem}"
